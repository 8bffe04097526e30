"""Where a reader stands: orders, cursors, and the signed text of a cursor in a link.

A page is sought by a row value, `(occurred_at, id) < (…, …)`, which an index answers at any depth
with the same few buffers (https://www.postgresql.org/docs/18/functions-comparisons.html#ROW-WISE-COMPARISON).
Every order ends in the id, so it is total: no row is skipped or shown twice between pages.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import BigInteger, ColumnElement, bindparam, tuple_

from dal import seals, snapshots
from dal.errors import BadCursor, BadFilter, ForeignCursor
from dal.tables import transactions as tx

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Column
    from sqlalchemy.sql.elements import UnaryExpression

    from dal.filters import Filter
    from dal.moments import Snapshot
    from dal.records import Transaction

SMALLEST, USUAL, LARGEST = 25, 50, 200
SIZE = re.compile(r"\d{1,3}", re.ASCII)
#: Ahead of and behind every row of an instant.
FIRST_ID, LAST_ID = -(2**63), 2**63 - 1


@dataclass(frozen=True, slots=True)
class Order:
    """A column, a direction, and the id behind it in the same direction."""

    key: str  # as a URL writes it
    column: Column[Any]
    descending: bool
    words: str

    @property
    def name(self) -> str:
        """Return the attribute of a `Transaction` that it sorts by."""
        return self.column.name

    @property
    def is_by_time(self) -> bool:
        """Return whether it sorts by time."""
        return self.column is tx.c.occurred_at

    @property
    def columns(self) -> tuple[Column[Any], Column[int]]:
        """Return what it sorts by, the id behind the column."""
        return self.column, tx.c.id

    def by(self, *, backward: bool = False) -> list[UnaryExpression[Any]]:
        """Return the ORDER BY, or the opposite one."""
        if self.descending != backward:
            return [self.column.desc(), tx.c.id.desc()]
        return [self.column.asc(), tx.c.id.asc()]


ORDERS: Mapping[str, Order] = {
    order.key: order
    for order in (
        Order("-time", tx.c.occurred_at, descending=True, words="newest first"),
        Order("time", tx.c.occurred_at, descending=False, words="oldest first"),
        Order("-amount", tx.c.amount, descending=True, words="largest amount first"),
        Order("amount", tx.c.amount, descending=False, words="smallest amount first"),
    )
}
NEWEST_FIRST = ORDERS["-time"]


def order(key: str) -> Order:
    """Return the order of that key.

    Raises:
        BadFilter: there is none.
    """
    if key not in ORDERS:
        raise BadFilter("order", f"{key[:40]!r} is none of {', '.join(ORDERS)}")
    return ORDERS[key]


def page_size(text: str) -> int:
    """Return a page's size.

    Raises:
        BadFilter: it is no whole number between 25 and 200.
    """
    if not (SIZE.fullmatch(text) and SMALLEST <= int(text) <= LARGEST):
        raise BadFilter("size", f"{text[:40]!r} is no number from {SMALLEST} to {LARGEST}")
    return int(text)


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place between two rows, and the direction to read from it.

    Args:
        order: the order in which the place lies.
        side: "after" reads on from it, "before" reads back to it.
        key: the sort value and id of the row that it lies at, which is not itself read;
            None is the end of all rows, or with "after" their beginning.
        seen: the snapshot of the page that ended there, if the reader comes from one.
    """

    order: Order
    side: Literal["after", "before"]
    key: tuple[datetime | Decimal, int] | None
    seen: Snapshot | None = None

    @classmethod
    def at(
        cls,
        order: Order,
        side: Literal["after", "before"],
        row: Transaction,
        seen: Snapshot | None = None,
    ) -> Cursor:
        """Return the place at a row."""
        return cls(order, side, (getattr(row, order.name), row.id), seen)

    @classmethod
    def holding(cls, order: Order, row: Transaction) -> Cursor:
        """Return the place right ahead of a row, to read a page that begins with it."""
        before = row.id + 1 if order.descending else row.id - 1
        return cls(order, "after", (getattr(row, order.name), before))

    @classmethod
    def first(cls, order: Order) -> Cursor:
        """Return the place ahead of all rows, to read the first page from."""
        return cls(order, "after", None)

    @classmethod
    def last(cls, order: Order) -> Cursor:
        """Return the place behind all rows, to read the last page back from."""
        return cls(order, "before", None)

    @classmethod
    def from_instant(cls, order: Order, instant: datetime) -> Cursor:
        """Return the place from which a page by time goes on with `instant` itself.

        Raises:
            BadFilter: the order is not by time.
        """
        if not order.is_by_time:
            raise BadFilter("jump", f"a date has no place when sorted {order.words}; sort by time")
        return cls(order, "after", (instant, LAST_ID if order.descending else FIRST_ID))

    @property
    def backward(self) -> bool:
        """Return whether it is read back from."""
        return self.side == "before"

    def parameters(self) -> dict[str, Any]:
        """Return what a statement binds for it."""
        place = {} if self.key is None else {"seek_key": self.key[0], "seek_id": self.key[1]}
        return place | ({"known": self.seen.visible} if self.seen else {})


