"""Ends a statement on the server when nobody waits for its answer any more.

A thread looks, while the statement runs, whether it is still wanted. If it is not, PostgreSQL is
asked to cancel it; one that does not hear even that loses the connection.

https://www.postgresql.org/docs/18/libpq-cancel.html
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import psycopg
from sqlalchemy.exc import DBAPIError

from dal.errors import Stopped
from dal.patience import break_off

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

GLANCE = 0.05  # seconds between two looks
HEARD = 2.0  # seconds in which a server must have taken the wish to cancel


def wanted() -> bool:
    """Return that the answer is not unwanted: whoever asked waits for it."""
    return False


@contextmanager
def stoppable(conn: Connection, unwanted: Callable[[], bool]) -> Iterator[None]:
    """Cancel what the block asks as soon as `unwanted` says so; it is asked in another thread.

    Raises:
        Stopped: that happened.
    """
    watch = Watch(conn, unwanted)
    try:
        yield
    except DBAPIError as error:
        if watch.end():
            raise Stopped("the question was taken back, or the server ends") from error
        raise
    finally:
        if watch.end():
            conn.invalidate()  # a cancel that came late must not meet the next question


class Watch:
    """Looks whether what a connection is asked is still wanted, until it is told to end."""

    def __init__(self, conn: Connection, unwanted: Callable[[], bool]) -> None:
        self._connection: Any = conn.connection.dbapi_connection
        self._unwanted = unwanted
        self._over = Event()
        self._stopped = False
        self._thread = Thread(target=self._look, name="stopping", daemon=True)
        self._thread.start()

    def end(self) -> bool:
        """End the thread, and return whether it has stopped anything."""
        self._over.set()
        self._thread.join()
        return self._stopped

    def _look(self) -> None:
        while not self._over.wait(GLANCE):
            if self._unwanted():
                self._stopped = True
                self._stop()
                return

    def _stop(self) -> None:
        with suppress(psycopg.Error):
            self._connection.cancel_safe(timeout=HEARD)
        if not self._over.wait(HEARD):
            break_off(self._connection)


def notice_hang_ups(connection: Any, _record: object) -> None:  # noqa: ANN401 (of the driver)
    """Have PostgreSQL look each second whether we are still there, should we die without a word.

    Not every platform can; where it cannot, the time limit is what ends the statement.
    """
    try:
        connection.execute("SELECT set_config('client_connection_check_interval', '1s', false)")
        connection.commit()
    except psycopg.Error:
        connection.rollback()
