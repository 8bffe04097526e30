"""A slow page leaves a line in the log that can be pasted into a shell, and nothing else."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import time
from contextlib import contextmanager
from html import unescape
from threading import Thread
from typing import TYPE_CHECKING

import psycopg
import pytest
from click.testing import CliRunner

from dal import statements
from dal.database import Ledger
from dal.settings import DalSettings
from tests.webapp.ledgers import MANY, ROWS, fill
from webapp import create_app
from webapp.cli import main
from webapp.settings import WebSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result
    from flask.testing import FlaskClient

SLOW = 50  # ms
WAITING = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)
HOSTILE = (
    "text=x%27%3B+touch+%2Ftmp%2Fowned%3B+%27",
    "text=`id`$(id)&label=\\'; id; '",
    "text=a%0Afreshledger+prune%0D%1B[31m",
    "text=\x1b[31mred\x07&x\u2028=ü",
    "text=100%&text=%ff",
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def slow(database_url: str, home: Path) -> Iterator[FlaskClient]:
    """Yield a client of an application that calls 50 ms slow."""
    dal = DalSettings(slow_ms=SLOW, page_timeout_ms=0, home=home)
    with Ledger(database_url, dal) as ledger:
        fill(ledger, *ROWS, *MANY)
        yield create_app(WebSettings(dal=dal), ledger).test_client()


@contextmanager
def held(url: str, *, ms: int = SLOW) -> Iterator[None]:
    """Hold up whatever is asked in the block for that long."""
    with psycopg.connect(url) as locker, psycopg.connect(url, autocommit=True) as watcher:
        locker.execute("LOCK TABLE transactions IN ACCESS EXCLUSIVE MODE")

        def release() -> None:
            while watcher.execute(WAITING).fetchone() == (0,):
                time.sleep(0.005)
            time.sleep(ms / 1000)
            locker.commit()

        thread = Thread(target=release)
        thread.start()
        yield
        thread.join()


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.name == "freshledger.slow"]


def pasted(line: str, url: str, home: Path) -> Result:
    """Run what a shell makes of a line."""
    shell = ["sh", "-c", f"freshledger() {{ printf '%s\\0' \"$@\"; }}; {line}"]
    done = subprocess.run(shell, capture_output=True, check=True, text=True)
    assert not done.stderr
    words = done.stdout.split("\0")[:-1]
    return CliRunner().invoke(main, words, env={"DATABASE_URL": url, "FRESHLEDGER_HOME": str(home)})


def test_a_slow_page_is_named_and_can_be_explained(
    slow: FlaskClient, database_url: str, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    slow.set_cookie("theme", "dark")
    with held(database_url):
        assert slow.get("/transactions?note=&type%21=fee&wallet=Main&order=time").status_code == 200
    (line,) = said(caplog)
    command, _, comment = line.partition("  # ")
    assert command == "freshledger explain 'note=&type%21=fee&wallet=Main&order=time'"
    name = "transactions page: wallet, type!; oldest first; first page"
    what, taken, told = comment.split(" ", 2)
    assert (what, told) == ("slow:", f"ms, {name}")
    assert int(taken.replace(",", "")) >= SLOW
    assert "dark" not in line
    result = pasted(line, database_url, home)
    assert result.exit_code == 0, result.output
    assert f"/* {name} */" in result.stdout


def test_a_page_behind_a_cursor_can_be_explained_with_its_key(
    slow: FlaskClient,
    database_url: str,
    home: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    first = slow.get("/transactions?size=25").text
    href = unescape(re.findall(r'href="(/transactions\?[^"]*cursor=[^"]+)" rel="next"', first)[0])
    caplog.clear()  # of the first page, if building its statement took that long
    with held(database_url):
        assert slow.get(href).status_code == 200
    (line,) = said(caplog)
    assert "after, with what moved; 25 rows" in line
    result = pasted(line, database_url, home)
    assert result.exit_code == 0, result.output
    assert "seek_key = datetime" in result.stdout
    elsewhere = pasted(line, database_url, tmp_path / "another")
    assert elsewhere.exit_code == 2
    assert "FRESHLEDGER_HOME" in elsewhere.output


def test_slow_figures_are_explained_as_figures(
    slow: FlaskClient, database_url: str, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with held(database_url):
        assert slow.get("/transactions/totals?type=reward").status_code == 200
    line = said(caplog)[-1]
    result = pasted(line, database_url, home)
    assert result.exit_code == 0, result.output
    assert "totals: type */" in result.stdout


def test_what_is_no_list_names_its_page(
    slow: FlaskClient, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with held(database_url):
        assert slow.get("/transactions/1/row").status_code == 200
    assert all(line.startswith("# slow: ") for line in said(caplog))
    assert said(caplog)[-1].endswith("at GET /transactions/1/row")


def test_what_was_given_up_is_said(
    database_url: str, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    most = 500  # ms
    dal = DalSettings(slow_ms=SLOW, page_timeout_ms=most, statement_timeout_ms=most, home=home)
    with Ledger(database_url, dal) as ledger, psycopg.connect(database_url) as other:
        client = create_app(WebSettings(dal=dal), ledger).test_client()
        other.execute("LOCK TABLE transactions IN ACCESS EXCLUSIVE MODE")
        assert client.get("/transactions?type=trade").status_code == 503
    line, *_ = said(caplog)  # then that of the page of the form, which is given up, too
    assert line.startswith("freshledger explain 'type=trade'  # given up: ")
    assert line.endswith("transactions page: type; newest first; first page")


@pytest.mark.parametrize("query", HOSTILE)
def test_no_query_leaves_its_quotes_or_its_line(
    slow: FlaskClient, database_url: str, caplog: pytest.LogCaptureFixture, query: str
) -> None:
    environ = {"QUERY_STRING": query.encode().decode("latin-1")}
    with held(database_url):
        slow.get("/transactions", environ_overrides=environ)
    assert said(caplog)
    for line in said(caplog):
        assert line.isprintable()
        assert line.isascii()
        words = shlex.shlex(line, posix=True, punctuation_chars=True)  # a ; is a word of its own
        words.whitespace_split = True
        command, verb, *asked = words
        assert (command, verb) == ("freshledger", "explain")
        assert len(asked) == 1


def test_what_is_quick_is_not_logged(
    database_url: str, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for limit in (0, 60_000):
        dal = DalSettings(slow_ms=limit, page_timeout_ms=0, home=home)
        with Ledger(database_url, dal) as ledger, held(database_url, ms=1):
            assert create_app(WebSettings(dal=dal), ledger).test_client().get("/transactions").data
    assert not said(caplog)


def test_explain_tells_all_to_a_script(slow: FlaskClient, database_url: str, home: Path) -> None:
    assert slow.get("/transactions").status_code == 200
    env = {"DATABASE_URL": database_url, "FRESHLEDGER_HOME": str(home)}
    result = CliRunner().invoke(main, ["explain", "--json", "type=trade&order=-amount"], env=env)
    told = json.loads(result.stdout)
    assert told["title"] == "Transactions of type trade, largest amount first"
    assert told["parameters"] == {"type": "trade"}
    assert told["why"]
    assert told["plan"]["buffers"] == told["plan"]["nodes"][0]["buffers"] > 0


def test_ways_that_were_not_taken_are_told_on_demand(
    slow: FlaskClient, database_url: str, home: Path
) -> None:
    assert slow.get("/transactions").status_code == 200
    env = {"DATABASE_URL": database_url, "FRESHLEDGER_HOME": str(home)}
    brief, whole = (
        CliRunner().invoke(main, ["explain", "label=rent&text=unheard", *more], env=env).stdout
        for more in ((), ("--whole",))
    )
    assert "(never executed)" not in brief
    assert "(never executed)" in whole
    assert "--whole prints them" in brief


@pytest.mark.parametrize(
    "query",
    [
        "",
        "asset=ETH&type!=fee&order=-amount&size=25",
        "text=it%27s+100%25+%5C+%3Aname+%22",
        "text=a%0ASQL%0A%5C!+touch+/tmp/owned%0ASQL_%0A",
        "date=2024&wallet=Main&wallet=Main2",
        "jump=2024-03-05",
    ],
)
def test_the_line_of_psql_runs_as_it_is_pasted(
    slow: FlaskClient, database_url: str, home: Path, psql_folder: Path, query: str
) -> None:
    assert slow.get("/transactions").status_code == 200
    env = {"DATABASE_URL": database_url, "FRESHLEDGER_HOME": str(home)}
    if "Main2" in query:
        query = query.replace("Main2", "main")
    result = CliRunner().invoke(main, ["explain", query], env=env)
    assert result.exit_code == 0, result.output
    line = result.stdout.partition("# again, in a shell:\n")[2]
    assert "%%" not in line
    done = subprocess.run(
        ["sh", "-c", line],
        env={"DATABASE_URL": database_url, "PATH": f"{psql_folder}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "QUERY PLAN" in done.stdout
    assert "Execution Time" in done.stdout


@pytest.fixture
def psql_folder() -> Path:
    from dal.postgres import Binaries

    return Binaries.find().folder


@pytest.mark.parametrize("page", ["/wallets", "http://127.0.0.1/imports/1?x=1"])
def test_explain_says_what_it_cannot_explain(database_url: str, home: Path, page: str) -> None:
    env = {"DATABASE_URL": database_url, "FRESHLEDGER_HOME": str(home)}
    result = CliRunner().invoke(main, ["explain", page], env=env)
    assert result.exit_code == 2
    assert "neither /transactions nor" in result.output


def test_every_statement_listed_is_named() -> None:
    names = [each.name for each in statements.statements()]
    assert len(names) == len(set(names))
