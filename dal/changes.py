"""The change log, read: what is new since a snapshot, and the history of one row.

The triggers of `sql/triggers/change_log_v1.sql` write it, in the transaction of whoever changes a
row. What is new since a snapshot is what the snapshot does not include and is there now: no number
to remember, so nothing is lost to writers that commit in another order than they began, and nobody
waits for somebody's long transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Select,
    Text,
    any_,
    bindparam,
    cast,
    delete,
    func,
    insert,
    literal,
    literal_column,
    not_,
    or_,
    select,
    text,
    true,
    union_all,
)

from dal import snapshots, tables
from dal.columns import SnapshotText, Xid
from dal.moments import Change, Op

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import CompoundSelect, Connection, ScalarSelect, TextClause

    from dal.moments import Snapshot

log, prunings = tables.changes, tables.prunings
#: More changes than this are not told one by one.
MOST = 1_000
#: Tables whose rows are a part of a transaction.
OF_TRANSACTIONS = ("transactions", "movements", "transaction_labels")


@dataclass(frozen=True, slots=True)
class Touched:
    """That a row was changed, without what was in it."""

    xid: int
    relation: str
    op: Op
    id: int
    placed: bool  # of a transaction: whether it came, went, or moved in an order


@dataclass(frozen=True, slots=True)
class News:
    """What came since a snapshot, and up to which."""

    snapshot: Snapshot
    touched: tuple[Touched, ...]
    more: bool  # there are more than could be told: anything may have changed
    lost: str  # why nothing can be told, in words; "" when all is

    @property
    def transactions(self) -> tuple[int, ...]:
        """Return the ids of the transactions that were changed, or a part of them."""
        found = (each.id for each in self.touched if each.relation in OF_TRANSACTIONS)
        return tuple(dict.fromkeys(found))

    @property
    def placed(self) -> bool:
        """Return whether a transaction came, went, or moved in an order."""
        return any(each.placed for each in self.touched)

    @property
    def names(self) -> bool:
        """Return whether something else than transactions changed: names that rows may bear."""
        return any(each.relation not in OF_TRANSACTIONS for each in self.touched)


# ── News ─────────────────────────────────────────────────────────────────────────────────────


def since(conn: Connection, known: Snapshot, most: int = MOST) -> News:
    """Return what was committed after `known`, from one statement.

    Each change is told exactly once if the next question begins at the snapshot of this answer.
    Where the log cannot tell, `lost` says why, and the reader must look at everything anew.
    """
    rows = conn.execute(since_statement(most), {"known": known.visible}).all()
    now = snapshots.snapshot(rows[0][: snapshots.COLUMNS])
    why = lost(known, now, rows[0].forgotten)
    told = () if why else tuple(Touched(*row[FACTS:]) for row in rows if row.xid is not None)
    return News(now, told[:most], len(told) > most, why)


def lost(known: Snapshot, now: Snapshot, forgotten: int | None) -> str:
    """Return why the log cannot tell what came since `known`, if it cannot."""
    if known.system != now.system:
        return "this is another database"
    if known.lineage != now.lineage or not now.dominates(known):
        return "the database was restored, replaced, or recovered from a crash"
    if forgotten is not None and not known.includes_all_to(forgotten):
        return "the changes since then are forgotten"
    return ""


#: Columns before those of the changes: the token, and the newest transaction that was forgotten.
FACTS = snapshots.COLUMNS + 1


@cache
def since_statement(most: int = MOST) -> Select[Any]:
    """Return the statement of `since`; it binds `known`."""
    told = fresh(_touched()).limit(literal_column(str(most + 1))).subquery("told")
    facts = select(*snapshots.columns(), forgotten().label("forgotten")).subquery("facts")
    return select(facts, told).select_from(facts.outerjoin(told, true()))


def fresh(
    columns: Sequence[ColumnElement[Any]], *where: ColumnElement[bool] | TextClause
) -> CompoundSelect[Any]:
    """Return the changes that the snapshot bound as `known` does not include.

    A snapshot includes all below its xmax but the few that were running: the rest are two ranges
    of the index, however long somebody's transaction has been open.
    """
    limit = func.pg_snapshot_xmax(_known(), type_=Xid)
    running = func.array(select(func.pg_snapshot_xip(_known(), type_=Xid)).scalar_subquery())
    return union_all(
        select(*columns).where(log.c.xid >= limit, *where),
        select(*columns).where(log.c.xid == any_(cast(running, ARRAY(Xid))), *where),
    )


def forgotten() -> ScalarSelect[int]:
    """Return the newest transaction that was forgotten after the snapshot bound as `known`.

    NULL: none was. What was forgotten before is included in that snapshot anyway.
    """
    later = not_(func.pg_visible_in_snapshot(prunings.c.xid, _known()))
    last = cast(cast(prunings.c.last, Text), BigInteger)  # a page's driver knows no xid8
    newest = select(last).where(later).order_by(prunings.c.last.desc())
    return newest.limit(literal_column("1")).scalar_subquery()


def _known() -> ColumnElement[Any]:
    return cast(bindparam("known", type_=Text), SnapshotText)


def _touched() -> list[ColumnElement[Any]]:
    moved = (log.c.before.has_key(column) for column in ("occurred_at", "amount"))
    placed = or_(log.c.op != "update", *moved)
    return [
        log.c.xid,
        log.c.relation,
        cast(log.c.op, Text).label("op"),
        log.c.id,
        ((log.c.relation == "transactions") & placed).label("placed"),
    ]


# ── History ──────────────────────────────────────────────────────────────────────────────────


def history(
    conn: Connection, relations: Sequence[str], row_id: int, most: int = MOST
) -> tuple[Change, ...]:
    """Return what happened to a row and its parts, the newest first.

    Args:
        conn: any block's.
        relations: the tables to look for; `OF_TRANSACTIONS` for a whole transaction.
        row_id: of the row, or of what its parts are a part of.
        most: how many at most.
    """
    rows = conn.execute(history_statement(relations, row_id, most))
    return tuple(Change(*row) for row in rows)


def history_statement(relations: Sequence[str], row_id: int, most: int = MOST) -> Select[Any]:
    """Return the statement of `history`."""
    among = literal(list(relations), ARRAY(Text))
    columns = (cast(each, Text) if each is log.c.op else each for each in log.c)
    return (
        select(*columns)
        .where(log.c.id == row_id, log.c.relation == any_(among))
        .order_by(log.c.at.desc(), log.c.seq.desc())
        .limit(most)
    )


# ── Forgetting ───────────────────────────────────────────────────────────────────────────────


def prune(conn: Connection, before: datetime) -> int:
    """Forget the changes before an instant, for good. Returns their number.

    Streams and links that begin earlier are told so. Histories of rows begin later, and an edit on
    a version from before then counts as a conflict.

    Args:
        conn: a write block's.
        before: aware.
    """
    conn.execute(text("SET LOCAL statement_timeout = 0"))
    conn.execute(text("SET LOCAL freshledger.pruning = 'on'"))
    gone = delete(log).where(log.c.at < before).returning(log.c.xid).cte("gone")
    last = select(gone.c.xid).order_by(gone.c.xid.desc()).limit(1).scalar_subquery()
    noted = select(func.change_author_v1(type_=Text), last, func.count()).select_from(gone)
    columns = [prunings.c.who, prunings.c.last, prunings.c.forgotten]
    kept = insert(prunings).from_select(columns, noted.having(func.count() > 0))
    return int(conn.execute(kept.returning(prunings.c.forgotten)).scalar() or 0)
