"""Open pages are told of every change, once, and of nothing else; and they know when they are not.

No test measures a time: each waits for what must come, and would wait for ever if it did not.
"""

from __future__ import annotations

import json
import resource
import socket
import threading
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from threading import Barrier, Thread
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from dal import changes, snapshots
from dal.database import Ledger
from dal.moments import Snapshot
from tests.support.hosting import hosted
from tests.support.listening import PATIENCE, Listener, Relay
from tests.support.waiting import eventually
from webapp import create_app, feed as feeds, hub, inlet, streams
from webapp.state import EXTENSION, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask
    from flask.testing import FlaskClient

    from dal.database import Connection
    from webapp.feed import Feed
    from webapp.hub import Hub
    from webapp.settings import WebSettings

pytestmark = pytest.mark.usefixtures("deposits", "patient")


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is given up, and no silence noticed, for the machine being busy."""
    monkeypatch.setattr(inlet, "PATIENCE", 30.0)
    monkeypatch.setattr(feeds, "PATIENCE", 30.0)


@pytest.fixture
def state(app: Flask) -> State:
    found: State = app.extensions[EXTENSION]
    return found


@pytest.fixture
def feed(state: State) -> Feed:
    return state.feed


def the_hub(feed: Feed) -> Hub:
    assert feed._hub is not None
    return feed._hub


def note(ledger: Ledger, row: int, words: str = "told") -> None:
    with ledger.write() as conn:
        conn.exec_driver_sql(f"UPDATE transactions SET note = '{words}' WHERE id = {row}")


# ── What is told ─────────────────────────────────────────────────────────────────────────────


def test_a_page_hears_at_once_and_then_each_second_that_nothing_changed(live_server: str) -> None:
    with Listener(live_server) as page:
        assert page.reply.status == 200
        headers = page.reply.headers
        assert headers["Content-Type"].startswith("text/event-stream")
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Accel-Buffering"] == "no"
        assert headers["Connection"] == "close"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        page.until(lambda it: len(it.told) >= 3)
        assert {each.kind for each in page.told} == {"alive"}
        times = [datetime.fromisoformat(each.data["as_of"]) for each in page.told]
        assert times == sorted(set(times))
        assert all(each.data["as_of"].endswith("Z") for each in page.told)


def test_the_first_message_says_when_to_come_back(live_server: str) -> None:
    with socket.create_connection(("127.0.0.1", int(live_server.rsplit(":", 1)[1]))) as line:
        line.sendall(b"GET /changes HTTP/1.1\r\nHost: localhost\r\n\r\n")
        said = b""
        while b"\n\n" not in said:
            said += line.recv(4096)
    assert b"\r\n\r\nretry: 1000\nevent: alive\nid: " in said


def test_what_is_told_of_a_change(live_server: str, ledger: Ledger, state: State) -> None:
    with Listener(live_server) as page:
        page.first("alive")
        note(ledger, 7)
        told = page.hears(7)
        expected = {"changed": [7], "placed": False, "names": False, "more": False}
        assert {key: told.data[key] for key in expected} == expected
        reached = snapshots.unseal(told.token, state.snapshot_key)
        assert told.data["as_of"] == f"{reached.as_of:%Y-%m-%dT%H:%M:%S.%f}Z"
        with ledger.write() as conn:
            conn.exec_driver_sql("UPDATE labels SET name = name || '!'")
            conn.exec_driver_sql("INSERT INTO labels (name, colour) VALUES ('new', 'red')")
            conn.exec_driver_sql("UPDATE transactions SET occurred_at = now() WHERE id = 9")
        told = page.hears(9)
        assert told.data["placed"] is True
        assert told.data["names"] is True


def test_a_change_between_render_and_subscribe_arrives(
    live_server: str, ledger: Ledger, client: FlaskClient
) -> None:
    token = client.get("/transactions").headers["Freshledger-Snapshot"]
    note(ledger, 3)
    with Listener(live_server, since=token) as page:
        assert page.first("changes").changed == [3]


def test_who_comes_back_loses_and_repeats_nothing(live_server: str, ledger: Ledger) -> None:
    with Listener(live_server) as page:
        page.first("alive")
        note(ledger, 1)
        last = page.hears(1).token
    for row in (2, 3):
        note(ledger, row)
    with Listener(live_server, since="an old page's", last=last) as other, Listener(live_server):
        assert other.first("changes").changed == [2, 3]
        note(ledger, 4)
        other.hears(4)
        assert other.named() == [2, 3, 4]


def test_pages_with_tokens_of_their_own_are_each_told_what_they_lack(
    live_server: str, ledger: Ledger, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More of them than one question asks for: they take turns, and then go together."""
    monkeypatch.setattr(hub, "MOST_PLACES", 3)
    tokens = []
    for row in range(1, 11):
        tokens.append(client.get("/transactions").headers["Freshledger-Snapshot"])
        note(ledger, row)
    pages = [Listener(live_server, since=token) for token in tokens]
    for row in range(11, 14):
        note(ledger, row)
        for page in pages:
            page.hears(row)
    for first, page in enumerate(pages, start=1):
        assert sorted(page.named()) == list(range(first, 14))
        page.close()


