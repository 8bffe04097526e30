"""Labels as JSON, in a column that watches its value and in one that does not; ways to edit."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON
from sqlalchemy.ext.mutable import MutableList
from sqlalchemy.orm import DeclarativeBase, Mapped, attributes, mapped_column


class Own(DeclarativeBase):
    """Another mapping of the shop's table."""


class Plain(Own):
    """The labels as they are in the shop."""

    __tablename__ = "transaction"
    id: Mapped[int] = mapped_column(primary_key=True)
    note: Mapped[str]
    labels: Mapped[list[Any]] = mapped_column(JSON)


class OwnWatched(DeclarativeBase):
    """A third."""


class Watched(OwnWatched):
    """The labels in a list that tells its owner of changes."""

    __tablename__ = "transaction"
    id: Mapped[int] = mapped_column(primary_key=True)
    note: Mapped[str]
    labels: Mapped[list[Any]] = mapped_column(MutableList.as_mutable(JSON))


def appended(row: Any) -> None:
    """Add a label in place."""
    row.labels.append("tax")


def appended_with_note(row: Any) -> None:
    """Add a label in place, and change another column."""
    row.labels.append("tax")
    row.note = "taxed"


def deep(row: Any) -> None:
    """Change what stands within a label."""
    row.labels[0]["name"] = "tax"


def flagged(row: Any) -> None:
    """Add a label in place, and say so."""
    row.labels.append("tax")
    attributes.flag_modified(row, "labels")


def assigned(row: Any) -> None:
    """Assign a new list."""
    row.labels = [*row.labels, "tax"]
