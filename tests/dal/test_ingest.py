"""Imports: each row is accounted for, nothing comes in twice, a file comes whole or not at all."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from sqlalchemy import func, select, text

from dal import details, imports, ingest, labels, named, staging, tables, transactions, wallets
from dal.database import Ledger
from dal.errors import BadValue
from dal.filters import Filter
from dal.imported import ParsedRow
from dal.importers import open_file
from dal.settings import DalSettings
from tests.support import files, processes, rows
from tests.support.files import HASH, OTHER, OWN, bring, bring_stub, line, received, told
from tests.support.rows import LEAST, MOST, NOON

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from dal.imported import ImportReport, NewTransaction
    from dal.records import Transaction

ALL = (
    "imports", "import_rows", "wallets", "wallet_addresses", "transactions", "movements",
    "labels", "transaction_labels", "assets",
)  # fmt: skip


def counts(conn: Connection) -> dict[str, int]:
    every = tables.metadata.tables
    return {
        name: conn.execute(select(func.count()).select_from(every[name])).scalar_one()
        for name in ALL
    }


def only(conn: Connection) -> Transaction:
    (row,) = transactions.page(conn).rows
    return row


def moved(row: Transaction) -> list[tuple[int, str, str, str]]:
    return [(m.position, m.kind, m.symbol, format(m.amount, "f")) for m in row.movements]


def account(conn: Connection, report: ImportReport) -> None:
    """Check that each row of the file is one of the four outcomes, in the report and the ledger."""
    outcomes = (report.imported, report.duplicate, report.skipped, report.rejected)
    assert report.read == sum(outcomes)
    assert report.import_id is not None
    kept = imports.get(conn, report.import_id)
    assert (kept.imported, kept.duplicate, kept.skipped, kept.rejected) == outcomes
    assert (kept.read, kept.transactions) == (report.read, report.transactions)
    found = list(imports.rows(conn, report.import_id, most=10**6))
    names = ("imported", "duplicate", "skipped", "rejected")
    assert tuple(sum(row.outcome == name for row in found) for name in names) == outcomes
    assert [r.line for r in report.reasons] == [
        row.line for row in found if row.outcome in ("skipped", "rejected")
    ]
    assert all(reason.reason for reason in report.reasons)


# ── The laws ─────────────────────────────────────────────────────────────────────────────────

day = st.integers(1, 3)
cells = st.sampled_from(("1", "2", "0.5"))
good = st.builds(received, day, cells) | st.builds(lambda d: received(d, ID=f"id{d}"), day)
bad = st.sampled_from((received(1, amount="x"), line(1), "", "not a date,,,", received(99)))


@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(lines=st.lists(good | bad, max_size=12))
def test_every_row_is_accounted_for_and_comes_in_once(conn: Connection, lines: list[str]) -> None:
    point = conn.begin_nested()
    try:
        first = bring(conn, *lines)
        account(conn, first)
        before = counts(conn)
        state = list(transactions.iterate(conn))
        again = bring(conn, *lines)
        account(conn, again)
        assert (again.imported, again.transactions) == (0, 0)
        assert again.duplicate == first.imported + first.duplicate
        assert list(transactions.iterate(conn)) == state
        assert counts(conn) == before | {
            "imports": 2, "import_rows": 2 * before["import_rows"],
        }  # fmt: skip
    finally:
        point.rollback()


def test_equal_rows_of_one_file_all_come_in(conn: Connection) -> None:
    report = bring(conn, *[received(1)] * 5)
    assert (report.imported, report.transactions) == (5, 5)
    assert bring(conn, *[received(1)] * 7).imported == 2, "the sixth and seventh are new"
    assert bring(conn, *[received(1)] * 3).imported == 0


def test_a_longer_file_adds_what_is_new(conn: Connection) -> None:
    bring(conn, received(1), received(2))
    report = bring(conn, received(1), received(2), received(3))
    assert (report.imported, report.duplicate) == (1, 2)


def test_the_same_row_in_two_wallets(conn: Connection) -> None:
    for wallet in ("Main", "Cold"):
        assert bring(conn, received(1), wallet=wallet).imported == 1
    assert transactions.page(conn, Filter.parse("wallet=cold")).counted == 1


leg = st.builds(
    lambda number, key, amount, asset, when, note: told(
        f"0x{number}", [(key, amount, asset)], when, note=note, counterparty=OTHER * (amount > "1")
    ),
    st.integers(1, 3),
    st.sampled_from(("a", "b", "fee")),
    st.sampled_from(("1", "2", "-1")),
    st.sampled_from(("ETH", "USDC", "DAI")),
    st.sampled_from((NOON, NOON + timedelta(hours=1), NOON - timedelta(days=1), None)),
    st.sampled_from(("", "one", "two")),
)


@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(legs=st.lists(leg, min_size=2, max_size=9))
def test_parts_of_any_length_tell_the_same(conn: Connection, legs: list[NewTransaction]) -> None:
    """Rows of one transaction may lie far apart in a file."""
    found = []
    with pytest.MonkeyPatch.context() as patch:
        for length in (1, 2, 100):
            patch.setattr(staging, "PART", length)
            point = conn.begin_nested()
            report = bring_stub(conn, *legs)
            account(conn, report)
            found.append((report.imported, report.duplicate, seen(conn)))
            point.rollback()
    assert found[0] == found[1] == found[2]


def seen(conn: Connection) -> list[tuple[Any, ...]]:
    """Return what the ledger knows, but for ids, versions and the order of what moved."""
    return sorted(
        (row.tx_hash or "", row.occurred_at, row.type, row.amount, row.counterparty,
         sorted(row.note.split("\n")), sorted(each[1:] for each in moved(row)))
        for row in transactions.iterate(conn)
    )  # fmt: skip


def test_two_files_in_one_block(ledger: Ledger) -> None:
    with ledger.write() as conn:
        bring(conn, received(1))
        bring(conn, received(2))
    with ledger.read() as conn:
        assert transactions.page(conn).counted == 2


def test_a_block_that_fails_leaves_nothing(ledger: Ledger) -> None:
    with ledger.read() as conn:
        before = counts(conn)
    with suppress(ValueError), ledger.write() as conn:
        bring(conn, received(1))
        raise ValueError("enough")
    with ledger.read() as conn:
        assert counts(conn) == before


def test_a_file_that_cannot_be_read_to_its_end_leaves_nothing(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "PART", 2)
    with ledger.read() as conn:
        before = counts(conn)

    def torn() -> Iterator[NewTransaction]:
        yield from (told(f"0x{number}") for number in range(5))
        raise OSError("the disk is gone")

    source = files.Stub(torn())
    with pytest.raises(OSError, match="gone"), ledger.write() as conn:
        ingest.ingest(conn, source, "torn.csv")  # type: ignore[arg-type]  # has what is asked for
    with ledger.read() as conn:
        assert counts(conn) == before


@pytest.mark.parametrize("step", ["ingest/01_date", "ingest/04_find"])
def test_what_is_known_is_found_by_its_key(conn: Connection, step: str) -> None:
    """Not by its wallet, of which a new one has whatever the file brought so far."""
    lines = [received(1 + n % 28, amount=str(n + 1)) for n in range(100)]
    bring(conn, *lines)
    conn.execute(text("ANALYZE transactions"))
    report = bring(conn, *lines, wallet="New")
    here = f"SELECT wallet_id, import_id FROM transactions WHERE import_id = {report.import_id}"
    ids = conn.execute(text(f"{here} LIMIT 1")).mappings().one()
    conn.execute(text("SET LOCAL enable_seqscan = off"))  # which suits so small a ledger
    plan = text("EXPLAIN " + named.text_of(step))
    found = list(conn.execute(plan, {key: ids[key] for key in plan.compile().params}).scalars())
    place = next(n for n, line in enumerate(found) if "transactions_identity_key" in line)
    assert re.search(r"wallet_id = .* AND .*identity = ", found[place + 1])
    assert not any("transactions_wallet_idx" in line for line in found)


def test_exact_amounts(conn: Connection) -> None:
    bring(
        conn,
        line(1, Received_Amount=str(MOST), Received_Asset="ETH", Fee_Amount="0." + "0" * 17 + "1",
             Fee_Asset="ETH"),
    )  # fmt: skip
    row = only(conn)
    assert row.amount == MOST
    assert [m.amount for m in row.movements] == [MOST, LEAST.copy_negate()]
    (held,) = wallets.balances(conn)
    assert format(held.amount, "f") == f"{2**256 - 2}." + "9" * 18


def test_what_a_file_brings(conn: Connection) -> None:
    report = bring(
        conn,
        line(1, Type="Trade", Sent_Amount="2", Sent_Asset="EUR", Received_Amount="1",
             Received_Asset="ETH", Fee_Amount="0.1", Fee_Asset="EUR", Note="a note",
             Labels="rent; Food ;rent"),
    )  # fmt: skip
    row = only(conn)
    assert (row.type, row.wallet, row.note, row.version) == ("trade", "Main", "a note", 1)
    assert moved(row) == [
        (0, "principal", "EUR", "-2"), (1, "principal", "ETH", "1"), (2, "fee", "EUR", "-0.1"),
    ]  # fmt: skip
    assert [tag.name for tag in row.labels] == ["Food", "rent"]
    detail = details.get(conn, row.id)
    assert (detail.source, detail.source_type) == ("generic", "Trade")
    assert [(raw.line, raw.outcome, raw.import_id) for raw in detail.raw_rows] == [
        (2, "imported", report.import_id)
    ]
    assert "a note" in detail.raw_rows[0].raw


def test_labels_of_a_known_name(conn: Connection) -> None:
    rent = labels.add(conn, "Rent", "red")
    bring(conn, received(1, Labels="RENT;Caf\N{LATIN SMALL LETTER E WITH ACUTE}"),
          received(2, Labels="rent;Cafe\N{COMBINING ACUTE ACCENT}"))  # fmt: skip
    assert [label.name for label in labels.all(conn)] == [
        "Caf\N{LATIN SMALL LETTER E WITH ACUTE}",
        "Rent",
    ]
    assert labels.get(conn, rent).transactions == 2


# ── Several files of one transaction ─────────────────────────────────────────────────────────


def test_a_second_file_extends(conn: Connection) -> None:
    """Normal, then ERC-20, then internal: each adds its movements behind those that are there."""
    normal = bring_stub(conn, told(moved=[("value", "-1", "ETH"), ("fee", "-0.1", "ETH")]))
    assert only(conn).type == "send"
    token = bring_stub(conn, told(moved=[("token:1", "5", "USDC")], type="receive"))
    inside = bring_stub(conn, told(moved=[("internal:1", "0.2", "ETH")], type="receive"))
    for report, created in ((normal, 1), (token, 0), (inside, 0)):
        account(conn, report)
        assert (report.imported, report.transactions) == (1, created)
    row = only(conn)
    assert row.type == "trade"
    assert row.amount == Decimal(5)
    assert moved(row) == [
        (0, "principal", "ETH", "-1"), (1, "fee", "ETH", "-0.1"), (2, "principal", "USDC", "5"),
        (3, "principal", "ETH", "0.2"),
    ]  # fmt: skip
    assert [m.import_id for m in details.get(conn, row.id).movements] == [
        normal.import_id, normal.import_id, token.import_id, inside.import_id,
    ]  # fmt: skip
    assert len(details.get(conn, row.id).raw_rows) == 3


def test_the_files_in_any_order_tell_the_same(ledger: Ledger) -> None:
    from itertools import permutations

    three = [
        told(moved=[("value", "-1", "ETH"), ("fee", "-0.1", "ETH")]),
        told(moved=[("token:1", "5", "USDC")], type="receive"),
        told(moved=[("internal:1", "0.2", "ETH")], type="receive"),
    ]
    found = set()
    for number, order in enumerate(permutations(three)):
        with ledger.write() as conn:
            for each in order:
                bring_stub(conn, each, wallet=f"w{number}")
            (row,) = transactions.page(conn, Filter.parse(f"wallet=w{number}")).rows
        found.add((row.type, row.amount, frozenset(m[1:] for m in moved(row))))
    assert len(found) == 1


def test_rows_of_one_hash_are_one_transaction(conn: Connection) -> None:
    report = bring_stub(
        conn,
        told(moved=[("a", "1", "ETH")], note="one", counterparty=""),
        told(moved=[("b", "2", "ETH")], note="two", counterparty=OTHER),
        told(moved=[("a", "1", "ETH")]),
        told(),
    )
    account(conn, report)
    assert (report.imported, report.duplicate, report.transactions) == (2, 2, 1)
    row = only(conn)
    assert (row.note, row.counterparty, row.amount) == ("one\ntwo", OTHER, Decimal(2))


def test_undated_rows(conn: Connection) -> None:
    """A row without a time takes it from its hash, in the ledger or the file, else is skipped."""
    missing = told(moved=[("token:1", "5", "USDC")], when=None)
    report = bring_stub(conn, missing)
    account(conn, report)
    assert (report.skipped, report.transactions) == (1, 0)
    assert "import the file with the transactions first" in report.reasons[0].reason
    bring_stub(conn, told(moved=[("value", "1", "ETH")]))
    report = bring_stub(conn, missing)
    assert (report.imported, report.transactions) == (1, 0)
    assert len(only(conn).movements) == 2
    other = "0x" + "9" * 64
    both = told(other, [("x", "1", "ETH")], None), told(other, [("y", "1", "ETH")], NOON)
    report = bring_stub(conn, *both)
    assert (report.imported, report.transactions) == (2, 1)


@pytest.mark.parametrize("year", [1, 9999])
def test_times_beyond_the_calendar_are_rejected(conn: Connection, year: int) -> None:
    report = bring_stub(conn, told(when=NOON.replace(year=year)), told("0x2", when=NOON))
    account(conn, report)
    assert (report.rejected, report.imported) == (1, 1)
    assert "correct the date" in report.reasons[0].reason


def test_a_pending_one_is_settled(conn: Connection) -> None:
    bring_stub(conn, told(status="pending", moved=[("a", "1", "ETH")]))
    bring_stub(conn, told(status="confirmed", moved=[("a", "1", "ETH")]))
    assert only(conn).status == "confirmed"
    bring_stub(conn, told(status="pending", moved=[("a", "1", "ETH")]))
    assert only(conn).status == "confirmed"
    bring_stub(conn, told(status="failed"))
    bring_stub(conn, told(status="confirmed", moved=[("b", "1", "ETH")]))
    assert only(conn).status == "failed"


def test_a_deleted_note_does_not_come_back(conn: Connection) -> None:
    bring_stub(conn, told(note="a note", moved=[("a", "1", "ETH")]))
    row = only(conn)
    details.set_note(conn, row.id, row.version, "")
    bring_stub(conn, told(note="a note", moved=[("a", "1", "ETH")]))
    assert only(conn).note == ""
    bring_stub(conn, told(note="another", moved=[("b", "1", "ETH")]))
    assert only(conn).note == "another"


def test_a_note_of_ones_own_stays(conn: Connection) -> None:
    bring_stub(conn, told(moved=[("a", "1", "ETH")]))
    row = only(conn)
    details.set_note(conn, row.id, row.version, "mine")
    bring_stub(conn, told(note="theirs", moved=[("b", "1", "ETH")]))
    assert only(conn).note == "mine"


def test_very_long_notes_stay_editable(conn: Connection) -> None:
    bring_stub(conn, *(told(note=str(n) * 3_000, moved=[(str(n), "1", "ETH")]) for n in range(9)))
    row = only(conn)
    assert details.set_note(conn, row.id, row.version, row.note) == row.version + 1


def test_more_movements_than_a_small_number_counts(conn: Connection) -> None:
    many = told(moved=[(f"k{n}", "1", "ETH") for n in range(40_000)])
    assert bring_stub(conn, many).imported == 1
    assert max(m.position for m in only(conn).movements) == 39_999


# ── Whose it is, and transfers ───────────────────────────────────────────────────────────────


def test_the_wallet_is_guessed(conn: Connection) -> None:
    assert bring_stub(conn, told()).wallet == "0x1111…1111"
    assert bring_stub(conn, told("0x2")).wallet == "0x1111…1111"
    assert bring_stub(conn, told("0x3"), network="polygon").wallet == "0x1111…1111"
    assert bring_stub(conn, told("0x4"), own=None).wallet == "Stubbed"
    assert bring_stub(conn, told("0x5"), wallet=" stubbed ").wallet == "Stubbed"
    assert len(wallets.all(conn)) == 2


@pytest.mark.parametrize("name", ["Ärger", "ΣΊΣΥΦΟΣ", "İ", "日本"])
def test_a_wallet_of_any_letters(conn: Connection, name: str) -> None:
    for _ in range(2):
        assert bring(conn, received(1), wallet=name).wallet == name
    assert len(wallets.all(conn)) == 1


@pytest.mark.parametrize("name", ["a\nb", "x" * 101, "\0"])
def test_a_wallet_that_cannot_be(conn: Connection, name: str) -> None:
    with pytest.raises(BadValue):
        bring(conn, received(1), wallet=name)


@pytest.mark.parametrize("name", ["a\0b.csv", "\udcff.csv", "x" * 5_000, ""])
def test_file_names_of_any_system(conn: Connection, name: str) -> None:
    report = ingest.ingest(conn, files.generic(received(1)), name, wallet="Main")
    assert report.import_id is not None
    assert len(imports.get(conn, report.import_id).file) <= 200


def test_transfers_between_own_wallets(conn: Connection) -> None:
    """The first side cannot know yet; when the second comes in, both are transfers."""
    out = told(moved=[("value", "-1", "ETH")], counterparty=OTHER)
    into = told(moved=[("value", "1", "ETH")], counterparty=OWN, address=OTHER, type="receive")
    bring_stub(conn, out)
    assert only(conn).type == "send"
    bring_stub(conn, into, own=OTHER)
    assert [row.type for row in transactions.page(conn).rows] == ["transfer", "transfer"]
    first = transactions.page(conn).rows[0]
    assert [o.wallet for o in details.get(conn, first.id).other_sides] != [first.wallet]


def test_real_explorer_files(conn: Connection) -> None:
    """A normal export and a token export of one transaction, read by their own importer."""
    normal = (
        '"Txhash","Blockno","UnixTimestamp","DateTime (UTC)","From","To","ContractAddress",'
        '"Value_IN(ETH)","Value_OUT(ETH)","CurrentValue @ $1/Eth","TxnFee(ETH)","TxnFee(USD)",'
        '"Historical $Price/Eth","Status","ErrCode","Method"\n'
        f'"0x{"ab" * 32}","1","1704110400","2024-01-01 12:00:00","{OWN}","{OTHER}","","0","1.5",'
        '"1","0.01","1","1","","","Transfer"\n'
    )
    source = open_file(normal.encode(), f"export-{OWN}.csv", network="ethereum")
    report = ingest.ingest(conn, source, "export.csv", wallet="Main")
    account(conn, report)
    assert (report.imported, report.transactions) == (1, 1)
    row = only(conn)
    assert (row.type, row.amount, row.counterparty) == ("send", Decimal("1.5"), OTHER)
    again = open_file(normal.encode(), f"export-{OWN}.csv", network="ethereum")
    assert ingest.ingest(conn, again, "export.csv", wallet="Main").duplicate == 1


# ── Undo ─────────────────────────────────────────────────────────────────────────────────────


def everything(conn: Connection) -> dict[str, Any]:
    """Return all tables but for what a sequence or a known asset leaves behind.

    A transaction's version is left out: it counts the edits, and taking one back is another.
    """
    kept = (tables.metadata.tables[name] for name in ALL if name != "assets")
    return {
        table.name: sorted(
            repr(
                [
                    value
                    for column, value in zip(table.c, row, strict=True)
                    if (table.name, column.name) != ("transactions", "version")
                ]
            )
            for row in conn.execute(select(table))
        )
        for table in kept
    }


def test_undo_leaves_nothing(conn: Connection) -> None:
    before = everything(conn)
    report = bring(conn, received(1, Labels="rent", Note="x"), received(2), received(1, amount="x"))
    imports.undo(conn, report.import_id or 0)
    assert everything(conn) == before
    report = bring_stub(conn, told(moved=[("a", "1", "ETH")]))
    imports.undo(conn, report.import_id or 0)
    assert everything(conn) == before


def test_undo_of_one_of_two(conn: Connection) -> None:
    bring(conn, received(1, Labels="rent"))
    before = everything(conn)
    second = bring(conn, received(1), received(2, Labels="rent;food"))
    imports.undo(conn, second.import_id or 0)
    assert everything(conn) == before


def test_undo_of_the_later_of_two_that_told_of_one(conn: Connection) -> None:
    bring_stub(conn, told(moved=[("value", "-1", "ETH")], counterparty=OTHER))
    before = everything(conn)
    second = bring_stub(conn, told(moved=[("token:1", "5", "USDC")], counterparty=OTHER))
    assert only(conn).type == "trade"
    imports.undo(conn, second.import_id or 0)
    assert everything(conn) == before


def test_undo_of_the_earlier_of_two_that_told_of_one(conn: Connection) -> None:
    first = bring_stub(conn, told(moved=[("value", "-1", "ETH")]))
    second = bring_stub(conn, told(moved=[("token:1", "5", "USDC")]))
    imports.undo(conn, first.import_id or 0)
    row = only(conn)
    assert moved(row) == [(1, "principal", "USDC", "5")]
    assert row.amount == Decimal(5)
    imports.undo(conn, second.import_id or 0)
    assert {name: n for name, n in counts(conn).items() if n} == {"assets": 2}


def test_undo_of_a_wallet_unmakes_its_transfers(conn: Connection) -> None:
    bring_stub(conn, told(moved=[("value", "-1", "ETH")], counterparty=OTHER))
    before = everything(conn)
    other = bring_stub(
        conn, told(moved=[("value", "1", "ETH")], counterparty=OWN, address=OTHER), own=OTHER
    )
    assert {row.type for row in transactions.page(conn).rows} == {"transfer"}
    imports.undo(conn, other.import_id or 0)
    assert everything(conn) == before


def test_undo_takes_the_address_from_a_wallet_that_was_there(conn: Connection) -> None:
    wallets.add(conn, "Main")
    before = everything(conn)
    report = bring_stub(conn, told(moved=[("a", "1", "ETH")]), wallet="Main")
    assert len(wallets.all(conn)[0].addresses) == 1
    imports.undo(conn, report.import_id or 0)
    assert everything(conn) == before


def test_undo_keeps_what_somebody_made_their_own(conn: Connection) -> None:
    report = bring(conn, received(1, Labels="rent;food"))
    rent = labels.named(conn, "rent")
    labels.rename(conn, *rent, "housing")
    main = wallets.all(conn)[0]
    wallets.rename(conn, main.id, main.version, "Mine")
    imports.undo(conn, report.import_id or 0)
    assert [label.name for label in labels.all(conn)] == ["housing"]
    assert [wallet.name for wallet in wallets.all(conn)] == ["Mine"]


def test_the_sample_goes_as_a_whole(conn: Connection) -> None:
    assert imports.is_empty(conn)
    assert not imports.has_sample(conn)
    bring(conn, received(1))
    for number in range(2):
        ingest.ingest(
            conn, files.generic(received(2)), f"{number}", wallet=f"s{number}", sample=True
        )
    assert imports.has_sample(conn)
    assert imports.remove_sample(conn) == 2
    assert not imports.has_sample(conn)
    assert [wallet.name for wallet in wallets.all(conn)] == ["Main"]
    assert not imports.is_empty(conn)


def test_rows_of_an_import(conn: Connection) -> None:
    report = bring(conn, received(1), received(2, amount="x"), received(3))
    assert report.import_id is not None
    assert [row.line for row in imports.rows(conn, report.import_id)] == [2, 3, 4]
    assert [row.line for row in imports.rows(conn, report.import_id, "rejected")] == [3]
    assert [row.line for row in imports.rows(conn, report.import_id, most=1)] == [2]
    assert [one.id for one in imports.all(conn)] == [report.import_id]


# ── Several processes ────────────────────────────────────────────────────────────────────────

IMPORT = """
import sys
from dal import ingest
from dal.database import Ledger
from dal.settings import DalSettings
from tests.support import files

