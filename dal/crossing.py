"""What of a set, which is in no order, stands in a list, too.

The list is read between the first and the last time of what the set has, step by step
(`dal.steps`): each step is hashed, and what the set has is asked one by one whether it is there. So
what is met often is found near the place where the reader stands, and of a short list all is found.
A list of more than `LONG` entries there has a good part of all that there is: beyond these, the set
is sorted and fetched.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Select,
    case,
    cast,
    exists,
    false,
    not_,
    select,
    tuple_,
)

from dal.entries import at, either, first_of, once, text
from dal.steps import Steps

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dal.lists import Heap, Listing

    Clauses = Sequence[ColumnElement[bool]]

#: What has no more is fetched at once; how much of a list is read for what has more.
FEW, LONG = 1_000, 200_000
#: Before and behind all ids.
LOWEST, HIGHEST = 0, 2**62


@dataclass(frozen=True)
class Crossing:
    """What of a set is meant, and stands in one of some lists.

    Args:
        name: for what the statement names.
        heap: the set.
        lists: by their numbers in the search.
        begin: the place where the search begins, and by number which list is its `lead` and which
            its `partner`.
        stop: the place where it ends.
        turn: whether it is wanted at all; else nothing is read.
        clauses: all conditions, to be asked of a transaction.
        descending: whether newer rows come first.
        limit: rows that are wanted, at most.
        enough: how many will do.
    """

    name: str
    heap: Heap
    lists: Mapping[int, Listing]
    begin: CTE
    stop: CTE
    turn: ColumnElement[bool]
    clauses: Clauses
    descending: bool
    limit: int
    enough: ColumnElement[int]

    def found(self) -> Select[Any]:
        """Return the times and ids of the transactions, in no order."""
        steps = Steps(
            self.name,
            tuple(self.lists.values()),
            self._first(),
            self._until,
            self.clauses,
            said=False,
            descending=self.descending,
            limit=self.limit,
            enough=self.enough,
            heap=self.heap,
        )
        taken = steps.taken(self._go_on)
        ways = [select(steps.found(taken).subquery()), self._left(taken)]
        return select(either(ways).subquery())

    # ── From where to where ──────────────────────────────────────────────────────────────────

    def _first(self) -> CTE:
        """Return the place where the steps begin, and the list that they take."""
        number = self._number().label("number")
        here = select(*self._clipped(self.begin, near=True), number).where(self.turn)
        found = here.subquery().c
        ways = found.number.label("lead"), found.number.label("partner")
        return once(select(found.occurred_at, found.id, *ways).cte(f"{self.name}_begin"))

    def _number(self) -> ColumnElement[int]:
        """Return which of the lists is the sparsest one, from 0."""
        numbers = list(enumerate(self.lists))
        ways = [
            (each == text(number), text(place))
            for each in (self.begin.c.lead, self.begin.c.partner)
            for place, number in numbers
        ]
        return case(*ways, else_=text(0))

    @cached_property
    def _end(self) -> CTE:
        """Return the place where they end: as one, of two ends an index scan would see one."""
        return once(select(*self._clipped(self.stop, near=False)).cte(f"{self.name}_end"))

    def _clipped(self, place: CTE, *, near: bool) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
        """Return a place of the search, or that where the set begins or ends, if that is nearer.

        What the set tells is asked by a subquery, so that it is not read unless it is needed.
        """
        newest, when = self.descending is near, place.c.occurred_at
        edge = select(self.heap.told.c["last" if newest else "first"]).scalar_subquery()
        row_id = cast(text(HIGHEST if newest else LOWEST), BigInteger)
        beyond = when > edge if newest else when < edge
        return (
            case((beyond, edge), else_=when).label("occurred_at"),
            case((beyond, row_id), else_=place.c.id).label("id"),
        )

    def _until(self, *columns: ColumnElement[Any]) -> list[ColumnElement[bool]]:
        here, there = tuple_(*columns), at(self._end)
        return [here >= there if self.descending else here <= there]

    # ── Steps, and what lies beyond them ─────────────────────────────────────────────────────

    def _go_on(self, last: Any) -> ColumnElement[bool]:  # noqa: ANN401 (columns)
        """Return whether there is another step; without one before it the set is not read."""
        return case((last.asked < text(LONG), self.heap.count() > text(FEW)), else_=false())

    def _left(self, steps: CTE) -> Select[Any]:
        """Return what of the set lies beyond the last step, if that is not the end."""
        last, known = steps.c, self.heap.entries().subquery().c
        short = [last.more, last.found < self.enough, not_(self._go_on(last))]
        place = last.at.label("occurred_at"), last.at_id.label("id")
        left = once(select(*place).where(*short).cte(f"{self.name}_left"))
        here, there = tuple_(known.occurred_at, known.id), at(left)
        beyond = here < there if self.descending else here > there
        entries = select(known.occurred_at, known.id).where(
            exists(select(left.c.id)), beyond, *self._until(known.occurred_at, known.id)
        )
        return first_of(entries, self.clauses, descending=self.descending, limit=self.limit)
