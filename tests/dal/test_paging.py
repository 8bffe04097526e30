"""Laws of pages: joined they are the whole, whichever way one reads, whatever happens between."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from decimal import Decimal
from itertools import combinations_with_replacement, product
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from sqlalchemy import delete, insert, select

from dal import keyset, slices, tables, transactions
from dal.errors import BadFilter
from dal.filters import Filter
from dal.keyset import ORDERS, Cursor, Order
from tests.support import paging, rows
from tests.support.rows import LEAST, MOST, at
from tests.support.statements import recorded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import Connection

    from dal.database import Ledger
    from dal.records import Transaction
    from dal.transactions import Page

Walk = Callable[..., "list[Page]"]
each_order = pytest.mark.parametrize("order", ORDERS.values(), ids=lambda order: order.key)
tx = tables.transactions


@contextmanager
def undone(conn: Connection) -> Iterator[None]:
    """Roll back what a block did, within the test's own transaction."""
    point = conn.begin_nested()
    try:
        yield
    finally:
        point.rollback()


def fill(conn: Connection, keys: list[tuple[datetime, Decimal]]) -> None:
    """Insert a transaction for each time and amount."""
    wallet_id = rows.wallet(conn)
    values = [
        {"type": "receive", "wallet_id": wallet_id, "occurred_at": when, "amount": amount}
        for when, amount in keys
    ]
    if values:
        conn.execute(insert(tx), values)


def whole(conn: Connection, order: Order) -> list[Transaction]:
    """Return all rows as Python sorts them."""
    found = list(transactions.iterate(conn))
    return sorted(found, key=lambda row: paging.place(order, row), reverse=order.descending)


@each_order
def test_small_ledgers_exhaustively(conn: Connection, order: Order) -> None:
    times, amounts = (at(0), at(0.000001), at(1)), (Decimal(0), LEAST, MOST)
    domain = list(zip(times, amounts, strict=True))
    for count in range(7):
        for keys in combinations_with_replacement(domain, count):
            with undone(conn):
                fill(conn, list(keys))
                everything = whole(conn, order)
                for size in range(1, count + 2):
                    paging.check(conn, order, size, everything)


def test_shuffled_small_ledgers(conn: Connection) -> None:
    """Ids do not follow the sort key: every arrangement of three rows over three values."""
    times, amounts = (at(0), at(0.000001), at(1)), (Decimal(2), MOST, LEAST)
    for chosen in product(zip(times, amounts, strict=True), repeat=3):
        with undone(conn):
            fill(conn, list(chosen))
            for order, size in product(ORDERS.values(), (1, 2, 3)):
                paging.check(conn, order, size, whole(conn, order))


instants = st.integers(0, 3).map(lambda n: at(n / 1_000_000)) | st.datetimes(
    rows.NOON.replace(year=1970, tzinfo=None), rows.NOON.replace(year=2099, tzinfo=None)
).map(lambda when: when.replace(tzinfo=rows.NOON.tzinfo))
amounts = st.sampled_from((Decimal(0), LEAST, MOST, Decimal("0.1"), Decimal("1E+60"))) | (
    st.decimals(0, 10**40, allow_nan=False, allow_infinity=False, places=18)
)


@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    keys=st.lists(st.tuples(instants, amounts), max_size=60),
    order=st.sampled_from(list(ORDERS.values())),
    size=st.integers(1, 70),
)
def test_larger_ledgers(
    conn: Connection, keys: list[tuple[datetime, Decimal]], order: Order, size: int
) -> None:
    with undone(conn):
        fill(conn, keys)
        paging.check(conn, order, size, whole(conn, order))


@each_order
@pytest.mark.parametrize("size", [25, 200])
def test_ties_by_the_thousand(conn: Connection, order: Order, size: int) -> None:
    fill(conn, [(at(0), Decimal(7))] * 2_000 + [(at(1), Decimal(8))] * 30)
    paging.check(conn, order, size, whole(conn, order))


