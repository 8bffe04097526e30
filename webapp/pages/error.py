"""The page of what went wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from webapp.errors import Refusal


@dataclass(frozen=True, slots=True)
class Way:
    """A link out of a dead end."""

    text: str
    href: str


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """`error.html`."""

    section: ClassVar[str] = ""
    title: str
    status: int
    field: str
    problem: str
    ways: tuple[Way, ...]

    @classmethod
    def of(cls, refusal: Refusal, ways: tuple[Way, ...]) -> ErrorPage:
        """Return the page of a refusal."""
        return cls(refusal.title, refusal.status.value, refusal.field, refusal.problem, ways)