def test_all_places_are_asked_for_at_one_snapshot(
    live_server: str,
    client: FlaskClient,
    ledger: Ledger,
    state: State,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A commit between the statements of one question belongs to the next, for everybody."""
    token = client.get("/transactions").headers["Freshledger-Snapshot"]
    note(ledger, 1)
    with Listener(live_server) as page:
        page.first("alive")
        since, theirs = changes.since, snapshots.unseal(token, state.snapshot_key)

        def slowly(conn: Connection, known: Snapshot) -> changes.News:
            if known == theirs:  # the others have been asked for already
                note(ledger, 2)
            return since(conn, known)

        monkeypatch.setattr(changes, "since", slowly)
        with Listener(live_server, since=token) as late:
            late.hears(2)
            page.hears(2)
            note(ledger, 3)
            late.hears(3)
            page.hears(3)
            assert late.named() == [1, 2, 3]
            assert page.named() == [2, 3]


def test_a_long_transaction_holds_up_nobody_and_is_told_when_it_commits(
    live_server: str, ledger: Ledger, database_url: str
) -> None:
    """Whoever remembers the last number of the log misses the long one, which wrote first."""
    with Listener(live_server) as page, psycopg.connect(database_url) as long:
        page.first("alive")
        long.execute("UPDATE transactions SET note = 'long' WHERE id = 1")
        for row in range(2, 6):
            note(ledger, row)
            page.hears(row)
        assert 1 not in page.named()
        long.commit()
        page.hears(1)
        assert Counter(page.named()) == Counter(range(1, 6))


WRITERS, ROWS = 8, 40


def test_every_commit_is_told_exactly_once(
    live_server: str, ledger: Ledger, database_url: str
) -> None:
    """Each row is written once; eight at a time, with rollbacks, one of them slow."""
    kept: list[int] = []
    with ledger.write() as conn:
        conn.exec_driver_sql(
            "INSERT INTO transactions (wallet_id, occurred_at, type)"
            f" SELECT 1, now(), 'other' FROM generate_series(1, {WRITERS * ROWS})"
        )
        sql = f"SELECT id FROM transactions ORDER BY id DESC LIMIT {WRITERS * ROWS}"
        rows = [row.id for row in conn.exec_driver_sql(sql)]
    together = Barrier(WRITERS)

    def write(number: int) -> None:
        random = Random(number)
        with psycopg.connect(database_url) as conn:
            together.wait()
            for row in rows[number::WRITERS]:
                conn.execute("UPDATE transactions SET note = 'once' WHERE id = %s", [row])
                time.sleep(random.random() / (4 if number == 0 else 50))
                if random.random() < 0.25:
                    conn.rollback()
                    continue
                conn.commit()
                kept.append(row)

    with Listener(live_server) as early, psycopg.connect(database_url) as long:
        early.first("alive")
        long.execute("UPDATE transactions SET note = 'long' WHERE id = 1")
        threads = [Thread(target=write, args=(number,)) for number in range(WRITERS)]
        for each in threads:
            each.start()
        last = early.first("changes").token
        with Listener(live_server, last=last) as late:
            for each in threads:
                each.join()
            long.commit()
            kept.append(1)
            note(ledger, 2, "the end")
            early.hears(2)
            late.hears(2)
            told = Counter(early.named())
            seen = next(n for n, each in enumerate(early.told) if each.token == last)
            missed = Counter(row for each in early.told[: seen + 1] for row in each.changed)
            assert told == Counter([*kept, 2])
            assert Counter(late.named()) == told - missed


# ── What nobody can tell ─────────────────────────────────────────────────────────────────────


def bent(token: str) -> str:
    return token[:30] + ("A" if token[30] != "A" else "B") + token[31:]


FOREIGN = Snapshot("1", 1, 1, "7:7:", datetime.now(UTC))
HUGE = "7:9999:" + ",".join(map(str, range(7, 2_500)))
SPOILT: dict[str, Callable[[str, bytes], str]] = {
    "forged": lambda token, _: bent(token),
    "truncated": lambda token, _: token[:-7],
    "too long": lambda _, key: snapshots.seal(replace(FOREIGN, visible=HUGE), key),
    "plain": lambda *_: "999:999:",
    "text": lambda *_: "é'; DROP TABLE changes --",
    "of another key": lambda *_: snapshots.seal(FOREIGN, b"another key" * 4),
}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Snapshot]:
    """Return the snapshots that statements have been asked about, as they come."""
    found: list[Snapshot] = []
    since = changes.since

    def spy(conn: Connection, known: Snapshot) -> changes.News:
        found.append(known)
        return since(conn, known)

    monkeypatch.setattr(changes, "since", spy)
    return found


@pytest.mark.parametrize("spoilt", SPOILT)
def test_a_token_that_is_not_ours_resets_and_no_statement_sees_it(
    live_server: str, ledger: Ledger, state: State, asked: list[Snapshot], spoilt: str
) -> None:
    with Listener(live_server) as page:
        token = SPOILT[spoilt](page.first("alive").token, state.snapshot_key)
    for row, (since, last) in enumerate(((token, ""), ("", token)), start=5):
        with Listener(live_server, since, last) as page:
            reset = page.first("reset")
            assert reset.data["reason"]
            note(ledger, row)
            page.hears(row)
        with Listener(live_server, last=reset.token) as again:
            again.hears(row)  # the new token is one
    assert all(each.system != "1" for each in asked)


@pytest.mark.parametrize("change", [{"system": "1"}, {"timeline": 77}, {"incarnation": 5}])
def test_a_token_of_another_database_resets(
    live_server: str, client: FlaskClient, state: State, change: dict[str, Any]
) -> None:
    token = client.get("/transactions").headers["Freshledger-Snapshot"]
    foreign = replace(snapshots.unseal(token, state.snapshot_key), **change)
    with Listener(live_server, since=snapshots.seal(foreign, state.snapshot_key)) as page:
        page.first("reset")
        page.first("alive")


def test_forgotten_changes_reset(live_server: str, client: FlaskClient, ledger: Ledger) -> None:
    token = client.get("/transactions").headers["Freshledger-Snapshot"]
    note(ledger, 1)
    with ledger.write() as conn:
        assert changes.prune(conn, datetime.now(UTC) + timedelta(days=1))
    with Listener(live_server, since=token) as page:
        assert "forgotten" in page.first("reset").data["reason"]
        note(ledger, 2)
        page.hears(2)


# ── When the database cannot be asked ────────────────────────────────────────────────────────


@pytest.fixture
def relay(database_url: str, tmp_path: Path) -> Iterator[Relay]:
    made = Relay(database_url, tmp_path)
    yield made
    made.cut()


@pytest.fixture
def beyond(relay: Relay, settings: WebSettings, app: Flask) -> Iterator[str]:
    """Yield the address of an application whose database lies beyond the relay."""
    del app  # it fills the ledger
    with Ledger(relay.url) as ledger:
        made = create_app(settings, ledger)
        with hosted(made) as url:
            yield url
            made.extensions[EXTENSION].feed.close()


def test_down_is_said_each_second_and_afterwards_nothing_is_missing(
    beyond: str, relay: Relay, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Listener(beyond) as page:
        before = page.first("alive").token
        relay.cut()
        page.until(lambda it: sum(each.kind == "down" for each in it.told) >= 3)
        down = [each for each in page.told if each.kind == "down"]
        assert all(each.data["reason"] and not each.token for each in down)
        assert page.told[-1].kind == "down"
        monkeypatch.setattr(hub, "SECOND", 1e9)
        with Listener(beyond, last=before) as other:
            other.until(lambda it: it.told)
            assert other.told[0].kind == "down"  # who comes meanwhile hears it at once
            note(ledger, 8)
            relay.mend()
            assert page.hears(8).token
            other.hears(8)
            assert page.named() == other.named() == [8]


def test_a_database_that_hangs_is_down_too(
    beyond: str, relay: Relay, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "HOPELESS", 1e9)
    with Listener(beyond) as page:
        page.first("alive")
        relay.hang()
        page.first("down")
        note(ledger, 8)
        relay.go_on()
        page.hears(8)
        assert page.named() == [8]


def test_a_connection_that_hangs_for_good_is_replaced(
    beyond: str, relay: Relay, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server goes on, only this connection never gets its answer."""
    monkeypatch.setattr(hub, "HOPELESS", 2.0)
    with Listener(beyond) as page:
        page.first("alive")
        hanging = relay.leave_hanging()
        page.first("down")
        note(ledger, 8)
        page.hears(8)
        hanging.set()


def test_a_table_that_is_locked_is_down_and_comes_back(
    live_server: str, database_url: str, ledger: Ledger
) -> None:
    with Listener(live_server) as page:
        page.first("alive")
        with psycopg.connect(database_url) as locking:
            locking.execute("LOCK TABLE changes IN ACCESS EXCLUSIVE MODE")
            page.first("down")
        note(ledger, 4)
        page.hears(4)


def test_a_restore_resets_open_pages(live_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Listener(live_server) as page:
        page.first("alive")
        monkeypatch.setattr(changes, "lost", lambda *_: "it was restored")
        assert page.first("reset").data["reason"] == "it was restored"


# ── Who may listen ───────────────────────────────────────────────────────────────────────────


def status(url: str, method: str = "GET", **headers: str) -> tuple[int, Any, bytes]:
    import http.client
    from urllib.parse import urlsplit

    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE)
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, "/changes", headers=names)
    reply = connection.getresponse()
    said = b"" if reply.status == 200 else reply.read()  # a stream has no end
    found = reply.status, reply.headers, said
    connection.close()
    return found


