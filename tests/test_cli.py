"""The command line, as a shell sees it: what is printed, and the exit status."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from dal import imports, transactions
from dal.fields import FIELDS
from tests.support.hosting import free_port
from webapp.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    from dal.database import Ledger

    Run = Callable[..., Result]
    Write = Callable[[str, str], str]

HEAD = "Date,Type,Sent Amount,Sent Asset,Received Amount,Received Asset,ID,Note\n"
GOOD = HEAD + "2024-03-05 10:00,receive,,,115792089237316195423570985008687907853.5,BIG,1,first\n"
BAD = HEAD + "2024-03-06 10:00,send,NaN,ETH,,,2,\n2024-03-07 11:00,send,1,ETH,,,3,\n"


@pytest.fixture
def run(database_url: str, tmp_path: Path) -> Run:
    env = {"DATABASE_URL": database_url, "FRESHLEDGER_HOME": str(tmp_path)}

    def invoke(*words: str) -> Result:
        return CliRunner().invoke(main, words, env=env)

    return invoke


@pytest.fixture
def file(tmp_path: Path) -> Write:
    def write(name: str, text: str) -> str:
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return write


def test_every_command_explains_itself() -> None:
    names = set(main.commands)
    assert {"serve", "migrate", "import", "list", "explain", "statements"} <= names
    assert {"balances", "prune"} <= names
    for name in names:
        result = CliRunner().invoke(main, [name, "--help"])
        assert result.exit_code == 0
        assert main.commands[name].help


@pytest.mark.parametrize("name", ["audit", "probe"])
def test_a_call_that_help_shows_can_be_made(name: str) -> None:
    said = CliRunner().invoke(main, [name, "--help"]).stdout
    call = said[said.index(f"\n  freshledger {name}") :].replace("\\\n", "")
    _freshledger, _name, *words = shlex.split(call)
    assert main.commands[name].make_context(name, words).params


def test_the_list_names_every_filter(run: Run) -> None:
    text = run("list", "--help").stdout
    assert all(field.key in text for field in FIELDS)


def test_a_good_file_comes_in_once(run: Run, ledger: Ledger, file: Write) -> None:
    path = file("good.csv", GOOD)
    assert run("import", path).exit_code == 0
    again = run("import", path)
    assert again.exit_code == 0
    assert "1 duplicate" in again.stdout
    with ledger.read() as conn:
        assert [row.note for row in transactions.page(conn).rows] == ["first"]


def test_json_has_an_object_per_file(run: Run, file: Write) -> None:
    result = run("import", "--json", "--wallet", "Mine", file("a.csv", GOOD), file("b.csv", BAD))
    assert result.exit_code == 1
    first, second = map(json.loads, result.stdout.splitlines())
    assert first["file"] == "a.csv"
    assert first["wallet"] == "Mine"
    assert first["imported"] == first["transactions"] == 1
    assert second["read"] == 2
    assert second["rejected"] == 1
    accounted = ("imported", "duplicate", "skipped", "rejected")
    assert second["read"] == sum(second[name] for name in accounted)
    assert second["reasons"][0]["line"] == 2
    assert "Sent Amount" in second["reasons"][0]["reason"]


def test_an_unreadable_file_is_named_and_the_others_come_in(
    run: Run, ledger: Ledger, file: Write
) -> None:
    result = run("import", file("good.csv", GOOD), file("empty.csv", ""), "/no/such/file.csv")
    assert result.exit_code == 2
    assert "empty" in result.stderr
    assert "/no/such/file.csv" in result.stderr
    with ledger.read() as conn:
        assert len(imports.all(conn)) == 1


def test_a_dry_run_writes_nothing(run: Run, ledger: Ledger, file: Write) -> None:
    result = run("import", "--dry-run", "--json", file("good.csv", GOOD))
    report = json.loads(result.stdout)
    assert report["imported"] == 1
    assert report["import_id"] is None
    with ledger.read() as conn:
        assert imports.is_empty(conn)


def test_lists_sums_and_balances_show_every_digit(run: Run, file: Write) -> None:
    run("import", file("good.csv", GOOD))
    for words in (("list", "asset=big"), ("list", "asset=big", "--sums"), ("balances",)):
        assert "115792089237316195423570985008687907853.5" in run(*words).stdout
    assert (
        "115792089237316195423570985008687907853.5" not in run("list", "date=1999", "--sums").stdout
    )


def test_bad_input_names_the_field_and_the_cure(run: Run) -> None:
    for query, words in (
        ("colour=red", "colour"),
        ("amount=NaN", "amount"),
        ("wallet=x", "wallet"),
    ):
        result = run("list", query)
        assert result.exit_code in {1, 2}
        assert words in result.output
        assert "Traceback" not in result.output


@pytest.mark.parametrize(
    "page",
    [
        "asset=big&type!=fee",
        "/transactions?asset=big",
        "http://127.0.0.1:8000/transactions?size=25",
    ],
)
def test_explain_prints_statement_parameters_plan_and_buffers(
    run: Run, file: Write, page: str
) -> None:
    run("import", file("good.csv", GOOD))
    result = run("explain", page)
    assert result.exit_code == 0, result.output
    assert "WITH /* transactions page: " in result.stdout
    assert "buffers" in result.stdout
    assert "Limit" in result.stdout
    assert "(rows=" in result.stdout
    if "asset" in page:
        assert "-- asset = 'big'" in result.stdout.lower()


def test_every_statement_runs_as_printed(run: Run, ledger: Ledger) -> None:
    text = run("statements").stdout
    parts = [part for part in text.split(";\n") if part.strip()]
    assert len(parts) > 2 * len(FIELDS)
    with ledger.read() as conn:
        for part in parts:
            conn.exec_driver_sql(part.replace("%", "%%"))


def test_prune_forgets_nothing_unless_told_to(run: Run, ledger: Ledger, file: Write) -> None:
    run("import", file("a.csv", GOOD))

    def logged() -> int:
        with ledger.read() as conn:
            return int(conn.exec_driver_sql("SELECT count(*) FROM changes").scalar_one())

    before = logged()
    assert "Every change is kept" in run("prune").output
    assert run("prune", "--days", "1").output == "Forgot 0 changes older than 1 days.\n"
    assert logged() == before > 0
    with ledger.write() as conn:  # as if it had been long ago
        conn.exec_driver_sql("ALTER TABLE changes DISABLE TRIGGER changes_are_kept")
        conn.exec_driver_sql("UPDATE changes SET at = at - interval '3 days'")
        conn.exec_driver_sql("ALTER TABLE changes ENABLE ALWAYS TRIGGER changes_are_kept")
    assert run("prune", "--days", "4").output == "Forgot 0 changes older than 4 days.\n"
    assert run("prune", "--days", "2").output == f"Forgot {before} changes older than 2 days.\n"
    assert logged() == 0


def test_no_database_is_one_plain_line(tmp_path: Path) -> None:
    env = {"DATABASE_URL": f"postgresql:///x?host={tmp_path}", "FRESHLEDGER_HOME": str(tmp_path)}
    result = CliRunner().invoke(main, ["list"], env=env)
    assert result.exit_code == 1
    assert "PostgreSQL cannot answer now" in result.output
    wrong = CliRunner().invoke(main, ["list"], env=env | {"DATABASE_URL": "mysql://x"})
    assert wrong.exit_code == 2
    assert "DATABASE_URL" in wrong.output


@pytest.mark.embedded
def test_serve_starts_from_nothing_and_leaves_nothing_running(tmp_path: Path) -> None:
    port = free_port()
    env = os.environ | {"PORT": str(port), "FRESHLEDGER_HOME": str(tmp_path / "home")}
    env.pop("DATABASE_URL", None)
    command = [sys.executable, "-c", "from webapp.cli import main; main()", "serve"]
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) as process:
        try:
            page = patiently(f"http://127.0.0.1:{port}/transactions")
        finally:
            process.send_signal(signal.SIGTERM)
            said = process.communicate(timeout=30)[1]
    assert process.returncode == 0, said
    assert "(sample)" in page
    assert f"http://127.0.0.1:{port}" in said
    assert not (tmp_path / "home" / "pg18" / "postmaster.pid").exists() or gone_soon(tmp_path)


def patiently(url: str, seconds: float = 60) -> str:
    deadline = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return str(answer.read().decode())
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def gone_soon(home: Path) -> bool:
    deadline = time.monotonic() + 30
    while (home / "home" / "pg18" / "postmaster.pid").exists():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
