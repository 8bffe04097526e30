"""Gives up a server that neither answers nor gives up itself: frozen, or gone without a word.

PostgreSQL cancels what takes longer than `statement_timeout`, as long as it runs at all. One that
does not, as on a machine that was paused, would hold whoever asked for ever. So what has been asked
for longer than that, and a little, is broken off from our side: an error like any lost connection.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from threading import Event, Lock, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any

import psycopg
from sqlalchemy import event

if TYPE_CHECKING:
    from sqlalchemy import Engine

GLANCE = 0.5  # seconds between two looks


class Patience:
    """Watches the statements of an engine, in a thread that begins with the first of them.

    Args:
        engine: whose statements all end within their time limit.
        seconds: that a statement may take, what the server itself allows included; and what is
            asked of a new connection, before it is anybody's.
        statements: whether they are watched; else only new connections are.
    """

    def __init__(self, engine: Engine, seconds: float, *, statements: bool = True) -> None:
        self._seconds = seconds
        self._asked: dict[int, tuple[float, Any]] = {}  # by connection: since when, and itself
        self._guard = Lock()
        self._over = Event()
        self._thread: Thread | None = None
        event.listen(engine, "connect", lambda each, _: self._begin(each), insert=True)
        event.listen(engine, "checkout", lambda each, *_: self._forget(each))
        if statements:
            event.listen(engine, "before_cursor_execute", lambda on, *_: self._begin(_driver_s(on)))
            event.listen(engine, "after_cursor_execute", lambda on, *_: self._forget(_driver_s(on)))
            event.listen(engine, "checkin", lambda each, _: self._forget(each))

    def close(self) -> None:
        """End the thread."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _begin(self, connection: psycopg.Connection) -> None:
        with self._guard:
            self._asked[id(connection)] = monotonic(), connection
            if self._thread is None:
                self._thread = Thread(target=self._watch, name="patience", daemon=True)
                self._thread.start()

    def _forget(self, connection: object) -> None:
        with self._guard:
            self._asked.pop(id(connection), None)

    def _watch(self) -> None:
        while not self._over.wait(GLANCE):
            with self._guard:  # so that nobody else has the connection by now
                late = monotonic() - self._seconds
                for key, (since, connection) in tuple(self._asked.items()):
                    if since < late:
                        del self._asked[key]
                        break_off(connection)


def _driver_s(connection: Any) -> Any:  # noqa: ANN401 (of SQLAlchemy, and of the driver)
    return connection.connection.dbapi_connection


def break_off(connection: psycopg.Connection) -> None:
    """End a connection while another thread waits on it: that one finds it closed."""
    with (
        suppress(OSError, psycopg.Error),
        socket.socket(fileno=os.dup(connection.fileno())) as line,
    ):
        line.shutdown(socket.SHUT_RDWR)
