"""The experiment: write a marker, ask until every connection shows it, again and again.

The visitors are threads, each with a connection of its own; the main thread writes, waits and
decides, so that a signal is noticed at once and nothing interrupts the putting back.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import TYPE_CHECKING, TypeVar

from dal.errors import DalError
from webapp.probe.asking import TIMEOUT, Line
from webapp.probe.caching import validators
from webapp.probe.samples import INTERRUPTED, Asked, Observed, Post, Sample
from webapp.probe.seeing import is_telling, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dal.foreign.marking import Mark, Target
    from webapp.probe.asking import Address

Found = TypeVar("Found")
GLANCE, FIRST_PAUSE = 0.005, 0.005  # seconds
GROWTH = 4  # a pause is a quarter of the time since the last change
SPARING = 2  # how many times fewer requests are sent than might be
SURE = 2  # answers in a row, on each connection, that show the new value
ENOUGH = 2  # markers that never were everywhere: further ones would say the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long and how much the probe may ask."""

    rounds: int = 10
    patience: float = 5.0  # seconds, for one marker to be everywhere
    seconds: float = 60.0  # in all
    requests: int = 2000  # in all
    connections: int = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """What is asked."""

    page: Address
    other: Address | None = None  # to be POSTed to
    form: Mapping[str, str] = field(default_factory=dict)
    worker_header: str = ""


