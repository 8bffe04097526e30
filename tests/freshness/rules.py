"""What one answer may show, given what was written: pure functions from history to violations.

    stale         a write that was acknowledged before the request is missing
    future        a value, a row or a figure that nobody had written yet, or ever
    aborted       the value of a write that was rolled back or refused
    intermediate  a value that its own transaction overwrote before its end
    torn          parts of one answer are of different snapshots
    monotonic     an answer is older than one that the same client had before

A write whose end is unknown may have happened or not: it widens what is allowed and never narrows.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

from tests.freshness.history import Answer, Key, View, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.freshness.history import History, Lane, Life, Op, Seen
    from tests.freshness.snapshots import Snapshot

#: What every live row of a view is to an answer: surely in it, perhaps in it.
SURELY, PERHAPS = 2, 1


def judge(history: History, answer: Answer) -> list[Violation]:
    """Return what is wrong with an answer; hold its lane's lock."""
    lane = answer.view.lane
    found = list(_order(answer))
    seen = set()
    for row in answer.rows:
        seen.add(row.id)
        life = lane.find(row.id)
        if life is None:
            found.append(_stranger(history, lane, row))
        elif wrong := row_rule(history, life, row, answer):
            found.append(wrong)
    if answer.whole or answer.count is not None:
        found += _rest(answer, seen)
    if answer.net is not None and Decimal(answer.net) != 0:
        found.append(Violation("torn", f"transfers of {lane.name} sum to {answer.net}, not to 0"))
    return found + list(_partners(answer))


def _order(answer: Answer) -> Iterator[Violation]:
    """Check that rows come newest first, each once, and between the ends that were asked for."""
    keys = [Key(row.look.at, row.id) for row in answer.rows]
    if answer.above:
        keys.insert(0, answer.above)
    if answer.below:
        keys.append(answer.below)
    for one, other in pairwise(keys):
        if one <= other:
            yield Violation("walk", f"{answer.kind}: row {other.id} comes behind row {one.id}")


def _stranger(history: History, lane: Lane, row: Seen) -> Violation:
    """Return what is wrong with a row that should not exist."""
    rule = history.refused.get(row.look.note)
    if rule:
        return Violation(rule, f"row {row.id} shows {row.look.note!r}")
    if row.id in lane.buried:
        return Violation("stale", f"row {row.id} is shown though it was removed long ago")
    return Violation("future", f"row {row.id} ({row.look.note!r}) was never written")


def row_rule(history: History, life: Life, row: Seen, answer: Answer) -> Violation | None:
    """Return what is wrong with what is shown of one row."""
    low, high = life.window(answer.invoked, answer.ok)
    matching = [
        place
        for place, state in enumerate(life.states)
        if state.look == row.look and state.version in (0, row.version)
    ]
    if any(low <= place <= high for place in matching):
        return _by_token(life, matching, low, high, answer)
    what = f"{answer.kind}: row {row.id} shows {row.look.note!r} version {row.version}"
    if matching and matching[-1] < low:
        over = life.states[matching[-1] + 1].op
        late = answer.invoked - over.acked
        return Violation("stale", f"{what}, over by {over.kind} since {late / 1e6:.1f} ms", late)
    if matching:
        return Violation("future", f"{what} before it was written")
    return _unmatched(history, life, row, what)


def _unmatched(history: History, life: Life, row: Seen, what: str) -> Violation:
    """Return what is wrong with a row as it never was."""
    if rule := history.refused.get(row.look.note):
        return Violation(rule, what)
    number = history.number(row.look.note)
    if number and number < life.states[0].op.number:
        return Violation("stale", f"{what}, over for long")
    if any(state.look and state.look.note == row.look.note for state in life.states):
        return Violation("torn", f"{what} as {row.look}, but it never looked so")
    return Violation("future", f"{what}, which nobody wrote")


