"""Which transactions a page shows, counts and has beside it: a filter cut at a place of an order.

What one index answers by itself is left to it; the rest is searched for (`dal.search`), or ranked
(`dal.ranking`) in the order of amounts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import CTE, ColumnElement, Select, and_, any_, case, exists, func, select

from dal import keyset, tables, window
from dal.entries import once, text
from dal.filters import clauses, finders, needs_others
from dal.ranking import Ranking
from dal.search import Search

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dal.filters import Finders, Shape
    from dal.keyset import Order
    from dal.lists import Listing, Place

tx = tables.transactions
#: A page's count stops here; "more than" will do.
COUNTED, ASKING = 1_000, 100
#: Lists of one filter that are weighed; further conditions are only asked of what these find.
WEIGHED = 3
PAIR = 2
NONE, ONE = text(0), text(1)


@dataclass(frozen=True, slots=True)
class Slice:
    """What a page asks of the transactions."""

    rows: CTE  # the page's own, still bare
    counted: ColumnElement[int]  # how many the filter has, to one beyond `countable`
    others: ColumnElement[int]  # how many lie on the side that the page does not read


def cut(
    shape: Shape, order: Order, limit: int, ahead: int, *, placed: bool, backward: bool
) -> Slice:
    """Return the transactions of a page, how many there are, and how many lie beside it.

    Where they are searched for, no search is made only to count: what is found on both sides of
    the place, to one beyond what is counted, is enough.

    Args:
        shape: of the filter.
        order: in which they come, or the opposite one.
        limit: how many at most.
        ahead: how many of the others are counted, at most.
        placed: whether they lie beside the bound place, or begin at an end.
        backward: whether they are read against the order.
    """
    most = countable(shape) + 1
    if _is_straight(finders(shape)) or _is_counted_alone(shape):
        here = rows(shape, order, limit, placed=placed, backward=backward)
        beside = _others(shape, order, ahead, backward=backward) if placed else NONE
        return Slice(here, _count(some(shape, most)), beside)
    descending = order.descending is not backward
    there = window.beside(order, backward=backward) if placed else None
    wanted = max(limit, most)
    found = once(_found("page", shape, order, wanted, there, descending=descending).cte("found"))
    columns = found.c[order.name], found.c.id
    by = [each.desc() if descending else each.asc() for each in columns]
    here = _whole(select(found.c.id).order_by(*by).limit(text(limit)))
    counted = _count(select(found.c.id))
    if not placed:
        return Slice(here, func.least(counted, text(most)), NONE)
    all_counted = counted >= text(most)
    enough = _told("enough", case((all_counted, text(ahead)), else_=text(max(ahead, most))))
    beside = _beside(shape, order, max(ahead, most), backward=backward, enough=enough)
    if ahead == 1:  # where the page alone has as many as are counted, to know of one will do
        is_one = and_(all_counted, _is_here(shape, order, backward=backward))
        beside = case((is_one, ONE), else_=beside)
    beside = _told("beside", beside)
    return Slice(here, func.least(counted + beside, text(most)), func.least(beside, text(ahead)))


def rows(shape: Shape, order: Order, limit: int, *, placed: bool, backward: bool = False) -> CTE:
    """Return the transactions of a page alone."""
    there = window.beside(order, backward=backward) if placed else None
    descending = order.descending is not backward
    found = _found("page", shape, order, limit, there, descending=descending)
    if _is_straight(finders(shape)):
        return found.cte("slice")
    return _whole(select(found.subquery().c.id))


def _whole(ids: Select[Any]) -> CTE:
    """Return the transactions of these ids: their index is asked for all of them at once."""
    return select(tx).where(tx.c.id == any_(func.array(ids.scalar_subquery()))).cte("slice")


def _others(shape: Shape, order: Order, most: int, *, backward: bool) -> ColumnElement[int]:
    """Return how many rows lie on the other side of the place, and at it, to `most`.

    Where one is enough to know, it is most often the row at the place itself: that is asked first.
    """
    count = _beside(shape, order, most, backward=backward)
    if most > 1 or _is_straight(finders(shape)):
        return count
    return case((_is_here(shape, order, backward=backward), ONE), else_=count)


def _is_here(shape: Shape, order: Order, *, backward: bool) -> ColumnElement[bool]:
    """Return whether the row at the place is there still, and is meant."""
    there = window.beside(order, backward=not backward, at_it=True)(*order.columns)
    return exists().where(tx.c.id == keyset.seek_id(), *there, *clauses(shape, led=True))


def _beside(
    shape: Shape,
    order: Order,
    most: int,
    *,
    backward: bool,
    enough: ColumnElement[int] | None = None,
) -> ColumnElement[int]:
    """Return how many lie on the other side, to `most`; not all of them if fewer are enough."""
    there = window.beside(order, backward=not backward, at_it=True)
    descending = order.descending is backward
    found = _found("others", shape, order, most, there, descending=descending, enough=enough)
    return _count(found)


def countable(shape: Shape) -> int:
    """Return how far a filter is counted: about what the page itself costs.

    An index alone counts a thousand; where rows must be fetched and asked, two pages are enough.
    """
    return COUNTED if _is_told(shape) else ASKING


def some(shape: Shape, most: int) -> Select[Any]:
    """Return a row for each transaction of a filter, up to so many."""
    by = finders(shape)
    if not by.lists or not _is_counted_alone(shape):
        newest = keyset.NEWEST_FIRST
        found = _found("counted", shape, newest, most, None, descending=True)
        return select(ONE.label("one")).select_from(found.subquery())
    entries = by.lists[0].some(window.days(shape)).limit(text(most))
    return select(ONE.label("one")).select_from(entries.subquery())


def _told(name: str, number: ColumnElement[int]) -> ColumnElement[int]:
    """Return a number that is worked out once, however often the statement asks for it."""
    return select(once(select(number.label("number")).cte(name)).c.number).scalar_subquery()


def _count(found: Select[Any]) -> ColumnElement[int]:
    return select(func.count()).select_from(found.subquery()).scalar_subquery()


def _found(
    name: str,
    shape: Shape,
    order: Order,
    limit: int,
    there: Place | None,
    *,
    descending: bool,
    enough: ColumnElement[int] | None = None,
) -> Select[Any]:
    """Return the transactions beside a place, whole if it is straight; else what orders them."""
    by = finders(shape)
    ends = ("high", "low") if descending else ("low", "high")
    near, far = (window.until(shape, end) for end in ends)
    if _is_straight(by):
        at = (there or near, far) if order.is_by_time else (there,) if there else ()
        which = [each for place in at for each in place(*order.columns)]
        beside = window.beyond_days(shape) if order.is_by_time else shape
        found = select(tx).where(*clauses(beside), *which)
        columns = [each.desc() if descending else each.asc() for each in order.columns]
        return found.order_by(*columns).limit(text(limit))
    lists = by.lists[:WEIGHED]
    if order.is_by_time:
        rest, said = clauses(window.beyond_days(shape), led=True), _is_said(shape, lists)
        place = there or near, far, descending
        return Search(name, lists, by.sets, rest, said, *place, limit, enough).found()
    days, rest = window.days(shape), clauses(shape, led=True)
    return Ranking(
        name, lists, by.sets, rest, there or window.anywhere, days, descending, limit
    ).found()


def _is_said(shape: Shape, lists: Sequence[Listing]) -> bool:
    """Return whether some lists are all that is asked, besides days: one, or two side by side."""
    asked = {(key, negated) for key, negated, _ in window.beyond_days(shape)}
    return 0 < len(lists) <= PAIR and asked == {(each.key, False) for each in lists}


def _is_straight(by: Finders) -> bool:
    """Return whether one index gives the rows in order, or a hash finds them."""
    return by.unique or not (by.lists or by.sets)


def _is_counted_alone(shape: Shape) -> bool:
    """Return whether one index tells how many there are: no row is asked, and none found twice."""
    sole = finders(shape).sole
    return _is_told(shape) and not (sole and sole.repeats)


def _is_told(shape: Shape) -> bool:
    """Return whether indexes tell all, and no row is asked."""
    by = finders(shape)
    if by.sole:
        return by.sole.exact and not window.spans(shape)
    return not (by.lists or by.sets or needs_others(shape))
