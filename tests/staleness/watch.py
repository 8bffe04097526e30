"""A served application whose answers say who gave them, and how many SELECTs were sent for each."""

from __future__ import annotations

import os
import threading
from importlib import import_module
from typing import TYPE_CHECKING

from sqlalchemy import event
from sqlalchemy.engine import Engine

if TYPE_CHECKING:
    from flask import Flask, Response

sent = threading.local()


def build(name: str) -> Flask:
    """Return a build; gunicorn is told `tests.staleness.watch:build('correct')`."""
    app: Flask = import_module(f"tests.staleness.builds.{name}").app
    return watched(app)


def watched(app: Flask) -> Flask:
    """Return an application whose answers are signed."""
    app.before_request_funcs.setdefault(None, []).insert(0, _forget)
    app.after_request(_signed)
    return app


def begin() -> None:
    """Count the SELECTs of every engine, in each thread for itself."""
    event.listen(Engine, "before_cursor_execute", _count)


def _count(_conn: object, _cursor: object, statement: str, *_: object) -> None:
    if statement.lstrip().upper().startswith(("SELECT", "WITH")):
        sent.selects = getattr(sent, "selects", 0) + 1


def _forget() -> None:
    sent.selects = 0


def _signed(response: Response) -> Response:
    response.headers["X-Worker"] = str(os.getpid())
    response.headers["X-Thread"] = str(threading.get_native_id())
    response.headers["X-Selects"] = str(sent.selects)
    return response