def test_only_our_own_pages_may_listen(live_server: str) -> None:
    for site in ("cross-site", "same-site"):
        assert status(live_server, Sec_Fetch_Site=site)[0] == 403
    assert status(live_server, Host="evil.example")[0] == 400
    assert status(live_server, "HEAD")[0] == 405
    assert not any(each.name == "hub" for each in threading.enumerate())
    with Listener(live_server) as page:
        page.first("alive")


def test_a_server_that_keeps_its_socket_says_so(client: FlaskClient) -> None:
    answer = client.get("/changes")
    assert answer.status_code == 501
    assert "serve with freshledger serve" in answer.text


def test_beyond_the_limit_a_page_is_told_to_wait(
    live_server: str, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds.Feed, "_most", 2)
    with Listener(live_server) as one, Listener(live_server) as two:
        one.first("alive")
        two.first("alive")
        code, headers, text = status(live_server, Accept="application/json")
        assert code == 503
        assert headers["Retry-After"]
        assert "Too many pages" in json.loads(text)["error"]["problem"]
    eventually(lambda: the_hub(feed)._pages == 0)
    with Listener(live_server) as three:
        three.first("alive")


# ── What a page may cost ─────────────────────────────────────────────────────────────────────


def test_who_does_not_read_is_dropped_and_holds_up_nobody(
    live_server: str, feed: Feed, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as lazy:
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        lazy.connect(("127.0.0.1", int(live_server.rsplit(":", 1)[1])))
        lazy.sendall(b"GET /changes HTTP/1.1\r\nHost: localhost\r\n\r\n")
        eventually(lambda: feed._hub and the_hub(feed)._settled)
        with Listener(live_server) as page:
            eventually(lambda: len(the_hub(feed)._settled) == 2)
            with monkeypatch.context() as much:
                much.setattr(streams, "MOST_WAITING", 10_000)
                much.setattr(streams.Teller, "alive", lambda _: b": " + b"x" * 9_000 + b"\n\n")
                much.setattr(hub, "SECOND", 0.0)
                eventually(lambda: len(the_hub(feed)._settled) == 1)
            note(ledger, 6)
            page.hears(6)


def test_a_slow_reader_gets_every_byte_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "KERNEL_BUFFER", 4096)
    near, far = socket.socketpair()
    with near, far:
        stream = streams.Stream(near, "", b"key")
        sent = [b"%d;" % number * 50 for number in range(200)]
        assert all(stream.send(each) for each in sent)
        got = b""
        while stream.behind:
            got += far.recv(1_000)
            assert stream.send()
        assert len(got) > 10_000  # as much had to wait
        far.setblocking(False)
        while not got.endswith(sent[-1]):
            got += far.recv(65_536)
        assert got == b"".join(sent)


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def ours() -> set[str]:
    return {each.name for each in threading.enumerate()} & {"hub", "poller"}


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts descriptors of Linux")
def test_nothing_is_left_behind(
    live_server: str, feed: Feed, settings: WebSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "LINGER", 0.3)
    status(live_server, "HEAD")
    before = descriptors()
    for _ in range(2):
        pages = [Listener(live_server) for _ in range(20)]
        for page in pages:
            page.first("alive")
        for page in pages[:10]:
            page.close()
        for page in pages[10:]:
            page.line.shutdown(socket.SHUT_WR)  # says that it will say no more: it is gone, too
            page.until(lambda it: it.ended)
            page.close()
        eventually(lambda: not ours())
        eventually(lambda: descriptors() <= before)
    home = settings.dal.home
    assert not list(home.glob("*.sock"))
    assert not inlet.place(home.resolve(), feed._name).exists()


