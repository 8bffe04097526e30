"""A search step by step: some entries of the list that leads, what of them is meant, and so on.

A step reads the next entries of the leading list, and where a second one is read beside it, that
one's entries of the same span of time; PostgreSQL intersects both by hashing their ids, which takes
a tenth of fetching the rows. What is left is fetched by its primary key and asked the conditions.
The next step is as large as the ones before let expect; no step is taken when enough is found.

So it does not matter how many keys a list has, and no list is read further than is needed.

https://www.postgresql.org/docs/18/queries-with.html#QUERIES-WITH-RECURSIVE
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ARRAY,
    CTE,
    ColumnElement,
    Select,
    and_,
    case,
    cast,
    except_,
    func,
    intersect,
    literal_column,
    null,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import distinct_on

from dal import tables
from dal.entries import BIG, arrays, either, fetched, in_order, text, unnested
from dal.window import WHEN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import FromClause

    from dal.lists import Heap, Listing, Place

    Clauses = Sequence[ColumnElement[bool]]

tx = tables.transactions
#: Entries of the first step; how many times as many the next may have; and of the largest one.
FIRST, GROWTH, LARGEST = 300, 4, 6_000
#: The same where entries are only looked up in a set, which takes a tenth of fetching them.
NEARBY, LONGER, FARTHEST = 20_000, 10, 200_000
#: The first step of a list of which some entries are in doubt has so many times what is wanted.
DOUBTED = 2


@dataclass(frozen=True)
class Steps:
    """The steps of one search.

    Args:
        name: of the search.
        lists: that may lead, or be read beside the one that does.
        begin: the place where they begin, as `occurred_at` and `id`, and by number which list is
            the `lead` and which its `partner`; the same if it is alone.
        far: where they end, said of time and id.
        clauses: all conditions, to be asked of a row.
        said: whether the lists are of all conditions.
        descending: whether newer rows come first.
        limit: rows that are wanted, at most.
        enough: how many will do: no step is taken after these.
        heap: a set that has all that is meant, if what is read is looked up in one.
        sieves: what is asked of an id, before its transaction is fetched.
    """

    name: str
    lists: Sequence[Listing]
    begin: CTE
    far: Place
    clauses: Clauses
    said: bool
    descending: bool
    limit: int
    enough: ColumnElement[int]
    heap: Heap | None = None
    sieves: Sequence[Callable[[ColumnElement[int]], ColumnElement[bool]]] = ()

    def taken(self, go_on: Callable[[Any], ColumnElement[bool]] | None = None) -> CTE:
        """Return a row for each step, with the ids that it found.

        Args:
            go_on: says of the last step whether there is another one, beside that it is needed.
        """
        steps = self._none().cte(f"{self.name}_steps", recursive=True)
        last = steps.alias(self._last)
        chunk, met = self._chunk(), self._met()
        after = last.join(chunk, true()).join(met, true())
        more = [last.c.more, last.c.found < self.enough]
        step = self._after(last.c, chunk.c, met.c).select_from(after).where(*more)
        return steps.union_all(step.where(go_on(last.c)) if go_on else step)

    def found(self, steps: CTE, *which: ColumnElement[bool]) -> Select[Any]:
        """Return the first of the transactions that steps have found."""
        each = unnested(steps.c.times, steps.c.ids).where(*which).subquery()
        return self._in_order(select(each), each.c).limit(text(self.limit))

    @property
    def _last(self) -> str:
        return f"{self.name}_last"

    def _of_last(self, column: str) -> ColumnElement[Any]:
        """Return a column of the last step: as text, since it is used far inside of this one."""
        return literal_column(f"{self._last}.{column}", WHEN if column == "at" else BIG)

    def _of_chunk(self, column: str) -> ColumnElement[Any]:
        return literal_column(f"{self.name}_chunk.{column}")

    def _none(self) -> Select[Any]:
        """Return what there is before the first step; it begins at its place, which is included."""
        begin, nothing = self.begin.c, cast(text(0), BIG)
        before = begin.id + text(1) if self.descending else begin.id - text(1)
        return select(
            begin.lead.label("lead"),
            begin.partner.label("partner"),
            begin.occurred_at.label("at"),
            before.label("at_id"),
            cast(text(self._first), BIG).label("size"),
            nothing.label("asked"),
            nothing.label("found"),
            true().label("more"),
            cast(null(), ARRAY(WHEN)).label("times"),
            cast(null(), ARRAY(BIG)).label("ids"),
        )

    @property
    def _first(self) -> int:
        """Return the size of the first step: where entries in doubt are asked, not for nothing."""
        first, *_ = self._pace
        return min(first, DOUBTED * self.limit) if self._certain else first

    @property
    def _pace(self) -> tuple[int, int, int]:
        return (NEARBY, LONGER, FARTHEST) if self.heap else (FIRST, GROWTH, LARGEST)

    @property
    def _certain(self) -> Listing | None:
        """Return the part of the only list that needs not be asked."""
        return self.lists[0].certain if self.said and len(self.lists) == 1 else None

    def _after(self, last: Any, chunk: Any, met: Any) -> Select[Any]:  # noqa: ANN401 (columns)
        """Return what there is after a step."""
        asked, found = last.asked + chunk.many, last.found + met.many
        first, growth, most = self._pace
        largest = func.least(last.size * text(growth), text(most))
        likely = asked * (self.enough - found) / func.greatest(found, text(1)) * text(2)
        size = case((found == text(0), largest), else_=func.least(largest, likely + text(first)))
        return select(
            last.lead,
            last.partner,
            self._of_chunk(f"times[{self.name}_chunk.many]"),
            self._of_chunk(f"ids[{self.name}_chunk.many]"),
            cast(size, BIG),
            asked,
            found,
            chunk.many == last.size,
            met.times,
            met.ids,
        )

    # ── One step ─────────────────────────────────────────────────────────────────────────────

    def _chunk(self) -> FromClause:
        """Return the next entries of the list that leads, as arrays in order."""
        size, chunks = self._of_last("size"), []
        for number, listing in enumerate(self.lists):
            beyond = self._beyond(self._leads(number))
            head = listing.head(beyond, descending=self.descending, most=size)
            chunk = select(*arrays(head.subquery().c)).subquery()
            chunks.append(select(chunk).where(self._leads(number)))
        return select(either(chunks).subquery()).lateral(f"{self.name}_chunk")

    def _met(self) -> FromClause:
        """Return the times and ids of the transactions among them that are meant."""
        sure = self.said and all(each.exact for each in self.lists)
        if self.heap:
            rows = self._asked(self._in_set(self.heap), self.clauses)
        elif self._certain:
            rows = self._doubted(self.lists[0], self._certain)
        elif len(self.lists) == 1:
            rows = self._asked(self._entries(true()), () if sure else self.clauses)
        elif sure:
            alone = self._asked(self._entries(self._is_alone()), self.clauses)
            rows = either((alone, self._asked(self._in_both(), ())))
        else:
            ways = either((self._entries(self._is_alone()), self._in_both())).subquery()
            rows = self._asked(self._in_order(select(ways), ways.c), self.clauses)
        return select(*arrays(rows.subquery().c)).lateral(f"{self.name}_met")

    def _doubted(self, listing: Listing, certain: Listing) -> Select[Any]:
        """Return the entries of the chunk that are certain, and of the others what is meant."""
        here, known = self._unnested(true()), certain.some(self._within(true()))
        chunk = select(here.occurred_at, here.id)
        sure, others = intersect(chunk, known).subquery(), except_(chunk, known).subquery()
        doubtful = self._asked(self._in_order(select(others), others.c), listing.doubt)
        both = either((self._in_order(select(sure), sure.c), doubtful)).subquery()
        return self._in_order(select(both), both.c).limit(text(self.limit))

    def _asked(self, entries: Select[Any], clauses: Clauses) -> Select[Any]:
        """Return the first of some entries whose transactions meet conditions, if there are any."""
        here = entries.subquery()
        found = fetched(here, clauses) if clauses else select(here)
        found = found.where(*(each(here.c.id) for each in self.sieves))
        rows = self._in_order(found, here.c).limit(text(self.limit)).subquery()
        return select(rows.c.occurred_at, rows.c.id)

    def _entries(self, which: ColumnElement[bool]) -> Select[Any]:
        """Return the entries of the chunk, each once."""
        found = self._unnested(which)
        each = select(found.occurred_at, found.id)
        if any(listing.repeats for listing in self.lists):
            each = each.ext(distinct_on(found.occurred_at, found.id))
        return self._in_order(each, found)

    def _unnested(self, which: ColumnElement[bool]) -> Any:  # noqa: ANN401 (columns)
        """Return entries of the chunk; none if something does not hold."""
        times, ids = (
            case((which, self._of_chunk(name)), else_=null()) for name in ("times", "ids")
        )
        return unnested(times, ids).subquery().c

    def _in_both(self) -> Select[Any]:
        """Return the entries of the chunk that stand in the list beside it, too."""
        beside = [
            listing.some(self._within(self._is_beside(number)))
            for number, listing in enumerate(self.lists)
        ]
        here = self._unnested(~self._is_alone())
        both = intersect(select(here.occurred_at, here.id), either(beside)).subquery()
        return self._in_order(select(both), both.c)

    def _in_set(self, heap: Heap) -> Select[Any]:
        """Return the entries of the chunk that stand in a set, too, each once."""
        chunk = self._unnested(true())
        both = intersect(select(chunk.occurred_at, chunk.id), heap.entries()).subquery()
        return self._in_order(select(both), both.c)

    # ── Which list, and where ────────────────────────────────────────────────────────────────

    def _leads(self, number: int) -> ColumnElement[bool]:
        return self._of_last("lead") == text(number)

    def _is_beside(self, number: int) -> ColumnElement[bool]:
        return and_(self._of_last("partner") == text(number), ~self._is_alone())

    def _is_alone(self) -> ColumnElement[bool]:
        return self._of_last("lead") == self._of_last("partner")

    def _beyond(self, which: ColumnElement[bool]) -> Place:
        """Return what lies behind the last step; nowhere if something does not hold.

        An index scan from NULL reads nothing, where a condition would be asked of each entry.
        """
        at = case((which, self._of_last("at")), else_=null())
        there = tuple_(at, self._of_last("at_id"))

        def place(*columns: ColumnElement[Any]) -> list[ColumnElement[bool]]:
            here = tuple_(*columns)
            return [here < there if self.descending else here > there, *self.far(*columns)]

        return place

    def _within(self, which: ColumnElement[bool]) -> Place:
        """Return what lies between the last step and the end of the chunk."""
        end = f"[{self.name}_chunk.many]"
        there = tuple_(self._of_chunk(f"times{end}"), self._of_chunk(f"ids{end}"))
        begun = self._beyond(which)

        def place(*columns: ColumnElement[Any]) -> list[ColumnElement[bool]]:
            here = tuple_(*columns)
            beyond, *_ = begun(*columns)
            return [beyond, here >= there if self.descending else here <= there]

        return place

    def _in_order(self, found: Select[Any], columns: Any) -> Select[Any]:  # noqa: ANN401 (of any FROM)
        return in_order(found, columns, descending=self.descending)
