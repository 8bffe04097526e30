"""From entries of lists and sets, which are times and ids, to transactions, and what these say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import CTE, ColumnElement, Select, literal_column, select, true, union_all

from dal import tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import FromClause

tx = tables.transactions


def fetched(entries: FromClause, clauses: Sequence[ColumnElement[bool]]) -> Select[Any]:
    """Return what orders the transactions of entries that meet all conditions, asked one by one.

    OFFSET 0 keeps the planner from fetching all that meet a condition instead.
    """
    row = select(tx.c.id, tx.c.occurred_at, tx.c.amount)
    row = row.where(tx.c.id == entries.c.id, *clauses).correlate(entries)
    one = row.offset(text(0)).lateral()
    return select(*one.c).select_from(entries.join(one, true()))


def among(entries: Select[Any], ids: Select[Any]) -> Select[Any]:
    """Return the entries of some transactions.

    Their ids are hashed, and the entries asked one by one: `IS TRUE` keeps them from being joined,
    for which PostgreSQL would have to know how many there are.
    """
    here = entries.offset(text(0)).subquery().c  # asked in one place, with one hash
    return select(here.occurred_at, here.id).where(here.id.in_(ids).is_(true()))


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
