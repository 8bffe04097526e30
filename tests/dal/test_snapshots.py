"""Tokens: what a snapshot includes, which server it is of, and that nobody else can make one."""

from __future__ import annotations

import json
import os
import signal
import tempfile
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import chain, combinations, product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from sqlalchemy import event, select, text

from dal import changes, database, snapshots, tables, transactions, wallets
from dal.database import Ledger
from dal.embedded import Embedded
from dal.errors import BadInput, CannotServe, Unavailable
from dal.moments import Snapshot
from dal.postgres import Binaries
from dal.settings import DalSettings
from dal.snapshots import seal, unseal
from tests.conftest import QUICK
from tests.support import rows
from tests.support.statements import on_the_wire

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = b"a key of thirty-two bytes, or so"
SOME = Snapshot(
    "7710373265811174609", 1, 1795221350217622, "5:9:5,7", datetime(2024, 1, 2, 3, tzinfo=UTC)
)


def visible(limit: int, running: tuple[int, ...]) -> Snapshot:
    lowest = min(running, default=limit)
    return replace(SOME, visible=f"{lowest}:{limit}:{','.join(map(str, running))}")


# ── What it includes ─────────────────────────────────────────────────────────────────────────


def every() -> Iterator[tuple[Snapshot, set[int]]]:
    """Yield every snapshot of up to five transactions, and the set that it includes."""
    for limit in range(3, 8):
        below = range(3, limit)
        for running in chain.from_iterable(combinations(below, n) for n in range(len(below) + 1)):
            yield visible(limit, running), set(range(limit)) - set(running)


def test_what_a_snapshot_includes() -> None:
    for snapshot, ended in every():
        assert {xid for xid in range(10) if snapshot.includes(xid)} == ended
        assert {xid for xid in range(10) if snapshot.includes_all_to(xid)} == {
            xid for xid in range(10) if set(range(xid + 1)) <= ended
        }


def test_which_snapshot_dominates() -> None:
    for (one, ended), (other, before) in product(every(), repeat=2):
        limits = int(one.visible.split(":")[1]), int(other.visible.split(":")[1])
        # A limit never falls; a set that happens to be larger below a lower limit is no later one.
        assert one.dominates(other) == (ended >= before and limits[0] >= limits[1])


def test_nothing_compares_across_lineages() -> None:
    for other in ({"system": "1"}, {"timeline": 2}, {"incarnation": 3}):
        assert not SOME.dominates(replace(SOME, **other))
    assert SOME.dominates(SOME)


def test_postgresql_agrees(ledger: Ledger) -> None:
    with ledger.read() as conn:
        for snapshot, ended in every():
            sql = text(
                "SELECT n FROM generate_series(3, 9) n WHERE pg_visible_in_snapshot("
                "CAST(CAST(n AS text) AS xid8), CAST(:known AS pg_snapshot))"
            )
            found = conn.execute(sql, {"known": snapshot.visible}).scalars()
            assert set(found) == ended - {0, 1, 2}


# ── What the statement says ──────────────────────────────────────────────────────────────────


def test_the_token_is_that_of_the_rows(ledger: Ledger) -> None:
    with ledger.write() as writer:
        rows.transaction(writer, rows.wallet(writer))
        with ledger.read() as conn:
            early = transactions.page(conn)
        xid = int(writer.exec_driver_sql("SELECT pg_current_xact_id()::text").scalar_one())
    with ledger.read() as conn:
        late, sums = transactions.page(conn), transactions.totals(conn)
    assert (len(early.rows), early.snapshot.includes(xid)) == (0, False)
    assert (len(late.rows), late.snapshot.includes(xid)) == (1, True)
    assert sums.snapshot.dominates(late.snapshot)
    assert late.snapshot.dominates(early.snapshot)
    assert not early.snapshot.dominates(late.snapshot)


def test_a_snapshot_block_has_one_token(ledger: Ledger) -> None:
    with ledger.snapshot() as conn:
        first = snapshots.taken(conn)
        with ledger.write() as other:
            wallets.add(other, "Main")
        assert snapshots.taken(conn) == first  # the instant too: later would claim too much
        assert transactions.page(conn).snapshot == first
    assert first.as_of.utcoffset() == timedelta(0)


