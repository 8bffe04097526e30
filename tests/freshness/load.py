"""A load: writers and readers at work on one application, and what came of it."""

from __future__ import annotations

import random
import time
from collections import Counter, deque
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from threading import Event as Signal, Lock, Thread
from typing import TYPE_CHECKING, Protocol

from tests.freshness import ground as corner
from tests.freshness.clients import Client
from tests.freshness.events import Listener
from tests.freshness.history import History, Violation
from tests.freshness.readers import Reader
from tests.freshness.special_writers import BulkWriter, LongWriter, PairWriter
from tests.freshness.strollers import Stroller
from tests.freshness.web_writers import WebWriter
from tests.freshness.writers import SqlWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.freshness.clients import Reply
    from tests.freshness.ground import Ground
    from tests.freshness.history import Answer, Lane, Life, Op
    from tests.freshness.streams import Stream

DEAF = 200  # connections broken off, and not one answer
SHOWN = 25  # violations of each rule of which the words are kept


class Worker(Protocol):
    """Whoever does one thing after the other."""

    def step(self) -> None: ...

    def close(self) -> None: ...


@dataclass
class Plan:
    """How heavy a load is, and when it is enough."""

    reads: int = 1000
    seconds: float = 3600.0  # at most
    first: bool = False  # the first violation ends it
    readers: int = 6
    sql: int = 2
    web: int = 2
    pace: float = 0.04  # seconds between two writes of one writer
    bulk: float = 2.0  # seconds between an import of a thousand rows and their removal
    longest: float = 10.0  # of a long transaction
    seed: int = 7
    names_moved: bool = True
    wanted: frozenset[tuple[str, str]] = frozenset()  # writes and outcomes that reads wait for


