"""An application served in threads of the test's own process, and ports for those outside it."""

from __future__ import annotations

import random
import socket
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING, Any

from werkzeug.serving import WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

GLANCE = 0.02  # seconds after which a server notices that it is to end
#: Below what systems hand out to whoever asks for any port, so that nobody takes one meanwhile.
PORTS = range(10_000, 32_000)


class Quiet(WSGIRequestHandler):
    """Says nothing."""

    def log(self, *_: Any) -> None: ...


@contextmanager
def hosted(app: Flask) -> Iterator[str]:
    """Yield the address of an application while it is served."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = Thread(target=server.serve_forever, args=(GLANCE,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def free_port() -> int:
    """Return a port that nobody uses, for a server that is started next."""
    while True:
        with socket.socket() as tried:
            port = random.choice(PORTS)
            if tried.connect_ex(("127.0.0.1", port)):
                return port
