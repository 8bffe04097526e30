"""The stream behind real servers, whose threads it leaves alone and whose workers may die."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.support.hosting import free_port
from tests.support.listening import PATIENCE, Listener
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.skipif(not Path("/proc/locks").exists(), reason="reads Linux's /proc"),
    pytest.mark.usefixtures("deposits"),
]


class Site:
    """A server of the product, with as many workers and threads as asked for."""

    def __init__(self, database_url: str, home: Path, port: int) -> None:
        self.url, self.port, self.home = f"http://127.0.0.1:{port}", port, home
        self.database_url = database_url
        self.process: subprocess.Popen[str]

    def start(self, **settings: int) -> None:
        told = {"DATABASE_URL": self.database_url, "FRESHLEDGER_HOME": str(self.home)}
        told |= {"PORT": str(self.port), "SLOW_MS": "0"}  # its log is looked at
        told |= {key: str(value) for key, value in settings.items()}
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from webapp.cli import main; main()", "serve"],
            env=os.environ | told,
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
        eventually(lambda: self.get("/healthz") == 200)

    def get(self, path: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request("GET", path)
            reply = connection.getresponse()
            reply.read()
        except ConnectionError:
            return 0
        else:
            return reply.status
        finally:
            connection.close()

    def end(self) -> str:
        """End it as a terminal does, and return what it said."""
        self.process.send_signal(signal.SIGTERM)
        said = self.process.communicate(timeout=PATIENCE)[1]
        assert self.process.returncode == 0, said
        return said

    @property
    def workers(self) -> list[int]:
        pid = self.process.pid
        return [int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def leaders(self) -> list[int]:
        """Return the processes that hold the hub's lock."""
        (path,) = self.home.glob("feed-*.lock")
        file = f":{path.stat().st_ino}"
        locks = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
        return [int(each[4]) for each in locks if each[1] == "FLOCK" and each[5].endswith(file)]


@pytest.fixture
def site(database_url: str, tmp_path: Path) -> Iterator[Site]:
    made = Site(database_url, tmp_path, free_port())
    yield made
    made.process.kill()
    made.process.communicate()


def note(url: str, row: int) -> None:
    with psycopg.connect(url) as conn:
        conn.execute("UPDATE transactions SET note = note || '!' WHERE id = %s", [row])


@contextmanager
def pages(site: Site, count: int) -> Iterator[list[Listener]]:
    found = [Listener(site.url) for _ in range(count)]
    try:
        for page in found:
            page.first("alive")
        yield found
    finally:
        for page in found:
            page.close()


def test_open_pages_hold_no_thread(site: Site) -> None:
    site.start(THREADS=2)
    with pages(site, 40) as found:
        for _ in range(4):
            assert site.get("/transactions") == 200
        note(site.database_url, 5)
        assert all(page.hears(5) for page in found)
    assert len(site.end().splitlines()) == 1  # that it serves, and no complaint


def descriptors(site: Site) -> int:
    return sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in site.workers)


def test_nothing_leaks_from_the_server(site: Site) -> None:
    site.start(THREADS=2)
    with pages(site, 1) as (kept,):
        assert site.get("/transactions") == 200
        before = descriptors(site)
        for _ in range(3):
            with pages(site, 30):
                assert descriptors(site) > before + 20  # a request may have been under way
            eventually(lambda: descriptors(site) <= before)
        assert not kept.ended
    site.end()


def test_a_connection_that_was_kept_alive_becomes_a_stream(site: Site) -> None:
    site.start()
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=PATIENCE)
    for path in ("/healthz", "/transactions"):
        connection.request("GET", path)
        connection.getresponse().read()
    line = connection.sock
    connection.request("GET", "/changes")
    assert connection.sock is line  # the same connection
    reply = connection.getresponse()
    assert [reply.readline() for _ in range(2)] == [b"retry: 1000\n", b"event: alive\n"]
    note(site.database_url, 5)
    while not reply.readline().startswith(b"event: changes"):
        pass
    connection.close()
    assert len(site.end().splitlines()) == 1


def test_streams_do_not_keep_a_server_from_ending(site: Site) -> None:
    site.start(WORKERS=2)
    with pages(site, 10) as found:
        said = site.end()
        for page in found:
            page.until(lambda it: it.ended)
    assert len(said.splitlines()) == 1
    assert not list(site.home.glob("feed-*.sock"))


def one_asks(site: Site) -> bool:
    """Return whether one connection, time and again, is all that asks the change log."""
    return all(pollers(site) == 1 for _ in range(5))


def pollers(site: Site) -> int:
    asks = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    asks += " AND pid <> pg_backend_pid() AND query LIKE '%facts.forgotten%'"
    with psycopg.connect(site.database_url) as conn:
        row = conn.execute(asks).fetchone()
        assert row
        return int(row[0])


def test_two_workers_share_one_hub_and_the_next_one_follows_a_killed_one(site: Site) -> None:
    site.start(WORKERS=2)
    with pages(site, 30) as found:
        note(site.database_url, 3)
        last = [page.hears(3).token for page in found]
        (leader,) = site.leaders()
        assert leader in site.workers
        assert len(site.workers) == 2
        eventually(lambda: one_asks(site))
        os.kill(leader, signal.SIGKILL)
        for page in found:
            page.until(lambda it: it.ended)
    note(site.database_url, 4)
    eventually(lambda: site.get("/healthz") == 200)
    back = [Listener(site.url, last=token) for token in last]
    for page in back:
        page.hears(4)
        assert page.named() == [4]
    (successor,) = site.leaders()
    assert successor != leader
    eventually(lambda: one_asks(site))
    for page in back:
        page.close()


def test_a_stopped_hub_costs_others_no_page(site: Site) -> None:
    """A worker that hangs keeps the lock; the other refuses streams and answers pages."""
    site.start(WORKERS=2, THREADS=2)
    with pages(site, 2) as found:
        (leader,) = site.leaders()
        os.kill(leader, signal.SIGSTOP)
        try:
            codes = [site.get("/changes") for _ in range(3)]
            pages_too = [site.get("/transactions") for _ in range(3)]
        finally:
            os.kill(leader, signal.SIGCONT)
        assert set(codes) == {503}
        assert set(pages_too) == {200}
        note(site.database_url, 2)
        for page in found:
            page.hears(2)