def _by_token(
    life: Life, matching: list[int], low: int, high: int, answer: Answer
) -> Violation | None:
    """Check a row that may be shown against the snapshot that the answer claims."""
    snapshot = answer.snapshot
    if snapshot is None:
        return None
    narrow = life.narrowed(low, high, snapshot)
    if not any(narrow[0] <= place <= narrow[1] for place in matching):
        return Violation("torn", f"{answer.kind}: row {life.id} is not of the answer's token")
    if low >= 0:
        op = life.states[low].op
        if op.outcome == "ok" and op.xid is not None and not snapshot.includes(op.xid):
            late = answer.invoked - op.acked
            text = f"{answer.kind}: the token lacks {op.kind}, over since {late / 1e6:.1f} ms"
            return Violation("torn", text, late)
    return None


# ── What is not shown ────────────────────────────────────────────────────────────────────────


def belongs(life: Life, view: View, low: int, high: int) -> int:
    """Return whether a row belongs to a view in all states of a window, in some, or in none."""
    if low == high:  # nearly always
        return SURELY if low >= 0 and view.fits(life.states[low].look) else 0
    fits = [view.fits(state.look) for state in life.states[max(low, 0) : high + 1]]
    if low >= 0 and all(fits):
        return SURELY
    return PERHAPS if any(fits) else 0


def _rest(answer: Answer, seen: set[int]) -> list[Violation]:
    """Check rows that are not shown, the count, and what is said to lie before and behind."""
    view, found = answer.view, []
    surely = perhaps = widely = wide_surely = 0
    behind = ahead = 0  # the most that can be said of rows beyond the page
    start, end = _ends(answer)
    for life in view.lane.since(answer.invoked):
        low, high = life.window(answer.invoked, answer.ok)
        wide = belongs(life, view, low, high)
        if not wide:
            continue
        widely += 1
        wide_surely += wide == SURELY
        narrow = life.narrowed(low, high, answer.snapshot) if wide == PERHAPS else (low, high)
        here = belongs(life, view, *narrow) if wide == PERHAPS else wide
        surely += here == SURELY
        perhaps += here > 0
        if not answer.whole or not here:
            continue
        keys = _keys(life, view, *narrow)
        behind = max(behind, _beyond(here, [key <= end for key in keys]) if end else 0)
        ahead = max(ahead, _beyond(here, [key >= start for key in keys]) if start else 0)
        if (
            life.id not in seen
            and here == SURELY
            and all((start is None or key < start) and (end is None or key > end) for key in keys)
        ):
            torn = wide == PERHAPS and not _is_behind(answer.snapshot, life.states[narrow[0]].op)
            found.append(_missing(life, answer, low, torn=torn))
    if answer.count is not None:
        found += _count(answer, (wide_surely, surely, perhaps, widely))
    if answer.whole:
        found += _neighbours(answer, behind, ahead)
    return found


def _keys(life: Life, view: View, low: int, high: int) -> list[Key]:
    """Return the places that a row may have in a view."""
    looks = [state.look for state in life.states[max(low, 0) : high + 1]]
    return [Key(look.at, life.id) for look in looks if look is not None and view.fits(look)]


def _ends(answer: Answer) -> tuple[Key | None, Key | None]:
    """Return the places between which an answer shows everything; None is without an end."""
    keys = [Key(row.look.at, row.id) for row in answer.rows]
    start = answer.above
    if answer.below and answer.before:
        start = Key(keys[0].at, keys[0].id + 1) if keys else answer.below
    end = answer.below
    if not answer.below and answer.after:
        end = Key(keys[-1].at, keys[-1].id - 1) if keys else answer.above
    return start, end


def _beyond(here: int, places: list[bool]) -> int:
    """Return how surely a row lies beyond an end."""
    if here == SURELY and all(places):
        return SURELY
    return PERHAPS if any(places) else 0


def absent(life: Life, answer: Answer) -> Violation | None:
    """Return what is wrong with the answer that there is no such row; hold its lane's lock."""
    low, high = life.window(answer.invoked, answer.ok)
    if belongs(life, answer.view, low, high) == SURELY:
        return _missing(life, answer, low, torn=False)
    return None


def _is_behind(snapshot: Snapshot | None, op: Op) -> bool:
    """Return whether a token lacks what was over before: its whole answer is of the past."""
    return bool(snapshot and op.outcome == "ok" and op.xid and not snapshot.includes(op.xid))


