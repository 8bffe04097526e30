"""A transaction as a row of a page: the SQL that gathers it, and the record that is made of it.

Movements and labels come as one array per field, in order, from a lateral subquery each: a row of
the answer is a row of the page, whatever hangs on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import CTE, ColumnElement, Select, Text, and_, cast, func, select, true
from sqlalchemy.types import NullType

from dal import tables
from dal.keyset import NEWEST_FIRST
from dal.records import Movement, Tag, Transaction

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import FromClause, Subquery

    from dal.keyset import Order

#: Where a shown row's columns end: its plain ones, then those of its movements, then its labels'.
PLAIN, MOVED, TAGGED = 16, 21, 24
Record = TypeVar("Record")


def shown_statement(which: ColumnElement[bool]) -> Select[Any]:
    """Return the statement of the transactions that a condition means, newest first."""
    rows = shown(select(tables.transactions).where(which).cte("slice"))
    return select(rows).order_by(*resorted(rows, NEWEST_FIRST))


def shown(page: CTE) -> Subquery:
    """Return the bare transactions with names, movements and labels: a `Transaction` a row."""
    ca, c, w = tables.contact_addresses, tables.contacts, tables.wallets
    moved, tagged = _movements(page), _tags(page)
    at_address = and_(
        page.c.contact_id.is_(None),
        ca.c.network == page.c.network,
        ca.c.address == page.c.counterparty,
    )
    return (
        select(
            page.c.id,
            page.c.occurred_at,
            page.c.wallet_id,
            w.c.name.label("wallet"),
            cast(page.c.type, Text).label("type"),
            cast(page.c.status, Text).label("status"),
            page.c.network,
            page.c.tx_hash,
            page.c.address,
            page.c.counterparty,
            c.c.id.label("contact_id"),
            c.c.name.label("contact"),
            page.c.contact_id.is_not(None).label("contact_by_hand"),
            page.c.note,
            page.c.amount,
            page.c.version,
            *moved.c,
            *tagged.c,
        )
        .select_from(page)
        .join(w, w.c.id == page.c.wallet_id)
        .outerjoin(ca, at_address)
        .outerjoin(c, c.c.id == func.coalesce(page.c.contact_id, ca.c.contact_id))
        .join(moved, true())
        .join(tagged, true())
        .subquery("shown")
    )


def _movements(page: CTE) -> FromClause:
    """Return an array of each field of `Movement`, in order; NULLs where there is none."""
    m, a = tables.movements, tables.assets
    ordered = (
        select(
            m.c.position, cast(m.c.kind, Text).label("kind"), m.c.asset_id, a.c.symbol, m.c.amount
        )
        .join(a, a.c.id == m.c.asset_id)
        .where(m.c.transaction_id == page.c.id)
        .order_by(m.c.position, m.c.key)
        .correlate(page)
        .subquery("ordered_movements")
    )
    return select(*_gathered(ordered, "movement")).subquery("moved").lateral()


def _tags(page: CTE) -> FromClause:
    """Return an array of each field of `Tag`, by name; NULLs where there is none."""
    tl, lb = tables.transaction_labels, tables.labels
    ordered = (
        select(lb.c.id, lb.c.name, cast(lb.c.colour, Text).label("colour"))
        .join(tl, tl.c.label_id == lb.c.id)
        .where(tl.c.transaction_id == page.c.id)
        .order_by(func.lower(lb.c.name))
        .correlate(page)
        .subquery("ordered_labels")
    )
    return select(*_gathered(ordered, "label")).subquery("tagged").lateral()


def _gathered(rows: Subquery, prefix: str) -> list[Any]:
    return [
        func.array_agg(column, type_=NullType()).label(f"{prefix}_{column.name}")
        for column in rows.c
    ]


def resorted(rows: Subquery, order: Order) -> list[Any]:
    """Return the ORDER BY of what is shown: that of the page, whichever way it was read."""
    columns = (rows.c[order.name], rows.c.id)
    return [column.desc() if order.descending else column.asc() for column in columns]


def transaction(values: Sequence[Any]) -> Transaction:
    """Return the record of a shown row."""
    movements = zipped(Movement, values[PLAIN:MOVED])
    fields = (*values[:PLAIN], movements, zipped(Tag, values[MOVED:TAGGED]))
    return Transaction(*fields)


def zipped(record: Callable[..., Record], arrays: Sequence[Any]) -> tuple[Record, ...]:
    """Return the records whose fields stand in an array each; none where the arrays are NULL."""
    return tuple(map(record, *arrays)) if arrays[0] else ()
