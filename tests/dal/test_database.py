"""Blocks: who may write, what is undone, what one snapshot is, and what is said when it fails."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from sqlalchemy import event, insert, select, text
from sqlalchemy.exc import DBAPIError

from dal import connections, database, tables, wallets
from dal.database import Ledger, driver_url, open_ledger
from dal.errors import BadValue, TooSlow, Unavailable
from dal.settings import DalSettings
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from sqlalchemy import Connection

NEW = insert(tables.wallets).values(name="Main")


def names(ledger: Ledger) -> list[str]:
    with ledger.read() as conn:
        return [wallet.name for wallet in wallets.all(conn)]


def blocks(ledger: Ledger) -> dict[str, Callable[[], AbstractContextManager[Connection]]]:
    return {"read": ledger.read, "snapshot": ledger.snapshot}


def test_a_write_block_commits_at_its_end(ledger: Ledger) -> None:
    with ledger.write() as conn:
        wallets.add(conn, "Main")
        assert names(ledger) == []
    assert names(ledger) == ["Main"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_a_write_block_undoes_all_at_any_exception(ledger: Ledger, error: Any) -> None:
    def fail() -> None:
        with ledger.write() as conn:
            wallets.add(conn, "Main")
            raise error

    with pytest.raises(error):
        fail()
    assert names(ledger) == []


@pytest.mark.parametrize("kind", ["read", "snapshot"])
def test_a_stray_write_is_an_error(ledger: Ledger, kind: str) -> None:
    """Also on the second connection of the pool, on one that was used before, after an error."""
    block = blocks(ledger)[kind]
    for _ in range(3):
        with block() as _other, pytest.raises(DBAPIError, match="read-only"), block() as conn:
            conn.execute(NEW)
        with pytest.raises(DBAPIError, match="read-only"), block() as conn:
            conn.execute(NEW)
    with ledger.snapshot() as conn:
        wallets.all(conn)
    with pytest.raises(DBAPIError, match="read-only"), ledger.read() as conn:
        conn.execute(NEW)
    assert names(ledger) == []


def test_reading_after_a_lost_connection_stays_reading(ledger: Ledger) -> None:
    end = text("SELECT pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(Unavailable), ledger.read() as conn:
        conn.execute(end)
    with pytest.raises(DBAPIError, match="read-only"), ledger.read() as conn:
        conn.execute(NEW)


def test_an_idle_reader_holds_no_transaction(ledger: Ledger) -> None:
    with ledger.read() as conn:
        wallets.all(conn)
        state = text("SELECT state FROM pg_stat_activity WHERE pid = :pid")
        pid = conn.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with ledger.write() as other:  # which may even take the table away
            assert other.execute(state, {"pid": pid}).scalar_one() == "idle"
            other.execute(text("SET LOCAL lock_timeout = '1s'"))
            other.execute(text("ALTER TABLE wallets ADD COLUMN spare int"))


def test_a_read_block_sees_what_was_committed_meanwhile(ledger: Ledger) -> None:
    with ledger.read() as conn:
        assert wallets.all(conn) == ()
        with ledger.write() as other:
            wallets.add(other, "Main")
        assert len(wallets.all(conn)) == 1


def test_a_snapshot_block_does_not(ledger: Ledger) -> None:
    with ledger.snapshot() as conn:
        assert wallets.all(conn) == ()
        with ledger.write() as other:
            wallets.add(other, "Main")
        assert wallets.all(conn) == ()
    assert names(ledger) == ["Main"]


def test_blocks_give_their_connections_back(database_url: str) -> None:
    with Ledger(database_url, DalSettings(pool_size=1)) as ledger:
        for block in (ledger.read, ledger.snapshot, ledger.write):
            for _ in range(3):
                with suppress(ValueError), block():
                    raise ValueError("gone")
        assert names(ledger) == []


def test_a_starved_pool_says_so(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Ledger(database_url, DalSettings(pool_size=1)) as ledger:
        monkeypatch.setattr(ledger._reading.pool, "_timeout", 0.1)
        with ledger.read(), pytest.raises(Unavailable, match="busy"), ledger.read():
            pass


def test_a_slow_question_is_given_up(database_url: str) -> None:
    with Ledger(database_url, DalSettings(statement_timeout_ms=500)) as ledger:
        for block in (ledger.read, ledger.snapshot, ledger.write):
            with pytest.raises(TooSlow, match="STATEMENT_TIMEOUT_MS"), block() as conn:
                conn.execute(text("SELECT pg_sleep(10)"))


def test_a_server_that_is_frozen_is_given_up(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It can neither answer nor keep its own time limit: whoever asked would wait for ever."""
    monkeypatch.setattr(connections, "PATIENCE", 3)
    from tests.support.listening import Relay

    relay = Relay(database_url, tmp_path)
    with Ledger(relay.url, DalSettings()) as ledger:
        assert names(ledger) == []
        hurry(ledger)
        relay.hang()
        for block in (ledger.read, ledger.snapshot):
            with pytest.raises(Unavailable), block() as conn:
                conn.execute(text("SELECT 1"))
        relay.mend()
        hurry(ledger, 60)
        assert names(ledger) == []
    relay.cut()


