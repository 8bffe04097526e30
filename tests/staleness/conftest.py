"""A filled shop for each test, somebody else at its database, and the verdicts of the trials."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from sqlalchemy import make_url

from tests.conftest import new_database, told
from tests.staleness import verdicts
from tests.staleness.shop import fill, start
from tests.staleness.trial import Trial

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from flask import Flask

#: The builds run under gunicorn only: they open their database when they are imported.
collect_ignore = ["builds"]
SERVER = pytest.StashKey[str]()
CLAIM = "claim"  # the property of a test's report that has a settled trial


@dataclass(frozen=True, slots=True)
class Shop:
    """A database with two contacts and three transactions, and somebody else who changes it."""

    url: str
    outside: psycopg.Connection  # in autocommit: another process, as psql

    def write(self, note: str, nr: int = 1) -> None:
        """Change a note from outside; it is committed when this returns."""
        self.outside.execute("UPDATE transaction SET note = %s WHERE id = %s", (note, nr))

    def stored(self, nr: int = 1) -> str:
        """Return the note that the database has."""
        found = self.outside.execute("SELECT note FROM transaction WHERE id = %s", (nr,)).fetchone()
        assert found
        return str(found[0])


@pytest.fixture(scope="session")
def filled(request: pytest.FixtureRequest, server_url: str) -> Iterator[str]:
    """Yield the name of a filled shop's database, to copy."""
    with new_database(server_url) as url:
        fill(url)
        with psycopg.connect(url) as conn:
            request.config.stash[SERVER] = conn.info.parameter_status("server_version") or ""
        yield make_url(url).database or ""


@pytest.fixture
def shop(server_url: str, filled: str) -> Iterator[Shop]:
    """Yield a filled shop of the test's own."""
    with (
        new_database(server_url, filled) as url,
        psycopg.connect(url, autocommit=True) as outside,
    ):
        yield Shop(url, outside)


@pytest.fixture
def app(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """Yield an application of Flask-SQLAlchemy on the shop, without views."""
    from tests.staleness.shop import db

    monkeypatch.setenv("DATABASE_URL", shop.url)
    found = start("shop")
    yield found
    with found.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def trial(request: pytest.FixtureRequest) -> Trial:
    """Return the trial of the claim that the test is marked with."""
    mark = request.node.get_closest_marker("claim")
    assert mark, "a test with a trial names its claim: @claim(18, TRUE_IF, …)"
    return Trial(*mark.args)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, Any, Any]:
    """Settle the trial when the test has run through."""
    result = yield
    trial = pyfuncitem.funcargs.get("trial")
    if isinstance(trial, Trial):
        trial.settle()
        if not os.environ.get("VERDICTS"):
            verdicts.compare(trial.told(""), trial.nr)
        pyfuncitem.user_properties.append((CLAIM, (trial.nr, trial.told(pyfuncitem.nodeid))))
    return result


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print the verdicts, and keep them in the file that VERDICTS names."""
    settled = dict(told(terminalreporter, CLAIM))
    if not settled:
        return
    claims = {str(nr): saw for nr, saw in sorted(settled.items())}
    terminalreporter.section("claims on trial")
    for nr, saw in claims.items():
        terminalreporter.write_line(f"{int(nr):02}  {verdicts.judged(saw).replace('*', '')}")
    terminalreporter.write_line(f"{len(claims)} claims: {verdicts.counts(claims).replace('*', '')}")
    if path := os.environ.get("VERDICTS"):
        server = {"PostgreSQL": config.stash.get(SERVER, "")}
        verdicts.write(Path(path), server | versions(), settled)


def versions() -> dict[str, str]:
    """Return what the trials were run with, but for the server."""
    parts = ("SQLAlchemy", "Flask", "Flask-SQLAlchemy", "Flask-Caching", "psycopg", "gunicorn")
    return {"Python": platform.python_version()} | {name: version(name) for name in parts}
