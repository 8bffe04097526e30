"""Walks through pages, in both directions, checking each page against the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dal import transactions
from dal.keyset import Cursor

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from dal.keyset import Order
    from dal.records import Transaction
    from dal.transactions import Page


def nothing(_page: Page) -> None:
    """Change nothing between two pages."""


def forward(
    conn: Connection, order: Order, size: int, between: Callable[[Page], None] = nothing
) -> list[Page]:
    """Return the pages from the first on, following `next`."""
    pages = [transactions.page(conn, order=order, size=size)]
    while step := pages[-1].next:
        between(pages[-1])
        pages.append(transactions.page(conn, order=order, cursor=step, size=size))
        assert len(pages) < 10_000, "the walk does not end"
    return pages


def backward(
    conn: Connection, order: Order, size: int, between: Callable[[Page], None] = nothing
) -> list[Page]:
    """Return the pages from the last back, following `previous`."""
    pages = [transactions.page(conn, order=order, cursor=Cursor.last(order), size=size)]
    while step := pages[-1].previous:
        between(pages[-1])
        pages.append(transactions.page(conn, order=order, cursor=step, size=size))
        assert len(pages) < 10_000, "the walk does not end"
    return pages


def joined(pages: list[Page]) -> list[Transaction]:
    """Return the rows of pages, one after the other."""
    return [row for page in pages for row in page.rows]


def place(order: Order, row: Transaction) -> tuple[object, int]:
    """Return what a row is sorted by."""
    return getattr(row, order.name), row.id


def check(conn: Connection, order: Order, size: int, whole: list[Transaction]) -> None:
    """Check every law of a ledger that does not change, against all its rows in order."""
    there, back = forward(conn, order, size), backward(conn, order, size)
    assert joined(there) == whole
    assert [row for page in reversed(back) for row in page.rows] == whole
    for page in (*there, *back):
        honest(page, whole)
        assert len(page.rows) == size or not (page.has_next and page.has_previous)


def honest(page: Page, whole: list[Transaction]) -> None:
    """Check what a page says of its neighbours."""
    places = [row.id for row in whole]
    assert page.counted == min(len(whole), page.countable + 1)
    if page.rows:
        first, last = places.index(page.rows[0].id), places.index(page.rows[-1].id)
        assert [row.id for row in page.rows] == places[first : last + 1]
        assert page.has_previous == (first > 0)
        assert page.has_next == (last < len(whole) - 1)
    assert (page.previous is not None) == page.has_previous
    assert (page.next is not None) == page.has_next