def seek_id() -> ColumnElement[int]:
    """Return the id of the bound place."""
    return bindparam("seek_id", type_=BigInteger())


def beside(
    order: Order, columns: Sequence[ColumnElement[Any]], *, backward: bool, at_it: bool = False
) -> ColumnElement[bool]:
    """Return the condition of lying behind the bound place, or ahead of it.

    Args:
        order: the order in which the place lies.
        columns: its two, or copies of them in another table.
        backward: ahead of it instead of behind it.
        at_it: the row at the place itself, too.
    """
    bound = bindparam("seek_key", type_=order.column.type), seek_id()
    here, there = tuple_(*columns), tuple_(*bound)
    if order.descending != backward:
        return here <= there if at_it else here < there
    return here >= there if at_it else here > there


# ── The signed text ──────────────────────────────────────────────────────────────────────────

PURPOSE = b"cursor 2"


def seal(cursor: Cursor, endpoint: str, where: Filter, key: bytes) -> str:
    """Return the cursor as text for a link, bound to endpoint, filter and order.

    Args:
        cursor: the place.
        endpoint: what the link leads to; a cursor is good there only.
        where: the filter whose rows it lies between.
        key: the secret that signs it.
    """
    body = json.dumps(
        [
            endpoint,
            _print(where),
            cursor.order.key,
            cursor.side,
            _key_text(cursor),
            snapshots.parts(cursor.seen) if cursor.seen else None,
        ],
        separators=(",", ":"),
    ).encode()
    return seals.seal(body, PURPOSE, key)


def unseal(text: str, endpoint: str, where: Filter, order: Order, key: bytes) -> Cursor:
    """Return the cursor that `seal` made into `text`, without asking the database.

    Raises:
        BadCursor: it is not ours, damaged, or from another endpoint.
        ForeignCursor: it is genuine, but of another filter or order.
    """
    body = seals.opened(text, PURPOSE, key)
    if body is None:
        raise BadCursor("cursor", "start again from the first page")
    try:
        origin, printed, order_key, side, place, seen = json.loads(body)
        known = snapshots.of_parts(seen) if seen else None
        cursor = Cursor(ORDERS[order_key], side, _key(ORDERS[order_key], place), known)
    except (ArithmeticError, KeyError, TypeError, ValueError):  # of another version of this module
        raise BadCursor("cursor", "it is out of date; start again from the first page") from None
    if origin != endpoint:
        raise BadCursor("cursor", "it leads to another page; go to the first page")
    if printed != _print(where):
        raise ForeignCursor("cursor", "the filter has changed since; go to the first page")
    if cursor.order is not order:
        raise ForeignCursor("cursor", "the order has changed since; go to the first page")
    return cursor


def _print(where: Filter) -> str:
    return hashlib.sha256(where.query().encode()).hexdigest()[:16]


def _key_text(cursor: Cursor) -> list[str | int] | None:
    if cursor.key is None:
        return None
    value, row = cursor.key
    return [value.isoformat() if isinstance(value, datetime) else str(value), row]


def _key(order: Order, place: list[Any] | None) -> tuple[datetime | Decimal, int] | None:
    if place is None:
        return None
    value, row = place
    if not (isinstance(row, int) and FIRST_ID <= row <= LAST_ID):
        raise ValueError(row)
    if order.is_by_time:
        return datetime.fromisoformat(value).astimezone(UTC), row
    return Decimal(value), row
