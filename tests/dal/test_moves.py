"""A walk while rows come, go and move: the untouched exactly once, the others named."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, select, update

from dal import changes, moves, tables, transactions
from dal.filters import Filter
from dal.keyset import NEWEST_FIRST, ORDERS, Cursor
from tests.support import rows
from tests.support.rows import at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dal.database import Ledger
    from dal.keyset import Order
    from dal.transactions import Page

tx = tables.transactions
Key = tuple[Any, int]
SIZE = 4


@pytest.fixture
def walked(ledger: Ledger) -> Ledger:
    """Return a ledger of thirty transactions, many of which share a time or an amount."""
    with ledger.write() as conn:
        wallet, eth = rows.wallet(conn), rows.asset(conn)
        for n in range(30):
            rows.transaction(conn, wallet, at(n // 3), [(eth, n % 5 + 1, "principal")])
    return ledger


def keys(ledger: Ledger, order: Order) -> dict[int, Key]:
    with ledger.read() as conn:
        found = conn.execute(select(tx.c.id, order.column))
        return {row.id: (row[1], row.id) for row in found}


def disturb(ledger: Ledger, random: Random) -> set[int]:
    """Do to some rows what people do meanwhile, each in a transaction of its own."""
    touched = set()
    for _ in range(random.randrange(5)):
        with ledger.write() as conn:
            some = random.choice(conn.execute(select(tx.c.id)).scalars().all())
            deed = random.choice(["time", "time", "amount", "amount", "note", "delete", "insert"])
            match deed:
                case "time":
                    change(conn, some, occurred_at=at(random.randrange(12)))
                case "amount":
                    change(conn, some, amount=Decimal(random.randrange(1, 8)))
                case "note":
                    change(conn, some, note=str(random.random()))
                case "delete":
                    conn.execute(delete(tx).where(tx.c.id == some))
                case _:
                    wallet = conn.execute(select(tables.wallets.c.id)).scalar_one()
                    some = rows.transaction(conn, wallet, at(random.randrange(12)))
            if deed != "note":
                touched.add(some)
    return touched


def change(conn: Any, row: int, **values: Any) -> None:
    conn.execute(update(tx).where(tx.c.id == row).values(**values))


def pages(ledger: Ledger, order: Order, *, back: bool) -> Iterator[Page]:
    cursor = Cursor.last(order) if back else None
    while True:
        with ledger.read() as conn:
            page = transactions.page(conn, order=order, cursor=cursor, size=SIZE)
        yield page
        cursor = page.previous if back else page.next
        if cursor is None or cursor.key is None:
            return


@pytest.mark.parametrize("back", [False, True], ids=["there", "back"])
@pytest.mark.parametrize("order", ORDERS.values(), ids=lambda order: order.key)
def test_a_walk_while_rows_move(walked: Ledger, order: Order, *, back: bool) -> None:
    random = Random(f"{order.key}{back}")
    named = 0
    for _ in range(8):
        before = keys(walked, order)
        shown: list[int] = []
        touched: set[int] = set()
        then, place = before, None
        for page in pages(walked, order, back=back):
            now = keys(walked, order)
            assert page.moved == expected(page, then, now, place, back=back)
            named += page.moved.count
            shown += [row.id for row in page.rows]
            then, place = now, page.rows[0 if back else -1] if page.rows else None
            touched |= disturb(walked, random)
        for row in before.keys() - touched:
            assert shown.count(row) == 1
    assert named >= 5, "nothing moved: the test tests nothing"


def expected(
    page: Page, then: dict[int, Key], now: dict[int, Key], place: Any, *, back: bool
) -> moves.Moves:
    """Return what the page must say, told from all keys before and after."""
    if place is None:
        return moves.NOTHING
    here = (getattr(place, page.order.name), place.id)

    def unread(key: Key) -> bool:
        return key < here if page.order.descending != back else key > here

    crossed = [row for row in then.keys() & now.keys() if unread(then[row]) != unread(now[row])]
    crossed.sort(key=now.__getitem__, reverse=page.order.descending)
    said = {each.id: each.missed for each in page.moved.named}
    assert said == {row: unread(then[row]) for row in crossed}
    assert [each.id for each in page.moved.named] == crossed
    return moves.Moves(page.moved.named, len(crossed), more=False, unknown="")


def second_page(ledger: Ledger, where: Filter, *deeds: Any) -> Page:
    """Return the second page after something was done while the first was read."""
    with ledger.read() as conn:
        first = transactions.page(conn, where, size=SIZE)
    for deed in deeds:
        with ledger.write() as conn:
            deed(conn, first)
    with ledger.read() as conn:
        return transactions.page(conn, where, cursor=first.next, size=SIZE)


def test_there_and_back_again_is_no_move(walked: Ledger) -> None:
    def move(conn: Any, first: Page) -> None:
        change(conn, first.rows[0].id, occurred_at=at(-5))

    def restore(conn: Any, first: Page) -> None:
        change(conn, first.rows[0].id, occurred_at=first.rows[0].occurred_at)

    assert second_page(walked, Filter(), move).moved.count == 1
    assert second_page(walked, Filter(), move, restore).moved == moves.NOTHING


def test_only_what_the_filter_lets_through_is_named(walked: Ledger) -> None:
    def move(conn: Any, first: Page) -> None:
        for row in first.rows[:2]:
            change(conn, row.id, occurred_at=at(-5))
        change(conn, first.rows[0].id, type="fee")

    page = second_page(walked, Filter.parse("type=receive"), move)
    assert page.moved.count == 1


def test_a_move_of_the_other_order_is_none(walked: Ledger) -> None:
    def grow(conn: Any, first: Page) -> None:
        change(conn, first.rows[0].id, amount=Decimal(1000))

    assert second_page(walked, Filter(), grow).moved == moves.NOTHING


def test_a_move_that_began_before_the_page_and_ended_after(walked: Ledger) -> None:
    """The writer was still running when the first page was read: it is new on the second."""
    with walked.write() as conn:
        row = conn.execute(select(tx.c.id).order_by(*NEWEST_FIRST.by()).limit(1)).scalar_one()
        change(conn, row, occurred_at=at(-5))
        with walked.read() as reader:
            first = transactions.page(reader, size=SIZE)
            assert first.rows[0].id == row
    with walked.write() as conn:  # a later one that ends earlier must not hide it
        change(conn, first.rows[1].id, note="later")
    with walked.read() as conn:
        second = transactions.page(conn, cursor=first.next, size=SIZE)
    assert [(each.id, each.missed) for each in second.moved.named] == [(row, False)]


def test_what_cannot_be_told_is_said(walked: Ledger) -> None:
    with walked.read() as conn:
        first = transactions.page(conn, size=SIZE)
    with walked.write() as conn:
        change(conn, first.rows[0].id, occurred_at=at(-5))
    with walked.write() as conn:
        assert changes.prune(conn, datetime.now(UTC)) > 0
    with walked.read() as conn:
        second = transactions.page(conn, cursor=first.next, size=SIZE)
    assert "forgotten" in second.moved.unknown
    assert not second.moved.named


def test_many_moves_are_counted_and_some_are_named(walked: Ledger) -> None:
    def move(conn: Any, _first: Page) -> None:
        conn.execute(update(tx).values(occurred_at=at(-5)))

    def back(conn: Any, _first: Page) -> None:
        conn.execute(update(tx).values(occurred_at=at(100)))

    moved = second_page(walked, Filter(), move)
    assert moved.moved.count == SIZE
    page = second_page(walked, Filter(), back)
    assert (page.moved.count, len(page.moved.named)) == (26, moves.NAMED)
