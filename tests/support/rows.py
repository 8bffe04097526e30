"""Rows put into a ledger directly, as psql would: what a test needs to be there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert

from dal import tables

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

NOON = datetime(2024, 3, 5, 12, tzinfo=UTC)
#: All that 256 bits can count, the largest amount there is.
MOST = Decimal(2**256 - 1)
LEAST = Decimal("1E-18")


def at(seconds: float) -> datetime:
    """Return an instant so many seconds after noon."""
    return NOON + timedelta(seconds=seconds)


def put(conn: Connection, table: str, **values: Any) -> int:
    """Insert one row and return its id."""
    which = tables.metadata.tables[table]
    return int(conn.execute(insert(which).values(**values).returning(which.c.id)).scalar_one())


def wallet(conn: Connection, name: str = "Main") -> int:
    return put(conn, "wallets", name=name)


def asset(conn: Connection, symbol: str = "ETH", **values: Any) -> int:
    return put(conn, "assets", symbol=symbol, **values)


def label(conn: Connection, name: str, **values: Any) -> int:
    return put(conn, "labels", name=name, **values)


def contact(conn: Connection, name: str, *places: tuple[str, str]) -> int:
    known = put(conn, "contacts", name=name)
    for network, address in places:
        values = {"network": network, "address": address, "contact_id": known}
        conn.execute(insert(tables.contact_addresses).values(values))
    return known


def transaction(
    conn: Connection,
    wallet_id: int,
    when: datetime = NOON,
    moved: Iterable[tuple[int, Decimal | str | int, str]] = (),
    labels: Iterable[int] = (),
    **values: Any,
) -> int:
    """Insert a transaction with movements of (asset, amount, kind), and with labels."""
    told: dict[str, Any] = {"type": "receive", "wallet_id": wallet_id, "occurred_at": when}
    known = put(conn, "transactions", **(told | values))
    for position, (asset_id, amount, kind) in enumerate(moved):
        move(conn, known, position, occurred_at=when, asset_id=asset_id, amount=amount, kind=kind)
    for label_id in labels:
        hung = {"transaction_id": known, "label_id": label_id, "occurred_at": when}
        conn.execute(insert(tables.transaction_labels).values(hung))
    return known


def move(
    conn: Connection,
    transaction_id: int,
    position: int,
    *,
    amount: Decimal | str | int,
    **values: Any,
) -> None:
    """Insert one movement."""
    told: dict[str, Any] = {"kind": "principal", "key": position, "amount": Decimal(amount)}
    place = {"transaction_id": transaction_id, "position": position}
    conn.execute(insert(tables.movements).values(**(told | place | values)))
