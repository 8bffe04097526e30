"""A page's statement on its shortest way: compiled once, handed to the driver, read as tuples.

SQLAlchemy's connection lends what is under it: its pool, its watchers, and its words for errors.
What it would add to every call (a context, a result, a row object for each tuple) costs as much as
a third of the page, and nothing of it is used.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import UserDefinedType

from dal import naming

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection, Select
    from sqlalchemy.engine import Compiled

DIALECT = postgresql.psycopg.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's own


def rows(
    conn: Connection, statement: Select[Any], parameters: Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    """Return the rows of a statement that is kept and asked again, its values bound by name.

    Raises: what `Connection.execute` does.
    """
    made = compiled(statement)
    bound = made.construct_params(dict(parameters))
    cursor = conn.connection.cursor(binary=True)
    told, watching = (conn, cursor, made.string, bound, None, False), conn.engine.dispatch
    watching.before_cursor_execute(*told)
    try:
        found: list[tuple[Any, ...]] = cursor.execute(made.string, bound).fetchall()
    except conn.dialect.loaded_dbapi.Error as error:
        raise _said(conn, error, made.string, bound) from error
    watching.after_cursor_execute(*told)
    return found


@lru_cache(maxsize=512)
def compiled(statement: Select[Any]) -> Compiled:
    """Return a statement's text with its parameters; by the statement's identity.

    Raises:
        TypeError: a column is of a type that only SQLAlchemy reads; let SQL cast it.
    """
    for column in statement.selected_columns:
        if isinstance(column.type, UserDefinedType):
            raise TypeError(f"{column!r} is of a type that the driver does not know")
    made = statement.compile(dialect=DIALECT)
    made.string = naming.marked(made.string, statement)
    return made


def _said(conn: Connection, error: Any, text: str, bound: Any) -> Exception:  # noqa: ANN401
    """Return an error as SQLAlchemy says it; a broken connection leaves the pool."""
    dialect = conn.dialect
    lost = dialect.is_disconnect(error, conn.connection, None)
    if lost:
        conn.invalidate(error)
    said: Exception = DBAPIError.instance(
        text,
        bound,
        error,
        dialect.loaded_dbapi.Error,
        connection_invalidated=lost,
        dialect=dialect,
    )
    return said
