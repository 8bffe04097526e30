"""Which list leads a search, and which one is read beside it, as one number."""

from __future__ import annotations

from itertools import combinations, permutations
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, case, true

from dal.entries import text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: A list so many times as sparse as the next one leads alone: it is cheaper to fetch what it names
#: than to read so much of the other.
SPARSER = 30
#: A list of several keys is led by one of a single key unless it is so many times as sparse: of the
#: list that leads the next entries are asked for, and each key may have them all.
SIMPLER = 4


def way(lead: int, partner: int) -> int:
    """Return the number of a way; a list beside itself is alone.

    >>> way(0, 2), way(1, 1)
    (2, 11)
    """
    return 10 * lead + partner


def chosen(spans: Sequence[ColumnElement[Any]], single: Sequence[bool]) -> ColumnElement[int]:
    """Return the way, in SQL.

    Args:
        spans: how far the next entries of each list reach, by number; NULL: it ends before.
        single: whether each list has one key.
    """
    ended = [span.is_(None) for span in spans]
    numbers = range(len(spans))
    two = [(and_(ended[a], ended[b]), text(way(a, b))) for a, b in combinations(numbers, 2)]
    one = [(ended[number], text(way(number, number))) for number in numbers]
    return case(*two, *one, *_sparsest(spans, single), else_=text(way(0, 0)))


def _sparsest(spans: Sequence[ColumnElement[Any]], single: Sequence[bool]) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    for first, second in permutations(range(len(spans)), 2):
        others = set(range(len(spans))) - {first, second}
        next_to = and_(spans[first] >= spans[second], _farther(spans, second, others))
        led = [(spans[first] > spans[second] * text(SPARSER), text(way(first, first)))]
        if single[second] and not single[first]:
            near = spans[first] < spans[second] * text(SIMPLER)
            led.append((near, text(way(second, first))))
        found.append((next_to, case(*led, else_=text(way(first, second)))))
    return found


def _farther(
    spans: Sequence[ColumnElement[Any]], one: int, others: Iterable[int]
) -> ColumnElement[bool]:
    """Return whether one list reaches as far as each of the others."""
    return and_(true(), *(spans[one] >= spans[other] for other in others))
