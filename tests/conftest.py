"""A real PostgreSQL for every test: the one given, else a container's, else the embedded one.

    TEST_DATABASE_URL   a server where databases may be made and dropped
    TEST_DB=docker      a container or nothing: never falls back
    TEST_DB=embedded    the embedded server, whether Docker answers or not
    TEST_DB_IMAGE       the container's image (postgres:18 where not given)

Each test that changes a ledger for good gets a database of its own, copied from a migrated
template; the others share one and are rolled back.
"""

from __future__ import annotations

import gc
import os
import tempfile
import uuid
import warnings
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from sqlalchemy import make_url

from dal import connections
from dal.database import Ledger
from dal.embedded import Embedded
from dal.settings import DalSettings
from tests.support.chromium import browser, chromium

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

__all__ = ["browser", "chromium"]
#: Machines that test are busy: their pages take the time that they need.
PATIENT = DalSettings(page_timeout_ms=0, statement_timeout_ms=60_000)
os.environ.setdefault("PAGE_TIMEOUT_MS", "0")
#: So do their connections.
connections.PATIENCE = 30
#: Tests may lose their data with the machine.
QUICK = {"fsync": "off", "synchronous_commit": "on", "full_page_writes": "off"}


def pytest_report_header() -> str:
    """Say which PostgreSQL the tests will meet."""
    return f"postgresql: {choice()}"


def pytest_configure(config: pytest.Config) -> None:
    """Forgive the Docker client, which leaves its sockets to the garbage collector."""
    if choice() == "docker":
        config.addinivalue_line(
            "filterwarnings",
            "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning",
        )


def told(reporter: pytest.TerminalReporter, name: str) -> Iterator[Any]:
    """Yield what tests noted as a property of that name, in whichever process they ran."""
    for report in (*reporter.getreports("passed"), *reporter.getreports("failed")):
        if report.when == "call":
            yield from (value for key, value in report.user_properties if key == name)


def choice() -> str:
    """Return which server is used: "url", "docker" or "embedded"."""
    asked = os.environ.get("TEST_DB", "")
    if os.environ.get("TEST_DATABASE_URL"):
        return "url"
    if asked == "docker" or (asked != "embedded" and docker_answers()):
        return "docker"
    return "embedded"


def docker_answers() -> bool:
    """Return whether a Docker engine answers within two seconds."""
    import docker

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the client leaves a refused socket open
        try:
            with closing(docker.from_env(timeout=2)) as client:
                return bool(client.ping())
        except docker.errors.DockerException:
            return False
        finally:
            gc.collect()


@contextmanager
def container() -> Iterator[str]:
    """Yield the URL of a container's server.

    Raises docker.errors.DockerException where no engine answers: it never falls back.
    """
    from testcontainers.community.postgres import PostgresContainer

    image = os.environ.get("TEST_DB_IMAGE", "postgres:18")
    with PostgresContainer(image, driver=None) as server:
        yield server.get_connection_url()


@contextmanager
def embedded() -> Iterator[str]:
    """Yield the URL of an embedded server in a directory that goes with it."""
    with tempfile.TemporaryDirectory(prefix="freshledger-tests-") as home:
        server = Embedded(Path(home), settings=QUICK)
        try:
            yield server.start()
        finally:
            server.stop()


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """Yield the URL of a server that is up."""
    match choice():
        case "url":
            yield os.environ["TEST_DATABASE_URL"]
        case "docker":
            with container() as url:
                yield url
        case _:
            with embedded() as url:
                yield url


def at(server: str, database: str) -> str:
    """Return the URL of another database of a server."""
    url = make_url(server).set(drivername="postgresql", database=database)
    return url.render_as_string(hide_password=False)


@contextmanager
def new_database(server: str, template: str = "template0") -> Iterator[str]:
    """Yield the URL of a new database, dropped afterwards whoever is still in it."""
    name = f"t_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(at(server, "postgres"), autocommit=True) as conn:
        encoding = "ENCODING 'UTF8'" if template == "template0" else ""
        _when_free(conn, f'CREATE DATABASE {name} TEMPLATE "{template}" {encoding}')
        try:
            yield at(server, name)
        finally:
            _when_free(conn, f"DROP DATABASE {name} WITH (FORCE)")


def _when_free(conn: psycopg.Connection, statement: str) -> None:
    """Execute it, again where somebody has not left yet: PostgreSQL waits 5 s for that."""
    for _ in range(10):
        with suppress(psycopg.errors.ObjectInUse):
            conn.execute(statement.encode())
            return
    conn.execute(statement.encode())


@pytest.fixture(scope="session")
def template(server_url: str) -> Iterator[str]:
    """Yield the name of a migrated, empty database to copy."""
    with new_database(server_url) as url:
        with Ledger(url) as ledger:
            ledger.migrate()
        yield make_url(url).database or ""


@pytest.fixture
def pattern(template: str) -> str:
    """Return the name of the database that a test's own is copied from."""
    return template


@pytest.fixture
def database_url(server_url: str, pattern: str) -> Iterator[str]:
    """Yield the URL of a migrated database of the test's own."""
    with new_database(server_url, pattern) as url:
        yield url


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    """Yield a ledger on a database of the test's own."""
    with Ledger(database_url, PATIENT) as ledger:
        yield ledger


@pytest.fixture(scope="session")
def shared_ledger(server_url: str, template: str) -> Iterator[Ledger]:
    """Yield a ledger that tests share: whoever writes must roll back."""
    with new_database(server_url, template) as url, Ledger(url, PATIENT) as ledger:
        yield ledger


@pytest.fixture
def conn(shared_ledger: Ledger) -> Iterator[Connection]:
    """Yield a connection in a transaction that is rolled back afterwards."""
    with shared_ledger.trial() as connection:
        yield connection
