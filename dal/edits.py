"""What all edits share: names that can be stored, versions that must still stand."""

from __future__ import annotations

import unicodedata
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from dal.errors import BadValue, Conflict, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Table

LONGEST_NAME = 100
LONGEST_NOTE = 10_000
UNIQUE_VIOLATION = "23505"


def name(field: str, text: str) -> str:
    """Return a name as it is stored: trimmed, on one line.

    Raises:
        BadValue: it is empty, longer than 100 characters, or holds what cannot be shown.

    >>> name("label", "  rent ")
    'rent'
    """
    text = unicodedata.normalize("NFC", text.strip())
    if not text:
        raise BadValue(field, "write a name")
    if len(text) > LONGEST_NAME:
        raise BadValue(field, f"{len(text):,} characters are too many; at most {LONGEST_NAME}")
    if any(unicodedata.category(letter) == "Cc" for letter in text):
        raise BadValue(field, "a name has no line breaks or other control characters")
    return text


def note(field: str, text: str) -> str:
    """Return a note as it is stored: trimmed, lines kept.

    Raises:
        BadValue: it is longer than 10,000 characters, or holds a NUL.
    """
    text = text.replace("\r\n", "\n").strip()
    if len(text) > LONGEST_NOTE:
        raise BadValue(field, f"{len(text):,} characters are too many; at most {LONGEST_NOTE:,}")
    if "\0" in text:
        raise BadValue(field, "a NUL character cannot be stored")
    return text


def edit(conn: Connection, table: Table, row_id: int, version: int, **values: Any) -> int:  # noqa: ANN401
    """Change one row that still is as it was read, and return its new version.

    Raises:
        NotFound: it is gone.
        Conflict: it was changed since `version`; nothing is overwritten.
    """
    changed = conn.execute(
        update(table)
        .where(table.c.id == row_id, table.c.version == version)
        .values(**values, version=table.c.version + 1)
        .returning(table.c.version)
    ).scalar()
    return check(conn, table, row_id, version) if changed is None else changed


def check(conn: Connection, table: Table, row_id: int, version: int) -> int:
    """Lock one row that still is as it was read, and return its version.

    Raises: as `edit`.
    """
    now = conn.execute(
        select(table.c.version).where(table.c.id == row_id).with_for_update(key_share=True)
    ).scalar()
    kind = table.name.removesuffix("s")
    if now is None:
        raise NotFound(kind, row_id)
    if now != version:
        raise Conflict(f"this {kind} was changed since you read it; look at it again")
    return now


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
