"""`freshledger probe` on small applications with one illness each, and on our own."""

from __future__ import annotations

import json
import time
from collections import Counter
from contextlib import closing
from threading import Event, Lock, enumerate as enumerate_threads
from typing import TYPE_CHECKING, Any

import psycopg
import pymysql  # type: ignore[import-untyped]  # it ships none
import pytest
from click.testing import CliRunner
from sqlalchemy import make_url

from dal.foreign import targets
from dal.foreign.marking import Spot, opened
from tests.conftest import new_database
from tests.support import probed
from tests.support.mariadb import mariadb_url
from tests.support.probed import LONG_AGO, Workers, books, served
from webapp.causes import BY_KEY
from webapp.cli import main
from webapp.probe.asking import address
from webapp.probe.judging import Findings
from webapp.probe.rounds import SURE, Aim, Experiment, Limits

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from werkzeug.wrappers import Request, Response

    from dal.foreign.marking import Target
    from tests.support.probed import Books, View

__all__ = ["mariadb_url"]

ROUNDS = 2
QUICK = ("--connections", "4", "--patience", "0.4", "--rounds", "3")
TITLE = ("--table", "books", "--key", "id=7", "--column", "title")


@pytest.fixture
def shelf(tmp_path: Path) -> Books:
    return books(tmp_path / "books.db")


def probe(url: str, database: str, *words: str) -> dict[str, Any]:
    """Run the command and return its object, which says the exit status too."""
    options = ("--url", url, "--database", database, *QUICK, *words)
    result = CliRunner().invoke(main, ["probe", *options, "--json"])
    assert result.stdout, result
    found: dict[str, Any] = json.loads(result.stdout)
    assert result.exit_code == found["status"], result
    return found


def sick(view: View, shelf: Books, *words: str) -> dict[str, Any]:
    """Probe a view of a book's title."""
    with served(view) as url:
        found = probe(url, shelf.url, *TITLE, *words)
    assert shelf.title() == probed.TITLE
    assert found["old_value"]["outcome"] == "back"
    return found


def causes(found: dict[str, Any]) -> list[str]:
    return [each["key"] for each in found["causes"]]


# ── Each pattern by name ─────────────────────────────────────────────────────────────────────


def test_a_page_that_reads_is_fresh(shelf: Books) -> None:
    found = sick(probed.healthy(shelf.title), shelf)
    assert (found["verdict"], found["status"], found["patterns"]) == ("fresh", 0, [])
    assert found["causes"] == []
    assert found["sentence"].startswith("FRESH: none of ")
    assert found["figures"]["answers"] >= 3 * 2 * 4
    assert found["figures"]["changes"] == 3


def test_a_cache_of_a_moment_is_timed(shelf: Books) -> None:
    found = sick(probed.cached(shelf.title, 0.4), shelf, "--patience", "5")
    assert (found["status"], found["patterns"]) == (1, ["for-a-while"])
    assert "then right everywhere" in found["sentence"]
    assert {"cache", "replica-lag"} <= set(causes(found)[:2])
    late = found["figures"]["stale_ms"]
    assert 0 < late["p50"] <= late["p99"] <= late["max"]
    assert late["of_answers"] == found["figures"]["stale"]


def test_what_was_read_once_stays(shelf: Books) -> None:
    found = sick(probed.captured(shelf.title), shelf)
    assert (found["status"], found["patterns"]) == (1, ["to-the-end"])
    assert found["sentence"].startswith("STALE: every answer")
    assert causes(found)[0] == "captured-session"
    assert "two-databases" in causes(found)
    assert any("--other-url" in note for note in found["notes"])
    assert found["figures"]["changes"] == 2


def other(view: View, shelf: Books) -> dict[str, Any]:
    with served(view) as url:
        found = probe(url, shelf.url, *TITLE, "--other-url", url)
    assert shelf.title() == probed.TITLE
    return found


def test_the_second_observation_is_made(shelf: Books) -> None:
    """Time does not help, a POST does."""
    found = other(probed.captured(shelf.title), shelf)
    assert (found["status"], found["patterns"]) == (1, ["until-post"])
    assert found["sentence"].endswith("right only after POST /books.")
    assert causes(found)[0] == "captured-session"
    assert found["figures"]["right_after_post"] == 1


