"""From entries of lists and sets, which are times and ids, to transactions, and what these say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ARRAY,
    CTE,
    BigInteger,
    ColumnElement,
    Select,
    func,
    literal_column,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import distinct_on

from dal import tables
from dal.window import WHEN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import FromClause

tx = tables.transactions
BIG = BigInteger()


def fetched(entries: FromClause, clauses: Sequence[ColumnElement[bool]]) -> Select[Any]:
    """Return what orders the transactions of entries that meet all conditions, asked one by one.

    OFFSET 0 keeps the planner from fetching all that meet a condition instead.
    """
    row = select(tx.c.id, tx.c.occurred_at, tx.c.amount)
    row = row.where(tx.c.id == entries.c.id, *clauses).correlate(entries)
    one = row.offset(text(0)).lateral()
    return select(*one.c).select_from(entries.join(one, true()))


def arrays(entries: Any) -> tuple[ColumnElement[Any], ...]:  # noqa: ANN401 (columns)
    """Return how many entries there are, and their times and ids as arrays."""
    times = func.array_agg(entries.occurred_at, type_=ARRAY(WHEN))
    ids = func.array_agg(entries.id, type_=ARRAY(BIG))
    return func.count().label("many"), times.label("times"), ids.label("ids")


def unnested(times: ColumnElement[Any], ids: ColumnElement[Any]) -> Select[Any]:
    """Return the entries of two arrays, one by one: a function in FROM would store all of them."""
    each: list[ColumnElement[Any]] = [
        func.unnest(times, type_=WHEN).label("occurred_at"),
        func.unnest(ids, type_=BIG).label("id"),
    ]
    return select(*each)


def at(place: CTE) -> ColumnElement[Any]:
    """Return the place that a statement has found; NULL if there is none, where nothing lies."""
    return tuple_(*(select(place.c[each]).scalar_subquery() for each in ("occurred_at", "id")))


def in_order(found: Select[Any], columns: Any, *, descending: bool) -> Select[Any]:  # noqa: ANN401 (of any FROM)
    """Return it by time, and by id among those of one instant."""
    by = columns.occurred_at, columns.id
    return found.order_by(*(each.desc() if descending else each.asc() for each in by))


def first_of(
    entries: Select[Any],
    clauses: Sequence[ColumnElement[bool]],
    *,
    descending: bool,
    limit: int,
) -> Select[Any]:
    """Return the first transactions that meet conditions, of entries in no order, some twice."""
    found = entries.subquery()
    each = select(found).ext(distinct_on(found.c.occurred_at, found.c.id))
    here = in_order(each, found.c, descending=descending).subquery()
    asked = in_order(fetched(here, clauses), here.c, descending=descending)
    rows = asked.limit(text(limit)).subquery()
    return select(rows.c.occurred_at, rows.c.id)


def once(cte: CTE) -> CTE:
    """Return a CTE that is worked out once, even where only one place asks for it."""
    return cte.prefix_with("MATERIALIZED")


def either(found: Sequence[Any]) -> Any:  # noqa: ANN401 (Selects, or unions of them)
    """Return all of it, in no order; each keeps its own limit."""
    if len(found) == 1:
        return found[0]
    return union_all(*found)


def text(number: int) -> ColumnElement[int]:
    """Return a number as text: a bound limit would be planned again at every call."""
    return literal_column(str(number))
