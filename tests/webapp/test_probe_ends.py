"""How a probe ends: by a signal, by what was given, by a database that is gone."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from threading import Event, Lock
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from werkzeug.wrappers import Response

from dal.foreign import marking
from tests.support import probed
from tests.support.probed import TITLE, books, page, served
from tests.support.waiting import eventually
from webapp.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.probed import Books

COMMAND = (sys.executable, "-c", "from webapp.cli import main; main()", "probe")
PLACE = ("--table", "books", "--key", "id=7", "--column", "title")
DEADLINE = 30  # seconds, for what should take a moment


@pytest.fixture
def shelf(tmp_path: Path) -> Books:
    return books(tmp_path / "books.db")


@contextmanager
def running(shelf: Books, url: str, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Yield a probe that has written at least one marker."""
    options = ("--url", url, "--database", shelf.url, *PLACE, "--patience", "30", *words)
    with subprocess.Popen(
        [*COMMAND, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            eventually(lambda: shelf.title() != TITLE or process.poll() is not None)
            assert process.poll() is None, process.communicate()
            yield process
        finally:
            process.kill()


# ── Signals ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_the_old_value_back(shelf: Books, sent: signal.Signals) -> None:
    with served(probed.captured(shelf.title)) as url, running(shelf, url) as process:
        process.send_signal(sent)
        said, complaints = process.communicate(timeout=DEADLINE)
    assert shelf.title() == TITLE
    assert "The old value is back." in said
    assert "interrupted" in said
    assert "Traceback" not in complaints
    assert process.returncode in {1, 2}  # 2 where it came before the first answer


def test_what_was_fresh_until_a_signal_is_not_called_fresh(shelf: Books) -> None:
    with (
        served(probed.healthy(shelf.title)) as url,
        running(shelf, url, "--rounds", "1000", "--json") as process,
    ):
        process.send_signal(signal.SIGHUP)
        said, _ = process.communicate(timeout=DEADLINE)
    found = json.loads(said)
    assert (found["verdict"], process.returncode) == ("unknown", 2)
    assert found["old_value"]["outcome"] == "back"
    assert shelf.title() == TITLE


def test_a_page_that_hangs_does_not_keep_a_signal_waiting(shelf: Books) -> None:
    ended = Event()

    def view(_: Any) -> Response:
        if shelf.title() != TITLE:
            ended.wait(60)
        return page(shelf.title())

    with served(view) as url, running(shelf, url) as process:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
        ended.set()
    assert shelf.title() == TITLE


def test_a_second_signal_does_not_disturb_the_putting_back(shelf: Books) -> None:
    with (
        served(probed.captured(lambda: TITLE)) as url,
        running(shelf, url) as process,
        closing(sqlite3.connect(shelf.path, isolation_level=None)) as writer,
    ):
        writer.execute("BEGIN IMMEDIATE")
        for _ in range(3):
            process.send_signal(signal.SIGINT)
            time.sleep(0.2)
        assert process.poll() is None
        writer.execute("ROLLBACK")
        said, complaints = process.communicate(timeout=DEADLINE)
    assert "The old value is back." in said, complaints
    assert shelf.title() == TITLE


def test_what_is_printed_first_repairs_it_after_a_kill(shelf: Books) -> None:
    with served(probed.captured(shelf.title)) as url, running(shelf, url) as process:
        process.kill()
        _, complaints = process.communicate(timeout=DEADLINE)
    assert shelf.title() != TITLE
    repair = complaints.split("by hand: ")[1].strip()
    shelf(repair)
    assert shelf.title() == TITLE


def test_a_database_that_goes_leaves_a_statement(
    shelf: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing can be put back, and that is shouted."""
    monkeypatch.setattr(marking, "PATIENCE", -1)
    away, turn, gone = shelf.path.with_name("away"), Lock(), Event()

    def view(_: Any) -> Response:
        with turn:  # of several visitors at once, one takes it away
            if not gone.is_set() and shelf.title() != TITLE:
                shelf.path.rename(away)
                gone.set()
        return page(TITLE)

    with served(view) as url:
        command = ["probe", "--url", url, "--database", shelf.url, *PLACE, "--patience", "0.4"]
        result = CliRunner().invoke(main, command)
    away.rename(shelf.path)
    assert result.exit_code == 1, result.output
    assert "could NOT be put back" in result.stderr
    assert shelf.title() != TITLE
    shelf(result.stderr.rstrip().splitlines()[-1])
    assert shelf.title() == TITLE


# ── What was given ───────────────────────────────────────────────────────────────────────────


def sent_away(_: Any) -> Response:
    return Response(status=302, headers={"Location": "/login?next=/books"})


NOWHERE = "http://127.0.0.1:1/"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"--url": NOWHERE}, ("--url", "nobody answers", "is the application running")),
        ({"--url": "localhost:5000/books"}, ("--url", "http://localhost:5000/books")),
        ({"--url": "ftp://x/"}, ("--url", "http://")),
        ({"--url": "http://no-such-host.invalid/"}, ("--url", "no host")),
        ({"--database": "nonsense"}, ("--database", "postgresql://")),
        ({"--database": "sqlite:////no/such/file.db"}, ("--database", "no file")),
        ({"--database": "postgresql://db.example.com/x"}, ("--database", "--yes-remote")),
        ({"--database": "postgresql://me:SECRET@127.0.0.1:1/x"}, ("--database", "nobody answers")),
        ({"--table": "bookz"}, ("--table", "did you mean books")),
        ({"--table": None}, ("--table", "--sql")),
        ({"--key": "id"}, ("--key", "NAME=VALUE")),
        ({"--key": "id=99"}, ("--key", "no row", "--key id=")),
        ({"--key": None}, ("--key", "which row")),
        ({"--column": "lent"}, ("--column", "a few values")),
        ({"--header": "nothing"}, ("--header", "NAME:VALUE")),
        ({"--sql": "UPDATE books SET title = :value"}, ("--sql", "instead")),
        ({"--other-url": "nowhere"}, ("--other-url", "http://nowhere")),
        (
            {"--table": None, "--key": None, "--column": None, "--sql": "UPDATE x SET y = :value"},
            ("--sql", "--old-sql"),
        ),
    ],
    ids=str,
)
def test_bad_input_is_named_with_what_to_try(
    shelf: Books, changed: dict[str, str | None], words: tuple[str, ...]
) -> None:
    with served(probed.healthy(shelf.title)) as url:
        given = {"--url": url, "--database": shelf.url, "--table": "books", "--key": "id=7",
                 "--column": "title"} | changed  # fmt: skip
        options = [each for pair in given.items() if pair[1] is not None for each in pair]
        plain = CliRunner().invoke(main, ["probe", *map(str, options)])
        as_json = CliRunner().invoke(main, ["probe", *map(str, options), "--json"])
    assert plain.exit_code == as_json.exit_code == 2, plain.output
    said = " ".join(plain.stderr.split())
    assert all(word in said for word in words), said
    assert "SECRET" not in plain.output + as_json.output
    found = json.loads(as_json.stdout)
    assert found["verdict"] == "unknown"
    assert all(word in found["error"] for word in words), found
    assert shelf.title() == TITLE


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (sent_away, ("302", "/login?next=/books", "--cookie")),
        (lambda _: Response(status=401), ("401", "--cookie")),
        (lambda _: Response(status=404), ("404", "browser")),
    ],
)
def test_a_page_that_is_none_is_explained(
    shelf: Books, answer: Any, words: tuple[str, ...]
) -> None:
    with served(answer) as url:
        command = ["probe", "--url", url, "--database", shelf.url, *PLACE]
        result = CliRunner().invoke(main, command)
    assert result.exit_code == 2
    said = " ".join(result.stderr.split())
    assert all(word in said for word in ("--url", *words)), said
    assert "by hand" not in result.stderr  # nothing was changed, nothing is to be repaired


def test_cookies_and_headers_are_sent(shelf: Books) -> None:
    def view(request: Any) -> Response:
        seen = (
            request.cookies.get("session"),
            request.cookies.get("b"),
            request.headers.get("X-A"),
        )
        return page(shelf.title()) if seen == ("a=b", "2", "one: two") else Response(status=401)

    with served(view) as url:
        command = ["probe", "--url", url, "--database", shelf.url, *PLACE, "--rounds", "1"]
        words = ["--cookie", "session=a=b", "--cookie", "b=2", "--header", "X-A: one: two"]
        assert CliRunner().invoke(main, command).exit_code == 2
        assert CliRunner().invoke(main, [*command, *words]).exit_code == 0


def test_a_statement_may_say_what_to_change(shelf: Books) -> None:
    sql = "UPDATE books SET title = :value WHERE id IN (SELECT 7)"
    with served(probed.healthy(shelf.title)) as url:
        command = ["probe", "--url", url, "--database", shelf.url, "--rounds", "2", "--sql", sql]
        for old in (["--old", TITLE], ["--old-sql", "SELECT title FROM books WHERE id = 7"]):
            result = CliRunner().invoke(main, [*command, *old])
            assert result.exit_code == 0, result.output
            assert shelf.title() == TITLE


def test_the_driver_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymysql", None)
    words = ("probe", "--url", NOWHERE, "--database", "mysql://me@localhost/x", *PLACE)
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2
    assert "pip install pymysql" in " ".join(result.stderr.split())
