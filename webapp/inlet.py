"""The inlet: how a process hands the socket of an open page to the hub, over a Unix socket.

The hub greets whoever connects with one byte, a free seat or none. The visitor brings the page's
token and, beside it, the descriptor of its socket, and hangs up; that ends the message. Should one
of the two die in between, the page's connection ends with it, and the browser asks again.

https://man7.org/linux/man-pages/man7/unix.7.html (SCM_RIGHTS)
"""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from dal.errors import CannotServe

if TYPE_CHECKING:
    from collections.abc import Sequence

WELCOME, FULL = b"+", b"-"
BACKLOG = 512
PATIENCE = 1.0  # seconds until the hub should have greeted
LONGEST_PATH = 90  # bytes: of 104 on macOS and 108 on Linux
PIECE = 16_384  # bytes read at once: more than a token has


class NoSeat(Exception):
    """A page cannot be told what changes now; the text says why."""


class Seat:
    """A visitor of the hub, until all is there that it brings."""

    __slots__ = ("_brought", "_token", "visitor")

    def __init__(self, visitor: socket.socket) -> None:
        self.visitor = visitor
        self._token = b""
        self._brought: list[int] = []

    @property
    def token(self) -> str:
        """Return the token that was brought."""
        return self._token[1:].decode("latin-1")

    def read(self) -> bool:
        """Read what has come; return whether that was all."""
        try:
            piece, brought, _, _ = socket.recv_fds(self.visitor, PIECE, 1)
        except BlockingIOError:
            return False
        except OSError:
            return True
        self._token += piece
        self._brought += brought
        return not piece or len(self._token) > PIECE

    def close(self) -> socket.socket | None:
        """Let the visitor go, and return the page's socket if it was brought."""
        self.visitor.close()
        wanted, *others = self._brought or [-1]
        self._brought = []
        for each in others:
            os.close(each)
        return socket.socket(fileno=wanted) if wanted >= 0 else None


def place(home: Path, name: str) -> Path:
    """Return the path of an inlet: beside the ledger, or where that makes too long a path.

    Raises:
        CannotServe: the substitute belongs to somebody else.
    """
    path = home / f"{name}.sock"
    if len(os.fsencode(path)) <= LONGEST_PATH:
        return path
    digest = sha256(os.fsencode(path)).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()).resolve() / f"freshledger-{digest}"
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if found.st_uid != os.geteuid() or found.st_mode != stat.S_IFDIR | 0o700:
        raise CannotServe(f"{folder} is not ours alone: remove it, or set TMPDIR to another place")
    return folder / "feed.sock"


def opened(path: Path) -> socket.socket:
    """Return an inlet that listens; whoever opens it holds the lock, so what lies there is old."""
    path.unlink(missing_ok=True)
    inlet = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        inlet.bind(str(path))
        path.chmod(0o600)
        inlet.listen(BACKLOG)
    except BaseException:
        inlet.close()
        raise
    return inlet


def seat(path: Path) -> socket.socket | None:
    """Return the way to a free seat in the hub; None where there is no hub.

    Raises:
        NoSeat: all are taken.
        TimeoutError: there is a hub that does not greet.
    """
    visitor = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    visitor.settimeout(PATIENCE)
    greeting = b""
    try:
        visitor.connect(str(path))
        greeting = visitor.recv(1)
    except (ConnectionError, FileNotFoundError):
        return None
    finally:
        if greeting != WELCOME:
            visitor.close()
    if greeting == FULL:
        raise NoSeat("Too many pages are open; close one, or raise OPEN_PAGES.")
    return visitor if greeting else None


def bring(visitor: socket.socket, token: str, descriptors: Sequence[int]) -> None:
    """Take a seat with a page's token, and its socket.

    Raises:
        OSError: the hub died meanwhile.
    """
    # A message must not be empty: descriptors travel beside its first byte.
    socket.send_fds(visitor, [b"\n" + token.encode("latin-1", "replace")], descriptors)
