"""What of a set, which is in no order, stands in a list, too.

The list is read from the first to the last time of what the set has, once to see how long it is
there. Then the shorter one of both is hashed, and the other one's entries are asked one by one; if
no list is short enough for that, all of the set is left to be fetched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import CTE, ColumnElement, Select, case, func, select

from dal.entries import among, either, once, text
from dal.window import also

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dal.lists import Listing, Place

#: The list has no more entries there than so many, and than so many times as the set: to fetch a
#: transaction takes as long as to read twenty entries.
LONG, TIMES = 200_000, 20
#: What is added to a list's number if it is longer than the set.
LONGER = 10


def crossed(name: str, taken: Select[Any], lists: Mapping[int, Listing], turn: Any) -> Any:  # noqa: ANN401
    """Return the entries of a set that stand in the first short one of some lists, or all.

    Args:
        name: for what the statement names.
        taken: the times and ids of the set.
        lists: by number.
        turn: whether they are wanted at all; else no list is read.
    """
    here = taken.cte(name).prefix_with("NOT MATERIALIZED").c
    first, last = func.min(here.occurred_at), func.max(here.occurred_at)
    told = select(func.count().label("many"), first.label("first"), last.label("last"))
    span = once(told.select_from(here.id.table).cte(f"{name}_span"))
    ways = [_way(number, each, span) for number, each in lists.items()]
    way = once(select(func.coalesce(*ways).label("way")).cte(f"{name}_way"))
    chosen = select(way.c.way).scalar_subquery()
    whole = select(here.occurred_at, here.id)
    found = [whole.where(chosen.is_(None))]
    for number, each in lists.items():
        shorter, longer = (
            also(_between(span), [turn, chosen == text(number + more)]) for more in (0, LONGER)
        )
        hashed = select(each.some(shorter).subquery().c.id)
        found.append(among(whole.where(chosen == text(number)), hashed))
        found.append(among(each.some(longer), select(here.id)))
    return either(found)


def _way(number: int, listing: Listing, span: CTE) -> ColumnElement[Any]:
    """Return a list's number, or that of a longer one; NULL if it is too long."""
    many = select(span.c.many).scalar_subquery()
    most = func.least(text(LONG), many * text(TIMES))
    some = listing.some(_between(span)).limit(most + text(1)).subquery()
    length = select(func.count().label("length")).select_from(some).subquery().c.length
    ways = (length <= many, text(number)), (length <= most, text(number + LONGER))
    return select(case(*ways)).scalar_subquery()


def _between(span: CTE) -> Place:
    """Return the time from the first to the last of some entries; nowhere if there are none."""
    first, last = (select(span.c[name]).scalar_subquery() for name in ("first", "last"))

    def place(
        occurred_at: ColumnElement[Any], _row_id: ColumnElement[Any]
    ) -> list[ColumnElement[bool]]:
        return [occurred_at >= first, occurred_at <= last]

    return place
