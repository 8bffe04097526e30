"""Hand-written SQL by name: the files below `sql/`, which psql runs as they stand."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import text

from dal.migrate import folder

if TYPE_CHECKING:
    from sqlalchemy import TextClause


@cache
def text_of(name: str) -> str:
    """Return the text of `sql/NAME.sql`."""
    return (folder("sql") / f"{name}.sql").read_text()


@cache
def query(name: str) -> TextClause:
    """Return the statement of `sql/NAME.sql`; its `:parameters` are bound by name."""
    return text(text_of(name))
