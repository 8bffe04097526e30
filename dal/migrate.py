"""Bringing a database's schema up to date, from a program; `alembic` does the same from a shell.

One process migrates at a time: a second connection holds an advisory lock for the whole run, which
PostgreSQL lets go of when its process dies. Each revision is a transaction of its own and waits
only briefly for table locks, because whoever waits for a lock blocks all who come after it.

Locks: https://www.postgresql.org/docs/18/explicit-locking.html#ADVISORY-LOCKS
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import NullPool, create_engine, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection, Engine

#: Any number that nobody else uses: the letters of FRESH as ASCII.
LOCK = 0x4652455348
WAIT_FOR_TURN = "60s"
WAIT_FOR_TABLE = "4s"
CONNECT = {"connect_timeout": 5, "application_name": "freshledger migrate"}


def folder(name: str) -> Path:
    """Return `sql` or `migrations`: beside the package in a checkout, inside it in a wheel."""
    carried = Path(__file__).parent / "_carried"
    return (carried if carried.exists() else carried.parents[1]) / name


def configuration() -> Config:
    """Return alembic's configuration, which needs no file."""
    config = Config()
    config.set_main_option("script_location", str(folder("migrations")).replace("%", "%%"))
    return config


def head() -> str:
    """Return the newest revision's number."""
    return ScriptDirectory.from_config(configuration()).get_current_head() or ""


def upgrade(engine: Engine, target: str = "head") -> None:
    """Bring the database behind `engine` up to `target`, after whoever is at it now."""
    _run(engine, command.upgrade, target)


def downgrade(engine: Engine, target: str) -> None:
    """Take the database behind `engine` back to `target` ("base": nothing is left)."""
    _run(engine, command.downgrade, target)


@contextmanager
def turn(engine: Engine) -> Iterator[Connection]:
    """Yield a connection to migrate on, after whoever is migrating now.

    Its two connections are not of the engine's pool, which may have room for one only.
    """
    own = create_engine(engine.url, poolclass=NullPool, connect_args=CONNECT)
    with own.connect() as waiting, own.connect() as connection:
        waiting.execute(text(f"SET LOCAL lock_timeout = '{WAIT_FOR_TURN}'"))
        waiting.execute(text("SET LOCAL statement_timeout = 0"))
        waiting.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        waiting.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        connection.execute(text(f"SET lock_timeout = '{WAIT_FOR_TABLE}'"))
        connection.execute(text("SET statement_timeout = 0"))
        connection.commit()
        yield connection


@contextmanager
def turn_of_environment() -> Iterator[Connection]:
    """Yield a connection to migrate on, to the ledger that the environment names."""
    from dal.database import database, driver_url  # noqa: PLC0415 (database migrates through us)
    from dal.settings import DalSettings  # noqa: PLC0415

    with database(DalSettings.read()) as url, turn(create_engine(driver_url(url))) as connection:
        yield connection


def _run(engine: Engine, verb: Callable[[Config, str], None], target: str) -> None:
    config = configuration()
    with turn(engine) as connection:
        config.attributes["connection"] = connection
        verb(config, target)
