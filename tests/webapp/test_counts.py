"""Counts and sums: words that claim no more than is known, and statements that nobody waits for."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
from threading import Event
from typing import TYPE_CHECKING

import psycopg
import pytest

from dal import slices
from dal.database import Ledger
from dal.settings import DalSettings
from tests.support.running import gone, sleeping
from tests.support.waiting import eventually
from tests.webapp.ledgers import fill
from tests.webapp.test_feed_processes import Site as Server, site as server
from webapp import create_app, leaving
from webapp.pages import numbers
from webapp.settings import WebSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.webapp.conftest import Site

__all__ = ["server"]
BOUND = slices.COUNTED


# ── Words ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (0, "0 transactions"),
        (1, "1 transaction"),
        (999, "999 transactions"),
        (BOUND, "1,000 transactions"),
        (BOUND + 1, "more than 1,000 transactions"),
    ],
)
def test_a_count_says_where_it_stopped(found: int, words: str) -> None:
    assert numbers.counted(found, BOUND) == words


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "about 0"),
        (1, "about 1"),
        (99, "about 99"),
        (1_001, "about 1,000"),
        (1_049, "about 1,000"),
        (1_050, "about 1,100"),
        (34_217, "about 34,000"),
        (994_999, "about 990,000"),
        (995_000, "about 1 million"),
        (999_999, "about 1 million"),
        (1_000_000, "about 1 million"),
        (1_249_999, "about 1.2 million"),
        (1_250_000, "about 1.3 million"),
        (9_949_999, "about 9.9 million"),
        (9_950_000, "about 10 million"),
        (123_456_789, "about 120 million"),
        (999_999_999, "about 1 billion"),
        (2_345_678_901, "about 2.3 billion"),
    ],
)
def test_an_estimate_says_two_digits(number: int, words: str) -> None:
    assert numbers.about(number) == words


def test_what_is_rounded_is_near() -> None:
    for number in [*range(3_000), 10**9 - 1, 10**12 + 7]:
        rounded = numbers.two_digits(number)
        assert abs(rounded - number) * 20 <= number
        assert len(str(rounded).rstrip("0")) <= 2


# ── Pages ────────────────────────────────────────────────────────────────────────────────────

MANY = """
    INSERT INTO wallets (id, name) VALUES (1, 'Main'), (2, 'Empty');
    INSERT INTO transactions (occurred_at, wallet_id, type, note, source)
    SELECT timestamptz '2024-03-05' + i * interval '1 second', 1, 'send', 'coffee', 'seed'
      FROM generate_series(1, 3000) i;
    ANALYZE"""


@pytest.fixture
def crowded(database_url: str) -> str:
    """Return the URL of a ledger with more transactions than a page counts."""
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute(MANY)
    return database_url


@pytest.mark.usefixtures("crowded")
def test_an_estimate_says_when_and_what(site: Site) -> None:
    answer = site.get("/transactions/estimate?wallet=Main&order=time&size=25")
    told = answer.get_json()
    assert told["about"] == "about 3,000"
    assert re.fullmatch(r"\d\d:\d\d:\d\d", told["clock"])
    assert told["clock"] in told["as_of"]
    assert answer.headers["Freshledger-Snapshot"]


@pytest.mark.usefixtures("crowded")
@pytest.mark.parametrize("query", ["wallet=Empty", "type=trade", "hash=abc", "text=tea"])
def test_what_only_counting_can_tell_is_not_estimated(site: Site, query: str) -> None:
    answer = site.get(f"/transactions/estimate?{query}")
    assert answer.json == {"about": "", "as_of": "", "clock": ""}


def test_an_estimate_refuses_what_the_list_refuses(reader: object) -> None:
    answer = reader.get("/transactions/estimate?colour=red")  # type: ignore[attr-defined]
    assert answer.status_code == 400


def test_who_has_no_turn_is_told_so(site: Site, ledger: Ledger) -> None:
    with ledger.exact(), ledger.exact():
        answer = site.get("/transactions/totals")
        assert answer.status_code == 429
        assert int(answer.headers["Retry-After"]) > 0
        assert "Others are being counted just now" in answer.text
        assert 'href="/transactions/totals"' in answer.text
        told = site.get("/transactions/totals", headers={"Accept": "application/json"})
        assert told.get_json()["error"]["title"] == "Others are being counted just now"
        assert site.get("/transactions").status_code == 200
    assert site.get("/transactions/totals").status_code == 200


def test_an_exact_count_that_takes_too_long_names_its_own_limit(
    database_url: str, tmp_path: Path
) -> None:
    quick = DalSettings(home=tmp_path, exact_timeout_ms=1_000)
    with Ledger(database_url, quick) as ledger, locked(database_url):
        client = create_app(WebSettings(dal=quick), ledger).test_client()
        answer = client.get("/transactions/totals")
        assert answer.status_code == 503
        assert "EXACT_TIMEOUT_MS" in answer.text


# ── Nobody waits ─────────────────────────────────────────────────────────────────────────────


def test_a_hang_up_is_noticed_and_nothing_is_read() -> None:
    near, far = socket.socketpair()
    with near:
        assert not leaving.hung_up(near)
        far.send(b"GET")
        assert not leaving.hung_up(near)
        assert near.recv(3) == b"GET"
        far.close()
        assert leaving.hung_up(near)
    assert leaving.hung_up(near)  # it is closed here


def test_a_server_that_keeps_its_sockets_notices_its_own_end() -> None:
    ending = Event()
    gone_away = leaving.left({}, ending)
    assert not gone_away()
    ending.set()
    assert gone_away()


class Locked:
    """Holds what every count must read, so that it takes as long as this is held."""

    def __init__(self, url: str) -> None:
        self.conn = psycopg.connect(url)
        self.conn.execute("LOCK TABLE movements IN ACCESS EXCLUSIVE MODE")

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None:
        self.conn.close()


locked = Locked
SUMS = "sums_by_number"


def count(server: Server) -> http.client.HTTPConnection:
    """Ask for an exact count, and return the connection on which nothing comes yet."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("GET", "/transactions/totals")
    return connection