class Experiment:
    """One run over one target.

    Args:
        target: what is changed.
        aim: what is asked.
        limits: for how long.
        stop: set by a signal; the run ends at once, with what was seen so far.
        say: told how far it is.
    """

    def __init__(
        self, target: Target, aim: Aim, limits: Limits, stop: Event, say: Callable[[str], None]
    ) -> None:
        self._target, self._aim, self._limits, self._stop, self._say = (
            target, aim, limits, stop, say,
        )  # fmt: skip
        half = limits.connections // 2
        self._lines = [Line(aim.page, n, kept=n < half) for n in range(limits.connections)]
        self._values: list[object] = [target.old if is_telling(target.old) else None]
        self._samples: list[Sample] = []
        self._marks: list[Mark] = []
        self._posts: list[Post] = []
        self._asked: list[Asked] = []
        self._settled: set[int] = set()
        self._unsettled: set[int] = set()
        self._copy: dict[str, str] = {}  # validators of the last page, as a browser keeps them
        self._since = self._began = time.monotonic()  # the last change
        self._over = Event()
        self._closed = 0  # nanoseconds of the monotonic clock; what is answered later is not judged
        self._ended = self._doubtful = ""

    # ── The course ───────────────────────────────────────────────────────────────────────────

    def look(self) -> Sample:
        """Ask once, before anything is changed."""
        line = Line(self._aim.page, self._limits.connections, kept=False)
        found = self._alone(lambda: self._get(line))
        return found or Sample(line=line.number, kept=False, sent=0, answered=0, trouble="stopped")

    def run(self) -> None:
        """Write marker after marker until a limit is reached."""
        for line in self._lines:
            Thread(target=self._visit, args=(line,), daemon=True).start()
        try:
            self._watch(min(self._limits.patience, 1.0))  # whatever keeps a page has it now
            self._keep_copy()
            for number in range(1, self._limits.rounds + 1):
                self._say(f"round {number} of {self._limits.rounds}")
                if self._is_over() or not self._write():
                    break
                self._round()
        finally:
            self._closed = time.monotonic_ns()
            self._over.set()

    def observed(self) -> Observed:
        """Return what was seen in the run; whoever was answered behind it may see the old value."""
        return Observed(
            old=self._target.old,
            telling=is_telling(self._target.old),
            marks=tuple(self._marks),
            samples=tuple(each for each in self._samples if each.answered <= self._closed),
            posts=tuple(self._posts),
            asked=tuple(self._asked),
            settled=frozenset(self._settled),
            unsettled=frozenset(self._unsettled),
            patience=self._limits.patience,
            backend=self._target.backend,
            other=self._aim.other.path if self._aim.other else "",
            worker_header=self._aim.worker_header.lower(),
            ended=self._ended,
            doubtful=self._doubtful,
        )

    def _is_over(self) -> bool:
        """Return whether the run ends here, and note why."""
        if self._stop.is_set():
            self._ended = INTERRUPTED
        elif self._time_left() <= 0:
            self._ended = f"after {self._limits.seconds:g} s (--seconds)"
        elif self._spent() >= self._limits.requests:
            self._ended = f"after {self._limits.requests:,} requests (--requests)"
        return bool(self._ended or self._doubtful) or len(self._unsettled) >= ENOUGH

    def _time_left(self) -> float:
        return self._began + self._limits.seconds - time.monotonic()

    def _spent(self) -> int:
        return len(self._samples) + len(self._asked) + len(self._posts)

    # ── One round ────────────────────────────────────────────────────────────────────────────

    def _write(self) -> bool:
        """Write the next marker; return False where the database does not take it any more."""
        try:
            value = self._target.new()
            self._values.append(value)  # whoever asks during COMMIT may already see it
            mark = self._target.write(value)
        except DalError as error:
            if not self._marks:
                raise
            self._ended = f"the database did not take another marker: {error.args[-1]}"
            return False
        self._values[-1] = mark.value
        self._marks.append(mark)
        self._since = time.monotonic()
        return True

    def _round(self) -> None:
        """See how one marker arrives; where it does not, whether a write by the page helps."""
        if self._watch(self._limits.patience):
            self._settled.add(len(self._marks))
            if len(self._marks) == 1:
                self._watch(self._limits.patience, alone=True)
            self._ask_with_copy()
            self._keep_copy()
        elif not self._is_over() and self._can_be_judged():
            self._unsettled.add(len(self._marks))
            if self._aim.other:
                self._post()
                self._watch(self._limits.patience)

    def _watch(self, patience: float, *, alone: bool = False) -> bool:
        """Wait until each connection shows the last marker; return whether it came to that.

        It is not given up before each of them has been answered once: a page may be slow.

        Args:
            patience: seconds.
            alone: whether it must stand there without the first value, of which a part of the page
                may have kept a copy, or which may stand in another row as well.
        """
        end = time.monotonic() + min(patience, self._time_left())
        start = len(self._samples)
        while not (settled := self._is_settled(start, alone=alone)):
            late = time.monotonic() - end
            done = late > TIMEOUT or (late > 0 and self._has_heard(start))
            if done or self._spent() >= self._limits.requests or self._stop.wait(GLANCE):
                break
        return settled

    def _has_heard(self, start: int) -> bool:
        """Return whether each connection was answered what it asked after the last marker."""
        since = self._marks[-1].acknowledged if self._marks else 0
        answered = {sample.line for sample in self._samples[start:] if sample.sent >= since}
        return len(answered) == len(self._lines)

    def _is_settled(self, start: int, *, alone: bool) -> bool:
        """Return whether the last answers on each connection show the last marker."""
        since = self._marks[-1].acknowledged if self._marks else 0
        due = len(self._marks)
        run = dict.fromkeys(range(len(self._lines)), 0)
        for sample in self._samples[start:]:
            right = sample.good and (not due or (sample.top or 0) >= due)
            right = right and not (alone and 0 in sample.shown)
            if sample.sent >= since:
                run[sample.line] = run[sample.line] + 1 if right else 0
        return all(count >= SURE for count in run.values())

    def _can_be_judged(self) -> bool:
        """Return whether an old page after all this time is the application's doing."""
        since = self._marks[-1].acknowledged
        latest = [sample for sample in self._samples if sample.sent >= since]
        if not any(sample.good for sample in latest):
            said = latest[-1] if latest else None
            words = (said.trouble or f"it answered {said.status}") if said else "no answer came"
            self._doubtful = f"the page stopped answering in round {len(self._marks)}: {words}"
        elif not self._is_ours():
            self._doubtful = "somebody else changed the value meanwhile: choose a row that nobody"
            self._doubtful += " else writes to"
        return not self._doubtful

    def _is_ours(self) -> bool:
        try:
            return self._target.is_ours()
        except DalError:
            return True  # nobody can say; the next marker will

    def _post(self) -> None:
        """Let the application itself write something, at the other address."""
        if self._aim.other is None:
            return
        line = Line(self._aim.other, -1, kept=False)
        if answer := self._alone(lambda: line.post(self._aim.form)):
            self._since = time.monotonic()
            self._posts.append(
                Post(
                    due=len(self._marks),
                    sent=answer.sent,
                    answered=answer.answered,
                    status=answer.status,
                    trouble=answer.trouble,
                )
            )

    # ── A browser with a copy ────────────────────────────────────────────────────────────────

    def _keep_copy(self) -> None:
        """Note with what a browser would ask whether the page that is shown now is still right."""
        latest = next((each for each in reversed(self._samples) if each.good), None)
        self._copy = validators(latest.headers) if latest else {}

    def _ask_with_copy(self) -> None:
        """Ask whether the copy from before the last change is still right."""
        if not self._copy:
            return
        line = Line(self._aim.page, -1, kept=False)
        if found := self._alone(lambda: self._get(line, self._copy)):
            header = ", ".join(f"{name}: {value}" for name, value in self._copy.items())
            self._asked.append(Asked(due=len(self._marks), status=found.status, header=header))

    # ── The visitors ─────────────────────────────────────────────────────────────────────────

    def _visit(self, line: Line) -> None:
        """Ask again and again: hurriedly after a change, then within what may be asked."""
        pace = (
            self._limits.patience * self._limits.rounds * len(self._lines) / self._limits.requests
        )
        while not self._over.is_set() and self._spent() < self._limits.requests:
            self._samples.append(self._get(line))
            waited = time.monotonic() - self._since
            self._over.wait(min(pace, max(FIRST_PAUSE, waited / GROWTH)))
        line.close()

    def _get(self, line: Line, extra: Mapping[str, str] | None = None) -> Sample:
        answer = line.get(extra)
        return Sample(
            line=line.number,
            kept=line.kept,
            sent=answer.sent,
            answered=answer.answered,
            status=answer.status,
            trouble=answer.trouble,
            shown=shown(answer.text, self._values),
            headers=answer.headers,
        )

    def _alone(self, ask: Callable[[], Found]) -> Found | None:
        """Return what one more visitor is told; None where a signal came first."""
        found: list[Found] = []
        thread = Thread(target=lambda: found.append(ask()), daemon=True)
        thread.start()
        while thread.is_alive() and not self._stop.is_set():
            thread.join(GLANCE)
        return found[0] if found else None
