"""The application under test: gunicorn with several workers, a mutant planted in them if asked.

    python -m tests.freshness.target

It imports everything once and then forks a server per line on its standard input, a JSON object of
environment variables; it answers with the server's process id and port. When its input ends, so do
its servers. Only here are mutants known: the product's code has no switch for them.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Self

from tests.freshness import mutants
from tests.support.forking import Forker, end, fork_servers
from webapp import create_app
from webapp.serve import Server
from webapp.settings import WebSettings

if TYPE_CHECKING:
    import socket
    from pathlib import Path

    from flask import Flask, Response

MUTANT = "FRESHNESS_MUTANT"


class Target(Server):
    """The product's own server, on a socket that is there already."""

    def __init__(self, settings: WebSettings, listening: socket.socket) -> None:
        self._listening = listening
        super().__init__(settings)

    def load_config(self) -> None:
        """Take the product's configuration, but for the address."""
        super().load_config()
        self.cfg.set("bind", f"fd://{self._listening.fileno()}")
        self.cfg.set("graceful_timeout", 1)
        self.cfg.set("loglevel", "critical")  # workers are killed on purpose

    def load(self) -> Flask:
        """Return the application, mutated if asked, which says which worker answers."""
        if name := os.environ.get(MUTANT):
            mutants.plant(name)
        app = super().load()
        app.after_request(_signed)
        return app


def _signed(response: Response) -> Response:
    response.headers["Freshness-Worker"] = str(os.getpid())
    return response


def serve(environ: dict[str, str], listening: socket.socket) -> None:
    """Serve in a child process until a signal ends it."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.environ.update(environ)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(2, 1)
    settings = WebSettings.read()
    create_app(settings)  # an unusable setting is said here
    Target(settings, listening).run()


def main() -> None:
    """Fork servers as they are asked for."""
    fork_servers(serve)


# ── The other side ───────────────────────────────────────────────────────────────────────────


class Nursery(Forker):
    """Starts servers quickly."""

    def __init__(self) -> None:
        super().__init__("tests.freshness.target")

    def start(self, database: str, home: Path, mutant: str = "", **settings: str) -> Served:
        """Start the application on a database, with four workers."""
        environ = {
            "DATABASE_URL": database,
            "FRESHLEDGER_HOME": str(home),
            "SECRET_KEY": "freshness-check-secret",
            "WORKERS": "4",
            MUTANT: mutant,
            **settings,
        }
        pid, port = self.fork(environ)
        return Served(pid, f"http://127.0.0.1:{port}")


class Served:
    """A running application."""

    def __init__(self, pid: int, url: str) -> None:
        self.pid, self.url = pid, url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        end(self.pid)


if __name__ == "__main__":
    main()
