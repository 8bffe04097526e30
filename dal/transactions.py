"""Transactions: a page of them from one statement, or all of them as a stream."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    cast,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.types import NullType

from dal import driver, keyset, moves, naming, slices, snapshots, tables
from dal.figures import totals, totals_statement
from dal.filters import EVERYTHING, Filter, Shape, named_keys, refuse_strangers, strangers
from dal.keyset import NEWEST_FIRST, USUAL, Cursor, Order
from dal.pages import Page
from dal.records import Choice, Tag, Transaction
from dal.shown import resorted, shown, shown_statement, transaction, zipped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Column, Connection, Table


__all__ = [
    "Page",
    "iterate",
    "page",
    "page_parameters",
    "page_statement",
    "shown_statement",
    "totals",
    "totals_statement",
    "transaction",
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
    rows = driver.rows(conn, statement, page_parameters(where, cursor))
    return _page(rows, where, order, cursor, size)


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
    return where.parameters() | (cursor.parameters() if cursor else {})


@lru_cache(maxsize=512)
def _page_statement(
    shape: Shape, order_key: str, place: tuple[str, bool, bool] | None, size: int, ahead: int
) -> Select[Any]:
    order = keyset.ORDERS[order_key]
    side, placed, comes = place or ("after", False, False)
    backward = side == "before"
    rows = shown(slices.rows(shape, order, size + 1, placed=placed, backward=backward))
    others = (
        slices.others(shape, order, ahead, backward=backward) if placed else literal_column("0")
    )
    crossed = moves.columns(shape, order, backward=backward) if comes else ()
    facts = _facts(shape, others, *crossed).subquery("facts")
    found = select(facts, rows).select_from(facts.outerjoin(rows, true()))
    many = f"{size} rows" if size != USUAL else ""
    name = naming.shaped("transactions page", shape, order.words, naming.place(place), many)
    return naming.named(found.order_by(*resorted(rows, order)), name)


def _facts(shape: Shape, others: ColumnElement[int], *more: ColumnElement[Any]) -> Select[Any]:
    """Return the one row that every page has: count, token, names to choose from, strangers."""
    counted = select(func.count()).select_from(
        slices.some(shape, slices.countable(shape) + 1).subquery("some")
    )
    return select(
        counted.scalar_subquery().label("counted"),
        others.label("others"),
        *snapshots.columns(),
        *_listed(tables.wallets, *(tables.wallets.c[name] for name in WALLET)),
        *_listed(tables.labels, *(tables.labels.c[name] for name in LABEL)),
        *more,
        *strangers(shape),
    )


WALLET = ("id", "name")
LABEL = ("id", "name", "colour")


def _listed(table: Table, *columns: Column[Any]) -> list[Any]:
    """Return an array of each column, by name: lists to choose from, small by nature."""
    return [
        func.array(
            select(cast(column, Text) if column.name == "colour" else column)
            .order_by(func.lower(table.c.name))
            .scalar_subquery(),
            type_=NullType(),
        ).label(f"{table.name}_{column.name}")
        for column in columns
    ]


# ── From rows to records ─────────────────────────────────────────────────────────────────────

TOKEN = 2  # where its columns begin, behind the count and whether there are others
LISTS = TOKEN + snapshots.COLUMNS
FACTS = LISTS + len(WALLET) + len(LABEL)


def _page(
    rows: Sequence[tuple[Any, ...]], where: Filter, order: Order, cursor: Cursor | None, size: int
) -> Page:
    facts = rows[0]
    counted, others = facts[:TOKEN]
    crossed = FACTS + (moves.COLUMNS if _comes(cursor) else 0)
    start = crossed + len(named_keys(where.shape))
    refuse_strangers(where, facts[crossed:start])
    now = snapshots.snapshot(facts[TOKEN:LISTS])
    backward = cursor is not None and cursor.backward
    more = len(rows) > size
    shown = rows[1:] if more and backward else rows[:size]
    return Page(
        rows=tuple(transaction(row[start:]) for row in shown if row[start] is not None),
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
            moves.moves(facts[FACTS:crossed], cursor, now)
            if cursor and crossed > FACTS
            else moves.NOTHING
        ),
        wallets=zipped(Choice, facts[LISTS : LISTS + len(WALLET)]),
        labels=zipped(Tag, facts[LISTS + len(WALLET) : FACTS]),
    )


# ── All of them ──────────────────────────────────────────────────────────────────────────────

CHUNK = 500


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
        rows = driver.rows(conn, statement, page_parameters(where, cursor))
        found = [transaction(row) for row in rows]
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
    rows = shown(slices.rows(shape, order, CHUNK, placed=placed))
    at = "next chunk" if placed else "first chunk"
    name = naming.shaped("transactions walk", shape, order.words, at)
    return naming.named(select(rows).order_by(*resorted(rows, order)), name)
