"""Servers that start at once: a process that has imported everything forks one for each line.

The line, on its standard input, is JSON of what is asked for; it answers with the server's process
id and port. When its input ends, so do its servers.
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
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    Serve = Callable[[Any, socket.socket], None]

ROOT = Path(__file__).parents[2]
PATIENCE = 20  # seconds for a process to end

# ── The process that forks ───────────────────────────────────────────────────────────────────


def fork_servers(serve: Serve) -> None:
    """Fork as it is asked for.

    Args:
        serve: told what is asked for, and the socket; works until a signal ends it.
    """
    children: list[int] = []
    signal.signal(signal.SIGTERM, _ended)
    try:
        for line in sys.stdin:
            with socket.create_server(("127.0.0.1", 0), backlog=512) as listening:
                children = [each for each in children if not _reaped(each)]
                children.append(_forked(serve, json.loads(line), listening))
                sys.stdout.write(f"{children[-1]} {listening.getsockname()[1]}\n")
                sys.stdout.flush()
    finally:
        for each in children:
            _kill(each)


def _forked(serve: Serve, asked: Any, listening: socket.socket) -> int:
    child = os.fork()
    if child == 0:
        try:
            os.setpgid(0, 0)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            serve(asked, listening)
        finally:
            os._exit(0)  # neither it nor its workers may come back to the loop
    return child


def _ended(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


def _reaped(child: int) -> bool:
    with suppress(ChildProcessError):
        return os.waitpid(child, os.WNOHANG)[0] != 0
    return True


# ── Who asks it ──────────────────────────────────────────────────────────────────────────────


class Forker:
    """Runs a module whose main is `fork_servers`."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", self._module],
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
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def fork(self, asked: object) -> tuple[int, int]:
        """Return process id and port of a server.

        Raises:
            RuntimeError: the module cannot be imported, or has ended.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            self._process.stdin.write(json.dumps(asked) + "\n")
            self._process.stdin.flush()
            said = self._process.stdout.readline().split()
        if not said:
            raise RuntimeError(f"{self._module} has ended")
        return int(said[0]), int(said[1])


def end(pid: int) -> None:
    """Kill a server with its workers, and wait until none is left but for its own zombie."""
    _kill(pid)
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and _lives(pid):
        time.sleep(0.005)


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGCONT)  # it may have been stopped
        os.killpg(pid, signal.SIGKILL)


def _lives(pid: int) -> bool:
    try:
        os.killpg(pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return state(pid) != "Z"


def state(pid: int) -> str:
    """Return the letter of a process's state, "" if there is none."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    return ""
