"""Exact figures: few at a time, patient, and over on the server when nobody waits for them."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from dal import transactions, wallets
from dal.database import Ledger
from dal.errors import Busy, Stopped, TooSlow, Unavailable
from dal.settings import DalSettings
from tests.support import processes
from tests.support.running import gone, running, sleeping

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SLOW = text("SELECT pg_sleep(60), 'exact'")
PID = text("SELECT pg_backend_pid()")
ASLEEP = "SELECT pg_sleep(60), 'exact'"


def asked(ledger: Ledger, unwanted: Callable[[], bool]) -> None:
    with ledger.exact(unwanted) as conn:
        conn.execute(SLOW)


def test_what_nobody_waits_for_ends_on_the_server(ledger: Ledger, database_url: str) -> None:
    with pytest.raises(Stopped) as stopped:
        asked(ledger, lambda: bool(running(database_url, ASLEEP)))
    assert "canceling statement due to user request" in str(stopped.value.__cause__)
    gone(database_url, ASLEEP)


def test_a_place_and_a_connection_are_free_again(database_url: str) -> None:
    with Ledger(database_url, DalSettings(exact_at_once=1)) as ledger:
        for _ in range(3):
            with pytest.raises(Stopped):
                asked(ledger, lambda: True)
        with ledger.exact() as conn:
            assert transactions.totals(conn).transactions == 0


def test_a_cancel_that_comes_late_meets_nobody_else(ledger: Ledger) -> None:
    """Whatever the moment: the answer, or that it was stopped, and the next question is whole."""
    for number in range(12):
        until = time.monotonic() + 0.05 + number / 200
        try:
            with ledger.exact(lambda until=until: time.monotonic() > until) as conn:  # type: ignore[misc]
                conn.execute(text("SELECT pg_sleep(0.08)"))
        except Stopped:
            pass
        with ledger.exact() as conn:
            assert conn.execute(text("SELECT pg_sleep(0.01), 1")).one()[1] == 1


def test_a_connection_that_was_to_be_stopped_is_used_by_nobody_else(database_url: str) -> None:
    """Also where the wish comes when there is nothing to stop any more."""
    looked, known = threading.Event(), threading.Event()

    def late() -> bool:
        known.wait(60)
        looked.set()
        time.sleep(0.2)  # in which the block ends
        return True

    with Ledger(database_url, DalSettings(exact_at_once=1)) as ledger:
        with ledger.exact(late) as conn:
            first = conn.execute(PID).scalar_one()
            known.set()
            looked.wait()
        with ledger.exact() as conn:
            conn.execute(text("SELECT pg_sleep(0.3)"))
            assert conn.execute(PID).scalar_one() != first


def test_there_are_few_at_a_time_and_pages_go_on(database_url: str) -> None:
    enough = threading.Event()
    with Ledger(database_url, DalSettings(exact_at_once=2, pool_size=1)) as ledger:
        counts = [
            threading.Thread(target=pytest.raises, args=(Stopped, asked, ledger, enough.is_set))
            for _ in range(2)
        ]
        for each in counts:
            each.start()
        sleeping(database_url, ASLEEP, 2)
        with pytest.raises(Busy, match="wait"), ledger.exact():
            pass
        with ledger.read() as conn:
            assert wallets.all(conn) == ()
        enough.set()
        for each in counts:
            each.join()
        with ledger.exact() as conn:
            assert transactions.totals(conn).transactions == 0
    gone(database_url, ASLEEP)


def test_it_has_a_time_limit_of_its_own(database_url: str) -> None:
    limit = text("SHOW statement_timeout")
    quick = DalSettings(statement_timeout_ms=5_000, exact_timeout_ms=1_000)
    with Ledger(database_url, quick) as ledger:
        with ledger.exact() as conn:
            assert conn.execute(limit).scalar_one() == "1s"
        with ledger.read() as conn:
            assert conn.execute(limit).scalar_one() == "5s"
        with pytest.raises(TooSlow, match="EXACT_TIMEOUT_MS"), ledger.exact() as conn:
            conn.execute(SLOW)
    gone(database_url, ASLEEP)


def test_it_cannot_write(ledger: Ledger) -> None:
    with pytest.raises(Exception, match="read-only"), ledger.exact() as conn:
        wallets.add(conn, "Main")


def test_a_server_that_does_not_hear_is_left(database_url: str, tmp_path: Path) -> None:
    """Frozen, it would neither answer nor cancel: who asked is free all the same."""
    from tests.support.listening import Relay

    relay = Relay(database_url, tmp_path)
    enough = threading.Event()
    with Ledger(relay.url, DalSettings()) as ledger:

        def freeze() -> None:
            sleeping(database_url, ASLEEP)
            relay.hang()
            enough.set()

        freezing = threading.Thread(target=freeze)
        freezing.start()
        with pytest.raises(Unavailable):
            asked(ledger, enough.is_set)
        assert running(database_url, ASLEEP), "it was not waited for"
        freezing.join()
        relay.mend()
    relay.cut()


COUNTING = """
import sys
from sqlalchemy import text
from dal.database import Ledger
with Ledger(sys.argv[1]) as ledger, ledger.exact() as conn:
    print("counting", flush=True)
    conn.execute(text("SELECT pg_sleep(60), 'exact'"))
"""


def test_a_process_that_is_killed_leaves_nothing_running(database_url: str) -> None:
    process = processes.start(COUNTING, database_url)
    processes.wait_for(process, "counting")
    sleeping(database_url, ASLEEP)
    processes.kill(process)
    gone(database_url, ASLEEP)


SUMS = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's background job ignores
from webapp import cli
def slow(conn, where):
    from sqlalchemy import text
    assert conn.execute(text("SHOW statement_timeout")).scalar_one() == "2min"
    conn.execute(text("SELECT pg_sleep(60), 'exact'"))
cli.transactions.totals = slow
cli.main(["list", "--sums"])
"""


def test_ctrl_c_during_sums_ends_the_statement(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import signal

    monkeypatch.setenv("DATABASE_URL", database_url)
    process = subprocess.Popen(
        [sys.executable, "-c", SUMS],
        cwd=processes.ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    sleeping(database_url, ASLEEP)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=20)[1]
    assert process.returncode == 1
    assert "Traceback" not in said
    gone(database_url, ASLEEP)
