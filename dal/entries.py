"""From entries of lists and sets, which are times and ids, to the transactions that they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import CTE, ColumnElement, Select, literal_column, select, true

from dal import tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import FromClause

    from dal.lists import Place

tx = tables.transactions


def fetched(entries: FromClause, clauses: Sequence[ColumnElement[bool]]) -> Select[Any]:
    """Return the transactions of entries that meet all conditions, fetched one by one.

    OFFSET 0 keeps the planner from fetching all that meet a condition instead.
    """
    row = select(tx).where(tx.c.id == entries.c.id, *clauses).correlate(entries)
    one = row.offset(text(0)).lateral()
    return select(*one.c).select_from(entries.join(one, true()))


def once(cte: CTE) -> CTE:
    """Return a CTE that is worked out once, even where only one place asks for it."""
    return cte.prefix_with("MATERIALIZED")


def capped(found: Select[Any], place: Place, most: int) -> Select[Any]:
    """Return the times and ids of a set beside a place; one more than `most` means more.

    Planned as if all of it were wanted, by its index: few of many would be looked for in the table.
    """
    columns = found.subquery().c
    here = select(columns.occurred_at, columns.id).where(*place(columns.occurred_at, columns.id))
    whole, one = here.offset(text(0)).subquery(), select(text(1).label("one")).subquery()
    return select(whole).select_from(whole.join(one, true())).limit(text(most + 1))


def text(number: int) -> ColumnElement[int]:
    """Return a number as text: a bound limit would be planned again at every call."""
    return literal_column(str(number))
