"""How a ledger connects: patiently for a moment, to a server that keeps what it acknowledges.

Settings of a connection: https://www.postgresql.org/docs/18/libpq-connect.html
"""

from __future__ import annotations

import json
import select
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event
from sqlalchemy.exc import DisconnectionError

from dal import naming, slow
from dal.errors import CannotServe

if TYPE_CHECKING:
    from sqlalchemy import URL, Engine

    from dal.settings import DalSettings

PATIENCE = 2  # seconds, for a connection: whoever waits should soon know why
#: When a server that went without a word, as with its network, counts as gone (libpq's words).
VANISHED = {
    "tcp_user_timeout": PATIENCE * 1000,
    "keepalives_idle": 5,
    "keepalives_interval": 1,
    "keepalives_count": 3,
}


#: Pages are planned once, when they are prepared: their statements find out by themselves how
#: common values are, so one plan serves all. They are too short for a compiler or for helpers.
#: Where ids are hashed, 200,000 are 7 MB as the planner reckons; what it thinks too much for
#: work_mem it would look through once for each entry.
PLANNED_ONCE = {
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "work_mem": "16MB",
}


def engine(
    url: URL, settings: DalSettings, *, read_only: bool, pages: bool = False, **options: str | bool
) -> Engine:
    """Return a pool of connections, none of them made yet.

    Args:
        url: of the database.
        settings: pool size and time limit.
        read_only: whether a write is an error.
        pages: whether the same statements come again and again, with any values.
        options: SQLAlchemy's.
    """
    asked = {
        "statement_timeout": str(settings.statement_timeout_ms),
        "timezone": "UTC",
        "default_transaction_read_only": "on" if read_only else "off",
        **(PLANNED_ONCE if pages else {}),
    }
    found = create_engine(
        url,
        pool_size=settings.pool_size,
        max_overflow=0,
        pool_timeout=PATIENCE,
        json_deserializer=partial(json.loads, parse_float=Decimal),
        connect_args={
            "connect_timeout": PATIENCE,
            **VANISHED,
            "application_name": "freshledger",
            "client_encoding": "utf8",  # a server in SQL_ASCII would send bytes
            "options": " ".join(f"-c {name}={value}" for name, value in asked.items()),
            **({"prepare_threshold": 0} if pages else {}),
        },
        **options,
    )
    event.listen(found, "connect", check_durability)
    event.listen(found, "checkout", check_alive)
    event.listen(found, "before_cursor_execute", naming.mark, retval=True)
    if read_only:
        slow.watch(found, settings.slow_ms)
    return found


def close(engine: Engine) -> None:
    """Close the connections of a pool; those that are still lent, when they are given back."""
    event.listen(engine, "checkin", _close_late)
    engine.dispose()


def _close_late(connection: Any, _record: object) -> None:  # noqa: ANN401 (of the driver)
    if connection is not None:
        connection.close()


def check_durability(connection: Any, _record: object) -> None:  # noqa: ANN401 (of the driver)
    """Refuse a server that acknowledges what it may lose: a page would show what never was.

    Raises:
        CannotServe: synchronous_commit is off.
    """
    with connection.cursor() as cursor:
        found = cursor.execute("SHOW synchronous_commit").fetchone()[0]
    if not connection.autocommit:
        connection.rollback()
    if found == "off":
        raise CannotServe(
            "synchronous_commit is off, so that a crash can undo what was saved and seen; put"
            " synchronous_commit = on into postgresql.conf, or ALTER ROLE … SET synchronous_commit"
            " = on"
        )


def check_alive(connection: Any, _record: object, _proxy: object) -> None:  # noqa: ANN401
    """Take no connection from the pool that the server has closed: a restart costs no request.

    Nobody has asked anything on it, so what can be read from it is its end. No message is sent.
    """
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    if waiting.poll(0):
        raise DisconnectionError
