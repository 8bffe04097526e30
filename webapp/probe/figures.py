"""What is counted and measured."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from webapp.probe.samples import Sample


@dataclass(frozen=True, slots=True)
class Stale:
    """A stale answer."""

    sample: Sample
    due: int  # the marker that it should have shown
    late: int  # nanoseconds


@dataclass(frozen=True, slots=True)
class Spread:
    """How late the stale answers were, in milliseconds."""

    count: int = 0
    p50: float = 0
    p99: float = 0
    most: float = 0


@dataclass(frozen=True, slots=True)
class Lines:
    """How many connections ever saw an old value."""

    kept: int = 0
    kept_stale: int = 0
    fresh: int = 0
    fresh_stale: int = 0


@dataclass(frozen=True, slots=True)
class Worker:
    """One of those who answer."""

    header: str  # which tells them apart
    value: str
    old: float  # which share of its answers was


def percentile(ordered: Sequence[float], percent: int) -> float:
    """Return the value that so many percent do not exceed: one that was measured.

    >>> percentile([1, 2, 3, 4], 50), percentile([1, 2, 3, 4], 99)
    (2, 4)
    """
    return ordered[max(ceil(len(ordered) * percent / 100), 1) - 1]
