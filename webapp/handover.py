"""An answer that never ends and holds no thread: the hub goes on writing where the server stopped.

The answer writes its own head, gives the client's socket to the hub, and leaves the server a dummy
in its place: what that still writes, drains or shuts down goes nowhere, and quietly.
"""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from flask import Response

from webapp import inlet

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

SOCKETS = ("gunicorn.socket", "werkzeug.socket")  # where servers leave it
OF_THE_CONNECTION = frozenset({"connection", "content-length", "transfer-encoding", "keep-alive"})


def connection(environ: WSGIEnvironment) -> socket.socket | None:
    """Return the client's socket; None where the server keeps it, encrypts it, or shares it."""
    found: Any = next((environ[name] for name in SOCKETS if name in environ), None)
    alone = str(environ.get("SERVER_PROTOCOL", "")).startswith("HTTP/1")
    if not alone or not isinstance(found, socket.socket) or isinstance(found, ssl.SSLSocket):
        return None
    return found


class EventStream(Response):
    """Server-sent events, written by the hub.

    Args:
        seat: the way to a free seat in the hub.
        token: up to where the page knows the ledger.
    """

    default_mimetype = "text/event-stream"
    automatically_set_content_length = False

    def __init__(self, seat: socket.socket, token: str) -> None:
        super().__init__()
        self._seat, self._token = seat, token
        self.headers["Cache-Control"] = "no-store"
        self.headers["X-Accel-Buffering"] = "no"  # nginx would collect the events

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Hand the client's socket over, and let the server answer the dummy."""
        client = connection(environ)
        if client is not None:
            self.call_on_close(self._hand_over(client, self._head(environ)).close)
        return super().__call__(environ, start_response)

    def _head(self, environ: WSGIEnvironment) -> bytes:
        _, status, headers = self.get_wsgi_response(environ)
        kept = [(name, value) for name, value in headers if name.lower() not in OF_THE_CONNECTION]
        kept += [("Date", formatdate(usegmt=True)), ("Connection", "close")]
        lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in kept), "", ""]
        return "\r\n".join(lines).encode("latin-1")

    def _hand_over(self, client: socket.socket, head: bytes) -> socket.socket:
        """Return the far end of the dummy, to be closed when the server has written its answer."""
        near, far = socket.socketpair()
        with self._seat, contextlib.suppress(OSError):  # the browser has gone, or the hub
            client.sendall(head)
            inlet.bring(self._seat, self._token, [client.fileno()])
        os.dup2(near.fileno(), client.fileno(), inheritable=False)
        near.close()
        return far
