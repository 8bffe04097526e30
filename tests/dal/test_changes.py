"""The change log: nothing changes without it, nothing new is lost or told twice, and it is kept."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import ProgrammingError

from dal import changes, contacts, labels, snapshots, tables, wallets
from dal.records import EXACT
from tests.support import rows

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dal.database import Ledger
    from dal.moments import Change, Snapshot

tx, log = tables.transactions, tables.changes


def logged(conn: Connection, *relations: str) -> list[tuple[Any, ...]]:
    """Return what the log says, oldest first, without when and by which transaction."""
    found = conn.execute(select(log).order_by(log.c.seq))
    return [
        (row.relation, row.op, row.id, row.part, row.before, row.after)
        for row in found
        if not relations or row.relation in relations
    ]


def now(ledger: Ledger) -> Snapshot:
    with ledger.read() as conn:
        return snapshots.taken(conn)


def settled(ledger: Ledger) -> Snapshot:
    """Return the snapshot at a moment when nobody else on the whole server was writing."""
    deadline = time.monotonic() + 120
    while not (found := now(ledger)).visible.endswith(":"):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


def news(ledger: Ledger, since: Snapshot, most: int = changes.MOST) -> changes.News:
    with ledger.read() as conn:
        return changes.since(conn, since, most)


# ── What is written ──────────────────────────────────────────────────────────────────────────


def test_every_deed_on_every_table_is_logged(ledger: Ledger) -> None:
    """By plain SQL, as psql would: the log is the database's own doing."""
    with ledger.write() as conn:
        wallet, eth = rows.wallet(conn), rows.asset(conn)
        label, anna = rows.label(conn, "rent"), rows.contact(conn, "Anna", ("ethereum", "0xaa"))
        imported = rows.put(conn, "imports", file="a.csv", format="x", wallet="Main")
        place = {"network": "ethereum", "address": "0xbb", "wallet_id": wallet}
        conn.execute(insert(tables.wallet_addresses).values(place))
        row = rows.transaction(conn, wallet, moved=[(eth, 5, "principal")], labels=[label])
        told = {"import_id": imported, "line": 2, "outcome": "imported", "raw": "x"}
        conn.execute(insert(tables.import_rows).values(told))
    copied = "transaction_notes"
    everything = set(tables.metadata.tables) - {"changes", "prunings", "submissions", copied}
    with ledger.read() as conn:
        assert {relation for relation, op, *_ in logged(conn) if op == "insert"} == everything
    edited = {  # of addresses it is a part of the key: one row goes, another comes
        "wallet_addresses": "address", "contact_addresses": "address", "movements": "address",
        "transactions": "note", "import_rows": "raw", "imports": "file", "assets": "name",
    }  # fmt: skip
    for name in everything - {"transaction_labels"}:
        column = edited.get(name, "name")
        with ledger.write() as conn:
            before = len(logged(conn, name))
            conn.execute(update(tables.metadata.tables[name]).values({column: "y"}))
            ops = {op: after for _, op, *_, after in logged(conn, name)[before:]}
            assert column in (ops.get("update") or {}) or set(ops) == {"insert", "delete"}, name
    with ledger.write() as conn:
        conn.execute(update(tx).values(occurred_at=rows.at(9)))
        for name in ("transactions", "movements", "transaction_labels"):  # it follows
            assert "occurred_at" in logged(conn, name)[-1][-1], name
    with ledger.write() as conn:
        conn.execute(delete(tables.import_rows))
        conn.execute(delete(tx).where(tx.c.id == row))
        conn.execute(delete(tables.contacts).where(tables.contacts.c.id == anna))
        for name in ("labels", "assets", "wallet_addresses", "wallets", "imports"):
            conn.execute(delete(tables.metadata.tables[name]))
        assert {relation for relation, op, *_ in logged(conn) if op == "delete"} == everything


def test_an_update_is_logged_as_what_it_changed(conn: Connection) -> None:
    wallet = rows.wallet(conn, "Main")
    conn.execute(update(tables.wallets).values(name="Other"))
    assert logged(conn)[-1] == (
        "wallets", "update", wallet, "",
        {"name": "Main", "version": 1}, {"name": "Other", "version": 2},
    )  # fmt: skip


def test_a_delete_is_logged_as_the_whole_row(conn: Connection) -> None:
    wallet, eth = rows.wallet(conn), rows.asset(conn)
    most = 2**256 - 1
    row = rows.transaction(conn, wallet, moved=[(eth, Decimal(most) / 10**18, "principal")])
    conn.execute(delete(tx).where(tx.c.id == row))
    gone = {relation: before for relation, op, *_, before, _ in logged(conn) if op == "delete"}
    assert set(gone) == {"transactions", "movements"}  # the cascade, too
    assert gone["transactions"].keys() == {column.name for column in tx.c}