def test_a_read_is_one_statement_and_nothing_else(ledger: Ledger) -> None:
    """On the wire: neither BEGIN nor COMMIT, no ping, no SET."""
    with ledger.write() as conn:
        rows.transaction(conn, rows.wallet(conn))
    for cursor_of in (lambda _: None, lambda page: page.here, lambda page: page.last):
        with ledger.read() as conn:
            page = transactions.page(conn)
        with on_the_wire(ledger._reading) as sent, ledger.read() as conn:
            transactions.page(conn, cursor=cursor_of(page))
        assert len(sent) == 1, sent


# ── Which server it is of ────────────────────────────────────────────────────────────────────


@pytest.fixture
def server() -> Iterator[Embedded]:
    """Yield a server of the test's own, running."""
    with tempfile.TemporaryDirectory(prefix="freshledger-tests-") as home:
        own = Embedded(Path(home), settings=QUICK | {"synchronous_commit": "on"})
        own.start()
        yield own
        own.stop()


def read(server: Embedded) -> Snapshot:
    """Return the present snapshot of a server, which is started if need be."""
    with Ledger(server.start(), DalSettings()) as ledger, ledger.read() as conn:
        return snapshots.taken(conn)


@pytest.mark.embedded
def test_a_crash_is_another_incarnation_and_a_clean_restart_is_not(server: Embedded) -> None:
    first = read(server)
    server.stop()
    second = read(server)
    assert second.dominates(first)
    with psycopg.connect(server.start()) as conn:
        pid = conn.info.backend_pid
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(psycopg.OperationalError):
            conn.execute("SELECT 1")
    third = after_recovery(server)
    assert (third.system, third.timeline) == (second.system, second.timeline)
    assert third.incarnation > second.incarnation
    assert not third.dominates(second)


def after_recovery(server: Embedded) -> Snapshot:
    deadline = time.monotonic() + 60
    while True:
        try:
            return read(server)
        except Unavailable:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def pid_of(conn: psycopg.Connection, kind: str) -> int:
    asked = "SELECT pid FROM pg_stat_activity WHERE backend_type = %s"
    return int(conn.execute(asked, (kind,)).fetchone()[0])  # type: ignore[index]


@pytest.mark.embedded
def test_numbers_come_again_after_a_crash(server: Embedded) -> None:
    """Why an incarnation is needed: a transaction that left no trace gives its number back."""
    with Ledger(server.start(), DalSettings()) as ledger:
        ledger.migrate()
        with psycopg.connect(server.start()) as conn:
            conn.execute("CHECKPOINT")
            lost = int(conn.execute("SELECT pg_current_xact_id()::text").fetchone()[0])  # type: ignore[index]
            writer_of_wal = pid_of(conn, "walwriter")
            os.kill(writer_of_wal, signal.SIGSTOP)  # else it may save the rollback before the crash
            conn.rollback()
            with ledger.read() as reader:
                before = snapshots.taken(reader)
            assert before.includes(lost)
            os.kill(conn.info.backend_pid, signal.SIGKILL)
            os.kill(writer_of_wal, signal.SIGKILL)
            with pytest.raises(psycopg.OperationalError):
                conn.execute("SELECT 1")
    after_recovery(server)
    with Ledger(server.start(), DalSettings()) as ledger:
        with ledger.write() as writer:
            wallets.add(writer, "Main")
            again = int(writer.exec_driver_sql("SELECT pg_current_xact_id()::text").scalar_one())
        with ledger.read() as reader:
            news = changes.since(reader, before)
    assert again <= lost, "the server kept the number; the test has nothing to show"
    assert news.lost


