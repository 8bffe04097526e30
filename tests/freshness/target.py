"""The application under test: gunicorn with several workers, a mutant planted in them if asked.

    python -m tests.freshness.target

It imports everything once and then forks a server per line on its standard input, a JSON object of
environment variables; it answers with the server's process id and port. When its input ends, so do
its servers. Only here are mutants known: the product's code has no switch for them.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.freshness import mutants
from webapp import create_app
from webapp.serve import Server
from webapp.settings import WebSettings

if TYPE_CHECKING:
    from types import FrameType

    from flask import Flask, Response

ROOT = Path(__file__).parents[2]
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
    os.setpgid(0, 0)
    os.environ.update(environ)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(2, 1)
    settings = WebSettings.read()
    create_app(settings)  # an unusable setting is said here
    Target(settings, listening).run()


def main() -> None:
    """Fork servers as they are asked for."""
    children: list[int] = []
    signal.signal(signal.SIGTERM, _ended)
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
            children = [child for child in children if not _gone(child)]
    finally:
        for child in children:
            with suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)


def _ended(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


def _gone(child: int) -> bool:
    with suppress(ChildProcessError):
        return os.waitpid(child, os.WNOHANG)[0] != 0
    return True


# ── The other side ───────────────────────────────────────────────────────────────────────────


class Nursery:
    """Starts servers quickly: one process has imported everything and forks them."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.freshness.target"],
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
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(environ) + "\n")
        self._process.stdin.flush()
        said = self._process.stdout.readline().split()
        if not said:
            raise RuntimeError("the application cannot be imported")
        return Served(int(said[0]), f"http://127.0.0.1:{said[1]}")


class Served:
    """A running application."""

    def __init__(self, pid: int, url: str) -> None:
        self.pid, self.url = pid, url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End it and wait until nobody of its group is left."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGCONT)
            os.killpg(self.pid, signal.SIGKILL)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                os.killpg(self.pid, 0)
            except (ProcessLookupError, PermissionError):
                return
            if Path(f"/proc/{self.pid}/stat").exists() and _zombie(self.pid):
                return
            time.sleep(0.01)


def _zombie(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    return True


if __name__ == "__main__":
    main()