def test_amounts_in_the_log_are_exact(ledger: Ledger) -> None:
    amount = Decimal(2**256 - 1).scaleb(-18, EXACT)
    with ledger.write() as conn:
        row = rows.transaction(
            conn, rows.wallet(conn), moved=[(rows.asset(conn), amount, "principal")]
        )
        conn.execute(delete(tables.movements))
    with ledger.read() as conn:
        (found,) = (
            each.before
            for each in changes.history(conn, ["movements"], row)
            if each.op == "delete" and each.before
        )
    assert found["amount"] == amount
    assert isinstance(found["amount"], Decimal)


def test_a_row_that_changes_its_key_goes_and_comes(conn: Connection) -> None:
    wallet, eth = rows.wallet(conn), rows.asset(conn)
    one = rows.transaction(conn, wallet, moved=[(eth, 1, "principal")])
    two = rows.transaction(conn, wallet)
    conn.execute(update(tables.movements).values(transaction_id=two))
    ops = [(op, row) for _, op, row, *_ in logged(conn, "movements")]
    assert sorted(ops[1:]) == [("delete", one), ("insert", two)]


def test_keys_that_are_exchanged_are_updates(conn: Connection) -> None:
    wallet, eth = rows.wallet(conn), rows.asset(conn)
    row = rows.transaction(conn, wallet, moved=[(eth, 1, "principal"), (eth, 2, "fee")])
    conn.execute(text("UPDATE movements SET position = 1 - position"))
    ops = [op for _, op, *_ in logged(conn, "movements")]
    assert ops == ["insert"] * 2 + ["update"] * 2
    assert {each.id for each in changes.history(conn, ["movements"], row)} == {row}


def test_truncate_is_logged_row_by_row(ledger: Ledger) -> None:
    with ledger.write() as conn:
        names = {rows.wallet(conn, name) for name in ("A", "B")}
    with ledger.write() as conn:
        conn.execute(text("TRUNCATE wallets CASCADE"))
        assert {row for _, op, row, *_ in logged(conn, "wallets") if op == "delete"} == names


def test_copy_and_upsert_are_logged(ledger: Ledger) -> None:
    with ledger.write() as conn:
        wallet = rows.wallet(conn)
        cursor = conn.connection.cursor()
        with cursor.copy("COPY labels (name) FROM STDIN") as copy:
            for name in ("a", "b", "c"):
                copy.write_row((name,))
        cursor.close()
        sql = "INSERT INTO wallets (id, name) VALUES (:id, 'New')"
        sql += " ON CONFLICT (id) DO UPDATE SET name = 'New'"
        conn.execute(text(sql), {"id": wallet})
        ops = [(relation, op) for relation, op, *_ in logged(conn)]
    assert ops == [("wallets", "insert"), *[("labels", "insert")] * 3, ("wallets", "update")]


def test_replication_mode_does_not_silence_it(ledger: Ledger) -> None:
    with ledger.write() as conn:
        conn.execute(text("SET LOCAL session_replication_role = replica"))
        rows.wallet(conn)
        assert len(logged(conn)) == 1


def test_who_may_write_rows_need_not_write_the_log(ledger: Ledger, database_url: str) -> None:
    with ledger.write() as conn:
        conn.execute(text("CREATE ROLE clerk"))
        conn.execute(text("GRANT INSERT, SELECT, UPDATE, DELETE ON wallets TO clerk"))
    try:
        with psycopg.connect(database_url) as raw:
            raw.execute("SET ROLE clerk")
            raw.execute("INSERT INTO wallets (name) VALUES ('x')")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                raw.execute("DELETE FROM changes")
    finally:
        with ledger.write() as conn:
            conn.execute(text("DROP OWNED BY clerk; DROP ROLE clerk"))


def test_who_and_when_and_in_which_transaction(ledger: Ledger) -> None:
    start = datetime.now(UTC) - timedelta(minutes=1)
    with ledger.write(who="Ada") as conn:
        wallet = wallets.add(conn, "A")
        labels.add(conn, "b")
    with ledger.write() as conn:
        wallets.rename(conn, wallet, 1, "C")
    with ledger.read() as conn:
        renamed, made = changes.history(conn, ["wallets"], wallet)
        (label,) = changes.history(conn, ["labels"], 1)
        role = conn.exec_driver_sql("SELECT session_user").scalar_one()
    assert (made.who, label.who, renamed.who) == ("Ada", "Ada", role)
    assert made.xid == label.xid != renamed.xid
    assert start < made.at < renamed.at < start + timedelta(hours=1)
    assert made.at.utcoffset() == timedelta(0)


