"""Whether somebody still waits for an answer: who has hung up, or a server that ends, does not."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from webapp import handover

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event
    from wsgiref.types import WSGIEnvironment


def left(environ: WSGIEnvironment, ending: Event) -> Callable[[], bool]:
    """Return what tells whether nobody waits for the answer to a request any more.

    Where the server keeps the socket to itself, only its own end is noticed.

    Args:
        environ: of the request.
        ending: set when this process ends.
    """
    line = handover.connection(environ)

    def gone() -> bool:
        return ending.is_set() or (line is not None and hung_up(line))

    return gone


def hung_up(line: socket.socket) -> bool:
    """Return whether the other side has closed the connection; what it says is left unread.

    A browser closes it when its page is left, its tab closed, its request aborted; and so does a
    proxy whose visitor has gone.
    """
    try:
        return line.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except (BlockingIOError, InterruptedError):
        return False
    except OSError:
        return True
