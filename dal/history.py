"""Histories of rows and their parts: what each save made of them.

The change log holds of an insert nothing, of an update the columns that it changed, of a delete the
whole row. Walking back from what the rows are now, each change's whole image is known.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import Text, cast, func, literal_column, or_, select, true, union_all
from sqlalchemy.dialects.postgresql import JSONB

from dal import named, tables
from dal.moments import Deed, History, Save

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from sqlalchemy import (
        ColumnElement,
        CompoundSelect,
        Connection,
        Row,
        Select,
        Table,
        TextClause,
    )

    Image = Mapping[str, Any] | None
    Key = tuple[str, str]

log = tables.changes
#: Changes that are read of a history, of one that is asked for whole, of each row of a list.
USUAL, WHOLE, EACH = 200, 10_000, 12
#: What changes without anybody's meaning it.
BOOKKEEPING = frozenset({"version"})


def of_transaction(conn: Connection, transaction_id: int, most: int = USUAL) -> History:
    """Return what happened to a transaction, its movements and its labels.

    Args:
        conn: any block's.
        transaction_id: which one.
        most: how many changes at most; a save that has been cut off is left out.
    """
    rows = conn.execute(statement(), {"id": transaction_id, "most": most + 1}).all()
    told = [row for row in rows if row.op not in {"now", "name"}]
    now = {(row.relation, row.part): row.after for row in rows if row.op == "now"}
    names = {(row.relation, row.id): row.after["name"] for row in rows if row.op == "name"}
    return replace(_history(told, now, most), names=names)


def of_all(
    conn: Connection, owners: Table, parts: Table | None = None, most: int = EACH
) -> Mapping[int, History]:
    """Return what happened to each row of a table and to its parts, by id.

    Args:
        conn: any block's.
        owners: wallets, contacts or labels.
        parts: the table of their addresses.
        most: how many changes of each at most.
    """
    told: dict[int, list[Row[Any]]] = defaultdict(list)
    now: dict[int, dict[Key, Image]] = defaultdict(dict)
    for row in conn.execute(all_statement(owners, parts, most + 1)):
        if row.op == "now":
            now[row.id][row.relation, row.part] = row.after
        else:
            told[row.id].append(row)
    return {row_id: _history(told[row_id], now[row_id], most) for row_id in now}


def _history(told: list[Row[Any]], now: Mapping[Key, Image], most: int) -> History:
    told.sort(key=lambda row: (row.at, row.seq), reverse=True)
    saves, more = _saves(told, now), len(told) > most
    return History(tuple(saves[:-1] if more and len(saves) > 1 else saves), more, {})


def all_statement(
    owners: Table, parts: Table | None = None, most: int = EACH
) -> CompoundSelect[Any]:
    """Return the statement of `of_all`: the newest changes of each row, then what it is now."""
    found = (owners,) if parts is None else (owners, parts)
    newest = (
        select(log)
        .where(log.c.id == owners.c.id, or_(*(log.c.relation == each.name for each in found)))
        .order_by(log.c.at.desc(), log.c.seq.desc())
        .limit(literal_column(str(most)))
        .lateral("newest")
    )
    change = newest.c
    told = select(
        change.seq, cast(change.xid, Text).label("xid"), change.at, change.who,
        func.to_regrole(func.quote_ident(change.who)).is_not(None).label("by_role"),
        change.relation, cast(change.op, Text).label("op"), change.id, change.part,
        change.before, change.after,
    ).select_from(owners.join(newest, true()))  # fmt: skip
    return union_all(told, *map(_present, found))


def _present(table: Table) -> Select[Any]:
    """Return the statement of what a table's rows are, in the columns of changes."""
    absent = ("0", "'0'", "NULL::timestamptz", "''", "false", f"'{table.name}'", "'now'")
    owner = next((table.c[each] for each in ("wallet_id", "contact_id") if each in table.c), None)
    key = (table.c.id, literal_column("''")) if owner is None else (owner, _place(table))
    image = func.to_jsonb(literal_column(table.name), type_=JSONB)
    values: list[ColumnElement[Any]] = [*map(literal_column, absent), *key]
    return select(*values, literal_column("NULL::jsonb"), image)


def _place(table: Table) -> ColumnElement[str]:
    return table.c.network + literal_column("' '") + table.c.address


def statement() -> TextClause:
    """Return the statement of `of_transaction`; it binds `id` and `most`."""
    return named.query("queries/transaction_history")


@dataclass(slots=True)
class _Saving:
    """A save that is being put together, the newest change first."""

    xid: int
    at: datetime
    who: str
    by_role: bool
    after: dict[Key, Image] = field(default_factory=dict)
    before: dict[Key, Image] = field(default_factory=dict)

    def finished(self) -> Save:
        """Return it, without the rows that are as they were."""
        deeds = tuple(
            Deed(*key, self.before[key], after)
            for key, after in self.after.items()
            if _differ(self.before[key], after)
        )
        return Save(self.xid, self.at, self.who, self.by_role, deeds)


def _saves(told: Iterable[Row[Any]], now: Mapping[Key, Image]) -> list[Save]:
    """Return the saves that did something, the newest first."""
    images = dict(now)
    saving: dict[int, _Saving] = {}
    for row in told:
        key, xid = (row.relation, row.part), int(row.xid)
        one = saving.setdefault(xid, _Saving(xid, row.at, row.who, row.by_role))
        image = images.get(key)
        one.after.setdefault(key, image)
        one.before[key] = images[key] = _before(row, image)
    finished = (each.finished() for each in saving.values())
    return [save for save in finished if save.deeds]


def _before(row: Row[Any], image: Image) -> Image:
    """Return what a row was before a change, given what it was afterwards."""
    if row.op == "insert":
        return None
    return {**(image or {}), **row.before}


def _differ(before: Image, after: Image) -> bool:
    if before is None or after is None:
        return before is not after
    return any(before.get(each) != after.get(each) for each in after.keys() - BOOKKEEPING)
