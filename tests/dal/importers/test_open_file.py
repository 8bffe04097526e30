"""Encodings, delimiters, quotes, headers, damaged rows: what holds for every layout."""

from __future__ import annotations

import tracemalloc
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from dal.errors import BadAddress, UnreadableFile
from dal.importers import FORMATS, open_file

if TYPE_CHECKING:
    from dal.imported import ParsedRow

HEADER = "Date,Sent Amount,Sent Asset,Note"
ROW = "2024-01-05 10:00:00Z,1.5,BTC,rent"
KOINLY = "Date,Sent Amount,Sent Currency,Received Amount,Received Currency,Fee Amount,TxHash"


def rows_of(data: bytes | str, name: str = "file.csv") -> list[ParsedRow]:
    raw = data.encode() if isinstance(data, str) else data
    return list(open_file(raw, name).rows(frozenset()))


def only_row(line: str, header: str = HEADER) -> ParsedRow:
    (row,) = rows_of(f"{header}\n{line}\n")
    return row


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_any_encoding_line_end_and_delimiter(encoding: str, end: str, delimiter: str) -> None:
    text = end.join([HEADER, ROW.replace("rent", "Zoë ₿"), ROW]).replace(",", delimiter)
    rows = rows_of(text.encode(encoding))
    assert [row.line for row in rows] == [2, 3]
    assert [row.transaction and row.transaction.note for row in rows] == ["Zoë ₿", "rent"]
    assert rows[1].raw == ROW.replace(",", delimiter)


def test_another_encoding_is_read_with_a_warning() -> None:
    source = open_file(f"{HEADER}\n{ROW}Zoë".encode("cp1252"), "file.csv")
    assert [row.transaction and row.transaction.note for row in source.rows(frozenset())] == [
        "rentZoë"
    ]
    assert "cp1252" in source.warnings[0]
    assert not open_file(f"{HEADER}\n{ROW}Zoë".encode(), "file.csv").warnings


def test_undefined_bytes_still_come_in() -> None:
    source = open_file(f"{HEADER}\n{ROW}".encode() + b"\x81\xff", "file.csv")
    assert "latin-1" in source.warnings[0]
    assert len(list(source.rows(frozenset()))) == 1


@pytest.mark.parametrize("data", [b"", b" \n\n", b"\t"])
def test_an_empty_file_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableFile, match="empty") as caught:
        open_file(data, "mine.csv")
    assert caught.value.field == "mine.csv"


def test_a_header_alone_has_no_rows() -> None:
    assert rows_of(HEADER) == []


def test_a_file_of_a_chain_without_rows_warns_of_nothing() -> None:
    header = '"Txhash","UnixTimestamp","From","To","Value_IN(ETH)","Value_OUT(ETH)","TxnFee(ETH)"'
    source = open_file(header.encode(), "file.csv")
    assert (source.warnings, source.own_address()) == ((), None)


def test_an_unknown_layout_names_its_columns_and_the_known_ones() -> None:
    with pytest.raises(UnreadableFile) as caught:
        open_file(b"alpha,beta,gamma\n1,2,3\n", "file.csv")
    assert "alpha, beta, gamma" in caught.value.problem
    for layout in FORMATS:
        assert layout.title in caught.value.problem


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"PK\x03\x04....", "save the sheet as CSV"),
        (b"\xff\xfea\x00b", "damaged UTF-16"),
        (b"{}\n", "no known layout"),
        (b"{not json\n", "no known layout"),
        (b"{" * 100_000, "no known layout"),
        (b'{"a": ' + b"[" * 100_000 + b"\n", "no known layout"),
        (b"[1, 2]", "no known layout"),
        (b"\x00\x01\x02", "no known layout"),
        (b"<html><body>login</body></html>", "no known layout"),
    ],
)
def test_what_is_no_table_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(UnreadableFile, match=words):
        open_file(data, "file.csv")


def test_an_unknown_network_is_refused() -> None:
    with pytest.raises(BadAddress, match="network"):
        open_file(HEADER.encode(), "file.csv", network="atlantis")


