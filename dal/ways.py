"""The ways that a search can take, by number, and which two lists are the sparsest."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, case

from dal.entries import text

if TYPE_CHECKING:
    from collections.abc import Sequence

#: A list so many times as sparse as the next one leads alone.
SPARSER = 15
#: How a search with a set ends: with what was near, or with what the lists lead to; else a set.
NEARBY, LED = 0, 1


def alone(number: int) -> int:
    """Return the way of one list alone."""
    return 10 + number


def of_set(number: int) -> int:
    """Return the way of a set."""
    return 2 + number


def both(first: int, second: int) -> int:
    """Return the way of two lists merged."""
    return 100 + 10 * min(first, second) + max(first, second)


def sparsest(
    spans: Sequence[ColumnElement[Any]], merging: Sequence[tuple[int, int]]
) -> list[tuple[Any, Any]]:
    """Return, for each two lists, that they are the sparsest, and the way that follows."""
    found = []
    for first, second in permutations(range(len(spans)), 2):
        others = (spans[n] for n in range(len(spans)) if n not in {first, second})
        sparser = and_(spans[first] >= spans[second], *(spans[second] >= each for each in others))
        way: ColumnElement[int] = text(alone(first))
        if (min(first, second), max(first, second)) in merging:
            far = spans[first] > spans[second] * text(SPARSER)
            way = case((far, way), else_=text(both(first, second)))
        found.append((sparser, way))
    return found