def row(n):
    return files.received(1 + n % 28, amount=str(n % 50 + 1), Labels=f"l{n % 9}")

lines = list(map(row, range(2_000)))
step = ingest.named.query
def slow(name):
    if name == sys.argv[2]:
        print("there", flush=True)
        sys.stdin.readline()
    return step(name)
ingest.named.query = slow
with Ledger(sys.argv[1], DalSettings()) as ledger, ledger.write() as conn:
    files.bring(conn, *lines)
"""


@pytest.mark.parametrize("step", ["ingest/05_movements", "ingest/12_report"])
def test_a_killed_import_leaves_nothing(ledger: Ledger, database_url: str, step: str) -> None:
    with ledger.read() as conn:
        before = counts(conn)
    dying = processes.start(IMPORT, database_url, step)
    processes.wait_for(dying, "there")
    processes.kill(dying)
    with ledger.read() as conn:
        assert counts(conn) == before
    with ledger.write() as conn:
        assert bring(conn, received(1)).imported == 1, "nobody holds a lock any more"


def test_two_processes_import_one_file_at_once(ledger: Ledger, database_url: str) -> None:
    rivals = [processes.start(IMPORT, database_url, "nowhere") for _ in range(2)]
    assert [processes.finish(rival) for rival in rivals] == [0, 0]
    with ledger.read() as conn:
        found = {report.imported for report in imports.all(conn)}
        assert found == {0, 2_000}
        assert counts(conn)["transactions"] == counts(conn)["movements"] == 2_000
        assert counts(conn)["labels"] == 9


def test_an_import_has_the_time_it_needs(database_url: str) -> None:
    """The limit of a question does not hold for a file; what comes later has it again."""
    limit = text("SHOW statement_timeout")
    with Ledger(database_url, DalSettings(statement_timeout_ms=7_000)) as ledger:
        with ledger.write() as conn:
            report = bring(conn, received(1))
            assert conn.execute(limit).scalar_one() == "0"
        with ledger.write() as conn:
            assert conn.execute(limit).scalar_one() == "7s"
            imports.undo(conn, report.import_id or 0)
            assert conn.execute(limit).scalar_one() == "0"


def test_progress_is_told(conn: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "PART", 3)
    heard: list[int] = []
    source = files.generic(*(received(1) for _ in range(7)))
    report = ingest.ingest(conn, source, "x", wallet="Main", progress=heard.append)
    assert heard == [3, 6, 7]
    assert report.imported == 7


def test_a_row_out_of_nowhere(conn: Connection) -> None:
    """What a source rejects is kept beside its reason, and nothing else of it."""
    report = bring_stub(conn, ParsedRow(2, "raw", None, "rejected", "why"), told("0x3"))
    account(conn, report)
    assert [(r.line, r.outcome, r.reason) for r in report.reasons] == [(2, "rejected", "why")]


def test_times_keep_their_microseconds(conn: Connection) -> None:
    when = NOON + timedelta(microseconds=123_457)
    bring_stub(conn, told(when=when))
    assert only(conn).occurred_at == when
    assert isinstance(only(conn).occurred_at, datetime)
    assert only(conn).tx_hash == HASH
    assert rows.NOON == NOON
