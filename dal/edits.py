"""What all edits share: names that can be stored, versions that must still stand."""

from __future__ import annotations

import unicodedata
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

from sqlalchemy import BigInteger, false, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError

from dal import merging
from dal.errors import BadValue, Conflict, NotFound
from dal.merging import Merger

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

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


def edit(
    conn: Connection,
    table: Table,
    row_id: int,
    version: int,
    meant: Collection[str] = (),
    **values: Any,  # noqa: ANN401 (of any column)
) -> int:
    """Change one row, and return its new version.

    One statement where the row still is as it was read. Where somebody was faster, what they
    changed and what this edit changes are merged, field by field (see `merging`).

    Args:
        conn: a write block's.
        table: where the row stands.
        row_id: its id.
        version: of the row as it was read.
        meant: the columns that are meant even where they are what they were.
        **values: the columns; those that are what they were at that version are not touched.

    Raises:
        NotFound: it is gone.
        Conflict: a field was changed to another value since `version`; nothing is overwritten.
    """
    if is_possible(version, table.c.version.type):
        as_read = is_row(table, row_id), table.c.version == version
        changed = _store(conn, table, as_read, values)
        if changed is not None:
            return changed
    return _merge(conn, table, (row_id, version), values, meant)


def _store(
    conn: Connection, table: Table, which: Sequence[ColumnElement[bool]], values: Mapping[str, Any]
) -> int | None:
    changed = update(table).where(*which).values(**values, version=table.c.version + 1)
    return conn.execute(changed.returning(table.c.version)).scalar()


def _merge(
    conn: Connection,
    table: Table,
    read: tuple[int, int],
    values: Mapping[str, Any],
    meant: Collection[str],
) -> int:
    """Edit a row that is not as it was read: lock it, then look what happened to it."""
    row_id, version = read
    now = _locked(conn, table, row_id, [table.c[each] for each in values])
    explained = False
    if is_possible(version, table.c.version.type):
        steps = merging.steps(conn, table, row_id, version)
        explained = merging.is_whole(steps, version, now["version"])
    if not explained:
        _refuse(table, now, merging.unexplained(table, values, now))
    found = merging.merge(table, values, now, steps, meant)
    if found.contested:
        _refuse(table, now, found)
    if values and not found.store:
        return int(now["version"])  # all is as meant already
    return _store(conn, table, [is_row(table, row_id)], found.store) or 0


def _locked(
    conn: Connection, table: Table, row_id: int, columns: Sequence[ColumnElement[Any]]
) -> Mapping[str, Any]:
    """Return columns of a row that nobody else can change until the block ends."""
    asked = select(table.c.version, *columns).where(is_row(table, row_id))
    row = conn.execute(asked.with_for_update(key_share=True)).mappings().first()
    if row is None:
        raise NotFound(table.name.removesuffix("s"), row_id)
    return dict(row)


def _refuse(table: Table, now: Mapping[str, Any], found: Merger) -> NoReturn:
    kind = table.name.removesuffix("s")
    fields = [each.field for each in found.contested if each.who]
    words = " and ".join("name" if field == kind else field for field in fields)
    what = f"the {words} of this {kind}" if words else f"this {kind}"
    keep = {merging.field_name(table, column): value for column, value in found.keep.items()}
    problem = f"{what} was changed since you read it; look at it again"
    raise Conflict(problem, found.contested, now["version"], keep)


def check(conn: Connection, table: Table, row_id: int, version: int) -> int:
    """Lock one row that still is as it was read, and return its version.

    Raises:
        NotFound: it is gone.
        Conflict: it was changed since `version`, in whatever field.
    """
    now = _locked(conn, table, row_id, [])
    if now["version"] != version:
        _refuse(table, now, Merger({}, {}, ()))
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