def test_header_names_are_found_in_any_case_order_and_after_a_preamble() -> None:
    text = "My export\n\nmade,by,hand\nnote,SENT  ASSET,sent amount,dAtE\nx,BTC,2,2024-01-01Z\n"
    (row,) = rows_of(text)
    assert (row.line, row.raw) == (5, "x,BTC,2,2024-01-01Z")
    assert row.transaction is not None
    assert row.transaction.movements[0].amount == -2


def test_blank_lines_are_no_rows() -> None:
    assert [row.line for row in rows_of(f"{HEADER}\n\n  \n,,,\n{ROW}\n\n{ROW}\n\n")] == [5, 7]


def test_a_quoted_cell_may_hold_delimiters_quotes_and_lines() -> None:
    cell = '"one, ""two""\nthree"'
    rows = rows_of(f"{HEADER}\n{ROW.replace('rent', cell)}\n{ROW}\n")
    assert [row.line for row in rows] == [2, 4]
    assert rows[0].raw == ROW.replace("rent", cell)
    assert rows[0].transaction is not None
    assert rows[0].transaction.note == 'one, "two"\nthree'


def test_an_open_quote_spoils_its_own_line_only() -> None:
    rows = rows_of(f'{HEADER}\n{ROW}"\n{ROW.replace("rent", chr(34) + "rent")}\n{ROW}\n{ROW}')
    assert [(row.line, row.outcome) for row in rows] == [
        (2, None), (3, "rejected"), (4, None), (5, None),
    ]  # fmt: skip
    assert "quote" in rows[1].reason


def test_an_open_quote_before_many_lines_spoils_its_own_line_only() -> None:
    broken = ROW.replace("rent", '"rent')
    rows = rows_of("\n".join([HEADER, broken, *[ROW] * 9_000]))
    assert [row.outcome for row in rows] == ["rejected", *[None] * 9_000]
    assert [row.line for row in rows] == list(range(2, 9_003))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("2024-01-05,1.5,BTC", "3 cells, the header 4"),
        (ROW + ",more", "5 cells, the header 4"),
        ("2024-01-05", "1 cells, the header 4"),
        (ROW.replace("1.5", "NaN"), "Sent Amount: “NaN” is not an amount"),
        (ROW.replace("1.5", "Infinity"), "Sent Amount"),
        (ROW.replace("BTC", ""), "Sent Asset is empty"),
        (ROW.replace("2024", "soon"), "Date: “soon-01-05 10:00:00Z” is not a time"),
        (ROW.replace("rent", "x" * 10_001), "Note has 10001 characters"),
        (ROW.replace("BTC", "B" * 101), "Sent Asset has 101 characters"),
        (ROW.replace("rent", "re\0nt"), "NUL"),
    ],
)
def test_a_damaged_row_is_rejected_with_its_reason(line: str, reason: str) -> None:
    rows = rows_of(f"{HEADER}\n{ROW}\n{line}\n{ROW}\n")
    assert [row.outcome for row in rows] == [None, "rejected", None]
    assert reason in rows[1].reason
    assert rows[1].transaction is None


def test_a_nul_never_reaches_the_database() -> None:
    row = only_row(ROW + "\0")
    assert row.raw == ROW + "\ufffd"
    (json,) = rows_of(
        '{"hash": "\\u0000", "from_address": "a", "to_address": "b", "value": 1,'
        ' "block_timestamp": 1, "gas_price": 1}'
    )
    assert json.outcome == "rejected"
    assert "\0" not in repr(json.reason)


def test_a_file_cut_within_a_cell_loses_its_last_row_openly() -> None:
    rows = rows_of(f'{HEADER}\n{ROW}\n"2024-01-05 10:0')
    assert [row.outcome for row in rows] == [None, "rejected"]
    assert "quote" in rows[1].reason
    (_, row) = rows_of(f'{HEADER}\n{ROW}\n"cut \0')
    assert (row.outcome, "NUL" in row.reason) == ("rejected", True)


def test_half_a_surrogate_pair_is_rejected() -> None:
    (row,) = rows_of(
        '{"hash": "\\ud800", "from_address": "a", "to_address": "b", "value": 1,'
        ' "block_timestamp": 1, "gas_price": 1}'
    )
    assert row.outcome == "rejected"


