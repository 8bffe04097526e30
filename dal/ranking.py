"""A search in the order of amounts, in which conditions have no lists.

A short list is fetched and sorted. Else the first ones along the index on amounts are asked; if
too few of them are meant, a list or a set of at most `SORTED` is fetched and sorted. Anything more
common is met often enough in a walk along that index.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy import CTE, ColumnElement, Select, case, func, select, union_all

from dal import tables
from dal.entries import fetched, once, text
from dal.search import NEAR, PROBED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import FromClause

    from dal.lists import Heap, Listing, Place

tx = tables.transactions
#: The ways: what was near, or all along the index; else a list or a set, by number.
NEARBY, LED = 0, 1
#: How many are fetched and sorted.
SORTED = 20_000


@dataclass(frozen=True)
class Ranking:
    """One search in the order of amounts; arguments as `dal.search.Search` has them.

    Args:
        name: tells one search of a statement from another.
        lists: of the conditions that have one.
        sets: of the conditions that have a set instead.
        clauses: all conditions, to be asked of a row.
        place: where it begins, said of amount and id.
        days: what the filter says of time and id.
        descending: whether larger amounts come first.
        limit: rows that are wanted.
    """

    name: str
    lists: Sequence[Listing]
    sets: Sequence[Heap]
    clauses: Sequence[ColumnElement[bool]]
    place: Place
    days: Place
    descending: bool
    limit: int

    def found(self) -> Select[Any]:
        """Return the statement of their amounts and ids, in order."""
        ways = [select(self._nearby).where(self._is(NEARBY))]
        ways += [self._sorted(self._listed(number)) for number in range(len(self.lists))]
        ways += [self._sorted(self._of_set(number)) for number in range(len(self.sets))]
        ways.append(self._asked(self._along(self._is(LED)).offset(text(0))))
        columns = union_all(*ways).subquery().c
        return self._in_order(select(columns.amount, columns.id), columns)

    @cached_property
    def _nearby(self) -> CTE:
        """Return what is met among the first ones."""
        return once(self._asked(self._along().limit(text(NEAR))).cte(f"{self.name}_nearby"))

    @cached_property
    def _choice(self) -> CTE:
        numbered = list(enumerate(self.lists))
        met = select(func.count()).select_from(self._nearby).scalar_subquery()
        way = case(
            *((self._ends(each, PROBED), text(alone(n))) for n, each in numbered),
            (met >= text(self.limit), text(NEARBY)),
            *((self._ends(each, SORTED), text(alone(n))) for n, each in numbered),
            *((each.count() <= text(SORTED), text(of_set(n))) for n, each in enumerate(self.sets)),
            else_=text(LED),
        )
        return once(select(way.label("way")).cte(f"{self.name}_choice"))

    def _ends(self, listing: Listing, most: int) -> ColumnElement[bool]:
        """Return whether a list has no more entries than that."""
        last = listing.entry(self.days, descending=True, number=most).subquery()
        return select(last.c.occurred_at).scalar_subquery().is_(None)

    def _is(self, way: int) -> ColumnElement[bool]:
        return select(self._choice.c.way).scalar_subquery() == text(way)

    def _listed(self, number: int) -> FromClause:
        def chosen(*columns: ColumnElement[Any]) -> list[ColumnElement[bool]]:
            return [*self.days(*columns), self._is(alone(number))]

        found = self.lists[number].head(chosen, descending=True, most=SORTED).subquery()
        return select(found).distinct().subquery()

    def _of_set(self, number: int) -> FromClause:
        found = self.sets[number].entries().subquery().c
        here = self.days(found.occurred_at, found.id)
        chosen = select(found.occurred_at, found.id).where(self._is(of_set(number)), *here)
        return chosen.distinct().subquery()

    def _sorted(self, entries: FromClause) -> Select[Any]:
        here = self.place(tx.c.amount, tx.c.id)
        found = fetched(entries, [*self.clauses, *here]).subquery()
        return self._in_order(select(found), found.c)

    def _along(self, *which: ColumnElement[bool]) -> Select[Any]:
        """Return all there is, along the index on amounts."""
        t = tx.alias()
        here = select(t.c.amount, t.c.id).where(*self.place(t.c.amount, t.c.id), *which)
        return self._by(here, t.c)

    def _asked(self, found: Select[Any]) -> Select[Any]:
        along = found.subquery()
        return self._by(fetched(along, self.clauses), along.c).limit(text(self.limit))

    def _in_order(self, found: Select[Any], columns: Any) -> Select[Any]:  # noqa: ANN401 (of any FROM)
        return self._by(found, columns).limit(text(self.limit))

    def _by(self, found: Select[Any], columns: Any) -> Select[Any]:  # noqa: ANN401 (of any FROM)
        by = columns.amount, columns.id
        return found.order_by(*(each.desc() if self.descending else each.asc() for each in by))


def alone(number: int) -> int:
    """Return the way of one list."""
    return 10 + number


def of_set(number: int) -> int:
    """Return the way of a set."""
    return 20 + number
