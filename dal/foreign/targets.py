"""Somebody else's database: how it is reached, and in plain words what it refuses.

PostgreSQL, MySQL, MariaDB and SQLite, through SQLAlchemy Core. Whoever waits here should soon know
why: connecting, waiting for a lock and a statement each have a short limit.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    NoSuchModuleError,
    SQLAlchemyError,
    StatementError,
)
from sqlalchemy.pool import NullPool

from dal.errors import BadInput, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import URL, Connection, Engine

LOCK_WAIT, STATEMENT_WAIT, CONNECT_WAIT = 3, 10, 5  # seconds
#: The drivers that are taken where the URL names none.
DRIVERS = {
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
    "sqlite": "sqlite",
}
PACKAGES = {"MySQLdb": "mysqlclient", "psycopg": "'psycopg[binary]'", "psycopg2": "psycopg2-binary"}
LIMITS = {
    "postgresql": (f"SET LOCAL lock_timeout = '{LOCK_WAIT}s'",
                   f"SET LOCAL statement_timeout = '{STATEMENT_WAIT}s'"),
    "mysql": (f"SET SESSION innodb_lock_wait_timeout = {LOCK_WAIT}",
              f"SET SESSION lock_wait_timeout = {LOCK_WAIT}"),
}  # fmt: skip
LIMITS["mariadb"] = LIMITS["mysql"]


class HeldRow(Unavailable):
    """Somebody else holds the row: has written it, and not committed."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """How a database says one thing, and how we do."""

    field: str  # what was given that it refuses; "" where it is nothing that was given
    says: str  # with what to try
    codes: tuple[str, ...]  # SQLSTATE of PostgreSQL, number of MySQL and MariaDB
    words: tuple[str, ...] = ()  # in what the driver says, where there is no code


HELD = Refusal(
    "",
    f"somebody else has held this row for {LOCK_WAIT} s: a writer that has changed it and not"
    " committed; find that open transaction, or choose another row",
    ("55P03", "1205", "1213"),
    ("database is locked", "database table is locked"),
)
REFUSALS = (
    HELD,
    Refusal("database", "it does not take this user or password; check both in the URL",
            ("28P01", "28000", "1045", "1698"),
            ("password authentication failed", "no password supplied", "no pg_hba.conf entry")),
    Refusal("database", "there is no such user; name one in the URL, as in"
            " postgresql://user:password@host/name", (), ("fatal:  role",)),
    Refusal("database", "there is no database of this name; check the end of the URL",
            ("3D000", "1049"), ("fatal:  database",)),
    Refusal("database", "there is no such host; check the name in the URL",
            (), ("failed to resolve", "name or service not known", "not known")),
    Refusal("database", "nobody answers there; is the server running, and are host, port or socket"
            " right?", ("2002", "2003"),
            ("connection refused", "no such file", "timeout expired", "connection timeout")),
    Refusal("database", "this file cannot be opened as a database; check path and permissions",
            (), ("unable to open database", "file is not a database")),
    Refusal("database", "this user may not change the column; name one that may, or"
            " GRANT SELECT, UPDATE ON the table TO it", ("42501", "1142", "1143", "1044")),
    Refusal("database", "this database can only be read: a replica, a read-only file or user; give"
            " the one that the application writes to", ("25006", "1290", "1836", "1792"),
            ("readonly database",)),
    Refusal("column", "a rule of the table (CHECK, foreign key or unique) refuses made-up values;"
            " choose a column of free text, or give --sql",
            ("23514", "23503", "23505", "4025", "3819", "1452", "1062"), ("constraint failed",)),
    Refusal("column", "a made-up value does not fit in; choose a wider column, or give --sql",
            ("22001", "22003", "22P02", "1406", "1264", "1366", "1265")),
    Refusal("", f"the statement took more than {STATEMENT_WAIT} s and was given up", ("57014",)),
)  # fmt: skip


def parsed(url: str) -> URL:
    """Return the URL of a database with the driver that is used for it.

    Raises:
        BadInput: it is no URL of such a database, or its file does not exist.

    >>> parsed("mysql://me@localhost/shop").drivername
    'mysql+pymysql'
    """
    try:
        found = make_url(url)
    except (ArgumentError, ValueError):
        raise BadInput("database", "this is no URL; write postgresql://user@host/name") from None
    if found.get_backend_name() not in DRIVERS:
        raise BadInput(
            "database",
            f"{found.drivername} is none of postgresql://, mysql://, mariadb:// and sqlite:///",
        )
    if "+" not in found.drivername:
        found = found.set(drivername=DRIVERS[found.drivername])
    if found.get_backend_name() == "sqlite":
        _check_file(found.database or "")
    return found


def _check_file(name: str) -> None:
    if name in {"", ":memory:"} or name.startswith("file:"):
        raise BadInput(
            "database", "give the file that the application uses: sqlite:////absolute/path.db"
        )
    if Path(name).is_file():
        return
    instance = Path("instance", name)
    hint = f"; there is {instance}, where Flask-SQLAlchemy puts it" if instance.is_file() else ""
    raise BadInput("database", f"there is no file {Path(name).absolute()}{hint}")


def is_local(url: URL, environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether a database is on this machine: a file, a socket, or a loopback address.

    >>> is_local(make_url("postgresql:///shop?host=/run/postgresql"), {})
    True
    >>> is_local(make_url("postgresql://db.example.com/shop"), {})
    False
    """
    if url.get_backend_name() == "sqlite" or "unix_socket" in url.query:
        return True
    if {"service", "read_default_file"} & set(url.query):
        return False  # a file that we do not read names the host
    named = [url.host, url.query.get("host"), url.query.get("hostaddr")]
    if not any(named) and url.get_backend_name() == "postgresql":
        named = [environ.get("PGHOST"), environ.get("PGHOSTADDR"), environ.get("PGSERVICE")]
    return all(_is_loopback(host) for each in named if each for host in _hosts(each))


