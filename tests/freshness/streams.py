"""The live stream: from token to token, every change must have been named.

stream   an event whose token first holds a write did not name its rows; or two pages differ in
         a row that no event between their tokens named
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from tests.freshness.history import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.freshness.history import Answer, Op
    from tests.freshness.snapshots import Snapshot

REMEMBERED = 3000


@dataclass(frozen=True, slots=True)
class Event:
    """One event: what changed since the one before it."""

    snapshot: Snapshot | None  # None where it carries no token
    changed: frozenset[int] = frozenset()
    placed: bool = False  # some row came, went or moved
    all: bool = False  # more than can be named, or all must be loaded anew


@dataclass(frozen=True, slots=True)
class Pair:
    """Two pages of one view by one client, and what differs between them."""

    old: Snapshot
    new: Snapshot
    changed: frozenset[int]
    placed: frozenset[int]  # rows that came or went

    @classmethod
    def of(cls, one: Answer, other: Answer) -> Pair | None:
        """Return what differs, where both pages have a token of one server's life."""
        if not (one.snapshot and other.snapshot and one.snapshot.comparable(other.snapshot)):
            return None
        before = {row.id: row for row in one.rows}
        after = {row.id: row for row in other.rows}
        stayed = before.keys() & after.keys()
        changed = frozenset(row for row in stayed if before[row] != after[row])
        return cls(one.snapshot, other.snapshot, changed, frozenset(before.keys() ^ after.keys()))


@dataclass
class Stream:
    """Folds what one client is told, and checks it against writes and pages."""

    start: Snapshot
    events: deque[tuple[Snapshot, Event]] = field(default_factory=deque)
    checked: int = 0  # writes and pairs that were held against it
    resets: int = 0
    _ops: deque[Op] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    _pairs: deque[Pair] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    _lock: Lock = field(default_factory=Lock)

    def wrote(self, op: Op) -> None:
        """Expect a write that is acknowledged."""
        with self._lock:
            self._ops.append(op)

    def read(self, pair: Pair | None) -> None:
        """Expect what differs between two pages."""
        if pair and (pair.changed or pair.placed):
            with self._lock:
                self._pairs.append(pair)

    def told(self, event: Event) -> list[Violation]:
        """Fold an event, and return what it should have told."""
        with self._lock:
            if event.snapshot is None or not event.snapshot.comparable(self.start):
                return []  # down, or another life of the server
            if event.all:
                self.resets += 1
            self.events.append((event.snapshot, event))
            found = [*self._judge_ops(event.snapshot), *self._judge_pairs(event.snapshot)]
            if len(self.events) > REMEMBERED:
                self.start = self.events.popleft()[0]
            return found

    def begins_anew(self, start: Snapshot) -> None:
        """Forget everything: what comes is of another life of the server."""
        with self._lock:
            self.start = start
            self.events.clear()
            self._ops.clear()
            self._pairs.clear()

    def _judge_ops(self, now: Snapshot) -> Iterator[Violation]:
        for _ in range(len(self._ops)):
            op = self._ops.popleft()
            if op.xid is None or self.start.includes(op.xid):
                continue
            if not now.includes(op.xid):
                self._ops.append(op)
                continue
            self.checked += 1
            event = next(each for token, each in self.events if token.includes(op.xid))
            missed = frozenset(op.rows) - event.changed
            if missed and not event.all:
                yield Violation("stream", f"{op.kind} of rows {sorted(missed)[:5]} is not told")

    def _judge_pairs(self, now: Snapshot) -> Iterator[Violation]:
        for _ in range(len(self._pairs)):
            pair = self._pairs.popleft()
            if not pair.old.dominates(self.start) or not pair.old.comparable(self.start):
                continue
            if not now.dominates(pair.new):
                self._pairs.append(pair)
                continue
            self.checked += 1
            between = list(self._between(pair))
            named = frozenset().union(*(event.changed for event in between))
            everything = any(event.all for event in between)
            placed = any(event.placed for event in between)
            missed = pair.changed - named | (frozenset() if placed else pair.placed - named)
            if missed and not everything:
                yield Violation("stream", f"rows {sorted(missed)[:5]} changed and are not named")

    def _between(self, pair: Pair) -> Iterator[Event]:
        """Return the events that tell of what happened between two pages."""
        told = self.start
        for token, event in self.events:
            if not pair.old.dominates(token) and not told.dominates(pair.new):
                yield event
            told = token