@each_order
@pytest.mark.parametrize("walk", [paging.forward, paging.backward])
@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_inserts_and_deletes_between_pages(
    conn: Connection, order: Order, walk: Walk, size: int
) -> None:
    fill(conn, [(at(n // 4), Decimal(n // 4)) for n in range(24)])
    untouched = {row.id for row in transactions.iterate(conn)}
    turn = iter(range(100))

    def meddle(page: Page) -> None:
        """Put rows everywhere, ties of the page's edge included, and take the edge away."""
        if (number := next(turn)) > 12:
            return
        edges = [page.rows[0], page.rows[-1]]
        fresh = [(row.occurred_at, row.amount) for row in edges] + [(at(number), Decimal(number))]
        wallet_id = page.rows[0].wallet_id
        for when, amount in fresh:
            rows.transaction(conn, wallet_id, when, amount=amount)
        gone = edges[number % 2].id
        untouched.discard(gone)
        conn.execute(delete(tx).where(tx.c.id == gone))

    seen = [row.id for row in paging.joined(walk(conn, order, size, meddle))]
    assert len(seen) == len(set(seen)), "a row came twice"
    assert untouched <= set(seen), "a row that nobody touched is missing"


@each_order
def test_the_row_at_the_cursor_is_deleted(conn: Connection, order: Order) -> None:
    fill(conn, [(at(n), Decimal(n)) for n in range(6)])
    everything = whole(conn, order)
    page = transactions.page(conn, order=order, size=3)
    conn.execute(delete(tx).where(tx.c.id == page.rows[-1].id))
    after = transactions.page(conn, order=order, cursor=page.next, size=3)
    assert list(after.rows) == everything[3:]
    assert after.has_previous
    assert not after.has_next
    before = transactions.page(conn, order=order, cursor=after.previous, size=3)
    assert list(before.rows) == everything[:2]


@each_order
def test_all_rows_behind_the_cursor_are_deleted(conn: Connection, order: Order) -> None:
    fill(conn, [(at(n), Decimal(n)) for n in range(6)])
    page = transactions.page(conn, order=order, size=3)
    kept = [row.id for row in page.rows]
    conn.execute(delete(tx).where(tx.c.id.not_in(kept)))
    empty = transactions.page(conn, order=order, cursor=page.next, size=3)
    assert (empty.rows, empty.has_next, empty.has_previous) == ((), False, True)
    back = transactions.page(conn, order=order, cursor=empty.previous, size=3)
    assert [row.id for row in back.rows] == kept


@each_order
def test_all_rows_ahead_of_the_cursor_are_deleted(conn: Connection, order: Order) -> None:
    fill(conn, [(at(n), Decimal(n)) for n in range(6)])
    last = transactions.page(conn, order=order, cursor=Cursor.last(order), size=3)
    kept = [row.id for row in last.rows]
    conn.execute(delete(tx).where(tx.c.id.not_in(kept)))
    empty = transactions.page(conn, order=order, cursor=last.previous, size=3)
    assert (empty.rows, empty.has_previous, empty.has_next) == ((), False, True)
    on = transactions.page(conn, order=order, cursor=empty.next, size=3)
    assert [row.id for row in on.rows] == kept
    assert not on.has_previous


@each_order
def test_an_empty_ledger(conn: Connection, order: Order) -> None:
    for cursor in (None, Cursor.first(order), Cursor.last(order)):
        page = transactions.page(conn, order=order, cursor=cursor)
        assert (page.rows, page.has_previous, page.has_next, page.counted) == ((), False, False, 0)
        assert page.previous is page.next is None


@each_order
@pytest.mark.parametrize("count", [0, 1, 49, 50, 51, 100, 101])
def test_first_and_last_page(conn: Connection, order: Order, count: int) -> None:
    fill(conn, [(at(n % 7), Decimal(n % 5)) for n in range(count)])
    everything = whole(conn, order)
    first, last = (
        transactions.page(conn, order=order, cursor=c) for c in (None, Cursor.last(order))
    )
    assert list(first.rows) == everything[:50]
    assert list(last.rows) == everything[-50:]
    assert first.first == Cursor.first(order)
    assert transactions.page(conn, order=order, cursor=first.first).rows == first.rows


@pytest.mark.parametrize("key", ["time", "-time"])
def test_jump_to_an_instant(conn: Connection, key: str) -> None:
    """Every row at the instant itself is on the page that one jumps to, to the microsecond."""
    order = ORDERS[key]
    fill(conn, [(at(second), Decimal(1)) for second in (0, 1, 1, 1.000001, 0.999999, 2)])
    everything = whole(conn, order)
    page = transactions.page(conn, order=order, cursor=Cursor.from_instant(order, at(1)))
    here = [row for row in everything if row.occurred_at == at(1)]
    start = everything.index(here[0])
    assert list(page.rows) == everything[start:]
    assert page.has_previous == (start > 0)


def test_a_date_has_no_place_among_amounts() -> None:
    with pytest.raises(BadFilter, match="sort by time"):
        Cursor.from_instant(ORDERS["amount"], at(0))


@pytest.mark.parametrize("size", [25, 50, 200])
def test_page_sizes(size: int) -> None:
    assert keyset.page_size(str(size)) == size


@pytest.mark.parametrize(
    "text",
    [
        "",
        "24",
        "201",
        "0",
        "-50",
        "5e1",
        "50.0",
        "\N{ARABIC-INDIC DIGIT FIVE}0",
        "5_0",
        " 50",
        "9" * 9_999,
    ],
)
def test_other_page_sizes(text: str) -> None:
    with pytest.raises(BadFilter, match="from 25 to 200"):
        keyset.page_size(text)


@pytest.mark.parametrize("text", ["", "TIME", "id", "time desc", "--time", "\0", "x" * 9_999])
def test_other_orders(text: str) -> None:
    with pytest.raises(BadFilter, match="-time, time, -amount, amount"):
        keyset.order(text)


@each_order
@pytest.mark.parametrize("asked", ["", "wallet=main", "wallet=main&asset=eth&amount=1..&label=x"])
def test_a_page_is_one_statement(ledger: Ledger, order: Order, asked: str) -> None:
    with ledger.write() as conn:
        eth, hung = rows.asset(conn), rows.label(conn, "x")
        rows.transaction(conn, rows.wallet(conn), moved=[(eth, "2", "principal")], labels=[hung])
    for cursor in (None, Cursor.last(order), Cursor(order, "after", None)):
        with recorded(ledger._reading) as sent, ledger.read() as conn:
            page = transactions.page(conn, Filter.parse(asked), order, cursor)
        assert len(sent) == 1, "\n\n".join(sent)
        assert (len(page.rows), page.counted) == (1, 1)


def test_the_count_is_bounded(conn: Connection) -> None:
    fill(conn, [(at(0), Decimal(1))] * slices.COUNTED)
    page = transactions.page(conn)
    assert page.counted == slices.COUNTED
    assert page.count_is_exact
    for more in (1, 2):
        rows.transaction(conn, page.rows[0].wallet_id)
        page = transactions.page(conn)
        assert page.counted == slices.COUNTED + 1
        assert not page.count_is_exact
        assert transactions.totals(conn).transactions == slices.COUNTED + more


@pytest.mark.parametrize(
    ("asked", "most"),
    [
        ("", slices.COUNTED),
        ("type!=fee&date=2024&has!=note", slices.ASKING),
        ("wallet=x&date=2024", slices.COUNTED),
        ("wallet=x&type=trade&network=none", slices.ASKING),
        ("label=rent", slices.COUNTED),  # its own index counts
        ("label=rent&type=trade", slices.ASKING),
        ("asset=ETH", slices.ASKING),
        ("text=rent", slices.ASKING),
    ],
)
def test_what_must_be_asked_elsewhere_is_counted_less_far(asked: str, most: int) -> None:
    assert slices.countable(Filter.parse(asked).shape) == most


def test_a_filter_that_asks_elsewhere_says_more_than(conn: Connection) -> None:
    fill(conn, [(at(0), Decimal(1))] * (slices.ASKING + 1))
    page = transactions.page(conn, Filter.parse("direction!=out"))
    assert page.counted == slices.ASKING + 1
    assert not page.count_is_exact


def test_a_page_says_when_it_was_true(ledger: Ledger) -> None:
    with ledger.read() as conn:
        before, after = transactions.page(conn), transactions.page(conn)
    assert before.snapshot.as_of < after.snapshot.as_of
    assert before.snapshot.as_of.utcoffset() == rows.NOON.utcoffset()
    assert [part.isdecimal() for part in before.snapshot.visible.split(":")[:2]] == [True, True]


def test_the_text_depends_on_the_shape_alone() -> None:
    one, two = (
        Filter.parse("wallet=a&asset=x&date=2024"),
        Filter.parse("wallet=b&asset=y&date=2023-01"),
    )
    assert transactions.page_statement(one) is transactions.page_statement(two)
    assert transactions.page_statement(one) is not transactions.page_statement(
        Filter.parse("wallet=a")
    )
    texts = {str(transactions.page_statement(each, size=25)) for each in (one, two)}
    assert len(texts) == 1
    text = texts.pop()
    assert not any(word in text for word in ("'a'", "'x'", "2024"))


def test_what_a_row_shows(conn: Connection) -> None:
    eth, usd = rows.asset(conn), rows.asset(conn, "USD")
    rent, food = rows.label(conn, "rent", colour="red"), rows.label(conn, "Food")
    anna = rows.contact(conn, "Anna", ("ethereum", "0xaa"))
    rows.transaction(
        conn, rows.wallet(conn), at(0.000001),
        [(eth, -(2**256) + 1, "principal"), (usd, LEAST, "principal"), (eth, "-0.5", "fee")],
        [rent, food], network="ethereum", tx_hash="0x1", counterparty="0xaa", note="a\nb",
    )  # fmt: skip
    row = transactions.page(conn).rows[0]
    assert (row.occurred_at, row.amount, row.note) == (at(0.000001), MOST, "a\nb")
    assert (row.contact_id, row.contact, row.contact_by_hand) == (anna, "Anna", False)
    assert [(m.position, m.kind, m.symbol, m.amount) for m in row.movements] == [
        (0, "principal", "ETH", MOST.copy_negate()),
        (1, "principal", "USD", LEAST),
        (2, "fee", "ETH", Decimal("-0.5")),
    ]
    assert [(tag.id, tag.name, tag.colour) for tag in row.labels] == [
        (food, "Food", "grey"),
        (rent, "rent", "red"),
    ]
    page = transactions.page(conn)
    assert page.wallets == ("Main",)
    assert [tag.name for tag in page.labels] == ["Food", "rent"]


def test_iterate_holds_a_chunk_at_a_time(conn: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(conn, [(at(n % 10), Decimal(n % 7)) for n in range(53)])
    with recorded(conn.engine) as sent:
        stream = transactions.iterate(conn)
        next(stream)
    assert len(sent) == 1
    monkeypatch.setattr(transactions, "CHUNK", 10)
    transactions._walk_statement.cache_clear()
    for order in ORDERS.values():
        with recorded(conn.engine) as sent:
            found = list(transactions.iterate(conn, order=order))
        places = [paging.place(order, row) for row in found]
        assert places == sorted(places, reverse=order.descending)
        assert (len(found), len(sent)) == (53, 6)
    transactions._walk_statement.cache_clear()


def test_no_row_hides_behind_a_null() -> None:
    """What is sorted by is never NULL: a NULL at the edge of a page would end the walk."""
    for order in ORDERS.values():
        assert not order.column.nullable
        assert [str(each) for each in order.by()][-1].startswith("transactions.id")
    assert not select(tx.c.id).subquery().c.id.nullable