def test_a_cache_does_not_pass_for_the_second_observation(shelf: Books) -> None:
    """It ends at its time, a while after the POST, which therefore speaks for a cache."""
    found = other(probed.outlasting(shelf.title, 60), shelf)
    assert "until-post" not in found["patterns"]
    assert found["status"] == 1
    assert "cache" in causes(found)[:2]


def test_a_post_that_needs_a_token_is_said_so(shelf: Books) -> None:
    found = other(probed.guarded(shelf.title), shelf)
    assert "until-post" not in found["patterns"]
    assert any("403" in note and "CSRF" in note for note in found["notes"])


def test_workers_are_told_apart(shelf: Books) -> None:
    found = sick(Workers(shelf.title, count=2, sick=1), shelf)
    assert (found["status"], found["patterns"]) == (1, ["per-worker", "to-the-end"])
    assert "who answers" in found["sentence"]
    workers = {each["value"]: each["old"] for each in found["figures"]["workers"]}
    assert workers == {"100": 1, "101": 0}
    assert found["figures"]["workers"][0]["header"] == "x-pid"
    assert causes(found)[:2] == ["captured-session", "held-objects"]


def test_workers_without_a_name_are_noticed(shelf: Books) -> None:
    found = sick(Workers(shelf.title, count=2, sick=1, named=False), shelf)
    assert found["patterns"][0] == "per-worker"
    assert found["figures"]["workers"] == []


def test_a_post_heals_one_worker_of_several(shelf: Books) -> None:
    found = other(Workers(shelf.title, count=3, sick=3), shelf)
    assert found["patterns"][0] == "until-post"
    assert 0 < found["figures"]["right_after_post"] < 1
    assert "of the worker" in found["causes"][0]["why"]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Cache-Control": "public, max-age=60"}, 60),
        ({"Expires": "Fri, 01 Jan 2100 00:00:00 GMT"}, None),
        ({"Last-Modified": LONG_AGO}, None),
        ({"Cache-Control": "max-age=0, s-maxage=30"}, 0),
    ],
)
def test_a_page_that_a_browser_keeps_is_not_fresh(
    shelf: Books, headers: dict[str, str], seconds: int | None
) -> None:
    found = sick(probed.kept_by_browsers(shelf.title, **headers), shelf)
    assert (found["status"], found["patterns"]) == (1, ["browser"])
    assert causes(found) == ["http-cache"]
    figures = found["figures"]
    assert figures["stale"] == 0
    assert seconds is None or figures["browser_may_keep_s"] == seconds
    assert figures["browser_may_keep_s"] + figures["proxy_may_keep_s"] > 0


@pytest.mark.parametrize(
    "headers",
    [
        {"Cache-Control": "no-store"},
        {"Cache-Control": "no-cache", "Last-Modified": LONG_AGO},
        {"Cache-Control": "private, max-age=0", "ETag": '"1"'},
        {"Expires": "0", "Cache-Control": ""},
    ],
)
def test_headers_that_keep_nothing_are_fresh(shelf: Books, headers: dict[str, str]) -> None:
    assert sick(probed.kept_by_browsers(shelf.title, **headers), shelf)["verdict"] == "fresh"


def test_an_answer_after_the_putting_back_is_not_judged(shelf: Books) -> None:
    """Who asked shortly before the end may be answered behind it, with the old value."""
    late, back, shows = Event(), Event(), dict[str, Counter[int]]()
    asked: Counter[int] = Counter()

    def view(request: Request) -> Response:
        port = request.environ["REMOTE_PORT"]
        asked[port] += 1
        seen = shows.setdefault(shelf.title(), Counter())
        seen[port] += 1
        if len(shows) > ROUNDS and asked[port] == 1:
            assert late.wait(60)  # the other visitor ends the last round
        elif len(shows) > ROUNDS and seen[port] > SURE:
            late.set()  # this one, who keeps a connection, has seen enough
            assert back.wait(60)
        return probed.page(shelf.title())

    def ask(target: Target, page: str) -> Experiment:
        aim, limits = Aim(page=address(page, {})), Limits(rounds=ROUNDS, connections=2, patience=60)
        run = Experiment(target, aim, limits, Event(), print)
        run.run()
        return run

    with served(view) as url:
        others = set(enumerate_threads())
        with opened(shelf.url, Spot(table="books", keys=(("id", "7"),), column="title")) as target:
            run = ask(target, url)
            assert late.wait(60)
        back.set()
        for each in set(enumerate_threads()) - others:
            each.join(60)
    found = Findings(run.observed())
    assert found.good
    assert not found.stale


