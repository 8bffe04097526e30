"""What all edits share: names that can be stored, versions that must still stand."""

from __future__ import annotations

import unicodedata
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, false, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError

from dal.errors import BadValue, Conflict, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import ColumnElement, Connection, Row, Table
    from sqlalchemy.types import TypeEngine

LONGEST_NAME = 100
LONGEST_NOTE = 10_000
UNIQUE_VIOLATION = "23505"
#: Unicode's categories of control characters, line ends and halves of surrogate pairs.
UNSEEN = ("Cc", "Cs", "Zl", "Zp")


def name(field: str, text: str) -> str:
    """Return a name as it is stored: trimmed, on one line.

    Raises:
        BadValue: it is empty, longer than 100 characters, or holds what cannot be shown.

    >>> name("label", "  rent ")
    'rent'
    """
    text = unicodedata.normalize("NFC", text).strip()
    if not text:
        raise BadValue(field, "write a name")
    if len(text) > LONGEST_NAME:
        raise BadValue(field, f"{len(text):,} characters are too many; at most {LONGEST_NAME}")
    if any(unicodedata.category(letter) in UNSEEN for letter in text):
        raise BadValue(field, "a name has no line breaks or other control characters")
    return text


def note(field: str, text: str) -> str:
    """Return a note as it is stored: trimmed, lines kept.

    Raises:
        BadValue: it is longer than 10,000 characters, or holds what is no character.
    """
    text = text.replace("\r\n", "\n").strip()
    if len(text) > LONGEST_NOTE:
        raise BadValue(field, f"{len(text):,} characters are too many; at most {LONGEST_NOTE:,}")
    if "\0" in text or text != text.encode(errors="replace").decode():
        raise BadValue(field, "it holds what is no character and cannot be stored; type it again")
    return text


def edit(conn: Connection, table: Table, row_id: int, version: int, **values: Any) -> int:  # noqa: ANN401 (of any column)
    """Change one row that still is as it was read, and return its new version.

    Raises:
        NotFound: it is gone.
        Conflict: it was changed since `version`; nothing is overwritten.
    """
    possible = is_possible(version, table.c.version.type)
    changed = conn.execute(
        update(table)
        .where(is_row(table, row_id), table.c.version == version if possible else false())
        .values(**values, version=table.c.version + 1)
        .returning(table.c.version)
    ).scalar()
    return check(conn, table, row_id, version) if changed is None else int(changed)


def check(conn: Connection, table: Table, row_id: int, version: int) -> int:
    """Lock one row that still is as it was read, and return its version.

    Raises: as `edit`.
    """
    now = conn.execute(
        select(table.c.version).where(is_row(table, row_id)).with_for_update(key_share=True)
    ).scalar()
    kind = table.name.removesuffix("s")
    if now is None:
        raise NotFound(kind, row_id)
    if now != version:
        raise Conflict(f"this {kind} was changed since you read it; look at it again")
    return version


def is_row(table: Table, row_id: int) -> ColumnElement[bool]:
    """Return the condition of being that row; an id that the column cannot hold is none."""
    return table.c.id == row_id if is_possible(row_id, table.c.id.type) else false()


def is_possible(row_id: int, kind: TypeEngine[Any]) -> bool:
    """Return whether a column of that type can hold the id."""
    return 0 < row_id < (2**63 if isinstance(kind, BigInteger) else 2**31)


def named(conn: Connection, table: Table, **values: str) -> tuple[Row[Any, Any, Any], bool]:
    """Return id, name and version of the row of that name in any case, and whether it is new.

    Of two who ask for a new name at once, the second waits and gets the first one's.
    """
    new = upsert(table).values(values).on_conflict_do_nothing().returning(table.c.id)
    created = conn.execute(new).first() is not None
    same = func.lower(table.c.name) == func.lower(literal(values["name"]))
    row = conn.execute(select(table.c.id, table.c.name, table.c.version).where(same)).one()
    return row, created


@contextmanager
def unique(what: str) -> Iterator[None]:
    """Turn the database's refusal of a second one into a sentence.

    Raises:
        Conflict: there is one already; the block's transaction must end.
    """
    try:
        yield
    except IntegrityError as error:
        if getattr(error.orig, "sqlstate", None) == UNIQUE_VIOLATION:
            raise Conflict(f"there is {what} already") from error
        raise