def test_closing_the_feed_ends_the_streams(live_server: str, feed: Feed) -> None:
    with Listener(live_server) as page:
        page.first("alive")
        feed.close()
        page.until(lambda it: it.ended)
        assert not ours()
    with Listener(live_server) as page:  # and the next page begins another
        page.first("alive")


# ── Who is the hub ───────────────────────────────────────────────────────────────────────────


@pytest.fixture
def several(ledger: Ledger, settings: WebSettings, app: Flask) -> Iterator[list[Feed]]:
    """Yield feeds as several processes have them."""
    key = app.extensions[EXTENSION].snapshot_key
    found = [feeds.Feed(settings, lambda: ledger, key) for _ in range(12)]
    yield found
    for each in found:
        each.close()


def test_of_many_at_once_one_becomes_the_hub(
    several: list[Feed], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = inlet.opened

    def slowly(path: Path) -> socket.socket:
        time.sleep(0.05)  # so that all find nobody there
        return opened(path)

    monkeypatch.setattr(inlet, "opened", slowly)
    for _ in range(5):
        together = Barrier(len(several))
        seats: list[Any] = []

        def sit(feed: Feed, together: Barrier = together, seats: list[Any] = seats) -> None:
            together.wait()
            seats.append(feed.seat())

        threads = [Thread(target=sit, args=(each,)) for each in several]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert len(seats) == len(several)
        assert sum(each._hub is not None and each._hub.is_alive() for each in several) == 1
        for seat in seats:
            seat.close()
        for feed in several:
            feed.close()


def test_a_hub_that_ends_is_followed_by_the_next(
    several: list[Feed], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends whenever nobody is there: whoever comes at that moment finds a seat all the same."""
    monkeypatch.setattr(hub, "LINGER", 0.003)
    for number in range(100):
        several[number % len(several)].seat().close()


def test_what_a_killed_hub_left_is_in_nobodys_way(
    several: list[Feed], settings: WebSettings
) -> None:
    home = settings.dal.home.resolve()
    path = inlet.place(home, several[0]._name)
    stale = socket.socket(socket.AF_UNIX)
    home.mkdir(exist_ok=True)
    stale.bind(str(path))
    stale.close()  # the file stays, nobody listens
    assert path.exists()
    several[0].seat().close()


def test_a_hub_that_does_not_greet_costs_one_wait(
    several: list[Feed], settings: WebSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stopped process keeps its lock; pages that ask for a stream are refused at once."""
    monkeypatch.setattr(inlet, "PATIENCE", 0.2)
    monkeypatch.setattr(feeds, "DEAF", 1e9)
    home = settings.dal.home.resolve()
    home.mkdir(exist_ok=True)
    with inlet.opened(inlet.place(home, several[0]._name)):
        with pytest.raises(inlet.NoSeat, match="busy"):
            several[0].seat()
        monkeypatch.setattr(inlet, "seat", lambda _: pytest.fail("it was asked again"))
        with pytest.raises(inlet.NoSeat, match="does not answer"):
            several[0].seat()


def test_a_long_path_is_no_hindrance(ledger: Ledger, settings: WebSettings, tmp_path: Path) -> None:
    home = tmp_path / ("deep" * 30)
    dal = replace(settings.dal, home=home)
    feed = feeds.Feed(replace(settings, dal=dal), lambda: ledger, b"key")
    feed.seat().close()
    place = inlet.place(home, feed._name)
    assert place.exists()
    assert place.parent.stat().st_mode & 0o777 == 0o700
    feed.close()
    assert not place.exists()
    place.parent.rmdir()


def test_a_visitor_that_brings_nothing_leaves_nothing(live_server: str, feed: Feed) -> None:
    for _ in range(5):
        feed.seat().close()
    with feed.seat() as silent:
        inlet.bring(silent, "x" * 20_000, [])
    with Listener(live_server) as page:
        page.first("alive")
        eventually(lambda: the_hub(feed)._pages == 1)


def test_a_server_takes_the_descriptors_that_its_pages_need() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (500, before[1]))
        feeds.raise_descriptors(10)
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 500
        feeds.raise_descriptors(600)
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 600
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