def test_a_proxy_is_seen_by_its_headers(shelf: Books) -> None:
    view = probed.cached(shelf.title, 0.4, Age="3", **{"X-Cache": "HIT from here"})
    found = sick(view, shelf, "--patience", "5")
    assert found["patterns"] == ["proxy"]
    assert causes(found) == ["http-cache"]
    assert "Age: 3" in found["sentence"]


def test_an_etag_that_sees_nothing(shelf: Books) -> None:
    found = sick(probed.blind(shelf.title), shelf)
    assert (found["status"], found["patterns"]) == (1, ["blind-etag"])
    assert causes(found) == ["blind-etag"]
    assert "304" in found["sentence"]


def test_a_torn_page(shelf: Books) -> None:
    """Its other part stays for longer than a few rounds take, so that one round waits for it."""
    found = sick(probed.torn(shelf.title, 150), shelf, "--patience", "10")
    assert (found["status"], found["patterns"]) == (1, ["torn"])
    assert found["sentence"].startswith("TORN")
    assert {"torn-page", "cache"} <= set(causes(found))


def test_a_page_that_lists_all_values_is_not_torn(shelf: Books) -> None:
    found = sick(probed.history(shelf.title), shelf)
    assert found["verdict"] == "fresh"
    assert any("standing beside" in note for note in found["notes"])


# ── What cannot be told ──────────────────────────────────────────────────────────────────────


def test_a_page_that_never_shows_the_column(shelf: Books) -> None:
    found = sick(lambda _: probed.page("something else"), shelf)
    assert (found["verdict"], found["status"], found["causes"]) == ("unknown", 2, [])
    assert "never shows the column" in found["sentence"]
    assert "--cookie" in found["sentence"]


def test_a_row_that_leaves_the_page(shelf: Books) -> None:
    found = sick(probed.filtered(shelf.title), shelf)
    assert (found["verdict"], found["status"]) == ("unknown", 2)
    assert "filtered by this column" in found["sentence"]


def test_a_page_that_is_slower_than_the_patience_is_heard(shelf: Books) -> None:
    def view(_: Request) -> Response:
        time.sleep(0.6)
        return probed.page(shelf.title())

    found = sick(view, shelf)
    assert (found["verdict"], found["patterns"]) == ("fresh", [])


def test_a_short_value_proves_nothing(shelf: Books) -> None:
    shelf("UPDATE books SET shelf = 8, pages = 8")
    with served(lambda _: probed.page("8")) as url:
        found = probe(url, shelf.url, *TITLE[:-1], "pages")
    assert found["verdict"] == "unknown"
    assert "too short" in found["sentence"]
    assert shelf("SELECT pages FROM books") == [8, 8]


@pytest.mark.parametrize("column", ["pages", "price"])
def test_numbers_are_found_in_any_style(shelf: Books, column: str) -> None:
    def read() -> str:
        return f"{shelf(f'SELECT {column} FROM books WHERE id = 7')[0]:,.2f}"

    with served(probed.healthy(read)) as url:
        found = probe(url, shelf.url, *TITLE[:-1], column)
    assert (found["verdict"], found["patterns"]) == ("fresh", [])


def test_a_page_that_dies_in_the_middle(shelf: Books) -> None:
    found = sick(probed.dying(shelf.title, 40), shelf, "--rounds", "100")
    assert (found["verdict"], found["status"]) == ("unknown", 2)
    assert "stopped answering" in found["sentence"]
    assert "500" in found["sentence"]


def test_somebody_else_at_the_row_is_no_illness(shelf: Books) -> None:
    def read() -> str:
        if shelf.title() != probed.TITLE:
            shelf("UPDATE books SET title = 'another hand' WHERE id = 7")
        return shelf.title()

    with served(probed.healthy(read)) as url:
        found = probe(url, shelf.url, *TITLE)
    assert (found["verdict"], found["status"]) == ("unknown", 2)
    assert "somebody else" in found["sentence"]
    assert found["old_value"]["outcome"] == "foreign"
    assert shelf.title() == "another hand"


def test_time_and_requests_are_bounded(shelf: Books) -> None:
    found = sick(probed.healthy(shelf.title), shelf, "--rounds", "1000", "--requests", "60")
    figures = found["figures"]
    assert figures["answers"] <= 60 + 4
    assert any("--requests" in note for note in found["notes"])
    found = sick(probed.captured(shelf.title), shelf, "--patience", "30", "--seconds", "3")
    assert (found["status"], found["patterns"]) == (1, ["to-the-end"])
    assert any("--seconds" in note for note in found["notes"])


