"""A walk from page to page while rows come, go and move.

walk     a row that stayed what and where it was appears exactly once, and a row that crossed
         the reader's position since the page before is named
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tests.freshness.history import Violation
from tests.freshness.rules import SURELY, belongs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.freshness.history import Answer, Key, Life, View


def judge_walk(pages: Sequence[Answer]) -> list[Violation]:
    """Return what is wrong with all pages of one walk together; hold the lane's lock."""
    view, began, ended = pages[0].view, pages[0].invoked, pages[-1].ok
    times = Counter(row.id for page in pages for row in page.rows)
    return [
        Violation("walk", f"row {life.id} stayed where it was and came {times[life.id]} times")
        for life in view.lane.since(began)
        if times[life.id] != 1 and _stayed(life, view, began, ended)
    ]


def _stayed(life: Life, view: View, began: int, ended: int) -> bool:
    """Return whether a row was in the view, at one place, all the time."""
    low, high = life.window(began, ended)
    if belongs(life, view, low, high) != SURELY:
        return False
    return len({look.at for s in life.states[low : high + 1] if (look := s.look)}) == 1


def judge_step(before: Answer, after: Answer, *, names: bool) -> list[Violation]:
    """Return what is wrong with the rows that a page names as moved; hold the lane's lock.

    Args:
        before: the page that the cursor came from.
        after: the page at the cursor.
        names: whether rows that crossed must be named, or naming is not asked for.
    """
    position = after.above or after.below
    if position is None:
        return []
    found = list(_needless(before, after))
    if names and after.names_all:
        found += [
            Violation("walk", f"{after.kind}: row {life.id} moved past the reader and is not named")
            for life in after.view.lane.since(before.invoked)
            if life.id not in after.moved and _crossed(life, before, after, position)
        ]
    return found


def _needless(before: Answer, after: Answer) -> Iterator[Violation]:
    """Check that rows are named only if they may have moved."""
    for row in after.moved:
        life = after.view.lane.find(row)
        if life is None:
            continue
        low, high = life.window(before.invoked, after.ok)
        places = {state.look and state.look.at for state in life.states[max(low, 0) : high + 1]}
        if low >= 0 and len(places) == 1:
            yield Violation("walk", f"{after.kind}: row {row} is said to have moved; it did not")


def _crossed(life: Life, before: Answer, after: Answer, position: Key) -> bool:
    """Return whether a row surely moved past the position between two pages."""
    low, high = life.window(before.invoked, after.ok)
    if low < 0 or high != low + 1:
        return False
    old, new = life.states[low], life.states[high]
    if not (new.op.invoked > before.ok and new.op.acked < after.invoked):
        return False
    if not (after.view.fits(old.look) and after.view.fits(new.look)):
        return False
    assert old.look is not None
    assert new.look is not None
    unread = [_is_unread((look.at, life.id), after, position) for look in (old.look, new.look)]
    return unread[0] != unread[1]


def _is_unread(key: tuple[int, int], after: Answer, position: Key) -> bool:
    """Return whether a row lies where the reader is going; the row at the position was read."""
    return key > position if after.below else key < position
