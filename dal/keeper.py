"""The keeper: a small detached process that is the embedded server's parent.

It outlives whoever asked for the server, and stops it after the last user, however that one ended.
`python -m dal.keeper ERRAND` is how `dal.embedded` starts it.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from dal.locks import GLANCE, closing, grab, is_free

PACE = 0.1  # seconds between two looks of the keeper


@dataclass(frozen=True)
class Keeper:
    """The server's parent: outlives who asked for it, and stops the server after its last user."""

    home: str
    data: str
    sockets: str
    command: list[str]
    user: int | None
    group: int | None

    def keep(self) -> None:
        """Keep the server up while it has users.

        It is started again after a kill, but not when it refused to start or was stopped in
        order. One that runs without a keeper, since that was killed, is taken over.
        """
        child: subprocess.Popen[bytes] | None = None
        try:
            while grab(Path(self.home, "users.lock")) is None:
                if child is not None and child.poll() is not None:
                    if child.returncode >= 0:
                        return
                    time.sleep(1)  # one that cannot live shall not fill the log
                if (proof := grab(Path(self.home, "server.lock"))) is not None:
                    child = self._launch(proof)
                time.sleep(PACE)
        finally:  # our lock on the users goes with us, so none comes before we are done
            self._halt(child)

    def _launch(self, proof: int) -> subprocess.Popen[bytes]:
        """Start postgres, which inherits the proof that none of it was alive."""
        claim(Path(self.data, "postmaster.pid"))
        claim(Path(self.sockets, ".s.PGSQL.5432.lock"))
        with closing(proof):
            return subprocess.Popen(  # noqa: S603 - see Account.run
                self.command,
                stdin=subprocess.DEVNULL,
                cwd="/",
                pass_fds=[proof],
                user=self.user,
                group=self.group,
                extra_groups=None if self.user is None else [],
            )

    def _halt(self, child: subprocess.Popen[bytes] | None) -> None:
        """Stop the server, and wait until none of its processes is left."""
        server = Path(self.home, "server.lock")
        for number, seconds in ((signal.SIGINT, 60), (signal.SIGQUIT, 30)):  # fast, immediate
            if (pid := self._postmaster(child)) is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                if is_free(server):
                    return
                time.sleep(GLANCE)

    def _postmaster(self, child: subprocess.Popen[bytes] | None) -> int | None:
        """Return the number of a process that is the server for certain."""
        if child is not None and child.poll() is None:
            return child.pid
        with socket.socket(socket.AF_UNIX) as client:
            if client.connect_ex(f"{self.sockets}/.s.PGSQL.5432") == 0:
                return int(Path(self.data, "postmaster.pid").read_text().split("\n")[0])
        return None


def claim(path: Path) -> None:
    """Put our number on the first line of the lock file of a server that is dead.

    postgres refuses a number that is alive again, or half a one. That of its parent it passes
    over, and still looks for the shared memory that further lines tell of: so never delete.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    with os.fdopen(descriptor, "r+b") as file:
        rest = file.read().partition(b"\n")[2]
        file.seek(0)
        file.write(b"%d\n" % os.getpid() + rest)
        file.truncate()


def main(errand: str) -> None:
    """Become a keeper that is nobody's child."""
    if os.fork():
        os._exit(0)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    Keeper(**json.loads(errand)).keep()


if __name__ == "__main__":
    main(sys.argv[1])
