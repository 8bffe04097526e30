"""Where somebody else's value is: a column of one row, or whatever two statements reach.

Values are read and written as the driver has them, past SQLAlchemy's types, so that what goes back
is exactly what was there.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, and_, bindparam, column, inspect, select, table, text, update
from sqlalchemy.exc import SAWarning
from sqlalchemy.types import NullType

from dal.errors import BadInput
from dal.foreign import markers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from random import Random

    from sqlalchemy import ColumnElement, Connection, Executable, Inspector

    from dal.foreign.markers import Value

    Bind = Callable[[Any], ColumnElement[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A column of one row."""

    table: str  # may name its schema: "sales.books"
    keys: tuple[tuple[str, str], ...]  # columns and values that find the row
    column: str

    @property
    def row(self) -> str:
        """Return in words which row it is."""
        return " AND ".join(f"{key} = {value}" for key, value in self.keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What a statement writes, given a :value."""

    sql: str
    old_sql: str = ""  # a SELECT of the one value that `sql` writes
    old: str | None = None  # that value, where no SELECT is given


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How one value is read, written, and made up."""

    old: Any  # as the driver has it
    read: Executable | None  # one row of one column; None where nothing can be read
    write: Callable[[object, Bind], Executable]
    marker: Callable[[Random], Value]

    @property
    def lock(self) -> Executable | None:
        """Return the reading that keeps others from writing until the transaction ends."""
        return self.read.with_for_update() if isinstance(self.read, Select) else self.read


def as_it_is(value: object) -> ColumnElement[Any]:
    """Bind a value as the driver has it: the database knows what type its column has."""
    return bindparam(None, value, NullType(), unique=True)


def planned(conn: Connection, change: Spot | Statement) -> Plan:
    """Return how a change is made, after a look at the database.

    Raises:
        BadInput: there is no such table, column or row, or it cannot be marked; names which.
    """
    return _of_row(conn, change) if isinstance(change, Spot) else _of_text(conn, change)


# ── A column of one row ──────────────────────────────────────────────────────────────────────


def _of_row(conn: Connection, spot: Spot) -> Plan:
    schema, _, name = spot.table.rpartition(".")
    looked = inspect(conn)
    kind = _kind(looked, name, schema or None, spot)
    there = table(name, *map(column, {*dict(spot.keys), spot.column}), schema=schema or None)

    def row(bind: Bind) -> ColumnElement[bool]:
        return and_(*(there.c[key] == bind(value) for key, value in spot.keys))

    def write(value: object, bind: Bind) -> Executable:
        return update(there).where(row(bind)).values({spot.column: bind(value)})

    read = select(there.c[spot.column]).where(row(as_it_is))
    found = conn.execute(read).fetchmany(2)
    if len(found) != 1:
        which = "no row" if not found else "more than one row"
        primary = looked.get_pk_constraint(name, schema or None)["constrained_columns"]
        cure = f"name the row by its primary key, {_keys(primary)}"
        raise BadInput("key", f"{spot.table} has {which} where {spot.row}; {cure}")
    old = found[0][0]
    untyped = isinstance(kind, NullType)  # as SQLite allows
    marker = partial(markers.like, old) if untyped else partial(markers.marker, kind)
    return Plan(old=old, read=read, write=write, marker=marker)


def _kind(looked: Inspector, name: str, schema: str | None, spot: Spot) -> Any:  # noqa: ANN401 (of any column)
    """Return the column's type, of a table that is as it was given."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)  # of other columns' types
        if not looked.has_table(name, schema):
            raise _absent("table", spot.table, looked.get_table_names(schema))
        columns = {each["name"]: each for each in looked.get_columns(name, schema)}
        references = looked.get_foreign_keys(name, schema)
        primary = looked.get_pk_constraint(name, schema)["constrained_columns"]
    if not spot.keys:
        raise BadInput("key", f"say which row of {spot.table}: {_keys(primary)}")
    for key, _ in spot.keys:
        if key not in columns:
            raise _absent("key", key, columns)
    if spot.column not in columns:
        raise _absent("column", spot.column, columns)
    _check(columns[spot.column], [*primary, *dict(spot.keys)], references)
    return getattr(columns[spot.column]["type"], "data_type", columns[spot.column]["type"])


def _keys(primary: Sequence[str]) -> str:
    return " ".join(f"--key {key}=…" for key in primary or ["id"])


def _check(
    found: Mapping[str, Any], finding: Sequence[str], references: Sequence[Mapping[str, Any]]
) -> None:
    """Refuse a column whose values are not free to be chosen."""
    name, why = found["name"], ""
    if name in finding:
        why = "it finds the row, which would be another one"
    elif any(name in each["constrained_columns"] for each in references):
        why = "it refers to another table (a foreign key)"
    elif found.get("computed") or (found.get("identity") or {}).get("always"):
        why = "the database computes it"
    if why:
        cure = "choose a column of free text or numbers that the page shows"
        raise BadInput("column", f"{name} cannot be marked: {why}; {cure}")


def _absent(field: str, name: str, present: Iterable[str]) -> BadInput:
    """Return what to say of a name that is not there: what is meant, perhaps."""
    known = sorted(present)
    meant = get_close_matches(name, known, n=1) or get_close_matches(name.lower(), known, n=1)
    kind = "table" if field == "table" else "column"
    hint = f"did you mean {meant[0]}?" if meant else f"there are: {', '.join(known[:20]) or 'none'}"
    return BadInput(field, f"there is no {kind} {name}; {hint}")


# ── Two statements ───────────────────────────────────────────────────────────────────────────


def _of_text(conn: Connection, change: Statement) -> Plan:
    named = set(text(change.sql).compile().params)
    if named != {"value"}:
        others = ", ".join(f":{each}" for each in sorted(named - {"value"}))
        hint = (
            f" (besides it there is {others}; a colon that is none is written \\:)"
            if others
            else ""
        )
        raise BadInput("sql", f"write :value where the new value goes{hint}")
    read = text(change.old_sql) if change.old_sql else None
    old = _old(conn, change)

    def write(value: object, bind: Bind) -> Executable:
        bound = bindparam("value", value, bind(value).type)
        return text(change.sql).bindparams(bound)

    return Plan(old=old, read=read, write=write, marker=partial(markers.like, old))


def _old(conn: Connection, change: Statement) -> Any:  # noqa: ANN401 (whatever stands there)
    if not change.old_sql:
        return change.old
    found = conn.execute(text(change.old_sql))
    rows = found.fetchmany(2) if found.returns_rows else []
    if len(rows) != 1 or len(rows[0]) != 1:
        raise BadInput("old-sql", "this must be a SELECT of one value: one row, one column")
    return rows[0][0]
