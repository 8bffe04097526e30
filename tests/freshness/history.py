"""What was written and what was read: operations, the lives of rows, and answers.

Times are of one monotonic clock, in nanoseconds. A write's `invoked` is taken before its first byte
leaves and `acked` after its answer came, a read's likewise; so `acked < invoked` means that the
write was over, in truth, before the read began.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field, replace
from itertools import count
from threading import Lock, RLock
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.freshness.snapshots import Snapshot

FAR = 2**63  # a time that never comes
KEPT = 120 * 10**9  # nanoseconds for which states that are over are remembered
MANY = 48  # states of one row before the oldest are looked at

Outcome = Literal["running", "ok", "fail", "info"]
now = time.monotonic_ns


class Look(NamedTuple):
    """What a page shows of a row."""

    at: int  # microseconds since 1970
    type: str
    note: str
    amount: str = ""  # signed, all digits; "" where nothing moved
    fee: str = ""
    labels: frozenset[str] = frozenset()
    contact: str = ""


@dataclass(slots=True)
class Op:
    """One write: everything that one transaction did."""

    number: int
    kind: str
    invoked: int
    acked: int = FAR
    outcome: Outcome = "running"
    xid: int | None = None
    rows: tuple[int, ...] = ()

    def ended(self, outcome: Outcome) -> None:
        """Record its end; what nobody knows the end of may still happen."""
        if outcome != "info":
            self.acked = now()
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class State:
    """A row between two writes; no look means that it is gone."""

    op: Op
    look: Look | None
    version: int = 0  # 0: nobody has told


@dataclass(slots=True, eq=False)
class Life:
    """All that one row has been, in the order in which its only writer made it so."""

    id: int
    states: list[State]
    partner: int = 0  # the row whose amount is the opposite of this one's, always

    def window(self, invoked: int, ok: int) -> tuple[int, int]:
        """Return the oldest and newest state that a read may show; -1 is not being there yet."""
        states = self.states
        high = len(states) - 1
        while high >= 0 and states[high].op.invoked >= ok:
            high -= 1
        low = high
        while low >= 0 and states[low].op.acked >= invoked:
            low -= 1
        return low, high

    def narrowed(self, low: int, high: int, snapshot: Snapshot | None) -> tuple[int, int]:
        """Return the part of a window that a snapshot agrees with."""
        if snapshot is None:
            return low, high
        for place in range(high, low, -1):
            op = self.states[place].op
            if op.xid is None:
                continue
            if not snapshot.includes(op.xid):
                high = place - 1
            elif op.outcome == "ok":
                return place, high
        return low, high

    def forget(self) -> None:
        """Drop states that were over long ago."""
        if len(self.states) > MANY:
            since = now() - KEPT
            old = sum(state.op.acked < since for state in self.states[:-2])
            del self.states[:old]


@dataclass(eq=False)
class Lane:
    """The rows of one wallet. Hold its lock to read or change its lives."""

    name: str
    wallet: str
    lives: dict[int, Life] = field(default_factory=dict)
    buried: set[int] = field(default_factory=set)  # gone for so long that nobody may see them
    lock: RLock = field(default_factory=RLock)
    _gone: dict[int, Life] = field(default_factory=dict)
    _ends: deque[tuple[int, Life]] = field(default_factory=deque)

    def find(self, row: int) -> Life | None:
        """Return the life of a row, if it is not long over."""
        return self.lives.get(row) or self._gone.get(row)

    def since(self, moment: int) -> Iterator[Life]:
        """Return the lives that were not over at a moment."""
        yield from self.lives.values()
        for end, life in reversed(self._ends):
            if end < moment:
                return
            yield life

    def born(self, op: Op, row: int, look: Look, version: int, partner: int = 0) -> Life:
        """Add a row, before the COMMIT that makes it visible."""
        life = Life(row, [State(op, look, version)], partner)
        with self.lock:
            self.lives[row] = life
        return life

    def born_together(self, op: Op, looks: Sequence[tuple[int, Look, int]]) -> list[Life]:
        """Add rows that one transaction brought."""
        return [self.born(op, row, look, version) for row, look, version in looks]

    def becomes(self, life: Life, op: Op, look: Look | None, version: int = 0) -> None:
        """Add a state, before the write that may make it true is sent."""
        with self.lock:
            life.forget()
            life.states.append(State(op, look, version))

    def takes_back(self, life: Life, op: Op) -> None:
        """Remove the state of a write that certainly did not happen."""
        with self.lock:
            life.states[:] = [state for state in life.states if state.op is not op]
            if not life.states:
                self.lives.pop(life.id, None)

    def died(self, life: Life) -> None:
        """Settle what was unknown before a removal, and forget rows that are gone for long."""
        with self.lock:
            end = life.states[-1].op.acked
            life.states[:] = [
                replace(state, op=replace(state.op, acked=end)) if state.op.acked == FAR else state
                for state in life.states
            ]
            self.lives.pop(life.id, None)
            self._gone[life.id] = life
            self._ends.append((end, life))
            while self._ends[0][0] < now() - KEPT:
                old = self._ends.popleft()[1].id
                del self._gone[old]
                self.buried.add(old)


class Seen(NamedTuple):
    """A row as an answer showed it."""

    id: int
    version: int
    look: Look


class Key(NamedTuple):
    """A place in the order of the list: newest first, then the higher id."""

    at: int
    id: int


class View(NamedTuple):
    """What was asked for."""

    lane: Lane
    type: str = ""  # "" is every type

    def fits(self, look: Look | None) -> bool:
        """Return whether a row of such a look belongs to it."""
        return look is not None and (not self.type or look.type == self.type)


@dataclass(slots=True)
class Answer:
    """One answer of the product, as its client received it."""

    kind: str
    invoked: int
    ok: int
    view: View
    rows: list[Seen] = field(default_factory=list)
    count: int | None = None  # None where it said "more than"
    above: Key | None = None  # rows begin behind this place; None: at the first
    below: Key | None = None  # rows end ahead of this place; None: at the last
    before: bool = False  # whether rows lie ahead of the page
    after: bool = False  # whether rows lie behind the page
    whole: bool = True  # whether its rows are all between its ends (a count alone has none)
    net: str | None = None  # the sum of what moved
    moved: frozenset[int] = frozenset()  # rows it names as having crossed the reader's position
    names_all: bool = True  # whether it names all that did
    snapshot: Snapshot | None = None
    worker: str = ""
    walk_began: int = 0  # when the walk began that it is a part of; 0: of none


class Violation(NamedTuple):
    """What was promised and not kept."""

    rule: str
    text: str
    stale_ns: int = 0


class History:
    """Numbers of operations, and the values that nobody may ever see."""

    def __init__(self, run: str) -> None:
        self.run = run
        self.refused: dict[str, str] = {}  # note → the rule that its sight breaks
        self._numbers = count(1)
        self._lock = Lock()

    def op(self, kind: str) -> Op:
        """Begin an operation."""
        with self._lock:
            return Op(next(self._numbers), kind, now())

    def note(self, op: Op, mark: str = "") -> str:
        """Return the value by which an operation is known wherever it shows."""
        return f"fresh {self.run} {op.number}{mark}"

    def number(self, note: str) -> int:
        """Return the number of the operation that wrote a note; 0 for a stranger's."""
        words = note.split()
        digits = words[-1].rstrip("ir") if words else ""
        mine = note.startswith(f"fresh {self.run} ") and digits.isdigit()
        return int(digits) if mine else 0

    def forbid(self, note: str, rule: str) -> None:
        """Remember a value that must not be seen; the oldest are forgotten."""
        with self._lock:
            self.refused[note] = rule
            while len(self.refused) > 20_000:
                self.refused.pop(next(iter(self.refused)))
