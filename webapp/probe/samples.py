"""What the probe has seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dal.foreign.marking import Mark

OK = 200
INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One answer, and which values it showed."""

    line: int  # which connection
    kept: bool  # whether that is one that is kept
    sent: int  # nanoseconds of the monotonic clock
    answered: int
    status: int = OK
    trouble: str = ""  # why there is no page
    shown: frozenset[int] = frozenset()  # 0: the first value; n: the n-th marker
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        """Return whether it is a page at all."""
        return self.status == OK and not self.trouble

    @property
    def top(self) -> int | None:
        """Return the newest value that it showed."""
        return max(self.shown, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One request to the other address."""

    due: int  # the marker that stood in the database
    sent: int
    answered: int
    status: int
    trouble: str = ""

    @property
    def taken(self) -> bool:
        """Return whether the application took it: it says so, or sends us on."""
        return 200 <= self.status < 400 and not self.trouble  # noqa: PLR2004 (of HTTP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A browser's question whether its copy, from before a change, is still right."""

    due: int
    status: int
    header: str  # what it asked with


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """All that was seen, in the order of time."""

    old: object
    telling: bool  # whether the old value can be recognised on a page
    marks: tuple[Mark, ...] = ()
    samples: tuple[Sample, ...] = ()
    posts: tuple[Post, ...] = ()
    asked: tuple[Asked, ...] = ()
    settled: frozenset[int] = frozenset()  # markers that came to be everywhere, without a POST
    unsettled: frozenset[int] = frozenset()  # and those that did not, in all the time that they had
    patience: float = 5.0  # seconds
    backend: str = ""
    other: str = ""  # the path of the other address, if there is one
    worker_header: str = ""
    ended: str = ""  # why it ended early, in words
    doubtful: str = ""  # why nothing can be concluded from the last round
