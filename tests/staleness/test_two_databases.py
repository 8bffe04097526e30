"""One relative SQLite path, two files: whoever resolves it decides which."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from tests.staleness.observing import let_go, observe, other_function, seen_so
from tests.staleness.shop import Transaction, db, drawn, fill, reset, start
from tests.staleness.trial import TRUE_IF, Trial, claim

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask

#: A script beside the application, which uses SQLAlchemy without Flask.
SCRIPT = """
import sys
from sqlalchemy import create_engine, text
engine = create_engine(sys.argv[1])
with engine.begin() as conn:
    conn.execute(text("UPDATE 'transaction' SET note = :note WHERE id = 1"), {"note": sys.argv[2]})
engine.dispose()
"""
#: The shop's amounts are numeric, which SQLite does not have.
without_decimals = pytest.mark.filterwarnings("ignore:Dialect sqlite:sqlalchemy.exc.SAWarning")


def script(url: str, note: str, where: Path) -> None:
    """Run the script in a folder."""
    subprocess.run([sys.executable, "-c", SCRIPT, url, note], cwd=where, check=True)


def application(monkeypatch: pytest.MonkeyPatch, where: Path, url: str) -> Flask:
    """Return the application, started in a folder."""
    where.mkdir(exist_ok=True)
    monkeypatch.chdir(where)
    monkeypatch.setenv("DATABASE_URL", url)
    app = start("shop")

    @app.get("/transactions")
    def transactions() -> str:
        reset()
        return drawn(db.session.scalars(select(Transaction).order_by(Transaction.id)))

    @app.get("/file")
    def file() -> str:
        return str(db.session.connection().exec_driver_sql("PRAGMA database_list").one()[2])

    @app.post("/note/<note>")
    def note(note: str) -> str:
        db.session.get_one(Transaction, 1).note = note
        db.session.commit()
        return "saved"

    other_function(app)
    (where / "instance").mkdir(exist_ok=True)
    return app


@without_decimals
@claim(
    64,
    TRUE_IF,
    "the path is relative and the writer is not the application: Flask-SQLAlchemy 3 looks for it"
    " in the instance folder, everything else in the working directory",
)
def test_a_relative_sqlite_path_is_two_files(
    trial: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, url = tmp_path / "app", "sqlite:///app.db"
    app = application(monkeypatch, home, url)
    for folder in (home, home / "instance"):
        fill(f"sqlite:///{folder / 'app.db'}")
    client = app.test_client()
    script(url, "scripted", home)
    shown = "scripted" in client.get("/transactions").text
    read = client.get("/file").text.removeprefix(f"{home}/")
    trial.case("a script in the application's folder writes", holds=not shown, isolation="",
               saw=f"the script wrote app.db, the page reads {read}")  # fmt: skip
    client.post("/note/own")
    shown = "own" in client.get("/transactions").text
    trial.case("the application itself writes", holds=not shown, isolation="",
               saw="the page shows it")  # fmt: skip
    script(url, "beside", home / "instance")
    shown = "beside" in client.get("/transactions").text
    trial.case("the script runs in the instance folder", holds=not shown, isolation="",
               saw="the page shows it")  # fmt: skip
    _absolute(trial, tmp_path, monkeypatch)
    observe(app, lambda word: script(url, word, home)).told(trial, "a script writes")
    let_go(app)
    seen_so(trial, "+--", "+-+")


def _absolute(trial: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path / 'one.db'}"
    fill(url)
    app = application(monkeypatch, tmp_path / "other", url)
    script(url, "scripted", tmp_path)
    shown = "scripted" in app.test_client().get("/transactions").text
    trial.control("both have the absolute path", gone=shown, saw="the page shows it")
    let_go(app)
