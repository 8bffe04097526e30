"""An open page without a browser: what it is told, in a thread of its own; and a line to cut."""

from __future__ import annotations

import http.client
import json
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Condition, Event as Gate, Thread
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote, urlsplit

from sqlalchemy import make_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PATIENCE = 30  # seconds: far more than anything takes


@dataclass(frozen=True, slots=True)
class Told:
    """One event."""

    kind: str
    token: str
    data: dict[str, Any]

    @property
    def changed(self) -> list[int]:
        return list(self.data.get("changed", ()))


def events(lines: Iterator[bytes]) -> Iterator[Told]:
    """Yield what the lines of an answer tell."""
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if name:
            fields[name] = value
        elif "data" in fields:
            yield Told(fields["event"], fields.get("id", ""), json.loads(fields["data"]))
            fields = {}


@dataclass
class Listener:
    """Listens to one stream until it ends or is closed."""

    url: str
    since: str = ""
    last: str = ""  # Last-Event-ID
    told: list[Told] = field(default_factory=list)
    ended: bool = False

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        self.connection = http.client.HTTPConnection(parts.netloc, timeout=PATIENCE)
        query = f"?since={quote(self.since)}" if self.since else ""
        headers = {"Last-Event-ID": self.last} if self.last else {}
        self.connection.request("GET", f"/changes{query}", headers=headers)
        assert self.connection.sock is not None
        self.line = self.connection.sock.dup()
        self.reply = self.connection.getresponse()
        self._news = Condition()
        self._thread = Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        with suppress(OSError, ValueError, http.client.HTTPException):
            for event in events(iter(self.reply)):
                with self._news:
                    self.told.append(event)
                    self._news.notify_all()
        with self._news:
            self.ended = True
            self._news.notify_all()

    def until(self, found: Callable[[Listener], object]) -> Any:
        """Wait until something is found in what was told, and return it."""
        with self._news:
            assert self._news.wait_for(lambda: found(self), PATIENCE), self.told[-5:]
            return found(self)

    def first(self, *kinds: str, after: int = 0) -> Told:
        """Wait for the first event of a kind, and return it."""
        found: Told = self.until(
            lambda it: next((each for each in it.told[after:] if each.kind in kinds), None)
        )
        return found

    def hears(self, transaction: int) -> Told:
        """Wait until a transaction is named, and return the event."""
        found: Told = self.until(
            lambda it: next((each for each in it.told if transaction in each.changed), None)
        )
        return found

    def named(self) -> list[int]:
        """Return every id that was named, as often as it was."""
        return [each for event in self.told for each in event.changed]

    def close(self) -> None:
        """Hang up."""
        with suppress(OSError):
            self.line.shutdown(socket.SHUT_RDWR)
        self._thread.join(PATIENCE)
        self.line.close()
        self.reply.close()
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Relay:
    """A line to PostgreSQL that can be cut, or left open without an answer."""

    def __init__(self, database: str, folder: Path) -> None:
        self._parts = make_url(database)
        self._folder = folder
        self._open: set[socket.socket] = set()
        self._flows = Gate()
        self.mend()

    @property
    def url(self) -> str:
        """Return the address of the database by this line."""
        host = {"host": str(self._folder), "port": "5432"}
        url = self._parts.set(drivername="postgresql", host=None, port=None, query=host)
        return url.render_as_string(hide_password=False)

    def mend(self) -> None:
        """Let connections be made, and flow."""
        self._flows.set()
        self._listening = socket.socket(socket.AF_UNIX)
        (self._folder / ".s.PGSQL.5432").unlink(missing_ok=True)
        self._listening.bind(str(self._folder / ".s.PGSQL.5432"))
        self._listening.listen()
        Thread(target=self._accept, args=(self._listening,), daemon=True).start()

    def cut(self) -> None:
        """Break all connections, and refuse new ones."""
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for each in tuple(self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._flows.set()

    def hang(self) -> None:
        """Keep all connections, and let nothing through."""
        self._flows.clear()

    def go_on(self) -> None:
        """Let through what was held up."""
        self._flows.set()

    def leave_hanging(self) -> Gate:
        """Let new connections flow and those that are there hang; return what frees them."""
        hanging, self._flows = self._flows, Gate()
        hanging.clear()
        self._flows.set()
        return hanging

    def _accept(self, listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listening.accept()
                server = self._server()
                self._open |= {client, server}
                for ends in ((client, server), (server, client)):
                    Thread(target=self._pump, args=(*ends, self._flows), daemon=True).start()

    def _server(self) -> socket.socket:
        host = str(self._parts.query.get("host") or self._parts.host or "127.0.0.1")
        port = int(str(self._parts.query.get("port") or self._parts.port or 5432))
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{host}/.s.PGSQL.{port}")
        return server

    def _pump(self, source: socket.socket, sink: socket.socket, flows: Gate) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                flows.wait()
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)
        source.close()
        self._open.discard(source)