def test_a_version_goes_up_whoever_edits(conn: Connection) -> None:
    wallet, label = rows.wallet(conn), rows.label(conn, "x")
    row, anna = rows.transaction(conn, wallet), rows.contact(conn, "Anna")
    for table, values in (
        ("wallets", {"name": "y"}),
        ("labels", {"colour": "red"}),
        ("contacts", {"note": "y"}),
        ("transactions", {"contact_id": anna}),
        ("transactions", {"note": "y", "version": 1}),  # a version is not to be talked down
    ):
        which = tables.metadata.tables[table]
        before = conn.execute(select(which.c.version)).scalar_one()
        conn.execute(update(which).values(**values))
        assert conn.execute(select(which.c.version)).scalar_one() == before + 1, table
    assert labels.rename(conn, label, 2, "z") == 3  # an edit that says so itself counts once
    contacts.remove(conn, anna, 2)
    assert conn.execute(select(tx.c.version).where(tx.c.id == row)).scalar_one() == 4


def test_many_rows_take_few_reads(ledger: Ledger) -> None:
    """A plan that was made for one row must not be used for thousands: no nested loop."""
    with ledger.write() as conn:
        wallet = rows.wallet(conn)
        rows.transaction(conn, wallet)
        for _ in range(7):  # as often as it takes for plans to be kept
            conn.execute(update(tx).values(note=str(_)))
        many = "INSERT INTO transactions (occurred_at, wallet_id, type, source_id)"
        many += " SELECT '2024-01-01', :wallet, 'fee', n FROM generate_series(1, 20000) n"
        conn.execute(text(many), {"wallet": wallet})
        conn.execute(text("SET LOCAL statement_timeout = '20s'"))  # a nested loop takes minutes
        conn.execute(update(tx).values(note="all"))
        assert len(logged(conn, "transactions")) == 8 + 20_000 + 20_001


# ── It is kept ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE changes SET who = 'nobody'",
        "DELETE FROM changes",
        "TRUNCATE changes",
        "SET LOCAL freshledger.pruning = 'on'; TRUNCATE changes",
        "SET LOCAL freshledger.pruning = 'on'; UPDATE changes SET who = 'nobody'",
    ],
)
def test_the_log_is_only_added_to(conn: Connection, sql: str) -> None:
    rows.wallet(conn)
    with pytest.raises(ProgrammingError, match="only ever added to"):
        conn.exec_driver_sql(sql)


def test_pruning_forgets_the_old_and_says_so(ledger: Ledger) -> None:
    with ledger.write() as conn:
        rows.wallet(conn, "A")
    early = now(ledger)
    with ledger.write() as conn:
        rows.wallet(conn, "B")
    between = datetime.now(UTC)
    late = settled(ledger)
    with ledger.write() as conn:
        rows.wallet(conn, "C")
    with ledger.write(who="Ada") as conn:
        assert changes.prune(conn, between) == 2
    with ledger.write() as conn:
        assert changes.prune(conn, between) == 0
        assert len(logged(conn)) == 1
        assert conn.execute(select(tables.prunings.c.who, tables.prunings.c.forgotten)).all() == [
            ("Ada", 2)
        ]
    assert "forgotten" in news(ledger, early).lost
    assert not news(ledger, early).touched
    assert (news(ledger, late).lost, len(news(ledger, late).touched)) == ("", 1)


def test_whoever_reads_after_a_pruning_has_lost_nothing(ledger: Ledger) -> None:
    """Also while somebody is still writing who began before what was forgotten."""
    with ledger.write() as slow:
        rows.label(slow, "slow")
        with ledger.write() as conn:
            rows.wallet(conn, "A")
        early = now(ledger)
        with ledger.write() as conn:
            assert changes.prune(conn, datetime.now(UTC)) == 1
        late = now(ledger)
        assert news(ledger, late).lost == ""
        assert "forgotten" in news(ledger, early).lost  # it cannot be sure, and says so
    assert len(news(ledger, late).touched) == 1


# ── What is new ──────────────────────────────────────────────────────────────────────────────


