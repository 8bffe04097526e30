"""The change log, which triggers write, and submissions; `tables` has them beside the others."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, Identity, Index, Table, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from dal.columns import NOW, Xid, change_op, metadata, text_column

__all__ = ["MOVED", "change_op", "changes", "prunings", "submissions"]

#: What makes a change one that moved a transaction in an order.
MOVED = text(
    "relation = 'transactions' AND op = 'update' AND (before ? 'occurred_at' OR before ? 'amount')"
)

changes = Table(
    "changes",
    metadata,
    Column("seq", BigInteger, Identity(always=True), nullable=False),
    Column("xid", Xid, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    text_column("who"),
    text_column("relation"),
    Column("op", change_op, nullable=False),
    Column("id", BigInteger, nullable=False),
    text_column("part"),
    Column("before", JSONB),
    Column("after", JSONB),
)
Index("changes_xid_idx", changes.c.xid)
Index("changes_id_idx", changes.c.id, changes.c.relation)
Index("changes_at_idx", changes.c.at, postgresql_using="brin")
Index(
    "changes_moved_idx",
    changes.c.xid,
    postgresql_where=MOVED,
)

prunings = Table(
    "prunings",
    metadata,
    Column("xid", Xid, nullable=False, server_default=func.pg_current_xact_id()),
    Column("at", DateTime(timezone=True), nullable=False, server_default=NOW),
    text_column("who"),
    Column("last", Xid, nullable=False),
    Column("forgotten", BigInteger, nullable=False),
)

submissions = Table(
    "submissions",
    metadata,
    Column("once", UUID, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False, server_default=NOW),
    Column("answer", Text),
)
Index("submissions_at_idx", submissions.c.at)