@pytest.mark.embedded
def test_a_standby_does_not_answer(server: Embedded) -> None:
    url = server.start()
    with Ledger(url, DalSettings()) as ledger:
        ledger.migrate()
    server.stop()
    signal_file = server._data(Binaries.find()) / "standby.signal"
    signal_file.touch()
    try:
        with Ledger(server.start(), DalSettings()) as ledger:
            for ask in (transactions.page, transactions.totals, snapshots.taken):
                with pytest.raises(Unavailable, match="standby"), ledger.read() as conn:
                    ask(conn)
            with ledger.read() as conn:
                assert conn.execute(select(tables.wallets.c.id)).all() == []  # it does serve others
    finally:
        server.stop()
        signal_file.unlink()


def test_a_server_that_may_lose_commits_is_refused(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as conn:
        name = conn.info.dbname
        conn.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
    with Ledger(database_url, DalSettings()) as careless:
        for block in (careless.read, careless.snapshot, careless.write, careless.trial):
            with pytest.raises(CannotServe, match="synchronous_commit = on"), block():
                pass
        with pytest.raises(CannotServe, match="synchronous_commit"):
            careless.migrate()
    with (
        pytest.raises(CannotServe, match="synchronous_commit"),
        database.open_ledger(DalSettings(database_url=database_url)),
    ):
        pass


# ── The signed text ──────────────────────────────────────────────────────────────────────────


def test_there_and_back() -> None:
    for snapshot in (SOME, replace(SOME, visible="1:1:"), visible(10**9, tuple(range(3, 2000)))):
        text = seal(snapshot, KEY)
        assert unseal(text, KEY) == snapshot
        assert text.isascii()
        assert text.replace("-", "").replace("_", "").isalnum()


def test_it_can_be_read_without_the_key() -> None:
    body = json.loads(urlsafe_b64decode(seal(SOME, KEY) + "==")[16:])
    assert body == [1, SOME.system, 1, SOME.incarnation, "5:9:5,7", 1704164400000000]


def bad(token: str) -> None:
    with pytest.raises(BadInput):
        unseal(token, KEY)


def test_no_other_text_is_accepted() -> None:
    text = seal(SOME, KEY)
    raw = bytearray(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    for bit in range(len(raw) * 8):
        raw[bit // 8] ^= 1 << bit % 8
        bad(urlsafe_b64encode(bytes(raw)).decode().rstrip("="))
        raw[bit // 8] ^= 1 << bit % 8
    for length in range(len(text)):
        bad(text[:length])
    for other in (text + "A", text + "=", " " + text, "", "x", "ä", "\0", "A" * 100_000):
        bad(other)
    bad(seal(SOME, b"another key of thirty-two bytes!"))


def test_a_cursor_is_no_token() -> None:
    from dal import keyset, seals

    body = json.dumps([1, *snapshots.parts(SOME)]).encode()
    bad(seals.seal(body, keyset.PURPOSE, KEY))


# ── A restart costs no request ───────────────────────────────────────────────────────────────


def test_a_connection_that_was_closed_is_not_used(ledger: Ledger, database_url: str) -> None:
    def backend(block: Any) -> int:
        with block() as conn:
            return int(conn.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())

    for block in (ledger.read, ledger.snapshot, ledger.write):
        before = backend(block)
        with psycopg.connect(database_url, autocommit=True) as other:
            assert other.execute("SELECT pg_terminate_backend(%s, 60000)", [before]).fetchone() == (
                True,
            )
        assert backend(block) != before


def test_connections_that_die_at_once_are_said_plainly(database_url: str) -> None:
    """A server that is ending ends new ones too: that is no fault of the question."""
    with (
        Ledger(database_url, DalSettings()) as doomed,
        psycopg.connect(database_url, autocommit=True) as other,
    ):

        def kill(raw: Any, *_: object) -> None:
            other.execute("SELECT pg_terminate_backend(%s, 60000)", [raw.info.backend_pid])

        for engine in (doomed._reading, doomed._paging, doomed._writing):
            event.listen(engine, "connect", kill)
        for block in (doomed.read, doomed.snapshot, doomed.write, doomed.trial):
            with pytest.raises(Unavailable), block() as conn:
                conn.exec_driver_sql("SELECT 1")
