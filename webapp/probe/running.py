"""One run of the command: look, experiment, put back, tell; a signal ends it early, and tidily."""

from __future__ import annotations

import json
import signal
import sys
from contextlib import contextmanager, nullcontext
from threading import Event, current_thread, main_thread
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from dal.foreign import marking
from dal.foreign.targets import HeldRow
from webapp.causes import BY_KEY
from webapp.probe.judging import Findings
from webapp.probe.report import as_json as as_object, report
from webapp.probe.rounds import Experiment
from webapp.probe.suspects import Suspect, suspects
from webapp.probe.verdicts import Verdict, verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.status import Status

    from webapp.probe.rounds import Aim, Limits
    from webapp.probe.samples import Sample

#: Columns of a page that is no terminal's.
WIDE = 100
OK, REFUSED = 200, (401, 403)


class Run:
    """One run over one page and one value."""

    def __init__(self, aim: Aim, limits: Limits, *, as_json: bool) -> None:
        width = None if sys.stdout.isatty() else WIDE
        self._out = Console(highlight=False, width=width)
        self._err = Console(highlight=False, stderr=True, soft_wrap=True)
        self._aim = aim
        self._limits = limits
        self._as_json = as_json
        self._stop = Event()
        self._target: marking.Target | None = None
        self._experiment: Experiment | None = None

    def over(self, url: str, change: marking.Spot | marking.Statement) -> int:
        """Run it, tell what was seen, and return the exit status.

        Raises:
            BadInput: something that was given cannot be used; nothing was changed.
            Unavailable: the database does not answer.
            click.BadParameter: the page cannot be used; nothing was changed.
        """
        held = ""
        with self._until_signal():
            try:
                with marking.opened(url, change) as self._target:
                    self._go(self._target)
            except HeldRow as error:
                held = str(error.args[-1])
            finally:
                self._say_if_lost()
        return self._tell(held)

    def _go(self, target: marking.Target) -> None:
        with self._progress() as say:
            self._experiment = Experiment(target, self._aim, self._limits, self._stop, say)
            look = self._experiment.look()
            if self._stop.is_set():
                return
            _check(look, self._aim)
            self._err.print(f"To put it back by hand: {target.repair}", markup=False)
            self._experiment.run()

    @contextmanager
    def _until_signal(self) -> Iterator[None]:
        """Let Ctrl-C and SIGTERM end the experiment, and nothing end the putting back."""
        if current_thread() is not main_thread():
            yield
            return
        names = ("SIGINT", "SIGTERM", "SIGHUP")
        signals = [getattr(signal, name) for name in names if hasattr(signal, name)]
        before = {each: signal.signal(each, self._interrupt) for each in signals}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)

    def _interrupt(self, *_: object) -> None:
        self._stop.set()

    @contextmanager
    def _progress(self) -> Iterator[Callable[[str], None]]:
        """Show on a terminal how far it is."""
        quiet = self._as_json or not self._err.is_terminal
        block: Any = nullcontext() if quiet else self._err.status("looking at the page")
        with block as status:
            yield _teller(status)

    def _say_if_lost(self) -> None:
        """Say at once, and where nobody overlooks it, that the old value is not back."""
        if self._target and self._target.outcome.kind == "failed":
            outcome, repair = self._target.outcome, self._target.repair
            words = f"The old value could NOT be put back ({outcome.words}). Run this by hand:"
            self._err.print(words, style="bold red", markup=False)
            self._err.print(repair, markup=False)

    def _tell(self, held: str) -> int:
        found = Findings(self._experiment.observed()) if self._experiment else None
        said, causes = _judged(found, held)
        outcome = self._target.outcome if self._target else None
        if self._as_json:
            told = as_object(said, found, causes, outcome)
            click.echo(json.dumps(told, ensure_ascii=False))
        else:
            report(self._out, said, found, causes, outcome)
        return said.status


def _judged(found: Findings | None, held: str) -> tuple[Verdict, tuple[Suspect, ...]]:
    """Return the verdict and the causes, also where the row was held by somebody."""
    if held or not found:
        why = "the probe could not write this row: somebody has written it, and goes on"
        return (
            Verdict("unknown", f"CANNOT TELL: {held}."),
            (Suspect(BY_KEY["uncommitted-write"], why),),
        )
    said = verdict(found)
    return said, suspects(found) if said.word == "stale" else ()


def _teller(status: Status | None) -> Callable[[str], None]:
    return lambda words: status.update(words) if status else None


def _check(look: Sample, aim: Aim) -> None:
    """Refuse a page that is none, before anything is changed."""
    problem = look.trouble
    if look.trouble:
        problem += "; is the application running, and is this its address?"
    elif leads := look.headers.get("location", ""):
        problem = (
            f"the page answers {look.status} and leads to {leads}; give that address, or log in and"
            " copy the cookie: --cookie session=…"
        )
    elif look.status in REFUSED:
        problem = f"the page answers {look.status}; log in and copy the cookie: --cookie session=…"
    elif look.status != OK:
        problem = f"the page answers {look.status} instead of {OK}; open it in a browser first"
    if problem:
        raise click.BadParameter(f"{problem} ({aim.page.place})", param_hint="--url")
