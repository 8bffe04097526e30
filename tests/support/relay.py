"""A relay before PostgreSQL that loses a connection just when something is committed on it."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import make_url

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMIT = b"COMMIT"  # as the driver says it, and as the server answers
PATIENCE = 60  # seconds


@dataclass
class _Pair:
    """One connection, both its halves."""

    client: socket.socket
    server: socket.socket
    losing: threading.Event = field(default_factory=threading.Event)
    committed: threading.Event = field(default_factory=threading.Event)


class Relay:
    """Passes on what both sides say; once armed, it breaks off at the next COMMIT.

    Args:
        url: of the server.
        told: whether the server still hears of the COMMIT, so that only its answer is lost.
    """

    def __init__(self, url: str, *, told: bool) -> None:
        self._server, self._told = make_url(url), told
        self._armed = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._ends: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """Return the address of the database, through the relay."""
        port = self._listener.getsockname()[1]
        query = {"sslmode": "disable", "gssencmode": "disable"}
        through = self._server.set(host="127.0.0.1", port=port, query=query)
        return through.render_as_string(hide_password=False)

    def arm(self) -> None:
        """Lose the next COMMIT."""
        self._armed.set()

    def close(self) -> None:
        """Hang up on all."""
        self._listener.shutdown(socket.SHUT_RDWR)
        for end in (self._listener, *self._ends):
            end.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = self._reach()
            self._ends += (client, server)
            pair = _Pair(client, server)
            for work in (self._upward, self._downward):
                threading.Thread(target=work, args=(pair,), daemon=True).start()

    def _reach(self) -> socket.socket:
        query = self._server.query
        host = str(query.get("host", self._server.host or "127.0.0.1"))
        port = self._server.port or int(str(query.get("port", 5432)))
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        found = socket.socket(socket.AF_UNIX)
        found.connect(f"{host}/.s.PGSQL.{port}")
        return found

    def _upward(self, pair: _Pair) -> None:
        with suppress(OSError):
            while data := pair.client.recv(65536):
                if COMMIT in data and self._armed.is_set():
                    self._armed.clear()
                    pair.losing.set()
                    if self._told:
                        pair.server.sendall(data)
                        pair.committed.wait(PATIENCE)
                    break
                pair.server.sendall(data)
        _hang_up(pair.client, pair.server)

    def _downward(self, pair: _Pair) -> None:
        with suppress(OSError):
            while data := pair.server.recv(65536):
                if COMMIT in data and pair.losing.is_set():
                    pair.committed.set()
                    break
                pair.client.sendall(data)
        _hang_up(pair.client, pair.server)


def _hang_up(*ends: socket.socket) -> None:
    for end in ends:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@contextmanager
def losing(url: str, *, told: bool) -> Iterator[Relay]:
    """Yield a relay, not armed yet."""
    relay = Relay(url, told=told)
    try:
        yield relay
    finally:
        relay.close()
