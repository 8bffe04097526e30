from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from dal.importers import fields
from dal.importers.fields import Unusable
from dal.records import EXACT

WHOLE = "115792089237316195423570985008687907853269984665640564039457584007913129639935"


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("0", "0"),
        ("1.5", "1.5"),
        ("-1.50", "-1.50"),
        ("+2", "2"),
        (".5", "0.5"),
        ("5.", "5"),
        (" 7 ", "7"),
        (WHOLE, WHOLE),
        (f"{WHOLE[:60]}.{WHOLE[60:]}", f"{WHOLE[:60]}.{WHOLE[60:]}"),
        ("1E-18", "1E-18"),
        ("0.000000000000000001", "1E-18"),
        ("-3e-12", "-3E-12"),
        ("190,720.883372992770398294", "190720.883372992770398294"),
        ("1,234,567", "1234567"),
        ("€3343.11", "3343.11"),
        ("-€597.49846", "-597.49846"),
        ("€-597.49846", "-597.49846"),
        ("$0.03", "0.03"),
        ("249.73 USD", "249.73"),
        ("2,700 USD", "2700"),
        ("1.2E+3", "1.2E+3"),
    ],
)
def test_money_keeps_every_digit(text: str, amount: str) -> None:
    found = fields.money(text, "Amount")
    assert found.as_tuple() == Decimal(amount).as_tuple()


@pytest.mark.parametrize(
    "text",
    ["", " ", "-", ".", "NaN", "nan", "Infinity", "-inf", "1_000", "١٢", "1,5", "1,2345", "12,34.5",
     "1.2.3", "0x10", "--1", "-€-1", "1e", "1e99999", "1e999", "1e-999", "9" * 121, "1 2", "1\x002",
     "9" * 2000, "abc", "€", "1.5 usd please"],
)  # fmt: skip
def test_money_refuses_what_is_no_exact_amount(text: str) -> None:
    with pytest.raises(Unusable, match=r"Amount: “.*” is not an amount"):
        fields.money(text, "Amount")


@pytest.mark.parametrize(
    ("text", "currency"),
    [("0 USD", "USD"), ("€1", "EUR"), ("$1", "USD"), ("£1", "GBP"), ("1", ""), ("1e5", "")],
)
def test_priced_names_the_currency(text: str, currency: str) -> None:
    assert fields.priced(text, "Total")[1] == currency


def test_empty_is_zero_only_where_allowed() -> None:
    assert fields.money_or_zero(" ", "Fee") == 0
    with pytest.raises(Unusable):
        fields.money_or_zero("x", "Fee")


@given(st.decimals(allow_nan=False, allow_infinity=False, places=18))
def test_plain_is_one_text_per_amount(amount: Decimal) -> None:
    text = fields.plain(amount)
    assert Decimal(text) == amount
    assert fields.plain(Decimal(text + ("0" if "." in text else ".0"))) == text
    assert text == format(amount.normalize(EXACT), "f"), "as it always was: it is part of keys"


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2017-12-01 11:24:42", "2017-12-01T11:24:42"),
        ("2017-12-01 11:24:42.9195", "2017-12-01T11:24:42.919500"),
        ("2025-01-17 16:57:02 UTC", "2025-01-17T16:57:02"),
        ("2025-01-22T17:18:51.000Z", "2025-01-22T17:18:51"),
        ("2025-01-22T17:18:51.123456Z", "2025-01-22T17:18:51.123456"),
        ("2025-01-22T17:18:51+02:00", "2025-01-22T15:18:51"),
        ("2024-05-05 14:00 UTC", "2024-05-05T14:00:00"),
        ("2024-05-05", "2024-05-05T00:00:00"),
        ("5/6/07 1:18", "2007-05-06T01:18:00"),
        ("1/2/69 0:00", "1969-01-02T00:00:00"),
        ("1/2/68 0:00", "2068-01-02T00:00:00"),
        ("10/06/2015", "2015-10-06T00:00:00"),
        ("9/11/2017 2:26:41 PM", "2017-09-11T14:26:41"),
        ("9/11/2017 12:00:01 AM", "2017-09-11T00:00:01"),
        ("9/11/2017 12:00:01 PM", "2017-09-11T12:00:01"),
    ],
)
def test_when_is_utc(text: str, iso: str) -> None:
    found = fields.when(text, "Date")
    assert found == datetime.fromisoformat(iso).replace(tzinfo=UTC)
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "13/02/2026", "2/30/2026", "2026-13-01", "2026-02-30", "20260101", "1/1/1",
     "0001-01-01 00:00:00+14:00", "9999-12-31 23:59:59-14:00", "9/11/2017 13:00 PM",
     "2026-01-01\x00", "9/11/2017 0:00 AM", "2026-W01-1", "2026-01-01 10:00:00+99:99"],
)  # fmt: skip
def test_when_refuses_what_no_calendar_has(text: str) -> None:
    with pytest.raises(Unusable, match=r"Date: “.*” is not a time"):
        fields.when(text, "Date")


@given(st.text(max_size=30))
def test_nothing_but_unusable_comes_from_any_text(text: str) -> None:
    for read in (fields.money, fields.when, fields.unix, fields.evm_hash, fields.symbol):
        try:
            read(text, "Column")
        except Unusable as error:
            assert str(error).startswith("Column")  # noqa: PT017


@pytest.mark.parametrize(
    ("text", "zoned"),
    [("2024-05-05 14:00 UTC", True), ("2024-05-05T14:00:00Z", True), ("5/6/07 1:18", False),
     ("2024-05-05T14:00:00+02:00", True), ("2024-05-05 14:00:00", False), ("2024-05-05", False)],
)  # fmt: skip
def test_zone_is_seen(text: str, zoned: bool) -> None:
    assert fields.has_zone(text) is zoned


@pytest.mark.parametrize("text", ["", "-1", "1.5", "1_0", "99999999999999", "999999999999", "x"])
def test_unix_refuses(text: str) -> None:
    with pytest.raises(Unusable, match="UnixTimestamp"):
        fields.unix(text, "UnixTimestamp")


def test_unix_is_utc() -> None:
    assert fields.unix("1505140001", "T") == datetime(2017, 9, 11, 14, 26, 41, tzinfo=UTC)


def test_hash_is_stored_in_lower_case() -> None:
    assert fields.evm_hash(" 0X" + "AB" * 32, "Hash") == "0x" + "ab" * 32
    assert fields.evm_hash("0xmnt" + "0" * 61, "Hash") == "0xmnt" + "0" * 61


@pytest.mark.parametrize(
    "text", ["", "0x", "ab" * 32, "0x" + "a" * 63, "0x" + "a" * 65, "0x" + "-" * 64]
)
def test_hash_of_another_shape_is_refused(text: str) -> None:
    with pytest.raises(Unusable, match="not a transaction hash"):
        fields.evm_hash(text, "Hash")


def test_note_has_a_limit() -> None:
    assert fields.note("x" * 10_000, "Note") == "x" * 10_000
    with pytest.raises(Unusable, match=r"10001 characters, 10000 fit; shorten"):
        fields.note("x" * 10_001, "Note")


def test_fingerprint_ignores_spaces_and_trailing_empty_cells_only() -> None:
    one = fields.fingerprint(["a", "b"])
    assert one == fields.fingerprint([" a", "b ", "", " "])
    assert one != fields.fingerprint(["a", "", "b"])
    assert one != fields.fingerprint(["ab"])
    assert len(one) == 32
