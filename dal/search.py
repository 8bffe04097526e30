"""One search for transactions, made so that it suits whichever values it is given.

The text of a statement knows the keys of a filter but not how common their values are, alone or
together, and what PostgreSQL expects of values that meet nowhere, or only long ago, is wrong by any
factor. So the statement finds out by itself, from the place where the reader stands:

1. Where does the list of each condition go on, and where does it end? At the farthest of the first
   places the page can begin, at the nearest of the last ones it must end: whatever lies beyond
   misses one condition. A list without an entry ends the search.
2. How far do the next `PROBED` entries of each list reach from there? One that ends before is
   short; of the others the one that reaches farthest is the sparsest just here.
3. The sparsest leads, with the next one beside it, unless it is so much sparser that it leads
   alone; it is read step by step (`dal.steps`).
4. A condition without a list (a range of amounts, words) has a set, in no order: if too little is
   met among the first entries, and the set is small, it is held against a list (`dal.crossing`),
   and what is left of it is sorted and fetched.

A list that does not take part begins nowhere: an index scan from NULL reads nothing. Nothing is
left to the planner that could go wrong: lists are read in order from their index alone, and rows
fetched one by one, so that one plan serves all values.

https://www.postgresql.org/docs/18/indexes-index-only-scans.html
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Select,
    and_,
    case,
    exists,
    extract,
    func,
    literal_column,
    or_,
    select,
    tuple_,
    union_all,
)

from dal import tables
from dal.crossing import Crossing
from dal.entries import at, first_of, in_order, once, text
from dal.lists import Listing, Part
from dal.steps import Steps
from dal.ways import chosen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dal.lists import Heap, Place

    Clauses = Sequence[ColumnElement[bool]]

tx = tables.transactions
#: Entries of each list that are looked at before one is chosen.
PROBED = 150
#: Entries that are asked before a set is looked for.
NEAR = 1_000
#: How many may be asked in all, going by these, before a set is worth being read.
WORTH = 15_000
#: A list that ends after so many is read to its end, if too few are met near.
ENDING = 3_000
#: What leads where no condition has a list.
TIME = Listing("time", (Part(tx, "id"),))


@dataclass(frozen=True)
class Search:
    """One search in the order of time.

    Args:
        name: tells one search of a statement from another.
        listed: the lists of the conditions that have one.
        sets: of the conditions that have a set instead.
        clauses: all conditions, to be asked of a row.
        said: whether the lists are of all conditions.
        near: where it begins, said of time and id.
        far: where it ends, said of time and id.
        descending: whether newer rows come first.
        limit: rows that are wanted, at most.
        enough: how many will do, if that turns out in the statement.
    """

    name: str
    listed: Sequence[Listing]
    sets: Sequence[Heap]
    clauses: Clauses
    said: bool
    near: Place
    far: Place
    descending: bool
    limit: int
    enough: ColumnElement[int] | None = None

    def found(self) -> Select[Any]:
        """Return the statement of the times and ids of transactions, in order."""
        alone = self.lists[0] if len(self.lists) == 1 else None
        if self.said and alone and alone.exact and not alone.repeats:
            return self._head(alone, self._place, self.limit)
        if not self.sets:
            return self._of_steps()
        ways = [self._of_steps(), *(self._of_set(number) for number in range(len(self.sets)))]
        columns = union_all(*ways).subquery().c
        return self._in_order(select(*columns), columns).limit(text(self.limit))

    @property
    def lists(self) -> Sequence[Listing]:
        """Return the lists that it is made of."""
        return self.listed or (TIME,)

    @property
    def _enough(self) -> ColumnElement[int]:
        return text(self.limit) if self.enough is None else self.enough

    # ── Where it begins, and which list leads ────────────────────────────────────────────────

    @cached_property
    def _start(self) -> CTE:
        """Return the place where all lists have begun; no row if one of them has no entry."""
        firsts = [self._head(each, self._place, 1) for each in self.lists]
        found = union_all(*firsts).subquery()
        counted = select(found, func.count().over().label("lists")).subquery()
        whole = select(counted.c.occurred_at, counted.c.id).where(
            counted.c.lists == text(len(firsts))
        )
        farthest = self._in_order(whole, counted.c, opposite=True).limit(text(1))
        return farthest.cte(f"{self.name}_start")

    @cached_property
    def _stop(self) -> CTE:
        """Return the place where the first of the lists has ended."""
        lasts = [
            each.head(self._place, descending=not self.descending, most=1) for each in self.lists
        ]
        found = union_all(*lasts).subquery()
        nearest = self._in_order(select(found), found.c).limit(text(1))
        return once(nearest.cte(f"{self.name}_stop"))

    @cached_property
    def _begin(self) -> CTE:
        """Return the place, which list leads from it, and which one beside it."""
        start = self._start
        if len(self.lists) == 1:
            alone = text(0).label("lead"), text(0).label("partner")
            return select(start, *alone).cte(f"{self.name}_begin")
        numbered = list(enumerate(self.lists))
        reached = select(start, *(self._reach(each).label(f"reach_{n}") for n, each in numbered))
        reaches = once(reached.cte(f"{self.name}_reach"))
        spans = [reaches.c[f"reach_{number}"] for number, _ in numbered]
        number = chosen(spans, [each.is_single for each in self.lists]).label("way")
        here = select(reaches.c.occurred_at, reaches.c.id, number).subquery().c
        lead, partner = (here.way.op(sign)(text(10)) for sign in "/%")
        ways = lead.label("lead"), partner.label("partner")
        return once(select(here.occurred_at, here.id, *ways).cte(f"{self.name}_begin"))

    def _reach(self, listing: Listing) -> ColumnElement[Any]:
        """Return how far its next entries reach, in seconds; NULL if it ends before.

        Many may share one instant; among these the ids tell: a million of them weigh a second.
        """
        start = self._start
        last = listing.entry(self._begun, descending=self.descending, number=PROBED).subquery().c
        seconds = func.abs(extract("epoch", start.c.occurred_at - last.occurred_at))
        ids = func.abs(start.c.id - last.id) * literal_column("0.000001")
        both = start.join(last.id.table, literal_column("true"))
        return select(seconds + ids).select_from(both).scalar_subquery()

    def _head(self, listing: Listing, place: Place, most: int) -> Select[Any]:
        return listing.head(place, descending=self.descending, most=most)

    # ── Step by step ─────────────────────────────────────────────────────────────────────────

    @property
    def _stepping(self) -> Steps:
        place, rows = (self._begin, self._last), (self.clauses, self.said)
        many, sieves = (self.limit, self._enough), [each.sieve for each in self.sets if each.sieve]
        return Steps(self.name, self.lists, *place, *rows, self.descending, *many, sieves=sieves)

    @cached_property
    def _steps(self) -> CTE:
        return self._stepping.taken(self._go_on if self.sets else None)

    def _of_steps(self) -> Select[Any]:
        """Return the transactions that the steps found; none if a set is taken instead."""
        which = [self._turn.is_(None)] if self.sets else []
        return self._stepping.found(self._steps, *which)

    # ── Sets: if too little is near, and they are small ──────────────────────────────────────

    def _go_on(self, last: Any) -> ColumnElement[bool]:  # noqa: ANN401 (columns)
        """Return whether there is another step: enough is met, or no set would do better."""
        return or_(last.asked < text(NEAR), self._is_worth_it(last), self._set_chosen.is_(None))

    def _is_worth_it(self, last: Any) -> ColumnElement[bool]:  # noqa: ANN401 (columns)
        """Return whether the rest is met soon, if it is met as often as until now."""
        worth: ColumnElement[bool] = last.asked * self._enough <= last.found * text(WORTH)
        return worth

    @cached_property
    def _turn(self) -> ColumnElement[Any]:
        """Return the number of the set that is taken; NULL if the steps found what there is."""
        last = self._steps.c
        few = [last.asked >= text(NEAR), last.found < self._enough, ~self._is_worth_it(last)]
        return case((exists().where(last.more, *few), self._set_chosen)).label("turn")

    @cached_property
    def _set_chosen(self) -> ColumnElement[Any]:
        """Return the number of the first set that is small; NULL if the list that leads ends."""
        numbers = range(len(self.listed))
        never: ColumnElement[Any] = literal_column("NULL")
        ending = [(self._ends(number), never) for number in numbers]
        small = (
            (each.count() <= text(each.most), text(number)) for number, each in enumerate(self.sets)
        )
        number = case(*ending, *small).label("number")
        return select(select(number).cte(f"{self.name}_set").c.number).scalar_subquery()

    def _ends(self, number: int) -> ColumnElement[bool]:
        """Return whether a list leads and ends soon: crowded now, it looks longer than it is."""
        some = self.lists[number].some(self._begun).limit(text(ENDING + 1)).subquery()
        ends = select(func.count()).select_from(some).scalar_subquery() <= text(ENDING)
        lead = select(self._begin.c.lead).scalar_subquery()
        return and_(lead == text(number), ends)

    def _of_set(self, number: int) -> Select[Any]:
        """Return what of a set is meant."""
        heap, turn = self.sets[number], self._turn == text(number)
        known = {each.key for each in self.sets}
        lists = dict(enumerate(self.listed))
        others = {n: each for n, each in lists.items() if each.key not in known} or lists
        if not others:
            here = heap.entries().subquery()
            entries = select(here).where(turn, *self._place(here.c.occurred_at, here.c.id))
            return first_of(entries, self.clauses, descending=self.descending, limit=self.limit)
        return Crossing(
            f"{self.name}_of_{heap.key}",
            heap,
            others,
            self._begin,
            self._stop,
            turn,
            self.clauses,
            descending=self.descending,
            limit=self.limit,
            enough=self._enough,
        ).found()

    # ── Places ───────────────────────────────────────────────────────────────────────────────

    def _place(
        self, occurred_at: ColumnElement[Any], row_id: ColumnElement[Any]
    ) -> list[ColumnElement[bool]]:
        return [*self.near(occurred_at, row_id), *self.far(occurred_at, row_id)]

    def _begun(
        self, occurred_at: ColumnElement[Any], row_id: ColumnElement[Any]
    ) -> list[ColumnElement[bool]]:
        """Return what lies where all lists have begun and none has ended."""
        here, there = tuple_(occurred_at, row_id), at(self._start)
        begun = here <= there if self.descending else here >= there
        return [begun, *self._last(occurred_at, row_id)]

    def _last(
        self, occurred_at: ColumnElement[Any], row_id: ColumnElement[Any]
    ) -> list[ColumnElement[bool]]:
        """Return what lies where none of several lists has ended."""
        if len(self.lists) == 1:
            return [*self.far(occurred_at, row_id)]
        here, there = tuple_(occurred_at, row_id), at(self._stop)
        return [here >= there if self.descending else here <= there]

    def _in_order(self, found: Select[Any], columns: Any, *, opposite: bool = False) -> Select[Any]:  # noqa: ANN401 (of any FROM)
        return in_order(found, columns, descending=self.descending is not opposite)