# ── Other databases, and our own application ─────────────────────────────────────────────────


@pytest.fixture
def library(server_url: str) -> Iterator[str]:
    with new_database(server_url) as url, psycopg.connect(url, autocommit=True) as conn:
        conn.execute("CREATE TABLE books (id int PRIMARY KEY, title varchar(40))")
        conn.execute("INSERT INTO books VALUES (7, 'Momo or so')")
        yield url


def test_a_row_that_a_writer_holds_names_the_writer(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(targets, "LIMITS", {"postgresql": ("SET LOCAL lock_timeout = '50ms'",)})
    with served(lambda _: probed.page("Momo or so")) as url, psycopg.connect(library) as writer:
        writer.execute("UPDATE books SET title = 'not yet'")
        found = probe(url, library, *TITLE)
    assert (found["verdict"], found["status"]) == ("unknown", 2)
    assert causes(found) == ["uncommitted-write"]
    assert "not committed" in found["sentence"]


def test_a_snapshot_that_mariadb_keeps(mariadb_url: str) -> None:
    """One connection, never committed, reads what it saw first: MariaDB's default."""
    there = make_url(mariadb_url)
    arguments: Any = {
        "unix_socket": there.query["unix_socket"],
        "user": "root",
        "database": "probed",
    }
    with closing(pymysql.connect(**arguments)) as conn, conn.cursor() as cursor:
        cursor.execute("CREATE OR REPLACE TABLE books (id int PRIMARY KEY, title varchar(40))")
        cursor.execute("INSERT INTO books VALUES (7, 'Momo or so')")
        conn.commit()
        lock = Lock()

        def read() -> str:
            with lock:
                cursor.execute("SELECT title FROM books WHERE id = 7")
                return str(cursor.fetchone()[0])

        with served(probed.healthy(read)) as url:
            found = probe(url, mariadb_url.replace("mariadb:", "mysql:"), *TITLE)
        conn.commit()
        assert read() == "Momo or so"
    assert found["patterns"] == ["to-the-end"]
    assert causes(found)[0] == "pinned-snapshot"


@pytest.mark.usefixtures("books")
def test_our_own_page_is_fresh(live_server: str, database_url: str) -> None:
    place = ("--table", "transactions", "--key", "id=1", "--column", "note")
    patient = ("--patience", "10")  # its first page builds the statement, on four connections
    for path in ("/transactions", "/transactions/1"):
        found = probe(f"{live_server}{path}", database_url, *place, *patient)
        assert (found["verdict"], found["patterns"]) == ("fresh", []), found
        assert found["figures"]["headers"]["cache-control"] == "no-store"


# ── What is said ─────────────────────────────────────────────────────────────────────────────


def test_the_report_begins_with_the_verdict(shelf: Books) -> None:
    with served(probed.captured(shelf.title)) as url:
        words = ["probe", "--url", url, "--database", shelf.url, *TITLE, "--other-url", url, *QUICK]
        result = CliRunner().invoke(main, words)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0].startswith("STALE: ")
    assert lines[-1] == "The old value is back."
    assert max(map(len, lines)) <= 100
    first = BY_KEY["captured-session"]
    assert f" 1. {first.title}" in lines
    assert any(line.endswith(first.section) for line in lines)
    assert "p50" in result.stdout
    assert "UPDATE books SET title=" in result.stderr


def test_half_of_the_visitors_keep_their_connection(shelf: Books) -> None:
    ports: Counter[str] = Counter()

    def view(request: Request) -> Response:
        ports[request.environ["REMOTE_PORT"]] += 1
        return probed.page(shelf.title())

    figures = sick(view, shelf)["figures"]
    assert (figures["connections"]["kept"], figures["connections"]["new"]) == (2, 2)
    assert sorted(ports.values(), reverse=True)[1] > 3
    assert set(sorted(ports.values())[:-2]) == {1}


def test_figures_add_up(shelf: Books) -> None:
    figures = sick(Workers(shelf.title, count=2, sick=1), shelf)["figures"]
    assert 0 < figures["stale"] < figures["answers"]
    assert figures["changes_seen_late"] == figures["changes"] == 2
    assert 0 < figures["connections"]["new_stale"] <= figures["connections"]["new"] == 2
