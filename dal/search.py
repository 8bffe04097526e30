"""One search for transactions, made so that it suits whichever values it is given.

The text of a statement knows the keys of a filter but not how common their values are, alone or
together, and what PostgreSQL expects of values that meet nowhere, or only long ago, is wrong by any
factor. So the statement finds out by itself, from the place where the reader stands:

1. Where does the list of each condition go on? At the farthest of these places the page can begin:
   whatever lies before misses one condition. A list without an entry ends the search.
2. How far do the next `PROBED` entries of each list reach from there? One that ends before is
   short; of the others the one that reaches farthest is the sparsest just here.
3. A short list is read whole; else the two sparsest lists are merged, unless one is `SPARSER`
   times as sparse as the other: then it leads alone. What is found is asked for the other
   conditions by its primary key.
4. The list of a contact or an address is several, which are merged only if they must be: the first
   `NEAR` entries are sorted. A condition without a list (a range of amounts, words) has a set, in
   no order; if too little is met among the first entries, and it is small, it is fetched and
   sorted.

Each way is a branch that begins nowhere if it is not the chosen one: an index scan from NULL reads
nothing. Nothing is left to the planner that could go wrong: lists are read in order from their
index alone, and rows fetched one by one, so that one plan serves all values.

https://www.postgresql.org/docs/18/indexes-index-only-scans.html
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
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
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import distinct_on

from dal import tables
from dal.entries import capped, fetched, once, text
from dal.ways import LED, NEARBY, alone, both, of_set, sparsest
from dal.window import also

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dal.lists import Listing, Place

    Clauses = Sequence[ColumnElement[bool]]

tx = tables.transactions
#: Entries of each list that are looked at before one is chosen.
PROBED = 400
#: Entries that are asked before a set is looked for; if so many of them are meant, the rest is met
#: soon enough.
NEAR, OFTEN = 1_000, 3
#: A list that ends after so many is read whole, if too few are met near.
ENDING = 10_000
#: How large a set may be to be sorted, and to be asked for what a list means.
SMALL, ASKED = 30_000, 10_000


@dataclass(frozen=True)
class Search:
    """One search in the order of time.

    Args:
        name: tells one search of a statement from another.
        lists: of the conditions that have one.
        sets: of the conditions that have a set instead.
        clauses: all conditions, to be asked of a row.
        near: where it begins, said of time and id.
        far: where it ends, said of time and id.
        descending: whether newer rows come first.
        limit: rows that are wanted.
    """

    name: str
    lists: Sequence[Listing]
    sets: Sequence[Select[Any]]
    clauses: Clauses
    near: Place
    far: Place
    descending: bool
    limit: int

    def found(self) -> Select[Any]:
        """Return the statement of the transactions, in order."""
        if self.sets or not all(each.merges for each in self.lists):
            return self._one_of(
                select(self._nearby).where(self._ends_with(NEARBY)),
                *(self._fetched(self._of_set(number)) for number in range(len(self.sets))),
                *(self._fetched(self._ending(number)) for number in self._countable),
                *map(self._fetched, self._led(self._ends_with(LED))),
            )
        return self._one_of(*map(self._fetched, self._led()))

    def _one_of(self, *ways: Select[Any]) -> Select[Any]:
        if len(ways) == 1:
            return ways[0]
        columns = union_all(*(select(way.subquery()) for way in ways)).subquery().c
        return self._in_order(select(*columns), columns).limit(text(self.limit))

    # ── Where it begins, and which list leads ────────────────────────────────────────────────

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
        """Return the place, and the way that is taken from it."""
        start, numbered = self._start, list(enumerate(self.lists))
        reached = select(start, *(self._reach(each).label(f"reach_{n}") for n, each in numbered))
        reaches = once(reached.cte(f"{self.name}_reach"))
        spans = [reaches.c[f"reach_{number}"] for number, _ in numbered]
        short = [(span.is_(None), text(alone(number))) for number, span in enumerate(spans)]
        way = case(*short, *sparsest(spans, self._merging), else_=text(alone(0)))
        chosen = select(reaches.c.occurred_at, reaches.c.id, way.label("way"))
        return once(chosen.cte(f"{self.name}_choice"))

    def _reach(self, listing: Listing) -> ColumnElement[Any]:
        """Return how far its next entries reach, in seconds; NULL if it ends before.

        Many may share one instant; among these the ids tell: a million of them weigh a second.
        """
        start = self._start
        begun = self._from(start)
        last = listing.head(begun, descending=self.descending, most=1, skip=PROBED).subquery().c
        seconds = func.abs(extract("epoch", start.c.occurred_at - last.occurred_at))
        ids = func.abs(start.c.id - last.id) * literal_column("0.000001")
        both = start.join(last.id.table, literal_column("true"))
        return select(seconds + ids).select_from(both).scalar_subquery()

    def _led(self, *which: ColumnElement[bool]) -> list[Select[Any]]:
        """Return the entries of each way that lists lead, all but one of them empty.

        Args:
            which: must hold, else all are.
        """
        numbers = range(len(self.lists))
        if not self.lists:
            return [self._times(self._place, *which)]
        if len(self.lists) == 1:
            return [self._alone(0, also(self._place, which))]
        ways = [self._alone(n, also(self._chosen(alone(n)), which)) for n in numbers]
        return ways + [self._met(*pair, which) for pair in self._merging]

    @property
    def _merging(self) -> list[tuple[int, int]]:
        return list(combinations((n for n, each in enumerate(self.lists) if each.merges), 2))

    def _alone(self, number: int, place: Place) -> Select[Any]:
        return self.lists[number].stream(place, descending=self.descending)

    def _met(self, first: int, second: int, which: Clauses) -> Select[Any]:
        """Return what stands in both lists, as they are merged."""
        place = also(self._chosen(both(first, second)), which)
        one, two = (self._alone(number, place).subquery() for number in (first, second))
        same = and_(one.c.occurred_at == two.c.occurred_at, one.c.id == two.c.id)
        return self._in_order(select(one).select_from(one.join(two, same)), one.c)

    def _times(self, place: Place, *which: ColumnElement[bool]) -> Select[Any]:
        """Return all there is."""
        t = tx.alias()
        here = select(t.c.occurred_at, t.c.id).where(*place(t.c.occurred_at, t.c.id), *which)
        return self._in_order(here, t.c).offset(text(0))

    # ── Sets: first what is near, then a small set, then the list again ──────────────────────

    @cached_property
    def _first(self) -> CTE:
        """Return the first entries that the lists lead to, sorted where they must be merged."""
        if not self.lists:
            ways = [self._times(self._place).limit(text(NEAR))]
        elif len(self.lists) == 1:
            ways = [self._head(0, self._place)]
        else:
            ways = [self._head(n, self._chosen(alone(n))) for n in range(len(self.lists))]
            ways += [self._met(*pair, ()).limit(text(NEAR)) for pair in self._merging]
        found = ways[0] if len(ways) == 1 else union_all(*(select(one.subquery()) for one in ways))
        return found.cte(f"{self.name}_first")

    def _head(self, number: int, place: Place) -> Select[Any]:
        return self.lists[number].head(place, descending=self.descending, most=NEAR)

    @cached_property
    def _nearby(self) -> CTE:
        """Return what is met among the first entries."""
        first = self._first.c
        once = select(first.occurred_at, first.id).ext(distinct_on(first.occurred_at, first.id))
        return self._fetched(self._in_order(once, first)).cte(f"{self.name}_nearby")

    @cached_property
    def _end(self) -> CTE:
        """Return the way that is taken in the end."""
        asked, met, *counts = (
            select(func.count()).select_from(each).scalar_subquery()
            for each in (self._first, self._nearby, *self._sets)
        )
        enough = or_(met >= text(self.limit), asked < text(NEAR))
        small = (
            (count <= text(ASKED if self.lists else SMALL), text(of_set(number)))
            for number, count in enumerate(counts)
        )
        ending = ((self._ends(number), text(alone(number))) for number in self._countable)
        often = met >= text(OFTEN), text(LED)
        way = case((enough, text(NEARBY)), *ending, often, *small, else_=text(LED))
        return once(select(way.label("way")).cte(f"{self.name}_end"))

    @property
    def _countable(self) -> list[int]:
        """Return the lists, if several, whose end is soon found; the way of time alone has none."""
        several = len(self.lists) > 1
        return [number for number, each in enumerate(self.lists) if several and each.is_counted]

    def _ends(self, number: int) -> ColumnElement[bool]:
        """Return whether a list ends soon: crowded now, it looks longer than it is."""
        begun = self._from(self._start)
        last = self.lists[number].head(begun, descending=self.descending, most=1, skip=ENDING)
        return select(last.subquery().c.occurred_at).scalar_subquery().is_(None)

    def _ending(self, number: int) -> Select[Any]:
        place = also(self._from(self._start), (self._ends_with(alone(number)),))
        return self._alone(number, place)

    def _ends_with(self, way: int) -> ColumnElement[bool]:
        return select(self._end.c.way).scalar_subquery() == text(way)

    @cached_property
    def _sets(self) -> list[CTE]:
        return [
            capped(each, self._place, (ASKED if self.lists else SMALL)).cte(
                f"{self.name}_set_{number}"
            )
            for number, each in enumerate(self.sets)
        ]

    def _of_set(self, number: int) -> Select[Any]:
        found = self._sets[number]
        chosen = select(found.c.occurred_at, found.c.id).where(self._ends_with(of_set(number)))
        return self._in_order(chosen.ext(distinct_on(found.c.occurred_at, found.c.id)), found.c)

    # ── Places ───────────────────────────────────────────────────────────────────────────────

    def _place(
        self, occurred_at: ColumnElement[Any], row_id: ColumnElement[Any]
    ) -> list[ColumnElement[bool]]:
        return [*self.near(occurred_at, row_id), *self.far(occurred_at, row_id)]

    def _from(self, at: CTE, *which: ColumnElement[bool]) -> Place:
        """Return the place of a row with a time and an id; nowhere if there is no such row."""
        there = tuple_(
            *(select(at.c[name]).where(*which).scalar_subquery() for name in ("occurred_at", "id"))
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

    def _fetched(self, found: Select[Any]) -> Select[Any]:
        """Return the first transactions of entries in order that meet all conditions."""
        entries = found.subquery()
        return self._in_order(fetched(entries, self.clauses), entries.c).limit(text(self.limit))

    def _in_order(self, found: Select[Any], columns: Any, *, farthest: bool = False) -> Select[Any]:  # noqa: ANN401 (of any FROM)
        by = columns.occurred_at, columns.id
        descending = self.descending is not farthest
        return found.order_by(*(each.desc() if descending else each.asc() for each in by))
