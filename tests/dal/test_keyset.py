"""Cursors: what is sealed comes out again, and nothing else does."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, strategies as st

from dal import keyset, seals, transactions
from dal.errors import BadCursor, ForeignCursor
from dal.filters import EVERYTHING, Filter
from dal.keyset import LAST_ID, NEWEST_FIRST, ORDERS, Cursor, seal, unseal
from tests.support import rows
from tests.support.rows import LEAST, MOST

if TYPE_CHECKING:
    from sqlalchemy import Connection

KEY = bytes(range(32))
PLACE = Cursor(NEWEST_FIRST, "after", (datetime(2024, 3, 5, 12, 0, 0, 1, tzinfo=UTC), 7))
GOOD = seal(PLACE, "transactions", EVERYTHING, KEY)
times = st.datetimes().map(lambda when: when.replace(tzinfo=UTC, fold=0))
amounts = st.sampled_from((LEAST, MOST, Decimal(0), Decimal("0E-18"), Decimal("1E+100"))) | (
    st.decimals(allow_nan=False, allow_infinity=False)
)


@given(
    order=st.sampled_from(list(ORDERS.values())),
    side=st.sampled_from(("after", "before")),
    row=st.none() | st.integers(-(2**63), LAST_ID),
    when=times,
    amount=amounts,
)
def test_round_trip(
    order: keyset.Order, side: Any, row: int | None, when: datetime, amount: Decimal
) -> None:
    value = amount if order.name == "amount" else when
    cursor = Cursor(order, side, None if row is None else (value, row))
    text = seal(cursor, "here", EVERYTHING, KEY)
    assert text.replace("-", "").replace("_", "").isalnum()
    found = unseal(text, "here", EVERYTHING, order, KEY)
    assert found == cursor
    assert str(found.key) == str(cursor.key), "a decimal kept its digits"


def bad(text: Any, endpoint: str = "transactions", key: bytes = KEY) -> None:
    with pytest.raises(BadCursor, match="first page"):
        unseal(text, endpoint, EVERYTHING, NEWEST_FIRST, key)


def test_every_flipped_bit() -> None:
    raw = urlsafe_b64decode(GOOD + "=" * (-len(GOOD) % 4))
    for place in range(len(raw) * 8):
        flipped = bytearray(raw)
        flipped[place // 8] ^= 1 << place % 8
        bad(urlsafe_b64encode(flipped).decode().rstrip("="))


def test_every_other_letter() -> None:
    for place in range(len(GOOD)):
        for letter in "A_z9=+ \0é":
            if letter != GOOD[place]:
                bad(GOOD[:place] + letter + GOOD[place + 1 :])


def test_every_truncation_and_addition() -> None:
    for length in range(len(GOOD)):
        bad(GOOD[:length])
    for more in ("A", "=", "==", "\n", " ", GOOD):
        bad(GOOD + more)
        bad(more + GOOD)


@pytest.mark.parametrize(
    "text",
    ["", "=", "x" * 100_000, GOOD * 1_000, "é" * 50, "\0", "\ud800", "null", None, 7, b"x", [], {}],
    ids=lambda text: repr(text)[:20],
)
def test_what_is_no_cursor(text: Any) -> None:
    bad(text)


@given(st.text())
def test_any_text(text: str) -> None:
    bad(text)


def test_other_keys_and_endpoints() -> None:
    bad(GOOD, key=KEY[::-1])
    bad(GOOD, key=b"")
    bad(GOOD, endpoint="export")
    assert unseal(GOOD, "transactions", EVERYTHING, NEWEST_FIRST, KEY) == PLACE


@pytest.mark.parametrize(
    "body", [None, 1, "x", [], [1] * 5, ["transactions", "", "-time", "after"], {}]
)
def test_signed_by_another_version(body: object) -> None:
    """Whatever else the key has signed is no cursor of ours, and no crash."""
    raw = json.dumps(body).encode()
    bad(seals.seal(raw, keyset.PURPOSE, KEY))


@pytest.mark.parametrize(
    "key", [["x", 1], ["1", "y"], [1], [None, None], "ab", [[], {}], ["1", 2**70]]
)
def test_a_signed_place_that_is_none(key: object) -> None:
    whole = ["transactions", keyset._print(EVERYTHING), "-time", "after", key]
    raw = json.dumps(whole).encode()
    bad(seals.seal(raw, keyset.PURPOSE, KEY))


@pytest.mark.parametrize("asked", ["wallet=a", "wallet!=a", "date=2024"])
def test_genuine_of_another_filter(asked: str) -> None:
    with pytest.raises(ForeignCursor, match="filter has changed"):
        unseal(GOOD, "transactions", Filter.parse(asked), NEWEST_FIRST, KEY)


@pytest.mark.parametrize("key", ["time", "amount", "-amount"])
def test_genuine_of_another_order(key: str) -> None:
    with pytest.raises(ForeignCursor, match="order has changed"):
        unseal(GOOD, "transactions", EVERYTHING, ORDERS[key], KEY)


@pytest.mark.parametrize("order", ORDERS.values(), ids=lambda order: order.key)
def test_a_sealed_walk(conn: Connection, order: keyset.Order) -> None:
    """What the database gives survives the link: microseconds, 78 digits, the smallest amounts."""
    wallet_id = rows.wallet(conn)
    for number in range(12):
        amount = (LEAST, MOST, Decimal(number))[number % 3]
        rows.transaction(conn, wallet_id, rows.at(number // 2 / 1_000_000), amount=amount)
    page, seen = transactions.page(conn, order=order, size=1), []
    while True:
        seen += [row.id for row in page.rows]
        if page.next is None:
            break
        text = seal(page.next, "e", EVERYTHING, KEY)
        cursor = unseal(text, "e", EVERYTHING, order, KEY)
        page = transactions.page(conn, order=order, cursor=cursor, size=1)
    assert seen == [row.id for row in transactions.iterate(conn, order=order)]
    assert len(seen) == 12
