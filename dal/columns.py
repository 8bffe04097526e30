"""What the tables are made of: names by one convention, closed lists, columns that recur."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from sqlalchemy import Column, ForeignKey, Identity, Integer, MetaData, Text, func, text
from sqlalchemy.dialects.postgresql import ENUM
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.types import UserDefinedType

from dal.moments import Op
from dal.records import Colour, MovementKind, Outcome, Status, TransactionType

if TYPE_CHECKING:
    from collections.abc import Callable

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)


def _enum(name: str, words: object) -> ENUM:
    return ENUM(*get_args(words), name=name, metadata=metadata, create_type=False)


transaction_type = _enum("transaction_type", TransactionType)
transaction_status = _enum("transaction_status", Status)
movement_kind = _enum("movement_kind", MovementKind)
row_outcome = _enum("row_outcome", Outcome)
colour = _enum("colour", Colour)
change_op = _enum("change_op", Op)


class Xid(UserDefinedType[int]):
    """The 64-bit number of a transaction that wrote something.

    https://www.postgresql.org/docs/18/datatype-oid.html
    """

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        """Return its name in SQL."""
        return "xid8"

    def result_processor(self, *_: object) -> Callable[[str | None], int | None]:
        """Return what makes an int of the driver's text."""
        return lambda text: None if text is None else int(text)


class SnapshotText(UserDefinedType[str]):
    """Which transactions had ended at an instant, as PostgreSQL writes it: xmin:xmax:xip.

    https://www.postgresql.org/docs/18/functions-info.html#FUNCTIONS-PG-SNAPSHOT-PARTS
    """

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        """Return its name in SQL."""
        return "pg_snapshot"


ischema_names["xid8"] = Xid  # so that a schema's comparison knows it

NOW = func.now()
#: PostgreSQL sorts NaN above Infinity and equal to itself, so this also refuses NaN.
FINITE = "amount > '-Infinity' AND amount < 'Infinity'"

#: What Python's calendar holds in every time zone; a row beyond could never be shown.
CALENDAR = (
    "occurred_at >= '0002-01-01 00:00:00+00'::timestamptz"
    " AND occurred_at < '9999-01-01 00:00:00+00'::timestamptz"
)


def text_column(name: str, *, default: str | None = None) -> Column[str]:
    """Return a column of text that is never NULL."""
    return Column(name, Text, nullable=False, server_default=default)


def id_column(kind: type[Integer] = Integer) -> Column[int]:
    """Return the primary key that PostgreSQL counts up."""
    return Column("id", kind, Identity(always=False), primary_key=True)


def version_column() -> Column[int]:
    """Return the number that goes up with every edit."""
    return Column("version", Integer, nullable=False, server_default=text("1"))


def came_with() -> Column[int]:
    """Name the import that created the row; undoing the import takes it back if nobody uses it."""
    return Column("import_id", Integer, ForeignKey("imports.id", ondelete="SET NULL"))
