"""Many builds under gunicorn, one after the other: one process has imported all and forks servers.

    python -m tests.staleness.ward

It forks a server per line on its standard input, a JSON object, and answers with the server's
process id and port; when its input ends, so do its servers. A build itself is imported by gunicorn,
in the worker or, with --preload, before: nothing of a build is shared between two servers.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tests.staleness import watch
from tests.staleness.visitors import Browser

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flask import Flask

ROOT = Path(__file__).parents[2]
OURS = "freshledger"  # our own application, among the builds
PATIENCE = 30  # seconds until a build answers
GONE = ("", "Z")
ALWAYS = ("--log-level=critical", "--no-control-socket", "--graceful-timeout=1", "--timeout=120")

# ── In the ward ──────────────────────────────────────────────────────────────────────────────


def serve(asked: dict[str, Any], listening: socket.socket) -> None:
    """Serve in a child process until a signal ends it."""
    os.setpgid(0, 0)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
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
    children: list[int] = []
    try:
        for line in sys.stdin:
            listening = socket.create_server(("127.0.0.1", 0), backlog=512)
            child = os.fork()
            if child == 0:
                try:
                    serve(json.loads(line), listening)
                finally:
                    os._exit(0)  # neither it nor its workers may come back to this loop
            children.append(child)
            sys.stdout.write(f"{child} {listening.getsockname()[1]}\n")
            sys.stdout.flush()
            listening.close()
            children = [each for each in children if not _gone(each)]
    finally:
        for each in children:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(each, signal.SIGKILL)


def _gone(child: int) -> bool:
    with suppress(ChildProcessError):
        return os.waitpid(child, os.WNOHANG)[0] != 0
    return True


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
            while not all(_state(each) == "T" for each in others):
                time.sleep(0.001)
            yield
        finally:
            for each in others:
                os.kill(each, signal.SIGCONT)


class Ward:
    """Where builds are served."""

    def __enter__(self) -> Self:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.staleness.ward"],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

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
        pid, port = self._fork(json.dumps(asked))
        try:
            yield _ready(pid, port, workers, log)
        finally:
            _end(pid)

    def _fork(self, asked: str) -> tuple[int, int]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            self._process.stdin.write(asked + "\n")
            self._process.stdin.flush()
            said = self._process.stdout.readline().split()
        if not said:
            raise RuntimeError("the ward has ended")
        return int(said[0]), int(said[1])


def _ready(pid: int, port: int, workers: int, log: Path) -> Served:
    """Wait until every worker has answered a page that does not exist, which reads nothing."""
    until = time.monotonic() + PATIENCE
    while len(found := _children(pid)) < workers or not _answers(port):
        if time.monotonic() > until or _state(pid) in GONE:
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


def _end(pid: int) -> None:
    """Kill a server with its workers, and wait until it is gone, but for its zombie."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and _state(pid) not in GONE:
        time.sleep(0.005)


def _children(pid: int) -> tuple[int, ...]:
    with suppress(OSError):
        return tuple(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))
    return ()


def _state(pid: int) -> str:
    """Return the letter of a process's state, "" if there is none."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    return ""


if __name__ == "__main__":
    main()
