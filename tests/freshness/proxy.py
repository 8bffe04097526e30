"""A TCP proxy before PostgreSQL, which can lose the answer to a COMMIT.

The COMMIT reaches the server and is carried out; the connection ends before its answer comes back.
What the client sent may have happened or not, as far as it can know.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from psycopg.conninfo import conninfo_to_dict

if TYPE_CHECKING:
    from collections.abc import Callable

COMMIT = b"COMMIT\0"


@dataclass
class Proxy:
    """Between an application and a server.

    Args:
        database: the server's address, as libpq writes it.
        each: of so many COMMITs one goes without an answer; 0 is none.
    """

    database: str
    each: int = 0
    lost: int = 0  # answers so far
    _commits: count[int] = field(default_factory=lambda: count(1))
    _open: set[socket.socket] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)

    def __enter__(self) -> Self:
        self._parts: dict[str, Any] = conninfo_to_dict(self.database)
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.close()
        with self._lock:
            for each in self._open:
                _hang_up(each)

    @property
    def url(self) -> str:
        """Return the address of the database, through the proxy."""
        user = quote(str(self._parts.get("user", "")), safe="")
        word = quote(str(self._parts.get("password", "")), safe="")
        who = f"{user}:{word}@" if word else f"{user}@"
        name = quote(str(self._parts.get("dbname", user)), safe="")
        port = self._listening.getsockname()[1]
        return f"postgresql://{who}127.0.0.1:{port}/{name}?sslmode=disable"

    def _server(self) -> socket.socket:
        host = str(self._parts.get("host") or "127.0.0.1")
        port = int(self._parts.get("port") or 5432)
        if host.startswith("/"):
            there = socket.socket(socket.AF_UNIX)
            there.connect(f"{host}/.s.PGSQL.{port}")
            return there
        return socket.create_connection((host, port))

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                try:
                    server = self._server()
                except OSError:
                    client.close()
                    continue
                self._join(client, server)

    def _join(self, client: socket.socket, server: socket.socket) -> None:
        doomed: list[bool] = []

        def asked(data: bytes) -> bool:
            if self.each and COMMIT in data and next(self._commits) % self.each == 0:
                doomed.append(True)
            return True

        def answered(_: bytes) -> bool:
            self.lost += bool(doomed)
            return not doomed

        with self._lock:
            self._open |= {client, server}
        for source, sink, passes in ((client, server, asked), (server, client, answered)):
            Thread(target=self._pump, args=(source, sink, passes), daemon=True).start()

    def _pump(
        self, source: socket.socket, sink: socket.socket, passes: Callable[[bytes], bool]
    ) -> None:
        with suppress(OSError):
            while (data := source.recv(65_536)) and passes(data):
                sink.sendall(data)
        for each in (source, sink):
            _hang_up(each)
        with self._lock:
            self._open -= {source, sink}


def _hang_up(line: socket.socket) -> None:
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
    line.close()