@dataclass
class Load:
    """One run against one application: what everybody shares, and the tally."""

    url: str
    ground: Ground
    history: History
    plan: Plan
    stream: Stream | None = None
    abandoned: deque[tuple[Lane, Sequence[Life]]] = field(default_factory=deque)
    reads: Counter[str] = field(default_factory=Counter)
    ops: Counter[tuple[str, str]] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    workers: Counter[str] = field(default_factory=Counter)
    last_worker: str = ""
    strikes: int = 0  # of the fault
    refusals: int = 0
    breaks: int = 0
    troubles: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    violations: list[Violation] = field(default_factory=list)
    worst_ns: int = 0
    began: float = field(default_factory=time.monotonic)
    first_at: float | None = None
    _done: Signal = field(default_factory=Signal)
    _lock: Lock = field(default_factory=Lock)

    # ── What workers tell ────────────────────────────────────────────────────────────────────

    @property
    def names_moved(self) -> bool:
        """Return whether rows that crossed a reader must be named."""
        return self.plan.names_moved

    def op(self, kind: str) -> Op:
        """Begin a write."""
        return self.history.op(kind)

    def ended(self, op: Op, outcome: str) -> None:
        """Record the end of a write; the stream must tell of it if it happened."""
        assert outcome in ("ok", "fail", "info")
        op.ended(outcome)  # type: ignore[arg-type]  # narrowed by the line before
        with self._lock:
            self.ops[op.kind, outcome] += 1
        if outcome == "ok" and self.stream and op.xid and op.rows:
            self.stream.wrote(op)

    def read(self, answer: Answer, found: list[Violation]) -> None:
        """Record an answer that was judged."""
        with self._lock:
            self.reads[answer.kind] += 1
        self.found(found)
        if self.reads.total() >= self.plan.reads and self.plan.wanted <= self.ops.keys():
            self._done.set()

    def told(self, kind: str, found: list[Violation]) -> None:
        """Record an event of the stream."""
        with self._lock:
            self.events[kind] += 1
        self.found(found)

    def met(self, reply: Reply) -> None:
        """Record who answered."""
        with self._lock:
            self.workers[reply.worker] += 1
            self.last_worker = reply.worker

    def refused(self) -> None:
        """Record a 503: honest, and no answer."""
        with self._lock:
            self.refusals += 1

    def broke_off(self, times: int) -> None:
        """Record connections that ended before an answer came."""
        with self._lock:
            self.breaks += times
            deaf = self.breaks > DEAF and not self.reads
        if deaf and not self.over():
            self._done.set()
            self.found([Violation("error", f"nobody answers at {self.url}")])

    def trouble(self, error: Exception) -> None:
        """Record why a writer lost its connection, and wait a moment."""
        with self._lock:
            self.troubles[type(error).__name__] += 1
        self.pause(0.05)

    def found(self, violations: list[Violation]) -> None:
        """Record violations."""
        if not violations:
            return
        with self._lock:
            for violation in violations:
                self.rules[violation.rule] += 1
                self.worst_ns = max(self.worst_ns, violation.stale_ns)
                if self.rules[violation.rule] <= SHOWN:
                    self.violations.append(violation)
            self.first_at = self.first_at or time.monotonic() - self.began
        if self.plan.first:
            self._done.set()

    # ── Time ─────────────────────────────────────────────────────────────────────────────────

    def pause(self, seconds: float) -> None:
        """Wait, unless the load ends."""
        self._done.wait(seconds)

    def over(self) -> bool:
        """Return whether it is enough."""
        return self._done.is_set()

    def run(self, meanwhile: Callable[[], None] | None = None) -> None:
        """Put everybody to work until it is enough.

        Args:
            meanwhile: called again and again beside them; it should pause.
        """
        self.began = time.monotonic()
        threads = [Thread(target=self._work, args=each, daemon=True) for each in self._crew()]
        for thread in threads:
            thread.start()
        try:
            while not self.over() and time.monotonic() - self.began < self.plan.seconds:
                if meanwhile:
                    meanwhile()
                else:
                    self.pause(0.05)
        finally:
            self._done.set()
            for thread in threads:
                thread.join(60)

    def forget(self) -> None:
        """Keep the tally alone."""
        self.ground.lanes.clear()
        self.history.refused.clear()
        self.abandoned.clear()
        if self.stream:
            self.stream.events.clear()

    def _crew(self) -> Iterator[tuple[Worker, float]]:
        plan = self.plan
        seeds = random.Random(plan.seed)

        def dice() -> random.Random:
            return random.Random(seeds.random())

        def reader() -> Reader:
            return Reader(self, dice(), Client(self.url))

        yield PairWriter(self, dice()), plan.pace * 2
        for _ in range(plan.sql):
            yield SqlWriter(self, dice()), plan.pace
        for _ in range(plan.web):
            yield WebWriter(self, dice(), reader()), plan.pace
        yield BulkWriter(self, dice()), plan.bulk
        long = LongWriter(self, dice())
        long.longest = plan.longest
        yield long, plan.pace * 5
        yield Undertaker(self, dice()), 0.2
        yield Listener(self, dice()), 0
        yield Stroller(self, dice(), reader()), plan.pace
        for _ in range(plan.readers):
            yield reader(), 0

    def _work(self, worker: Worker, pace: float) -> None:
        try:
            while not self.over():
                worker.step()
                if pace:
                    self.pause(pace)
        except Exception as error:
            self.found([Violation("error", f"{type(worker).__name__}: {error!r}")])
            raise
        finally:
            worker.close()


class Undertaker(SqlWriter):
    """Removes rows of which nobody knows how they look, so that they do not pile up."""

    def step(self) -> None:
        """Remove those that belong together."""
        if self.load.abandoned:
            lane, lives = self.load.abandoned.popleft()
            self.remove(lane, lives, "delete")


@contextmanager
def loaded(url: str, database: str, run: str, plan: Plan) -> Iterator[Load]:
    """Yield a load on a corner of its own, which is removed at the end, whatever happens."""
    with ExitStack() as stack:
        stack.callback(corner.clear, database, run)
        load = Load(url, corner.prepare(database, run), History(run), plan)
        stack.callback(load.forget)
        yield load
