"""The ways that a search can take, by number, and which two lists are the sparsest."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, case, true

from dal.entries import text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: A list so many times as sparse as the next one leads alone.
SPARSER = 15
#: A list that cannot be merged leads if it is so many times as sparse as two that can.
MERGED_BEFORE = 4
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
    """Return, as cases, which lists are the sparsest, and the way that follows.

    Args:
        spans: how far each list reaches.
        merging: which two of them can be merged.
    """
    able = {number for pair in merging for number in pair}
    rest = [number for number in range(len(spans)) if number not in able]
    if not able:
        return [(_farther(spans, one, rest), text(alone(one))) for one in rest]
    found: list[tuple[Any, Any]] = [
        (_farther(spans, one, range(len(spans)), MERGED_BEFORE), text(alone(one))) for one in rest
    ]
    for first, second in permutations(sorted(able), 2):
        others = able - {first, second}
        next_to = and_(spans[first] >= spans[second], _farther(spans, second, others))
        far = spans[first] > spans[second] * text(SPARSER)
        way = case((far, text(alone(first))), else_=text(both(first, second)))
        found.append((next_to, way))
    return found


def _farther(
    spans: Sequence[ColumnElement[Any]], one: int, others: Iterable[int], times: int = 1
) -> ColumnElement[bool]:
    """Return whether one list reaches so many times as far as each of the others."""
    than = (spans[other] * text(times) for other in others if other != one)
    return and_(true(), *(spans[one] >= each for each in than))
