"""Snapshots: the token that says at which state of the database something was true.

A token is minted by the statement that reads the rows, so the two cannot differ. It is the whole
snapshot of PostgreSQL and not a number: of two writers the later may commit first, and only the
list of those still running tells which of them a reader has seen. A standby cannot mint one, for
it does not know who is still running; there the statement fails instead of answering.

https://www.postgresql.org/docs/18/functions-info.html#FUNCTIONS-INFO-SNAPSHOT
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, ColumnElement, DateTime, Text, cast, column, func, select, table

from dal import seals
from dal.errors import BadInput
from dal.moments import Snapshot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
#: How many columns a statement spends on its token.
COLUMNS = 5


def columns() -> list[ColumnElement[Any]]:
    """Return the columns that make a statement say at which state of the database it is true.

    The place in the write-ahead log is asked for because only a primary has one: in recovery it is
    an error, so a standby cannot answer by mistake. Its file's name begins with the timeline.
    Statistics are thrown away when a server recovers from a crash and kept otherwise: the time
    since when they count names the incarnation.
    """
    control = func.pg_control_system().table_valued(column("system_identifier", BigInteger))
    counted = table("pg_stat_wal", column("stats_reset", DateTime(timezone=True)))
    return [
        select(control.c.system_identifier).scalar_subquery().label("system"),
        func.pg_walfile_name(func.pg_current_wal_lsn(), type_=Text).label("wal_file"),
        select(counted.c.stats_reset).scalar_subquery().label("incarnation"),
        cast(func.pg_current_snapshot(), Text).label("visible"),
        func.transaction_timestamp(type_=DateTime(timezone=True)).label("as_of"),
    ]


def snapshot(values: Sequence[Any]) -> Snapshot:
    """Return the record of what `columns` brought."""
    system, wal_file, incarnation, visible, as_of = values
    started = (incarnation - EPOCH) // MICROSECOND if incarnation else 0
    return Snapshot(str(system), int(wal_file[:8], 16), started, visible, as_of)


def taken(conn: Connection) -> Snapshot:
    """Return the snapshot of a `snapshot` block, or of this one statement in a `read` block."""
    return snapshot(conn.execute(select(*columns())).one())


# ── The signed text ──────────────────────────────────────────────────────────────────────────

PURPOSE = b"snapshot 1"


def seal(snapshot: Snapshot, key: bytes) -> str:
    """Return the snapshot as text for a page, signed with `key`."""
    body = json.dumps([1, *parts(snapshot)], separators=(",", ":"))
    return seals.seal(body.encode(), PURPOSE, key)


def unseal(text: str, key: bytes) -> Snapshot:
    """Return the snapshot that `seal` made into `text`, without asking the database.

    Raises:
        BadInput: it is not ours, or damaged.
    """
    body = seals.opened(text, PURPOSE, key)
    if body is None:
        raise BadInput("token", "it is not ours, or is damaged; reload the page")
    return of_parts(json.loads(body)[1:])


def parts(snapshot: Snapshot) -> list[str | int]:
    """Return the snapshot as what JSON can hold."""
    micros = (snapshot.as_of - EPOCH) // MICROSECOND
    return [*snapshot.lineage, snapshot.visible, micros]


def of_parts(parts: Sequence[Any]) -> Snapshot:
    """Return the snapshot that `parts` took apart."""
    system, timeline, incarnation, visible, micros = parts
    return Snapshot(system, timeline, incarnation, visible, EPOCH + micros * MICROSECOND)