def test_extra_empty_cells_are_fine() -> None:
    assert only_row(ROW + ",,").outcome is None


@pytest.mark.parametrize("line", ['"[ Download: CSV Export ]"', "Generated by a tool,,,"])
def test_a_footer_is_skipped(line: str) -> None:
    rows = rows_of(f"{HEADER}\n{ROW}\n{line}\n")
    assert [row.outcome for row in rows] == [None, "skipped"]


def test_a_header_in_the_midst_is_skipped() -> None:
    assert [row.outcome for row in rows_of(f"{HEADER}\n{ROW}\n{HEADER}\n{ROW}")] == [
        None, "skipped", None,
    ]  # fmt: skip


def test_a_huge_cell_blows_nothing_up() -> None:
    huge = "0x" + "ab" * 200_000
    header = "hash,from_address,to_address,value,input,block_timestamp,gas_price"
    line = f"0x{'1' * 64},0x{'a' * 40},0x{'b' * 40},5,{huge},1446561880,1"
    rows = rows_of(f"{header}\n{line}\n{line}\n")
    assert [row.outcome for row in rows] == [None, None]
    assert rows[0].raw == line
    assert rows_of(f"{HEADER}\n{ROW}{huge}\n{ROW}")[0].outcome == "rejected"


def test_exact_to_the_last_digit() -> None:
    amount = "115792089237316195423570985008687907853269984665640564039457.584007913129639935"
    row = only_row(ROW.replace("1.5", amount))
    assert row.transaction is not None
    assert str(row.transaction.movements[0].amount) == "-" + amount
    row = only_row(ROW.replace("1.5", "1E-18"))
    assert row.transaction is not None
    assert row.transaction.movements[0].amount == Decimal("-1E-18")


def test_rows_are_read_as_they_are_asked_for() -> None:
    data = (HEADER + "\n" + (ROW + "\n") * 50_000).encode()
    source = open_file(data, "file.csv")
    tracemalloc.start()
    try:
        for number, _ in enumerate(source.rows(frozenset())):
            if number > 5_000:
                break
        assert tracemalloc.get_traced_memory()[1] < len(data) / 2
    finally:
        tracemalloc.stop()


JSON = '{"hash": 1, "from_address": 1, "to_address": 1, "value": 1, "block_timestamp": 1,'
HEADS = st.sampled_from(
    [
        HEADER,
        JSON + ' "gas_price": 1}',
        "txid,refid,time,type,asset,amount,fee",
        KOINLY,
        '"Txhash","UnixTimestamp","From","To","Value_IN(ETH)","Value_OUT(ETH)","TxnFee(ETH)"',
        '"Txhash","UnixTimestamp","From","To","Value_IN(ETH)","Value_OUT(ETH)","Type"',
        "Timestamp,Transaction Type,Asset,Quantity Transacted,Spot Price Currency,Subtotal,Notes",
    ]
)
CELLS = st.sampled_from(
    ["", "0", "1", "-1", "1e5", "BTC", "2024-01-01", "0x" + "a" * 64, "0x" + "b" * 40, '"', "\r",
     "\0", "Convert", "Buy", "Converted 1 BTC to ,. ETH", "é", "{", "[", "1609461290", "€1"]
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=300)
@given(HEADS, st.lists(st.lists(CELLS, max_size=9).map(",".join), max_size=6), st.booleans())
def test_any_rows_under_a_known_header_are_told_of(head: str, lines: list[str], own: bool) -> None:
    source = open_file("\n".join([head, *lines]).encode(), "file.csv")
    assert isinstance(source.warnings, tuple)
    for row in source.rows(frozenset({"0x" + "b" * 40} if own else ())):
        assert (row.transaction is None) is (row.outcome is not None)
        assert bool(row.reason) is (row.transaction is None)
        assert "\0" not in row.raw + row.reason


@settings(max_examples=300)
@given(st.binary(max_size=300))
def test_any_bytes_are_refused_or_read(data: bytes) -> None:
    try:
        source = open_file(data, "file.csv")
    except UnreadableFile:
        return
    list(source.rows(frozenset()))
