"""Edits of one row by two: merged where they touch different fields, refused where the same.

Whoever saves sends all fields of a form and the version that the form was made on. What the row was
at that version follows from the change log, walked back from what it is now: so a field that was
not touched is known from one that was, and nobody is asked about what they did not change.

    base   what the field was at the version of the edit
    mine   what the edit would store
    now    what is stored

    mine is base    not touched by this edit: stays as it is now
    mine is now     both mean the same
    now is base     touched by this edit only: stored
    else            contested
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Integer, Text, and_, cast, func, or_, select

from dal import tables
from dal.errors import Contested

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Select, Table

log = tables.changes


@dataclass(frozen=True, slots=True)
class Step:
    """One change of a row since the version that an edit was made on."""

    op: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    who: str
    by_role: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class Merger:
    """What becomes of an edit."""

    store: Mapping[str, Any]  # the columns to change; empty where all is as meant already
    keep: Mapping[str, Any]  # all columns of the edit, as whoever insists would store them
    contested: tuple[Contested, ...]


def steps(conn: Connection, table: Table, row_id: int, version: int) -> tuple[Step, ...]:
    """Return the changes of a row from that version on, the oldest first.

    Whoever asks holds the row's lock, so nothing can come after them.
    """
    rows = conn.execute(steps_statement(table, row_id, version))
    return tuple(Step(*row) for row in rows)


def steps_statement(table: Table, row_id: int, version: int) -> Select[Any]:
    """Return the statement of `steps`. Of one row, the order of the log is that of its changes."""
    known = cast(log.c.before["version"].astext, Integer) >= version
    raised = and_(log.c.op == "update", log.c.before.has_key("version"), known)
    return (
        select(
            cast(log.c.op, Text), log.c.before, log.c.after, log.c.who, by_role(), log.c.at,
        )
        .where(log.c.id == row_id, log.c.relation == table.name)
        .where(or_(raised, log.c.op == "delete"))
        .order_by(log.c.seq)
    )  # fmt: skip


def by_role() -> ColumnElement[bool]:
    """Return whether a change's author is a database role: no program said who it was for."""
    return func.to_regrole(func.quote_ident(log.c.who)).is_not(None)


def is_whole(found: Sequence[Step], version: int, now: int) -> bool:
    """Return whether the changes lead from one version to the other without a gap."""
    for step in found:
        if step.op != "update" or step.before["version"] != version:
            return False  # forgotten, or another row of the same id
        version = step.after["version"]
    return version == now


def merge(
    table: Table,
    mine: Mapping[str, Any],
    now: Mapping[str, Any],
    found: Sequence[Step],
    meant: Collection[str] = (),
) -> Merger:
    """Return what becomes of an edit.

    Args:
        table: where the row stands.
        mine: the columns that the edit would store.
        now: the row as it is stored.
        found: its changes since the edit's version, without a gap.
        meant: the columns that are meant even where they are what they were.
    """
    base = {**now}
    for step in reversed(found):
        base.update(step.before)
    untouched = {each for each in mine if each not in meant and same(mine[each], base[each])}
    store = {
        each: value
        for each, value in mine.items()
        if each not in untouched and not same(value, now[each])
    }
    contested = [each for each in store if not same(now[each], base[each])]
    return Merger(
        {each: value for each, value in store.items() if each not in contested},
        {**{each: now[each] for each in mine}, **store},
        tuple(_contested(table, each, mine[each], now[each], found) for each in contested),
    )


def unexplained(table: Table, mine: Mapping[str, Any], now: Mapping[str, Any]) -> Merger:
    """Return what becomes of an edit whose base nobody knows: all that differs is contested."""
    differing = [each for each, value in mine.items() if not same(value, now[each])]
    contested = tuple(_contested(table, each, mine[each], now[each], ()) for each in differing)
    return Merger({}, dict(mine), contested)


def _contested(
    table: Table, column: str, mine: object, theirs: object, found: Sequence[Step]
) -> Contested:
    last = next((step for step in reversed(found) if column in step.after), None)
    author = (last.who, last.by_role, last.at) if last else ("", False, None)
    return Contested(field_name(table, column), mine, theirs, *author)


def field_name(table: Table, column: str) -> str:
    """Return what a column is called to those who edit it.

    >>> field_name(tables.labels, "name"), field_name(tables.labels, "colour")
    ('label', 'colour')
    """
    if column == "name":
        return table.name.removesuffix("s")
    return column.removesuffix("_id")


def same(one: object, other: object) -> bool:
    r"""Return whether two values mean the same; blanks that no form keeps do not count.

    >>> same(" a\r\nb", "a\nb "), same(None, "")
    (True, False)
    """
    if isinstance(one, str) and isinstance(other, str):
        return _stored(one) == _stored(other)
    return one == other


def _stored(text: str) -> str:
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n")).strip()