def test_news_name_what_was_touched(ledger: Ledger) -> None:
    with ledger.write() as conn:
        wallet, label = rows.wallet(conn), rows.label(conn, "x")
        row = rows.transaction(conn, wallet)

    def after(*deeds: Any) -> changes.News:
        before = now(ledger)
        with ledger.write() as conn:
            for deed in deeds:
                conn.execute(deed)
        return news(ledger, before)

    quiet = after()
    assert (quiet.touched, quiet.more, quiet.lost) == ((), False, "")
    noted = after(update(tx).values(note="n"))
    assert (noted.transactions, noted.placed, noted.names) == ((row,), False, False)
    moved = after(update(tx).values(occurred_at=rows.at(9)))
    assert (moved.transactions, moved.placed, moved.names) == ((row,), True, False)
    grown = after(update(tx).values(amount=9))
    assert (grown.transactions, grown.placed) == ((row,), True)
    hung = {"transaction_id": row, "label_id": label, "occurred_at": rows.at(9)}
    worn = after(insert(tables.transaction_labels).values(hung))
    assert (worn.transactions, worn.placed, worn.names) == ((row,), False, False)
    renamed = after(update(tables.labels).values(name="y"))
    assert (renamed.transactions, renamed.placed, renamed.names) == ((), False, True)
    gone = after(delete(tx))
    assert (gone.transactions, gone.placed) == ((row,), True)


def test_more_than_can_be_told(ledger: Ledger) -> None:
    before = now(ledger)
    with ledger.write() as conn:
        for n in range(4):
            rows.label(conn, f"x{n}")
    assert (news(ledger, before, 4).more, len(news(ledger, before, 4).touched)) == (False, 4)
    assert (news(ledger, before, 3).more, len(news(ledger, before, 3).touched)) == (True, 3)


def test_somebodys_long_transaction_delays_nobody(ledger: Ledger) -> None:
    before = now(ledger)
    with ledger.write() as slow:
        first = rows.label(slow, "slow")
        with ledger.write() as conn:
            second = rows.label(conn, "quick")
        told = news(ledger, before)
        assert [each.id for each in told.touched] == [second]
    later = news(ledger, told.snapshot)
    assert [each.id for each in later.touched] == [first]
    assert later.touched[0].xid < told.touched[0].xid


def test_what_is_rolled_back_is_never_told(ledger: Ledger) -> None:
    before = now(ledger)
    with ledger.trial() as conn:
        rows.label(conn, "x")
        assert not news(ledger, before).touched
    assert not news(ledger, before).touched


def test_nothing_is_lost_and_nothing_told_twice(ledger: Ledger) -> None:
    """Eight writers who commit in any order, roll back, and dawdle; one reader who follows."""
    committed: list[int] = []
    over = threading.Event()

    def write(seed: int) -> None:
        random = Random(seed)
        for n in range(40):
            block = ledger.trial if random.random() < 0.2 else ledger.write
            with block() as conn:
                row = rows.label(conn, f"{seed} {n}")
                over.wait(random.random() * 0.004)
            if block == ledger.write:
                committed.append(row)

    place = now(ledger)
    writers = [threading.Thread(target=write, args=(seed,)) for seed in range(8)]
    for each in writers:
        each.start()
    told: list[int] = []
    while any(each.is_alive() for each in writers):
        found = news(ledger, place)
        assert found.snapshot.dominates(place)
        told += [each.id for each in found.touched]
        place = found.snapshot
    told += [each.id for each in news(ledger, place).touched]
    assert len(told) == len(set(told))
    assert set(told) == set(committed)


@pytest.mark.parametrize(
    "other",
    [{"system": "1"}, {"timeline": 2}, {"incarnation": 1}, {"visible": "9000000:9000000:"}],
    ids=lambda each: next(iter(each)),
)
def test_another_database_has_no_news_to_tell(ledger: Ledger, other: dict[str, Any]) -> None:
    from dataclasses import replace

    before = replace(now(ledger), **other)
    with ledger.write() as conn:
        rows.label(conn, "x")
    found = news(ledger, before)
    assert found.lost
    assert not found.touched
    assert not news(ledger, found.snapshot).lost


# ── History ──────────────────────────────────────────────────────────────────────────────────


def test_a_history_is_of_a_row_and_its_parts(ledger: Ledger) -> None:
    with ledger.write() as conn:
        wallet, eth, label = rows.wallet(conn), rows.asset(conn), rows.label(conn, "rent")
        row = rows.transaction(conn, wallet, moved=[(eth, 1, "principal")], labels=[label])
        rows.transaction(conn, wallet, moved=[(eth, 2, "principal")])
        conn.execute(update(tx).where(tx.c.id == row).values(note="x"))

    def told(*relations: str) -> list[Change]:
        with ledger.read() as conn:
            return list(changes.history(conn, relations, row))

    found = [(each.relation, each.op, each.part) for each in told(*changes.OF_TRANSACTIONS)]
    assert found == [
        ("transactions", "update", ""),
        ("transaction_labels", "insert", str(label)),
        ("transactions", "update", ""),  # its amount follows from its movements
        ("movements", "insert", "0"),
        ("transactions", "insert", ""),
    ]
    assert [each[0] for each in found if each[0] == "transactions"] == [
        each.relation for each in told("transactions")
    ]
