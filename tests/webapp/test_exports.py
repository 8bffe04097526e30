"""The export over HTTP and in the shell: whole or recognisably not, and nothing stays behind."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
import urllib.request
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from dal import transactions
from dal.database import Ledger
from dal.errors import NotFound
from dal.filters import Filter
from dal.keyset import ORDERS
from dal.settings import DalSettings
from tests.bench.ground import seed
from tests.support.hosting import free_port
from tests.test_cli import patiently
from webapp import create_app, exporting
from webapp.cli import main
from webapp.views import exports

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from webapp.settings import WebSettings

ROWS = 3_000
#: Ends the connection that an export holds.
ENDED = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_xmin IS NOT NULL"
)


@pytest.fixture
def tight(database_url: str) -> Iterator[Ledger]:
    """Yield a ledger of one connection: what is not given back is missed at once."""
    seed(database_url, ROWS)
    with Ledger(database_url, DalSettings(pool_size=1, page_timeout_ms=0)) as ledger:
        yield ledger


def test_a_download_is_the_list(tight: Ledger, settings: WebSettings) -> None:
    client = create_app(settings, tight).test_client()
    page = client.get("/transactions?type=trade&order=time")
    (link,) = re.findall(r'href="(/transactions/export\.csv[^"]*)"', page.text)
    answer = client.get(link.replace("&amp;", "&"))
    lines = answer.text.splitlines()[1:]
    with tight.snapshot() as conn:
        meant = transactions.iterate(conn, Filter.parse("type=trade"), ORDERS["time"])
        ids = [str(row.id) for row in meant]
    assert list(dict.fromkeys(line.split(",")[5] for line in lines)) == ids
    name = r"attachment; filename=\"transactions-\d{8}T\d{6}Z\.csv\""
    assert re.fullmatch(name, answer.headers["Content-Disposition"])
    assert answer.headers["Freshledger-Snapshot"]
    assert json.loads(client.get("/transactions/export.json?text=coffee").text)["as_of"]


def test_whoever_hangs_up_gives_the_connection_back(tight: Ledger, settings: WebSettings) -> None:
    client = create_app(settings, tight).test_client()
    for method in ("GET", "HEAD"):
        for _ in range(3):
            answer = client.open("/transactions/export.csv", method=method, buffered=False)
            if method == "GET":
                next(iter(answer.response))
            answer.close()
    assert client.get("/transactions").status_code == 200


def test_a_refusal_gives_the_connection_back_though_it_is_remembered(
    tight: Ledger, settings: WebSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusal = NotFound("wallet", "nobody")  # with all that stood around it

    def refused(*_: object, **__: object) -> object:
        raise refusal

    monkeypatch.setattr(exports, "export", refused)
    client = create_app(settings, tight).test_client()
    assert client.get("/transactions/export.csv").status_code == 404
    assert client.get("/transactions/export.csv").status_code == 404
    assert client.get("/transactions").status_code == 200


@pytest.mark.parametrize(("query", "status"), [("wallet=nobody", 404), ("nobody=knows", 400)])
def test_a_filter_that_cannot_be_is_refused(
    tight: Ledger, settings: WebSettings, query: str, status: int
) -> None:
    client = create_app(settings, tight).test_client()
    assert client.get(f"/transactions/export.csv?{query}").status_code == status
    assert client.get("/transactions").status_code == 200


def test_the_shell_writes_a_whole_file_or_none(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed(database_url, ROWS)
    env = {"DATABASE_URL": database_url, "FRESHLEDGER_HOME": str(tmp_path / "home")}
    target = tmp_path / "all.json"

    def run(*words: str) -> int:
        return CliRunner().invoke(main, ["export", *words], env=env).exit_code

    assert run("type=trade", "-o", str(target)) == 0
    whole = target.read_text()
    assert json.loads(whole)["filter"] == "type=trade"

    def broken(*_: object, **__: object) -> object:
        yield "half"
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exporting, "export", broken)
    assert run("-o", str(target)) == 1
    assert target.read_text() == whole
    assert [each.name for each in tmp_path.iterdir() if each.is_file()] == ["all.json"]


def test_a_download_that_breaks_off_does_not_look_whole(
    ledger: Ledger, database_url: str, tmp_path: Path
) -> None:
    seed(database_url, 10 * ROWS)  # more than sockets hold
    port = free_port()
    told = {"DATABASE_URL": database_url, "FRESHLEDGER_HOME": str(tmp_path), "PORT": str(port)}
    command = [sys.executable, "-c", "from webapp.cli import main; main()", "serve"]
    with subprocess.Popen(command, env=os.environ | told, stderr=subprocess.DEVNULL) as server:
        try:
            patiently(f"http://127.0.0.1:{port}/transactions")
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/transactions/export.csv") as file:
                assert file.read(1_000)
                with ledger.read() as conn:
                    conn.execute(ENDED)
                with pytest.raises(http.client.IncompleteRead):
                    file.read()
            assert "Transactions" in patiently(f"http://127.0.0.1:{port}/transactions")
        finally:
            server.terminate()
