"""The statements that an engine sends, counted: as SQLAlchemy tells them, or on the wire."""

from __future__ import annotations

import re
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

#: What libpq's trace writes of a message that makes the server run something.
RUN = re.compile(r"^F\s+\d+\s+(Query|Execute)\b.*$", re.MULTILINE)


@contextmanager
def recorded(engine: Engine) -> Iterator[list[str]]:
    """Yield a list that fills with the text of each statement."""
    sent: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


@contextmanager
def on_the_wire(engine: Engine) -> Iterator[list[str]]:
    """Yield a list that holds, after the block, the messages that ran something on the server.

    Of a pool with one connection, which must be open already: that is the one that is watched.
    """
    from psycopg import pq

    sent: list[str] = []
    with tempfile.TemporaryFile("w+") as trace:
        with engine.connect() as conn:
            raw: Any = conn.connection.dbapi_connection
        raw.pgconn.trace(trace.fileno())
        raw.pgconn.set_trace_flags(pq.Trace.SUPPRESS_TIMESTAMPS)
        try:
            yield sent
        finally:
            raw.pgconn.untrace()
            trace.seek(0)
            sent += [found.group() for found in RUN.finditer(trace.read())]