def _missing(life: Life, answer: Answer, low: int, *, torn: bool) -> Violation:
    text = f"{answer.kind}: row {life.id} is missing"
    if torn:
        return Violation("torn", f"{text} from the answer's token")
    op = life.states[low].op
    if op.acked < answer.walk_began:
        return Violation("walk", f"{text}, and nobody touched it since the walk began")
    late = answer.invoked - op.acked
    return Violation("stale", f"{text}, there by {op.kind} since {late / 1e6:.1f} ms", late)


def _count(answer: Answer, limits: tuple[int, int, int, int]) -> Iterator[Violation]:
    """Check a count against the rows beside it and against what may be there."""
    count, shown = answer.count, len(answer.rows)
    least, surely, perhaps, most = limits
    what = f"{answer.kind} of {answer.view.lane.name} {answer.view.type} counts {count}"
    if count is None:
        return
    alone = answer.whole and not (answer.before or answer.after or answer.above or answer.below)
    if (alone and count != shown) or (answer.whole and count < shown):
        yield Violation("torn", f"{what} beside {shown} rows")
    elif not least <= count <= most:
        yield Violation("stale", f"{what}, between {least} and {most} are there")
    elif not surely <= count <= perhaps:
        yield Violation("torn", f"{what}, between {surely} and {perhaps} at its token")


def _neighbours(answer: Answer, behind: int, ahead: int) -> Iterator[Violation]:
    """Check what is said of the rows that lie before and behind a page."""
    if not answer.rows:
        return
    for words, said, known in (("behind", answer.after, behind), ("before", answer.before, ahead)):
        if said and not known:
            yield Violation("torn", f"{answer.kind}: rows are said to lie {words} it; none do")
        if known == SURELY and not said:
            yield Violation("torn", f"{answer.kind}: no rows are said to lie {words} it; one does")


def _partners(answer: Answer) -> Iterator[Violation]:
    """Check that rows of one transfer are both as before it, or both as behind it."""
    amounts = {row.id: row.look.amount for row in answer.rows}
    for row in answer.rows:
        life = answer.view.lane.find(row.id)
        if life is None or not life.partner or life.partner not in amounts:
            continue
        other = amounts[life.partner]
        if Decimal(row.look.amount or 0) + Decimal(other or 0) != 0:
            text = f"{answer.kind}: {row.look.amount} and {other} are no transfer"
            yield Violation("torn", text)


# ── One client ───────────────────────────────────────────────────────────────────────────────


class Memory:
    """What one client has seen, which it may never see older again."""

    def __init__(self) -> None:
        self._last: Answer | None = None
        self._rows: dict[int, tuple[int, int]] = {}  # id → number of the write, version

    def judge(self, answer: Answer) -> list[Violation]:
        """Return where an answer goes back behind earlier ones; hold its lane's lock."""
        found = list(self._token(answer))
        for row in answer.rows:
            life = answer.view.lane.find(row.id)
            numbers = [s.op.number for s in life.states if s.look == row.look] if life else []
            number, version = self._rows.get(row.id, (0, 0))
            if row.version and row.version < version:
                text = f"{answer.kind}: row {row.id} falls from version {version} to {row.version}"
                found.append(Violation("monotonic", text))
            elif numbers and max(numbers) < number:
                text = f"{answer.kind}: row {row.id} goes back to write {max(numbers)}"
                found.append(Violation("monotonic", text))
            if len(numbers) == 1 or (numbers and number < min(numbers)):
                number = max(number, min(numbers))
            self._rows[row.id] = number, max(row.version, version)
        if len(self._rows) > 10_000:
            self._rows.clear()
        return found

    def _token(self, answer: Answer) -> Iterator[Violation]:
        if answer.snapshot is None:
            return
        last = self._last.snapshot if self._last else None
        if last and last.comparable(answer.snapshot) and not answer.snapshot.dominates(last):
            yield Violation("monotonic", f"{answer.kind}: its token is older than the one before")
        self._last = answer
