"""One search for transactions, made so that it suits whichever values it is given.

The text of a statement knows the keys of a filter but not how common their values are, alone or
together, and what PostgreSQL expects of values that meet nowhere, or only long ago, is wrong by any
factor. So the statement finds out by itself, from the place where the reader stands:

1. Where does the list of each condition go on? At the farthest of these places the page can begin:
   whatever lies before misses one condition. A list without an entry ends the search.
2. How far do the next `PROBED` entries of each list reach from there? One that ends before is
   short; of the others the one that reaches farthest is the sparsest just here.
3. A short list is read whole, and a small set, too; else the two sparsest lists are merged, unless
   one is `SPARSER` times as sparse as the other: then it leads alone. What is found is asked for
   the other conditions by its primary key.

Each way is a branch that begins nowhere if it is not the chosen one: an index scan from NULL reads
nothing. Nothing is left to the planner that could go wrong: lists are read in order from their
index alone, and rows fetched one by one, so that one plan serves all values.

https://www.postgresql.org/docs/18/indexes-index-only-scans.html
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, permutations
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Select,
    and_,
    case,
    extract,
    func,
    literal_column,
    select,
    true,
    tuple_,
    union_all,
)

from dal import tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import FromClause

    from dal.lists import Listing, Place

    Clauses = Sequence[ColumnElement[bool]]

tx = tables.transactions
#: Entries of each list that are looked at before one is chosen.
PROBED = 1_000
#: A set of so many is fetched and sorted.
SMALL = 2_000
#: A list so many times as sparse as the next one leads alone.
SPARSER = 15
#: Rows that a search for words walks before the index on words is asked.
NEAR = 2_000
#: Two of the ways: nothing but a walk, and what a short walk has met.
WALK, NEARBY = 0, 1


@dataclass(frozen=True)
class Search:
    """One search in the order of time.

    Args:
        name: tells one search of a statement from another.
        lists: of the conditions that have one.
        sets: of the conditions that have a set instead.
        words: whether one of the sets is searched for words.
        clauses: all conditions, to be asked of a row.
        near: where it begins, said of time and id.
        far: where it ends, said of time and id.
        descending: whether newer rows come first.
        limit: rows that are wanted.
    """

    name: str
    lists: Sequence[Listing]
    sets: Sequence[Select[Any]]
    words: bool
    clauses: Clauses
    near: Place
    far: Place
    descending: bool
    limit: int

    def found(self) -> Select[Any]:
        """Return the statement of the transactions, in order."""
        if len(self.lists) == 1 and not self.sets:
            return self._fetched(self.lists[0].stream(self._place, descending=self.descending))
        numbers = range(len(self.lists))
        ways = [self._fetched(self._alone(number)) for number in numbers]
        ways += [self._fetched(self._met(*pair)) for pair in combinations(numbers, 2)]
        ways += [self._fetched(self._of_set(number)) for number in range(len(self.sets))]
        if self.words:
            ways.append(select(self._nearby).where(self._is(NEARBY)))
        if not self.lists:
            ways.append(self._fetched(self._walked()))
        columns = union_all(*(select(way.subquery()) for way in ways)).subquery().c
        return self._in_order(select(*columns), columns).limit(text(self.limit))

    # ── Where it begins, and which way it goes ───────────────────────────────────────────────

    @cached_property
    def _start(self) -> CTE:
        """Return the place where all lists have begun; no row if one of them has no entry."""
        firsts = [
            select(each.head(self._place, descending=self.descending, most=1).subquery())
            for each in self.lists
        ]
        found = union_all(*firsts).subquery()
        counted = select(found, func.count().over().label("lists")).subquery()
        whole = select(counted.c.occurred_at, counted.c.id).where(
            counted.c.lists == text(len(firsts))
        )
        farthest = self._in_order(whole, counted.c, farthest=True).limit(text(1))
        return farthest.cte(f"{self.name}_start")

    @cached_property
    def _choice(self) -> CTE:
        """Return the place and the way that is taken from it."""
        if not self.lists:
            return select(case(*self._small_sets(), else_=text(WALK)).label("way")).cte(
                f"{self.name}_choice"
            )
        start = self._start
        reached = select(start, *(self._reach(each).label(f"reach_{n}") for n, each in self._each))
        reaches = reached.cte(f"{self.name}_reach")
        spans = [reaches.c[f"reach_{number}"] for number, _ in self._each]
        way = case(
            *self._met_enough(),
            *((span.is_(None), text(alone(number))) for number, span in enumerate(spans)),
            *self._small_sets(),
            *self._sparsest(spans),
            else_=text(alone(0)),
        )
        chosen = select(reaches.c.occurred_at, reaches.c.id, way.label("way"))
        return chosen.cte(f"{self.name}_choice")

    @property
    def _each(self) -> list[tuple[int, Listing]]:
        return list(enumerate(self.lists))

    def _reach(self, listing: Listing) -> ColumnElement[Any]:
        """Return how far its next entries reach, in seconds; NULL if it ends before."""
        begun = self._from(self._start)
        last = listing.head(begun, descending=self.descending, most=1, skip=PROBED).subquery()
        then = select(last.c.occurred_at).scalar_subquery()
        here = self._start.c.occurred_at
        return extract("epoch", here - then if self.descending else then - here)

    def _sparsest(self, spans: Sequence[ColumnElement[Any]]) -> list[tuple[Any, Any]]:
        """Return, for each two lists, that they are the sparsest, and the way that follows."""
        found = []
        for first, second in permutations(range(len(spans)), 2):
            others = [n for n in range(len(spans)) if n not in {first, second}]
            sparser = and_(
                spans[first] >= spans[second], *(spans[second] >= spans[other] for other in others)
            )
            far = spans[first] > spans[second] * text(SPARSER)
            way = case((far, text(alone(first))), else_=text(both(first, second)))
            found.append((sparser, way))
        return found

    def _small_sets(self) -> list[tuple[Any, Any]]:
        counts = [
            (select(func.count()).select_from(each).scalar_subquery(), number)
            for number, each in enumerate(self._sets)
        ]
        small = [(count <= text(SMALL), text(of_set(number))) for count, number in counts]
        return small if self.lists else [*self._met_enough(), *small]

    def _met_enough(self) -> list[tuple[Any, Any]]:
        if not self.words:
            return []
        met = select(func.count()).select_from(self._nearby).scalar_subquery()
        return [(met >= text(self.limit), text(NEARBY))]

    def _is(self, way: int) -> ColumnElement[bool]:
        return select(self._choice.c.way).scalar_subquery() == text(way)

    # ── The ways ─────────────────────────────────────────────────────────────────────────────

    def _alone(self, number: int) -> FromClause:
        return self.lists[number].stream(self._chosen(alone(number)), descending=self.descending)

    def _met(self, first: int, second: int) -> FromClause:
        """Return what stands in both lists, as they are merged."""
        place = self._chosen(both(first, second))
        one, two = (
            self.lists[number].stream(place, descending=self.descending)
            for number in (first, second)
        )
        same = and_(one.c.occurred_at == two.c.occurred_at, one.c.id == two.c.id)
        return select(one).select_from(one.join(two, same)).subquery()

    @cached_property
    def _sets(self) -> list[CTE]:
        return [
            capped(each, self._place, SMALL).cte(f"{self.name}_set_{number}")
            for number, each in enumerate(self.sets)
        ]

    def _of_set(self, number: int) -> FromClause:
        found = self._sets[number]
        chosen = select(found.c.occurred_at, found.c.id).where(self._is(of_set(number)))
        return chosen.distinct().subquery()

    @cached_property
    def _nearby(self) -> CTE:
        """Return what a short walk meets."""
        walked = self._times(self._place).limit(text(NEAR)).subquery()
        return self._fetched(walked).cte(f"{self.name}_nearby")

    def _walked(self) -> FromClause:
        return self._times(self._place, self._is(WALK)).offset(text(0)).subquery()

    def _times(self, place: Place, *also: ColumnElement[bool]) -> Select[Any]:
        t = tx.alias()
        here = select(t.c.occurred_at, t.c.id).where(*place(t.c.occurred_at, t.c.id), *also)
        return self._in_order(here, t.c)

    # ── Places ───────────────────────────────────────────────────────────────────────────────

    def _place(
        self, occurred_at: ColumnElement[Any], row_id: ColumnElement[Any]
    ) -> list[ColumnElement[bool]]:
        return [*self.near(occurred_at, row_id), *self.far(occurred_at, row_id)]

    def _from(self, at: CTE, *which: ColumnElement[bool]) -> Place:
        """Return the place of a row with a time and an id; nowhere if there is no such row."""
        there = tuple_(
            *(
                select(at.c[name]).where(*which).scalar_subquery()
                for name in ("occurred_at", "id")
            )
        )

        def place(
            occurred_at: ColumnElement[Any], row_id: ColumnElement[Any]
        ) -> list[ColumnElement[bool]]:
            here = tuple_(occurred_at, row_id)
            begun = here <= there if self.descending else here >= there
            return [begun, *self.far(occurred_at, row_id)]

        return place

    def _chosen(self, way: int) -> Place:
        return self._from(self._choice, self._choice.c.way == text(way))

    # ── Rows ─────────────────────────────────────────────────────────────────────────────────

    def _fetched(self, entries: FromClause) -> Select[Any]:
        """Return the transactions of entries that meet all conditions, fetched one by one."""
        return self._in_order(fetched(entries, self.clauses), entries.c).limit(text(self.limit))

    def _in_order(self, found: Select[Any], columns: Any, *, farthest: bool = False) -> Select[Any]:  # noqa: ANN401 (of any FROM)
        by = columns.occurred_at, columns.id
        descending = self.descending is not farthest
        return found.order_by(*(each.desc() if descending else each.asc() for each in by))


def fetched(entries: FromClause, clauses: Clauses) -> Select[Any]:
    """Return the transactions of entries that meet all conditions, fetched one by one.

    OFFSET 0 keeps the planner from fetching all that meet a condition instead.
    """
    row = select(tx).where(tx.c.id == entries.c.id, *clauses).correlate(entries)
    one = row.offset(text(0)).lateral()
    return select(*one.c).select_from(entries.join(one, true()))


def capped(found: Select[Any], place: Place, most: int) -> Select[Any]:
    """Return the times and ids of a set beside a place; one more than `most` says that it is larger.

    Planned as if all of it were wanted, by its index: few of many would be looked for in the table.
    """
    columns = found.subquery().c
    here = select(columns.occurred_at, columns.id).where(*place(columns.occurred_at, columns.id))
    whole, one = here.offset(text(0)).subquery(), select(text(1).label("one")).subquery()
    return select(whole).select_from(whole.join(one, true())).limit(text(most + 1))


def alone(number: int) -> int:
    """Return the way of one list alone."""
    return 10 + number


def of_set(number: int) -> int:
    """Return the way of a set."""
    return 2 + number


def both(first: int, second: int) -> int:
    """Return the way of two lists merged."""
    return 100 + 10 * min(first, second) + max(first, second)


def text(number: int) -> ColumnElement[int]:
    """Return a number as text: a bound limit would be planned again at every call."""
    return literal_column(str(number))
