"""Many builds under gunicorn, one after the other: one process has imported all and forks servers.

    python -m tests.staleness.ward

It forks a server per line on its standard input, a JSON object, and answers with the server's
process id and port; when its input ends, so do its servers. A build itself is imported by gunicorn,
in the worker or, with --preload, before: nothing of a build is shared between two servers.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.staleness import watch
from tests.staleness.visitors import Browser
from tests.support.forking import Forker, end, fork_servers, state

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator, Mapping

    from flask import Flask

OURS = "freshledger"  # our own application, among the builds
PATIENCE = 30  # seconds until a build answers
GONE = ("", "Z")
ALWAYS = ("--log-level=critical", "--no-control-socket", "--graceful-timeout=1", "--timeout=120")

# ── In the ward ──────────────────────────────────────────────────────────────────────────────


def serve(asked: dict[str, Any], listening: socket.socket) -> None:
    """Serve in a child process until a signal ends it."""
    os.environ.update(asked["environ"])
    with Path(asked["log"]).open("ab", buffering=0) as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    bind = f"fd://{listening.fileno()}"
    if asked["build"] == OURS:
        serve_ours(bind)
    else:
        from gunicorn.app.wsgiapp import run

        target = f"{watch.__name__}:build({asked['build']!r})"
        workers = f"--workers={asked['workers']}"
        sys.argv = ["gunicorn", *ALWAYS, workers, f"--bind={bind}", *asked["options"], target]
        run()


def serve_ours(bind: str) -> None:
    """Serve the product by its own server."""
    from webapp.serve import Server
    from webapp.settings import WebSettings

    class Watched(Server):
        def load_config(self) -> None:
            super().load_config()
            self.cfg.set("bind", bind)

        def load(self) -> Flask:
            return watch.watched(super().load())

    Watched(WebSettings.read()).run()


def main() -> None:
    """Fork servers as they are asked for."""
    for module in ("flask_caching", "gunicorn.app.wsgiapp", "gunicorn.workers.sync", "psycopg",
                   "gunicorn.workers.gthread", "tests.staleness.shop", "webapp.serve"):  # fmt: skip
        import_module(module)
    watch.begin()
    fork_servers(serve)


# ── The other side ───────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Served:
    """A build that is being served."""

    port: int
    workers: tuple[int, ...]  # their process ids

    @contextmanager
    def only(self, worker: int) -> Iterator[None]:
        """Let one worker answer: the others are stopped meanwhile, and notice nothing."""
        others = [each for each in self.workers if each != worker]
        for each in others:
            os.kill(each, signal.SIGSTOP)
        try:
            while not all(state(each) == "T" for each in others):
                time.sleep(0.001)
            yield
        finally:
            for each in others:
                os.kill(each, signal.SIGCONT)


class Ward(Forker):
    """Where builds are served."""

    def __init__(self) -> None:
        super().__init__("tests.staleness.ward")

    @contextmanager
    def serving(
        self,
        name: str,
        workers: int,
        log: Path,
        environ: Mapping[str, str],
        options: tuple[str, ...] = (),
    ) -> Iterator[Served]:
        """Yield a build once all its workers answer.

        Raises:
            RuntimeError: it does not answer; says what it wrote.
        """
        asked = {"build": name, "workers": workers, "options": options, "environ": dict(environ),
                 "log": str(log)}  # fmt: skip
        pid, port = self.fork(asked)
        try:
            yield _ready(pid, port, workers, log)
        finally:
            end(pid)


def _ready(pid: int, port: int, workers: int, log: Path) -> Served:
    """Wait until every worker has answered a page that does not exist, which reads nothing."""
    until = time.monotonic() + PATIENCE
    while len(found := _children(pid)) < workers or not _answers(port):
        if time.monotonic() > until or state(pid) in GONE:
            raise RuntimeError(f"the build does not answer\n{log.read_text()}")
        time.sleep(0.005)
    served = Served(port, found)
    for worker in found:
        with served.only(worker):  # its answer comes when it has started
            assert Browser(port).get("/nothing").worker == worker
    return served


def _answers(port: int) -> bool:
    try:
        return Browser(port).get("/nothing").status == HTTPStatus.NOT_FOUND
    except OSError:
        return False


def _children(pid: int) -> tuple[int, ...]:
    with suppress(OSError):
        return tuple(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))
    return ()


if __name__ == "__main__":
    main()
