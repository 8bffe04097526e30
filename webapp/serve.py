"""Serving with gunicorn: worker processes with threads, the ledger opened in each of them.

The embedded server, where there is one, belongs to the parent and stops with it.
"""

from __future__ import annotations

import gc
import signal
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication

from dal import imports, sample
from dal.database import Ledger, database
from webapp import compilation, create_app
from webapp.feed import raise_descriptors
from webapp.state import EXTENSION

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from flask import Flask

    from webapp.settings import WebSettings

#: That are made before the garbage collector looks among them; Python's own number is 700.
OBJECTS = 10_000


class Server(BaseApplication):  # type: ignore[misc]  # gunicorn ships no types
    """Gunicorn, told by our settings instead of a file of its own."""

    def __init__(self, settings: WebSettings) -> None:
        self.settings = settings
        super().__init__()

    def load_config(self) -> None:
        """Tell gunicorn what it needs to know."""
        options: dict[str, Any] = {
            "bind": f"{_bracketed(self.settings.host)}:{self.settings.port}",
            "workers": self.settings.workers,
            "worker_class": "gthread",
            "threads": self.settings.threads,
            "graceful_timeout": 10,
            "timeout": 120,
            "loglevel": "warning",
            "control_socket_disable": True,
            "limit_request_line": 8190,  # as much as for a header: a token may be long
            "post_worker_init": end_counts,
            "worker_exit": end_streams,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Return the application, in a worker."""
        app = create_app(self.settings)
        compilation.compile_all(app)
        spare_collections()
        return app


def spare_collections() -> None:
    """Let the garbage collector look less often at what stays, and at what goes by itself.

    A page makes some thousand objects that die with it, none of them in a cycle, which is all that
    the collector finds; it would look for them seven times a page, and now and then through all
    modules. What was loaded until now is set aside, and 10,000 new objects are waited for.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS, *gc.get_threshold()[1:])


def end_counts(worker: Any) -> None:  # noqa: ANN401 (gunicorn ships no types)
    """Have exact counts end when a signal ends the worker: it would wait for them, or die of them.

    This runs in the main thread, as handlers of signals do; nobody else there waits for the event.
    """
    ending = worker.wsgi.extensions[EXTENSION].ending
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        then: Any = signal.getsignal(number)

        def ended(number: int, frame: FrameType | None, then: Any = then) -> None:  # noqa: ANN401
            ending.set()
            then(number, frame)

        signal.signal(number, ended)


def end_streams(_server: object, worker: Any) -> None:  # noqa: ANN401 (gunicorn ships no types)
    """Close the streams of a worker that ends, so that their browsers ask the next one at once."""
    if application := getattr(worker, "wsgi", None):
        application.extensions[EXTENSION].feed.close()


def serve(settings: WebSettings, say: Callable[[str], None]) -> None:
    """Serve until a signal ends it.

    Args:
        settings: of the web and of the data layer.
        say: told what happens meanwhile.

    Raises:
        Unavailable: there is no server, and none can be started.
        BadValue: a setting cannot be used.
    """
    with database(settings.dal) as url:
        _prepare(url, settings, say)
        raise_descriptors(settings.open_pages)
        place = f"http://{_bracketed(settings.host)}:{settings.port}"
        say(f"Freshledger serves {place} — Ctrl-C ends it")
        few = min(settings.dal.exact_at_once, max(1, settings.threads - 1))  # pages go on
        dal = replace(settings.dal, database_url=url, exact_at_once=few)
        Server(replace(settings, dal=dal)).run()


def _prepare(url: str, settings: WebSettings, say: Callable[[str], None]) -> None:
    """Bring the schema up to date, and an empty embedded ledger to life."""
    create_app(settings)  # refuse unusable settings now, not in every worker
    with Ledger(url, settings.dal) as ledger:
        ledger.migrate()
        if settings.dal.database_url:
            return
        with ledger.write(who="freshledger serve") as conn:
            if imports.is_empty(conn):
                count = sample.load(conn)
                say(f"The ledger was empty: {count:,} sample transactions to look at are in it")


def _bracketed(host: str) -> str:
    """Return a host as an address bar takes it: IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host