@pytest.fixture
def counting(server: Server) -> Iterator[Callable[..., Server]]:
    """Return what starts a server whose counts take as long as the test."""
    with Ledger(server.database_url) as ledger:
        fill(ledger)
    locks: list[Locked] = []

    def start(**settings: int) -> Server:
        server.start(**settings)
        locks.append(Locked(server.database_url))
        return server

    yield start
    for each in locks:
        each.conn.close()


def test_who_hangs_up_ends_the_statement(counting: Callable[..., Server]) -> None:
    """As a browser does when a request is aborted, the page left, or the tab closed."""
    server = counting(THREADS=3)
    for _ in range(3):
        asking = count(server)
        sleeping(server.database_url, SUMS)
        asking.close()
        gone(server.database_url, SUMS)
    assert server.get("/healthz") == 200
    server.end()


def test_one_that_has_no_place_hangs_up_nobody_else(counting: Callable[..., Server]) -> None:
    server = counting(THREADS=4, EXACT_AT_ONCE=2)
    first, second = count(server), count(server)
    sleeping(server.database_url, SUMS, 2)
    third = count(server)
    assert third.getresponse().status == 429
    third.close()
    assert server.get("/healthz") == 200
    first.close()
    eventually(lambda: _reply(count(server)) is None)  # it waits: there was a place
    second.close()


def _reply(connection: http.client.HTTPConnection) -> int | None:
    assert connection.sock is not None
    connection.sock.settimeout(0.3)
    try:
        return connection.getresponse().status
    except TimeoutError:
        return None
    finally:
        connection.close()


def test_pages_go_on_whoever_counts(counting: Callable[..., Server]) -> None:
    """Counts take neither all threads nor a connection of the pages, however many are asked for."""
    server = counting(THREADS=2, EXACT_AT_ONCE=8, POOL_SIZE=1)
    asked = [count(server) for _ in range(4)]
    sleeping(server.database_url, SUMS)
    for _ in range(3):
        assert server.get("/healthz") == 200
    for each in asked:
        each.close()
    gone(server.database_url, SUMS)
    server.end()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_ends_leaves_no_statement(
    counting: Callable[..., Server], number: int
) -> None:
    server = counting(WORKERS=2, THREADS=3)
    asked = [count(server) for _ in range(2)]
    sleeping(server.database_url, SUMS)
    server.process.send_signal(number)
    gone(server.database_url, SUMS)
    server.process.communicate(timeout=20)
    for each in asked:
        each.close()


def test_a_worker_that_is_killed_leaves_no_statement(counting: Callable[..., Server]) -> None:
    server = counting(THREADS=3)
    asked = count(server)
    sleeping(server.database_url, SUMS)
    for pid in server.workers:
        os.kill(pid, signal.SIGKILL)
    gone(server.database_url, SUMS)
    asked.close()


def test_an_answer_still_comes_whole(counting: Callable[..., Server]) -> None:
    server = counting(THREADS=3)
    asked = count(server)
    sleeping(server.database_url, SUMS)
    with psycopg.connect(server.database_url, autocommit=True) as conn:
        conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE mode = 'AccessExclusiveLock'"
            " AND relation = 'movements'::regclass"
        )
    answer = asked.getresponse()
    assert answer.status == 200
    assert "</html>" in answer.read().decode()
    asked.close()
    server.end()
