"""Transactions: a page of them from one statement, or all of them as a stream."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Select, select

from dal import driver, keyset, moves, naming, slices, snapshots, tables, window
from dal.estimates import estimate, numbers_statement, sample_statement
from dal.figures import totals, totals_statement
from dal.filters import EVERYTHING, Filter, Shape, refuse_strangers, strangers
from dal.keyset import NEWEST_FIRST, USUAL, Cursor, Order
from dal.pages import Page
from dal.shown import COLUMNS, gathered, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from dal.records import Transaction

__all__ = [
    "Page",
    "estimate",
    "iterate",
    "numbers_statement",
    "page",
    "page_parameters",
    "page_statement",
    "sample_statement",
    "totals",
    "totals_statement",
    "walk_statement",
]

tx = tables.transactions


#: Rows ahead of a page are counted to here; "or more" will do.
AHEAD = 100

# ── A page ───────────────────────────────────────────────────────────────────────────────────


def page(
    conn: Connection,
    where: Filter = EVERYTHING,
    order: Order = NEWEST_FIRST,
    cursor: Cursor | None = None,
    size: int = USUAL,
    *,
    count_ahead: bool = False,
) -> Page:
    """Return one page, all of it from one statement.

    Args:
        conn: a read block's.
        where: the filter.
        order: in which the rows come.
        cursor: where the page begins, or ends; None: at the first row.
        size: how many rows at most.
        count_ahead: whether to count the rows ahead of it, up to `AHEAD`.

    Raises:
        NotFound: the filter names a wallet, asset, label, contact or import that does not exist.
    """
    statement = page_statement(where, order, cursor, size, count_ahead=count_ahead)
    (values,) = driver.rows(conn, statement, page_parameters(where, cursor))
    return _page(values, where, order, cursor, size)


def page_statement(
    where: Filter = EVERYTHING,
    order: Order = NEWEST_FIRST,
    cursor: Cursor | None = None,
    size: int = USUAL,
    *,
    count_ahead: bool = False,
) -> Select[Any]:
    """Return the statement of a page; `page_parameters` has what it binds.

    It depends on the filter's shape alone, so one text serves all values of the same conditions.
    """
    place = None if cursor is None else (cursor.side, cursor.key is not None, _comes(cursor))
    return _page_statement(where.shape, order.key, place, size, AHEAD if count_ahead else 1)


def _comes(cursor: Cursor | None) -> bool:
    """Return whether the reader comes from another page, and not from an end."""
    return cursor is not None and cursor.key is not None and cursor.seen is not None


def page_parameters(where: Filter, cursor: Cursor | None) -> dict[str, Any]:
    """Return what `page_statement` binds."""
    bound = where.parameters() | (cursor.parameters() if cursor else {})
    if cursor is not None and cursor.key is not None and cursor.order.is_by_time:
        there = bound["seek_key"], bound["seek_id"]
        bound["seek_key"], bound["seek_id"] = window.within_days(where, there)
    return bound


@lru_cache(maxsize=512)
def _page_statement(
    shape: Shape, order_key: str, place: tuple[str, bool, bool] | None, size: int, ahead: int
) -> Select[Any]:
    order = keyset.ORDERS[order_key]
    side, placed, comes = place or ("after", False, False)
    backward = side == "before"
    cut = slices.cut(shape, order, size + 1, ahead, placed=placed, backward=backward)
    crossed = moves.columns(shape, order, backward=backward) if comes else ()
    many = f"{size} rows" if size != USUAL else ""
    name = naming.shaped("transactions page", shape, order.words, naming.place(place), many)
    return naming.named(select(shown(cut.rows, order), *_facts(shape, cut, *crossed)), name)


def _facts(shape: Shape, cut: slices.Slice, *more: ColumnElement[Any]) -> list[ColumnElement[Any]]:
    """Return what a page says of itself: count, neighbours, token, moves, strangers."""
    return [
        cut.counted.label("counted"),
        cut.others.label("others"),
        *snapshots.columns(),
        *more,
        *strangers(shape),
    ]


# ── From the row to records ──────────────────────────────────────────────────────────────────

TOKEN = COLUMNS + 2  # where its columns begin, behind the count and whether there are others
CROSSED = TOKEN + snapshots.COLUMNS


def _page(
    values: Sequence[Any], where: Filter, order: Order, cursor: Cursor | None, size: int
) -> Page:
    counted, others = values[COLUMNS:TOKEN]
    strange = CROSSED + (moves.COLUMNS if _comes(cursor) else 0)
    refuse_strangers(where, values[strange:])
    now = snapshots.snapshot(values[TOKEN:CROSSED])
    found = gathered(values[:COLUMNS])
    backward = cursor is not None and cursor.backward
    more = len(found.rows) > size
    return Page(
        rows=found.rows[1:] if more and backward else found.rows[:size],
        order=order,
        size=size,
        cursor=cursor,
        has_previous=more if backward else others > 0,
        has_next=others > 0 if backward else more,
        ahead=int(more) if backward else others,
        counted=counted,
        countable=slices.countable(where.shape),
        snapshot=now,
        moved=(
            moves.moves(values[CROSSED:strange], cursor, now)
            if cursor and strange > CROSSED
            else moves.NOTHING
        ),
        wallets=found.wallets,
        labels=found.labels,
    )


# ── All of them ──────────────────────────────────────────────────────────────────────────────

#: Rows of one answer: of 500 each would cost a fifth more time, and 10,000 save little.
CHUNK = 2_000


def iterate(
    conn: Connection, where: Filter = EVERYTHING, order: Order = NEWEST_FIRST
) -> Iterator[Transaction]:
    """Return every transaction of a filter, any number of them, in constant memory.

    In a `snapshot` block all are true at one instant. In a `read` block each chunk is as fresh as
    it can be: what does not change meanwhile comes exactly once. The connection must stay open
    until the last one.

    Raises:
        NotFound: as `page`, at once and not at the first row.
    """
    if unknown := strangers(where.shape):
        refuse_strangers(where, conn.execute(select(*unknown), where.named_parameters()).one())
    return _walk(conn, where, order)


def _walk(conn: Connection, where: Filter, order: Order) -> Iterator[Transaction]:
    cursor: Cursor | None = None
    while True:
        statement = walk_statement(where, order, cursor)
        (values,) = driver.rows(conn, statement, page_parameters(where, cursor))
        found = gathered(values).rows
        yield from found
        if len(found) < CHUNK:
            return
        cursor = Cursor.at(order, "after", found[-1])


def walk_statement(
    where: Filter = EVERYTHING,
    order: Order = NEWEST_FIRST,
    cursor: Cursor | None = None,
) -> Select[Any]:
    """Return the statement of one chunk of `iterate`."""
    return _walk_statement(where.shape, order.key, placed=cursor is not None)


@lru_cache(maxsize=128)
def _walk_statement(shape: Shape, order_key: str, *, placed: bool) -> Select[Any]:
    order = keyset.ORDERS[order_key]
    rows = shown(slices.rows(shape, order, CHUNK, placed=placed), order)
    at = "next chunk" if placed else "first chunk"
    name = naming.shaped("transactions walk", shape, order.words, at)
    return naming.named(select(rows), name)
