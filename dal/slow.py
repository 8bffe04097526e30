"""Reading statements that take longer than SLOW_MS are told of, each in one line of the log.

The line is a shell comment; who knows which page asked puts the command that explains it in front.
What an import or an edit takes is nobody's page and is not watched.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any

from sqlalchemy import event

from dal import naming

if TYPE_CHECKING:
    from sqlalchemy import Engine

LOG = logging.getLogger("freshledger.slow")
_here = threading.local()  # a connection is used by one thread at a time


def watch(engine: Engine, limit_ms: int) -> None:
    """Tell of every statement of an engine that takes longer; of none where the limit is 0."""
    if not limit_ms:
        return

    def begin(*_told: Any) -> None:  # noqa: ANN401 (of SQLAlchemy)
        _here.begun, _here.limit = time.perf_counter(), limit_ms

    def end(_conn: Any, _cursor: Any, text: str, *_told: Any) -> None:  # noqa: ANN401 (of SQLAlchemy)
        _tell(text, "slow")

    event.listen(engine, "before_cursor_execute", begin)
    event.listen(engine, "after_cursor_execute", end)


def given_up(text: str | None) -> None:
    """Tell of a statement that ran into its time limit, or was cancelled."""
    _tell(text or "", "given up")


def _tell(text: str, what: str) -> None:
    begun = getattr(_here, "begun", None)
    if begun is None:
        return
    _here.begun = None
    taken = round((time.perf_counter() - begun) * 1000)
    if taken >= _here.limit:
        LOG.warning("# %s: %s ms, %s", what, f"{taken:,}", naming.name_of(text) or "nameless")
