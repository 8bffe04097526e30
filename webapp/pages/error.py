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
class Form:
    """A form as it was sent."""

    action: str
    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """`error.html`."""

    section: ClassVar[str] = ""
    title: str
    status: int
    field: str
    problem: str
    ways: tuple[Way, ...]
    again: Form | None  # what can be sent again as it was

    @classmethod
    def of(cls, refusal: Refusal, ways: tuple[Way, ...], again: Form | None = None) -> ErrorPage:
        """Return the page of a refusal."""
        status = refusal.status.value
        return cls(refusal.title, status, refusal.field, refusal.problem, ways, again)
