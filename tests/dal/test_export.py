"""An export is the list itself as a file, in constant memory, and the importer reads it back."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, strategies as st

from dal import export, snapshots, transactions
from dal.errors import NotFound
from dal.filters import Filter
from dal.importers import open_file
from dal.importers.fields import defused, undefused
from dal.ingest import ingest
from dal.keyset import ORDERS
from tests.bench.ground import seed
from tests.support.files import OTHER, OWN, bring, bring_stub, line, received, told

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dal.database import Ledger
    from dal.export import Form
    from dal.records import Transaction

SEEDED = 2_000
MEGABYTE = 1_000_000
EVIL = "=HYPERLINK(0)"


def text_of(conn: Connection, query: str = "", order: str = "-time", form: Form = "csv") -> str:
    as_of = snapshots.taken(conn).as_of
    where, by = Filter.parse(query), ORDERS[order]
    return "".join(export.export(conn, where, by, form, as_of=as_of))


def cells(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def told_of(rows: list[Transaction]) -> list[object]:
    """Return what a file tells of transactions: all but ids, versions and positions."""
    return [
        (
            row.occurred_at, row.type, row.status, row.network, row.tx_hash, row.address,
            row.counterparty, row.note, row.amount, sorted(tag.name for tag in row.labels),
            sorted((m.kind, m.symbol, m.amount) for m in row.movements),
        )
        for row in rows
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "order"),
    [
        ("", "-time"),
        ("", "amount"),
        ("type=trade", "time"),
        ("wallet=Wallet 1&text=coffee", "-time"),
    ],
)
def test_an_export_is_the_list(ledger: Ledger, database_url: str, query: str, order: str) -> None:
    seed(database_url, SEEDED)
    with ledger.snapshot() as conn:
        rows = list(transactions.iterate(conn, Filter.parse(query), ORDERS[order]))
        lines = cells(text_of(conn, query, order))
        shapes = json.loads(text_of(conn, query, order, "json"))["transactions"]
    assert list(dict.fromkeys(int(each["ID"]) for each in lines)) == [row.id for row in rows]
    assert [each["id"] for each in shapes] == [row.id for row in rows]
    for row, shape in zip(rows, shapes, strict=True):
        assert [Decimal(each["amount"]) for each in shape["movements"]] == [
            movement.amount for movement in row.movements
        ]
        assert shape["occurred_at"].endswith("+00:00")


def test_what_is_read_back_is_what_was_written(conn: Connection) -> None:
    bring(
        conn,
        received(1),
        received(1),
        received(2, amount=f"{2**256}.000000000000000001", Note=EVIL, Labels="@rent;food"),
        line(3, Type="trade", Sent_Amount="2", Sent_Asset="=EUR", Received_Amount="1",
             Received_Asset="ETH", Fee_Amount="-0.1", Fee_Asset="EUR", Note='a "b", c'),
    )  # fmt: skip
    legs = [("a", "-1", "ETH"), ("b", "2", "USDC"), ("c", "3", "USDC"), ("fee", "-0.1", "ETH")]
    bring_stub(conn, told("0x" + "2" * 64, legs, counterparty=OTHER), wallet="Main")
    before = list(transactions.iterate(conn))
    text = text_of(conn)
    source = open_file(text.encode(), "again.csv")
    report = ingest(conn, source, "again.csv", wallet="Copy")
    assert report.read == report.imported == len(cells(text))
    assert report.warnings == ("Columns that were not read: Wallet, Contact.",)
    after = list(transactions.iterate(conn, Filter.parse("wallet=Copy")))
    assert told_of(after) == told_of(before)
    assert OWN in text
    again = ingest(conn, open_file(text.encode(), "again.csv"), "again.csv", wallet="Copy")
    assert (again.imported, again.duplicate) == (0, report.read)


def test_a_spreadsheet_runs_nothing(conn: Connection) -> None:
    bring(conn, received(1, Note=EVIL, Labels="-x"), wallet="+wallet")
    (row,) = cells(text_of(conn))
    assert (row["Note"], row["Labels"], row["Wallet"]) == ("'" + EVIL, "'-x", "'+wallet")


@given(st.text("'=+-@a\t "))
def test_defusing_can_be_undone(text: str) -> None:
    assert undefused(defused(text)) == text
    assert defused(text)[:1] not in set("=+-@\t")


def test_a_contract_is_named(conn: Connection) -> None:
    contract = "0x" + "c" * 40
    row = line(1, Network="ethereum", Hash="0x" + "3" * 64, Received_Amount="5",
               Received_Asset=f"USDC@{contract}")  # fmt: skip
    bring(conn, row)
    assert cells(text_of(conn))[0]["Received Asset"] == f"USDC@{contract}"


def test_what_moved_nothing_is_there_too(conn: Connection) -> None:
    bring_stub(conn, told())
    (row,) = cells(text_of(conn))
    assert row["Sent Amount"] == row["Received Amount"] == row["Fee Amount"] == ""


def test_no_transaction_is_a_header(conn: Connection) -> None:
    assert text_of(conn) == ",".join(export.HEADER) + "\r\n"
    assert json.loads(text_of(conn, form="json"))["transactions"] == []


def test_a_filter_of_strangers_is_refused_at_once(conn: Connection) -> None:
    as_of = snapshots.taken(conn).as_of
    with pytest.raises(NotFound):
        export.export(conn, Filter.parse("wallet=nobody"), as_of=as_of)


@pytest.mark.parametrize("form", ["csv", "json"])
def test_more_rows_need_no_more_memory(ledger: Ledger, database_url: str, form: Form) -> None:
    seed(database_url, 8 * SEEDED)
    with ledger.snapshot() as conn:
        peak_of(conn, form)  # what is made once is made
        some, all_of_them = (peak_of(conn, form, query) for query in ("date=..2021-06", ""))
    assert all_of_them[0] > 3 * some[0]
    assert all_of_them[1] < some[1] + MEGABYTE, (some, all_of_them)


def peak_of(conn: Connection, form: Form, query: str = "") -> tuple[int, int]:
    """Return how long an export was, and how many bytes it needed at most."""
    as_of = snapshots.taken(conn).as_of
    tracemalloc.start()
    try:
        pieces = export.export(conn, Filter.parse(query), form=form, as_of=as_of)
        return sum(map(len, pieces)), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
