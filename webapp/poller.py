"""Asks the change log, in a thread of its own, so that a database that hangs holds up nobody."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Lock, Thread
from typing import TYPE_CHECKING

from dal import changes, snapshots
from dal.errors import DalError, TooSlow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from dal.changes import News
    from dal.database import Connection, Ledger
    from dal.moments import Snapshot

log = logging.getLogger(__name__)
LATE = "PostgreSQL does not answer in time"
BROKEN = "the changes cannot be read; the server's log says why"

#: What makes two snapshots the same place to begin from, whenever they were taken.
Place = tuple[str, int, int, str]


def place(known: Snapshot) -> Place:
    """Return the place to begin from."""
    return (*known.lineage, known.visible)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is new since each place, all at one snapshot; or why nobody knows."""

    reached: Snapshot | None
    news: Mapping[Place, News] = field(default_factory=dict)
    trouble: str = ""


class Poller(Thread):
    """Answers one question after the other.

    Args:
        ledger: of its own; closed at the end.
        answered: called in this thread when an answer lies in `answers`.
    """

    def __init__(self, ledger: Ledger, answered: Callable[[], None]) -> None:
        super().__init__(name="poller", daemon=True)
        self.answers: SimpleQueue[Answer] = SimpleQueue()
        self._questions: SimpleQueue[Mapping[Place, Snapshot] | None] = SimpleQueue()
        self._ledger = ledger
        self._answered = answered
        self._line: socket.socket | None = None
        self._guard = Lock()

    def ask(self, question: Mapping[Place, Snapshot]) -> None:
        """Have a question answered."""
        self._questions.put(question)

    def stop(self) -> None:
        """End the thread, even if it waits for the database."""
        self._questions.put(None)
        self.break_off()

    def break_off(self) -> None:
        """Break the connection on which the database has not answered."""
        with self._guard, contextlib.suppress(OSError):
            if self._line is not None:
                self._line.shutdown(socket.SHUT_RDWR)

    def run(self) -> None:
        """Answer until nobody asks any more."""
        try:
            while (question := self._questions.get()) is not None:
                self.answers.put(self._answer(question))
                self._answered()
        finally:
            self._ledger.close()

    def _answer(self, question: Mapping[Place, Snapshot]) -> Answer:
        try:
            return self._asked(question)
        except TooSlow:
            return Answer(None, trouble=LATE)
        except DalError as error:
            return Answer(None, trouble=": ".join(map(str, error.args)))
        except Exception:
            log.exception("The change log cannot be read")
            return Answer(None, trouble=BROKEN)

    def _asked(self, question: Mapping[Place, Snapshot]) -> Answer:
        """Ask one autocommitted statement where one place is asked for, else one snapshot."""
        block = self._ledger.snapshot if len(question) > 1 else self._ledger.read
        with block() as conn, self._breakable(conn):
            if not question:
                return Answer(snapshots.taken(conn))
            news = {spot: changes.since(conn, known) for spot, known in question.items()}
        return Answer(next(iter(news.values())).snapshot, news)

    @contextlib.contextmanager
    def _breakable(self, conn: Connection) -> Iterator[None]:
        """Let `break_off` reach the connection while it is ours, and never another's."""
        line = socket.socket(fileno=os.dup(conn.connection.fileno()))
        with self._guard:
            self._line = line
        try:
            yield
        finally:
            with self._guard:
                self._line = None
                line.close()
