"""Submissions: what is sent twice is done once, and answered twice in the same way.

Whoever sends something gives it a number. The number is claimed in the transaction that does the
work: a second one who claims it waits for the first one's end, and finds what was answered if that
was a COMMIT, or does the work if it was a ROLLBACK. So what was sent on a connection that broke can
be sent again, whatever became of it. A number is forgotten after a day.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, Text, bindparam, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import UUID, insert as upsert
from sqlalchemy.exc import OperationalError

from dal import snapshots, tables
from dal.columns import Xid
from dal.errors import Unavailable

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from dal.moments import Snapshot

submissions = tables.submissions
QUERY_CANCELED = "57014"
#: How long a number is known, and how many older ones a submission takes along when it ends.
KEPT, FORGOTTEN_AT_ONCE = timedelta(days=1), 10


@dataclass(frozen=True, slots=True)
class Claim:
    """A transaction that has begun to write, for somebody."""

    snapshot: Snapshot  # from before the write
    xid: int  # its number: an answer that includes it shows what was written
    answer: str | None  # what was answered to the same submission before; None: do the work


def claim(conn: Connection, who: str, once: uuid.UUID | None = None) -> Claim:
    """Begin to write for somebody, once. One statement, unless it was done before.

    Args:
        conn: a write block's, at its beginning.
        who: whom the change log names.
        once: the number of the submission; None: it is not to be recognised again.

    Raises:
        Unavailable: the first of two takes longer than a statement may wait for it.
    """
    with _patiently():
        row = conn.execute(claim_statement(numbered=bool(once)), {"who": who, "once": once}).one()
    snapshot = snapshots.snapshot(row[: snapshots.COLUMNS])
    if once is None or row.claimed:
        return Claim(snapshot, row.xid, None)
    # What the first one answered is not in the snapshot of the statement that waited for it.
    known = select(submissions.c.answer).where(submissions.c.once == once)
    answer = conn.execute(known).scalar()
    return Claim(snapshot, row.xid, answer) if answer is not None else claim(conn, who, once)


@contextmanager
def _patiently() -> Iterator[None]:
    """Say that whoever waited too long waited for the same thing."""
    try:
        yield
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != QUERY_CANCELED:
            raise
        said = "it was sent before and is still being done; send it again in a moment"
        raise Unavailable(said) from error


@cache
def claim_statement(*, numbered: bool) -> Select[Any]:
    """Return the statement of `claim`; it binds `who`, and `once` where it is numbered."""
    facts = [
        *snapshots.columns(),
        func.pg_current_xact_id(type_=Xid).label("xid"),
        func.set_config("freshledger.who", bindparam("who", type_=Text), True).label("who"),  # noqa: FBT003 (of PostgreSQL)
    ]
    if not numbered:
        return select(*facts)
    number = {"once": bindparam("once", type_=UUID)}
    new = upsert(submissions).values(number).on_conflict_do_nothing()
    claimed = new.returning(submissions.c.once).cte("claimed")
    return select(
        *facts, select(func.count()).select_from(claimed).scalar_subquery().label("claimed")
    )


def answer(conn: Connection, once: uuid.UUID, text: str) -> None:
    """Keep what is answered to a submission, and forget some old ones that nobody holds.

    Args:
        conn: the write block's that claimed it.
        once: its number.
        text: what to answer when it comes again.
    """
    old = (
        select(submissions.c.once)
        .where(submissions.c.at < func.now() - literal(KEPT))
        .order_by(submissions.c.at)
        .limit(FORGOTTEN_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    gone = delete(submissions).where(submissions.c.once.in_(old)).cte("gone")
    kept = update(submissions).where(submissions.c.once == once).values(answer=text)
    conn.execute(kept.add_cte(gone))
