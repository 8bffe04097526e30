"""Rows that an export repeats although they happened once.

An explorer's export of 2017 wrote the internal transfers of a transaction two or four times: all of
them and then all again, or, where its own paging cut them, each part so. Within a contiguous run of
one transaction such copies are told from real equal transfers by their order: the whole run is
made of blocks, each there equally often, and not all of a single row. Equal rows that only stand
side by side are taken as real.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from dal.importers.sheet import Row


def restarts(rows: Iterable[Row], tx_hash: Callable[[Sequence[str]], str]) -> frozenset[int]:
    """The lines at which a copy begins; holds one transaction's rows at a time."""
    sound = (row for row in rows if row.fault is None)
    found: set[int] = set()
    for _, run in groupby(sound, key=lambda row: tx_hash(row.cells)):
        numbers: dict[tuple[str, ...], int] = {}  # equal rows get equal numbers: quick to compare
        lines, items = [], []
        for row in run:
            lines.append(row.line)
            items.append(numbers.setdefault(tuple(row.cells), len(numbers)))
        if len(numbers) < len(items):
            found.update(lines[start] for start in copies(items))
    return frozenset(found)


def copies(items: list[int]) -> list[int]:
    """The places at which a repetition begins, none where the whole is not made of repetitions.

    >>> copies([0, 1, 2, 0, 1, 2, 0]), copies([0, 1, 0, 1, 2, 3, 4, 2, 3, 4])
    ([3, 6], [2, 7])
    >>> copies([0, 0, 0]), copies([0, 0, 1, 1]), copies([0, 1, 0])
    ([], [], [])
    """
    length = period(items)
    if length <= 1:
        return []
    if length <= len(items) // 2:  # one block; a last copy cut short counts, too
        return list(range(length, len(items), length))
    return _parts(items)


def _parts(items: list[int]) -> list[int]:
    starts: list[int] = []
    times = at = longest = 0
    while at < len(items):
        length = _repeated(items, at)
        begin, end, block = at, at + length, items[at : at + length]
        while length and items[end : end + length] == block:
            starts.append(end)
            end += length
        if not length or times not in (0, (end - begin) // length):
            return []
        at, times, longest = end, (end - begin) // length, max(longest, length)
    return starts if longest > 1 else []


def _repeated(items: list[int], at: int) -> int:
    """The length of the shortest block that stands at a place twice in a row, 0 where none does."""
    for length in range(1, (len(items) - at) // 2 + 1):
        middle = at + length
        if items[middle] == items[at] and items[at:middle] == items[middle : middle + length]:
            return length
    return 0


def period(items: Sequence[object]) -> int:
    """The length of the shortest block that, repeated and perhaps cut, gives the sequence.

    >>> period("abcabcab"), period("aaaa"), period("abc")
    (3, 1, 3)
    """
    borders = [0] * len(items)  # Knuth, Morris, Pratt: of each beginning, the longest border
    for end in range(1, len(items)):
        length = borders[end - 1]
        while length and items[end] != items[length]:
            length = borders[length - 1]
        borders[end] = length + (items[end] == items[length])
    return len(items) - borders[-1] if items else 0
