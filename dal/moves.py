"""Transactions that crossed the reader's position while the pages of a list were read.

A walk by keyset shows what stays where it is exactly once. What is moved to the other side of the
reader's place between two pages (its time or amount was edited) is missed, or comes again; the
change log knows which those are: of each transaction moved since the snapshot of the page that the
reader comes from, where it lay then and where it lies now.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ColumnElement,
    Text,
    cast,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.types import NullType

from dal import changes, keyset, tables
from dal.filters import clauses
from dal.records import Move
from dal.tables_log import MOVED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dal.filters import Shape
    from dal.keyset import Cursor, Order
    from dal.moments import Snapshot

tx, log = tables.transactions, tables.changes
#: Moves that are looked at, and those that are named.
MOST, NAMED = 1_000, 20
#: How many columns a statement spends on them.
COLUMNS = 7


@dataclass(frozen=True, slots=True)
class Moves:
    """What crossed the reader's position since the page before."""

    named: tuple[Move, ...]  # some of them, in the list's order
    count: int
    more: bool  # so many were moved that not all could be looked at
    unknown: str  # why it cannot be told, in words; "" when it can


#: Of a page that continues none.
NOTHING = Moves((), 0, more=False, unknown="")


def columns(shape: Shape, order: Order, *, backward: bool) -> list[ColumnElement[Any]]:
    """Return the columns of a page's statement that tell of moves; `moves` reads them.

    They bind the place, as the page does, and `known`: the snapshot of the page before.
    """
    then, considered = _where_it_was(order)
    was = keyset.beside(order, (then.c.key, then.c.id), backward=backward)
    now = keyset.beside(order, order.columns, backward=backward)
    crossed = (
        select(
            tx.c.id,
            tx.c.occurred_at,
            cast(tx.c.type, Text).label("type"),
            was.label("missed"),
            func.row_number().over(order_by=order.by()).label("number"),
        )
        .join(then, then.c.id == tx.c.id)
        .where(was != now, *clauses(shape))
        .cte("crossed")
    )
    shown = select(crossed).where(crossed.c.number <= literal_column(str(NAMED))).subquery()
    listed = [
        func.array(
            select(shown.c[name]).order_by(shown.c.number).scalar_subquery(), type_=NullType()
        ).label(f"moved_{name}")
        for name in ("id", "occurred_at", "type", "missed")
    ]
    count = select(func.count()).select_from(crossed).scalar_subquery()
    return [
        *listed,
        count.label("moved_count"),
        considered.label("moves_considered"),
        changes.forgotten().label("forgotten"),
    ]


def _where_it_was(order: Order) -> tuple[Any, ColumnElement[int]]:
    """Return the sort keys that moved transactions had, and the number of moves looked at."""
    column = order.column
    fresh = changes.fresh([log.c.id, log.c.seq, log.c.before], MOVED).limit(
        literal_column(str(MOST + 1))
    )
    recent = fresh.cte("recent_moves")
    name = literal_column(f"'{order.name}'", Text)
    key = cast(recent.c.before.op("->>", return_type=Text())(name), column.type)
    first = (
        select(recent.c.id, key.label("key"))
        .ext(distinct_on(recent.c.id))
        .where(recent.c.before.has_key(name))
        .order_by(recent.c.id, recent.c.seq)
        .subquery("was")
    )
    return first, select(func.count()).select_from(recent).scalar_subquery()


def moves(values: Sequence[Any], cursor: Cursor, now: Snapshot) -> Moves:
    """Return what `columns` brought."""
    *arrays, count, considered, forgotten = values
    assert cursor.seen is not None  # noqa: S101 (else nothing was asked)
    unknown = changes.lost(cursor.seen, now, forgotten)
    if unknown:
        return Moves((), 0, more=False, unknown=unknown)
    named = tuple(map(Move, *arrays)) if arrays[0] else ()
    return Moves(named, count, considered > MOST, "")