def hurry(ledger: Ledger, seconds: float = 0.1) -> None:
    for each in ledger._patience:
        each._seconds = seconds


def test_a_server_that_freezes_while_one_connects_is_given_up(
    database_url: str, tmp_path: Path
) -> None:
    """What is asked of a new connection has no time limit of the server's."""
    from tests.support.listening import Relay

    relay = Relay(database_url, tmp_path)
    with Ledger(relay.url, DalSettings()) as ledger:
        hurry(ledger)
        for engine in (ledger._reading, ledger._paging, ledger._writing):
            event.listen(engine, "connect", lambda *_: relay.hang(), insert=True)
        for block in (ledger.read, ledger.snapshot, ledger.page, ledger.write):
            with pytest.raises(Unavailable), block():
                pytest.fail("nobody has answered")
            relay.go_on()
    relay.cut()


def test_a_lock_held_elsewhere(ledger: Ledger) -> None:
    impatient = text("SET LOCAL lock_timeout = '50ms'; INSERT INTO wallets (name) VALUES ('x')")
    with ledger.write() as conn:
        conn.execute(text("LOCK TABLE wallets"))
        with pytest.raises(Unavailable, match="holds a lock"), ledger.write() as other:
            other.execute(impatient)


def test_a_database_without_a_schema(server_url: str) -> None:
    from tests.conftest import new_database

    with (
        new_database(server_url) as url,
        Ledger(url, DalSettings()) as ledger,
        pytest.raises(Unavailable, match="freshledger migrate"),
        ledger.read() as conn,
    ):
        wallets.all(conn)


def test_nobody_answers() -> None:
    with (
        Ledger("postgresql://nobody@127.0.0.1:1/none", DalSettings()) as ledger,
        pytest.raises(Unavailable),
        ledger.read(),
    ):
        pass


@pytest.mark.parametrize("url", ["", "books", "mysql://me@db/books", "sqlite://", "://", "\0"])
def test_what_is_no_url(url: str) -> None:
    with pytest.raises(BadValue, match="DATABASE_URL"):
        Ledger(url, DalSettings())


@pytest.mark.parametrize(
    "driver", ["postgres", "postgresql", "postgresql+psycopg2", "postgresql+asyncpg"]
)
def test_any_driver_becomes_ours(driver: str) -> None:
    url = driver_url(f"{driver}://me:secret@db:5433/books?sslmode=require")
    assert url.drivername == "postgresql+psycopg"
    assert (url.password, url.port, url.query) == ("secret", 5433, {"sslmode": "require"})


def test_open_ledger_migrates(server_url: str) -> None:
    from tests.conftest import new_database

    with new_database(server_url) as url:
        for _ in range(2):
            with open_ledger(DalSettings(database_url=url)) as ledger:
                assert names(ledger) == []


def test_times_come_in_utc(ledger: Ledger) -> None:
    for block in (ledger.read, ledger.snapshot, ledger.write):
        with block() as conn:
            assert conn.execute(select(text("current_setting('timezone')"))).scalar_one() == "UTC"


def test_two_threads_have_two_connections(ledger: Ledger) -> None:
    pids: set[int] = set()
    barrier = threading.Barrier(4, timeout=60)

    def ask() -> None:
        with ledger.read() as conn:
            barrier.wait()
            pids.add(conn.execute(text("SELECT pg_backend_pid()")).scalar_one())

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(pids) == 4


def test_a_closed_ledger_leaves_nobody(database_url: str) -> None:
    with Ledger(database_url, DalSettings()) as ledger:
        assert names(ledger) == []
    with psycopg.connect(database_url) as conn:
        others = (
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"
            " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        eventually(lambda: conn.execute(others).fetchone() is None)


def test_the_connection_is_named_here_too() -> None:
    assert "Connection" in database.__all__