def _hosts(named: str | tuple[str, ...]) -> list[str]:
    return ",".join([named] if isinstance(named, str) else named).split(",")


def _is_loopback(host: str) -> bool:
    if not host or host == "localhost" or host.startswith(("/", "@")):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def engine(url: URL) -> Engine:
    """Return what makes a new connection for each block, none of them made yet.

    Raises:
        BadInput: its driver is not installed; says how to.
    """
    try:
        return create_engine(url, poolclass=NullPool, connect_args=_arguments(url))
    except NoSuchModuleError:
        raise BadInput("database", f"SQLAlchemy knows no driver {url.drivername}") from None
    except ModuleNotFoundError as error:
        name = PACKAGES.get(error.name or "", error.name)
        raise BadInput(
            "database", f"{url.drivername} needs a driver; run: pip install {name}"
        ) from None


def _arguments(url: URL) -> dict[str, Any]:
    if url.get_backend_name() == "sqlite":
        return {"timeout": LOCK_WAIT}
    psycopg = {"prepare_threshold": None} if url.drivername == "postgresql+psycopg" else {}
    return {"connect_timeout": CONNECT_WAIT, **psycopg}  # poolers keep no prepared statements


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """Yield a connection of its own, in a short transaction: COMMIT was answered when it ends.

    Raises:
        BadInput: the database refuses something that was given; names it.
        HeldRow: somebody else has written the row and not committed.
        Unavailable: it does not answer.
    """
    with said_plainly(engine), engine.connect() as conn, conn.begin():
        for limit in LIMITS.get(engine.dialect.name, ()):
            conn.execute(text(limit))
        yield conn


@contextmanager
def said_plainly(engine: Engine) -> Iterator[None]:
    """Turn what a driver raises into one plain sentence that holds no password."""
    try:
        yield
    except DBAPIError as error:
        raise _plain(error, engine) from None
    except StatementError as error:
        raise BadInput("sql", _line(error.orig or error, engine)) from None
    except SQLAlchemyError as error:
        raise Unavailable(_line(error, engine)) from None
    except RuntimeError as error:  # PyMySQL, of its optional parts
        if "cryptography" not in str(error):
            raise
        cure = "this server's passwords need a package; run: pip install cryptography"
        raise BadInput("database", cure) from None


def _plain(error: DBAPIError, engine: Engine) -> BadInput | Unavailable:
    said = _line(error.orig or error, engine)
    for refusal in REFUSALS:
        if _code(error) in refusal.codes or any(word in said.lower() for word in refusal.words):
            if refusal.field:
                return BadInput(refusal.field, f"{refusal.says} ({said})")
            kind = HeldRow if refusal is HELD else Unavailable
            return kind(f"{refusal.says} ({said})")
    return Unavailable(f"the database said: {said}")


def _code(error: DBAPIError) -> str:
    """Return the number of MySQL and MariaDB, or the SQLSTATE of PostgreSQL."""
    arguments: tuple[object, ...] = getattr(error.orig, "args", ())
    if arguments and isinstance(arguments[0], int):
        return str(arguments[0])
    return str(getattr(error.orig, "sqlstate", None) or "")


def _line(error: BaseException, engine: Engine) -> str:
    """Return the first line of what a driver says, without the password."""
    said = str(error.args[-1] if error.args else "").strip() or type(error).__name__
    secrets = (engine.url.password, engine.url.query.get("password"))
    for secret in filter(None, secrets):
        said = said.replace(str(secret), "***")
    return said.splitlines()[0]
