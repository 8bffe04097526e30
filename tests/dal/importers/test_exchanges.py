"""Kraken, Coinbase, Koinly, the generic layout: the rules that a table of rows does not show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dal.importers import open_file
from dal.importers.generic import COLUMNS
from dal.importers.kraken import asset_name, type_of

if TYPE_CHECKING:
    from dal.imported import ParsedRow

KRAKEN = "txid,refid,time,type,subtype,asset,amount,fee"
COINBASE = (
    "ID,Timestamp,Transaction Type,Asset,Quantity Transacted,Price Currency,Subtotal,"
    "Total (inclusive of fees and/or spread),Fees and/or Spread,Notes"
)
KOINLY = (
    "Date,Sent Amount,Sent Currency,Received Amount,Received Currency,Fee Amount,Fee Currency,"
    "Label,TxHash"
)
GENERIC = ",".join(name for name, _ in COLUMNS)


def read(header: str, *lines: str, network: str | None = None) -> list[ParsedRow]:
    data = "\n".join([header, *lines]).encode()
    return list(open_file(data, "file.csv", network=network).rows(frozenset()))


def amounts(header: str, line: str) -> list[str]:
    (row,) = read(header, line)
    assert row.transaction is not None, row.reason
    return [f"{m.kind} {m.amount:f} {m.asset.symbol}" for m in row.transaction.movements]


def reason(header: str, line: str) -> str:
    (row,) = read(header, line)
    assert row.outcome == "rejected"
    return row.reason


# ── Kraken ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("kraken", "usual"),
    [("XXBT", "BTC"), ("XBT", "BTC"), ("XETH", "ETH"), ("ZEUR", "EUR"), ("XXDG", "DOGE"),
     ("XXLM", "XLM"), ("XTZ", "XTZ"), ("ZRX", "ZRX"), ("ZETA", "ZETA"), ("DOT.S", "DOT"),
     ("DOT28.S", "DOT"), ("ETH2.S", "ETH2"), ("XBT.M", "BTC"), ("ETH.F", "ETH"),
     ("EUR.HOLD", "EUR"), ("USDC", "USDC"), ("1INCH", "1INCH")],
)  # fmt: skip
def test_kraken_names_are_made_usual(kraken: str, usual: str) -> None:
    assert asset_name(kraken) == usual


@pytest.mark.parametrize(
    ("word", "subtype", "kind"),
    [("deposit", "", "deposit"), ("spend", "", "trade"), ("receive", "", "trade"),
     ("earn", "reward", "reward"), ("earn", "allocation", "transfer"), ("staking", "", "reward"),
     ("rollover", "", "fee"), ("hybridearnwithdrawal", "", "other")],
)  # fmt: skip
def test_kraken_types(word: str, subtype: str, kind: str) -> None:
    assert type_of(word, subtype) == kind


def test_kraken_rebates_and_zero_amounts() -> None:
    assert amounts(KRAKEN, "L1,T1,2024-01-01 00:00:00,trade,,XXBT,0,-0.5") == ["fee 0.5 BTC"]


def test_kraken_needs_amount_time_and_asset() -> None:
    assert "amount" in reason(KRAKEN, "L1,T1,2024-01-01 00:00:00,trade,,XXBT,,0")
    assert "time" in reason(KRAKEN, "L1,T1,,trade,,XXBT,1,0")
    assert "asset" in reason(KRAKEN, "L1,T1,2024-01-01 00:00:00,trade,,,1,0")


# ── Coinbase ─────────────────────────────────────────────────────────────────────────────────


def coinbase(kind: str, quantity: str, money: str, notes: str = "", known: str = "") -> str:
    return f"{known},2024-01-01 00:00:00 UTC,{kind},BTC,{quantity},EUR,{money},{notes}"


@pytest.mark.parametrize(
    ("kind", "money", "legs"),
    [
        ("Buy", "67.01,70.00,2.99", ["principal 1 BTC", "principal -67.01 EUR", "fee -2.99 EUR"]),
        ("Buy", "0,70.00,2.99", ["principal 1 BTC", "principal -67.01 EUR", "fee -2.99 EUR"]),
        ("Buy", ",70.00,", ["principal 1 BTC", "principal -70.00 EUR"]),
        ("Buy", "67.01,70.00,", ["principal 1 BTC", "principal -67.01 EUR", "fee -2.99 EUR"]),
        ("Buy", ",,", ["principal 1 BTC"]),
        ("Sell", "400,396,4", ["principal -1 BTC", "principal 400 EUR", "fee -4 EUR"]),
        ("Sell", ",396,4", ["principal -1 BTC", "principal 400 EUR", "fee -4 EUR"]),
        ("Advanced Trade Sell", "400,396,4",
         ["principal -1 BTC", "principal 400 EUR", "fee -4 EUR"]),
        ("Send", "400,400,0", ["principal -1 BTC"]),
        ("Receive", "400,400,0", ["principal 1 BTC"]),
        ("Pro Deposit", ",,", ["principal -1 BTC"]),
        ("Learning Reward", "1,1,0", ["principal 1 BTC"]),
    ],
)  # fmt: skip
def test_coinbase_books_money_and_fee_apart(kind: str, money: str, legs: list[str]) -> None:
    for quantity in ("1", "-1"):  # old reports write no sign, new ones do
        assert amounts(COINBASE, coinbase(kind, quantity, money)) == legs


def test_coinbase_sign_decides_where_the_type_does_not() -> None:
    known = "678a8bdefcb176007bfdb001"
    row = coinbase("Retail Staking Transfer", "-1", ",,", known=known)
    assert amounts(COINBASE, row) == ["principal -1 BTC"]
    assert amounts(COINBASE, coinbase("Novelty", "1", ",,", known=known)) == ["principal 1 BTC"]
    assert "names no direction" in reason(COINBASE, coinbase("Novelty", "1", ",,"))


@pytest.mark.parametrize(
    ("known", "trusted"),
    [("678a8bdefcb176007bfdb001", True), ("a3cf465c-2986-561c-9a94-fa3372e5b17e", True),
     ("deadbeef", False), ("", False)],
)  # fmt: skip
def test_coinbase_trusts_ids_that_can_be_ones(known: str, trusted: bool) -> None:
    first, second = read(COINBASE, *[coinbase("Send", "1", ",,", known=known)] * 2)
    assert first.transaction is not None
    assert second.transaction is not None
    assert (first.transaction.source_id == known) is trusted
    assert (first.transaction.source_id == second.transaction.source_id) is trusted


def test_coinbase_conversions_need_their_words() -> None:
    line = coinbase("Convert", "1", ",,", '"Converted 1,000.5 USDC to 0.25 ETH."')
    assert amounts(COINBASE, line) == ["principal -1000.5 USDC", "principal 0.25 ETH"]
    assert "Notes" in reason(COINBASE, coinbase("Convert", "1", ",,", "swapped"))


# ── Koinly ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("cells", "legs"),
    [
        ("-5.000012,XRP,0,,0.000012,XRP", ["principal -5.000000 XRP", "fee -0.000012 XRP"]),
        ("5.000012,XRP,,,0.000012,XRP", ["principal -5.000000 XRP", "fee -0.000012 XRP"]),
        ("0.000012,XRP,,,0.000012,XRP", ["fee -0.000012 XRP"]),
        ("0.000001,XRP,,,0.000012,XRP", ["principal -0.000001 XRP", "fee -0.000012 XRP"]),
        ("0,,8,XRP,0.5,XRP", ["principal 8.5 XRP", "fee -0.5 XRP"]),
        ("5,ABC,0,,0.5,XRP", ["principal -5 ABC", "fee -0.5 XRP"]),
        ("5,ABC,2,XRP,0.5,XRP", ["principal -5 ABC", "principal 2.5 XRP", "fee -0.5 XRP"]),
        (",,,,0.5,XRP", ["fee -0.5 XRP"]),
        ("-3e-12,ID:41562,0,,0,XRP", ["principal -0.000000000003 ID:41562"]),
    ],
)
def test_koinly_amounts_contain_a_fee_of_their_currency(cells: str, legs: list[str]) -> None:
    assert amounts(KOINLY, f"2024-01-01,{cells},,") == legs


def test_koinly_rejects_an_amount_of_nothing_and_a_negative_receipt() -> None:
    assert "Received Currency is empty" in reason(KOINLY, "2024-01-01,0,,1,,,,,")
    assert "Sent Amount" in reason(KOINLY, "2024-01-01,0,,-1,XRP,,,,")


def test_koinly_rows_of_one_hash_share_it() -> None:
    rows = read(KOINLY, "2024-01-01,1,A,,,,,,H1", "2024-01-01,1,A,,,,,swap,H1", network="xrp")
    found = [row.transaction for row in rows if row.transaction]
    assert [(t.tx_hash, t.source_id, t.network) for t in found] == [("H1", None, "xrp")] * 2
    assert [t.type for t in found] == ["send", "trade"]
    assert len({m.key for t in found for m in t.movements}) == 2


# ── Generic ──────────────────────────────────────────────────────────────────────────────────


def generic(**cells: str) -> str:
    named = {"Date": "2024-01-01Z", **{key.replace("_", " "): cells[key] for key in cells}}
    return ",".join(named.get(name, "") for name, _ in COLUMNS)


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({"Type": "theft"}, "Type: “theft” is not one of"),
        ({"Status": "maybe"}, "Status: “maybe” is not one of"),
        ({"Network": "atlantis"}, "Network"),
        ({"Network": "ethereum", "Hash": "0x12"}, "Hash"),
        ({"Sent_Asset": "T@0x12"}, "fill in Network"),
        ({"Sent_Asset": "@0x12", "Network": "ethereum"}, "Sent Asset is empty"),
        ({"Received_Amount": "-1", "Received_Asset": "A"}, "Received Amount is negative"),
        ({"Labels": "x" * 101}, "Labels has 101"),
        ({"Address": "x" * 201}, "Address has 201"),
        ({"ID": "x" * 101}, "ID has 101"),
        ({"Date": ""}, "Date"),
    ],
)
def test_generic_names_what_is_wrong(cells: dict[str, str], words: str) -> None:
    whole = {"Sent_Amount": "1", "Sent_Asset": "A", **cells}
    assert words in reason(GENERIC, generic(**whole))


def test_generic_needs_date_amount_and_asset_only() -> None:
    assert amounts("date,fee amount,fee asset", "2024-01-01Z,1,BTC") == ["fee -1 BTC"]


def test_generic_rows_of_one_id_make_one_transaction() -> None:
    line = generic(ID="T1", Sent_Amount="-1", Sent_Asset="A")
    found = [row.transaction for row in read(GENERIC, line, line) if row.transaction]
    assert [t.source_id for t in found] == ["T1", "T1"]
    assert [m.amount for t in found for m in t.movements] == [-1, -1]
    assert len({m.key for t in found for m in t.movements}) == 2


def test_generic_equal_rows_without_id_are_rows_of_their_own() -> None:
    line = generic(Sent_Amount="1", Sent_Asset="A")
    found = [row.transaction for row in read(GENERIC, line, line) if row.transaction]
    assert len({t.source_id for t in found}) == 2
    assert found[0].source_id == read(GENERIC, line)[0].transaction.source_id  # type: ignore[union-attr]


def test_generic_takes_the_chosen_network_where_a_row_names_none() -> None:
    lines = [generic(Sent_Amount="1", Sent_Asset="A", Network=name) for name in ("", "BTC")]
    found = [row.transaction for row in read(GENERIC, *lines, network="ltc") if row.transaction]
    assert [t.network for t in found] == ["litecoin", "bitcoin"]


def test_generic_words_for_types() -> None:
    for word, kind in (("Contract call", "contract_call"), ("AIRDROP", "airdrop")):
        (row,) = read(GENERIC, generic(Type=word, Received_Amount="1", Received_Asset="A"))
        assert row.transaction is not None
        assert (row.transaction.type, row.transaction.source_type) == (kind, word)
