"""A build under gunicorn: several worker processes, and a visitor who sees which one answers."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).parents[2]
PATIENCE = 30  # seconds until the first answer


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer."""

    status: int
    text: str
    headers: Mapping[str, str]

    @property
    def worker(self) -> int:
        """Return the process id of the worker that gave it."""
        return int(self.headers["X-Worker"])


@dataclass(slots=True)
class Site:
    """An application that is being served."""

    port: int
    process: subprocess.Popen[bytes]
    workers: int
    log: Path | None = None
    seen: set[int] = field(default_factory=set)

    @property
    def url(self) -> str:
        """Return where it is."""
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str = "/transactions", headers: Mapping[str, str] = {}) -> Answer:
        """Ask on a fresh connection."""
        return self._ask("GET", path, None, headers)

    def post(self, path: str, **form: str) -> Answer:
        """Send a form."""
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._ask("POST", path, urlencode(form), kind)

    def each_worker(self, path: str = "/transactions") -> dict[int, Answer]:
        """Ask until every worker has answered, and return the last answer of each.

        Raises:
            AssertionError: some worker did not answer in 2,000 requests.
        """
        last: dict[int, Answer] = {}
        for _ in range(2_000):
            answer = self.get(path)
            last[answer.worker] = answer
            if len(last) == self.workers:
                return last
        raise AssertionError(f"{len(last)} of {self.workers} workers answered")

    def _ask(self, method: str, path: str, body: str | None, headers: Mapping[str, str]) -> Answer:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body, dict(headers))
            got = connection.getresponse()
            return Answer(got.status, got.read().decode(), dict(got.headers))
        finally:
            connection.close()


@contextmanager
def served(
    build: str, database_url: str, *, workers: int = 1, options: tuple[str, ...] = (), **env: str
) -> Iterator[Site]:
    """Yield `tests.staleness.builds.BUILD:app` under gunicorn, once all its workers answer.

    Args:
        build: a module of `tests.staleness.builds`, or a dotted "module:app" of any other.
        database_url: what it gets as DATABASE_URL.
        workers: how many processes.
        options: further options of gunicorn, such as "--preload" or "--threads=4".
        env: further environment variables.
    """
    target = build if ":" in build else f"tests.staleness.builds.{build}:app"
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listening:
        port = listening.getsockname()[1]
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "--workers", str(workers), "--log-level=error",
             "--graceful-timeout=1", "--no-control-socket", "--bind",
             f"fd://{listening.fileno()}", *options, target],
            cwd=ROOT,
            env=os.environ | {"DATABASE_URL": database_url, "PYTHONPATH": str(ROOT)} | env,
            pass_fds=[listening.fileno()],
        )  # fmt: skip
    site = Site(port, process, workers)
    try:
        _wait(site)
        yield site
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(site: Site) -> None:
    """Wait until every worker has answered a page that does not exist, which reads nothing."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and site.process.poll() is None:
        try:
            site.each_worker("/nothing")
        except (OSError, HTTPException):
            time.sleep(0.05)
        except AssertionError:
            continue
        else:
            return
    raise AssertionError("the build does not answer")
