"""The connections on which exact figures are asked for: few, patient, and easily let go."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

from sqlalchemy import event

from dal import connections
from dal.errors import Busy
from dal.patience import Patience
from dal.stopping import notice_hang_ups, stoppable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import URL, Connection

    from dal.settings import DalSettings


class Exact:
    """A pool of its own, so that counting never takes a page's connection.

    Args:
        url: of PostgreSQL.
        settings: how many at once, and how long each may take.
    """

    def __init__(self, url: URL, settings: DalSettings) -> None:
        places, milliseconds = max(1, settings.exact_at_once), settings.exact_timeout_ms
        own = replace(settings, pool_size=places, statement_timeout_ms=milliseconds)
        self._places = BoundedSemaphore(places)
        self._engine = connections.engine(url, own, read_only=True, isolation_level="AUTOCOMMIT")
        event.listen(self._engine, "connect", notice_hang_ups)
        limit = milliseconds // 1000 + connections.PATIENCE
        self._patience = Patience(self._engine, limit, statements=milliseconds > 0)

    @contextmanager
    def connect(self, unwanted: Callable[[], bool]) -> Iterator[Connection]:
        """Yield a connection whose statements end when they are unwanted.

        Raises:
            Busy: all places are taken.
            Stopped: `unwanted` said so.
        """
        if not self._places.acquire(blocking=False):
            raise Busy("wait for a moment; who asks again has a turn when one of them is done")
        try:
            with self._engine.connect() as conn, stoppable(conn, unwanted):
                yield conn
        finally:
            self._places.release()

    def close(self) -> None:
        """Give the connections back to PostgreSQL."""
        self._patience.close()
        connections.close(self._engine)
