"""Constructs that hide a value from SQLAlchemy's cache of statements, and their honest twins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Integer, lambda_stmt, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from tests.staleness.shop import Transaction

if TYPE_CHECKING:
    from sqlalchemy import Connection


class Newest(FunctionElement[int]):
    """A construct of one's own that says it may be cached, though its value is not in the key."""

    inherit_cache = True
    type = Integer()

    def __init__(self, value: int) -> None:
        super().__init__()
        self.value = value


class Honest(Newest):
    """The same, which says that it may not."""

    inherit_cache = False


@compiles(Newest)
def _newest(element: Newest, _compiler: Any, **_: Any) -> str:
    return str(element.value)


def frozen(conn: Connection, nr: int) -> int:
    """Ask for a row by a lambda whose values are those of its first run."""
    statement = lambda_stmt(
        lambda: select(Transaction.id).where(Transaction.id == nr), track_bound_values=False
    )
    return int(conn.execute(statement).scalar_one())


def tracked(conn: Connection, nr: int) -> int:
    """Ask for a row by a lambda as it is by default (its own: they are kept by their code)."""
    statement = lambda_stmt(lambda: select(Transaction.id).where(Transaction.id == nr))
    return int(conn.execute(statement).scalar_one())
