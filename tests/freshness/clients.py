"""HTTP as a browser speaks it, on bare sockets: kept connections, cookies, and its cache."""

from __future__ import annotations

import re
import socket
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAX_AGE = re.compile(r"max-age=(\d+)")
PATIENCE = 30.0  # seconds
UNAVAILABLE, BUSY, NOT_MODIFIED = 503, 429, 304


class Broken(Exception):
    """No answer came: what was asked may have been done."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, and when."""

    status: int
    headers: Mapping[str, str]
    text: str
    invoked: int
    ok: int

    @property
    def token(self) -> str:
        """Return the token of the snapshot that it was true at; "" where there is none."""
        return self.headers.get("freshledger-snapshot", "")

    @property
    def worker(self) -> str:
        """Return which process answered; "" where it does not say."""
        return self.headers.get("freshness-worker", "")


@dataclass
class Client:
    """One browser: its connection, its cookies, and a cache that believes what it is told."""

    url: str
    turns: int = 12  # requests on one connection: the next one may lead to another worker
    patience: float = PATIENCE
    breaks: int = 0  # connections that ended before an answer came
    _socket: socket.socket | None = None
    _left: int = 0
    _rest: bytes = b""
    _cookies: dict[str, str] = field(default_factory=dict)
    _cache: dict[str, tuple[Reply, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme != "http":
            raise ValueError(f"{self.url} is not plain http")
        self._place = parts.hostname or "127.0.0.1", parts.port or 80
        self.host = parts.netloc

    def get(self, path: str) -> Reply:
        """Ask for a page.

        Raises:
            Broken: no answer came.
        """
        begun = time.monotonic_ns()
        kept = self._cache.get(path)
        if kept and kept[1] > time.monotonic():
            fresh = kept[0]
            return Reply(fresh.status, fresh.headers, fresh.text, begun, time.monotonic_ns())
        tag = kept[0].headers.get("etag") if kept else None
        asked = [("If-None-Match", tag)] if tag else []
        try:
            reply = self._ask("GET", path, asked, b"")
        except Broken:  # the server may have closed a kept connection; asking again is harmless
            reply = self._ask("GET", path, asked, b"")
        if reply.status == NOT_MODIFIED and kept:
            old = kept[0]
            return Reply(old.status, old.headers, old.text, reply.invoked, reply.ok)
        self._keep(path, reply)
        return reply

    def _keep(self, path: str, reply: Reply) -> None:
        told = reply.headers.get("cache-control", "")
        age = MAX_AGE.search(told)
        if "no-store" in told or not (age or "etag" in reply.headers):
            self._cache.pop(path, None)
            return
        until = time.monotonic() + int(age[1]) if age and "no-cache" not in told else 0
        self._cache[path] = reply, until

    def post(self, path: str, form: Mapping[str, str]) -> Reply:
        """Send a form, once, on a connection that has not had time to go stale.

        Raises:
            Broken: no answer came; it may have been done.
        """
        body = urlencode(form).encode()
        kind = ("Content-Type", "application/x-www-form-urlencoded")
        self.close()
        return self._ask("POST", path, [kind, ("Content-Length", str(len(body)))], body)

    def close(self) -> None:
        """Hang up."""
        if self._socket:
            self._socket.close()
        self._socket, self._rest = None, b""

    def _ask(
        self, method: str, path: str, headers: Iterable[tuple[str, str]], body: bytes
    ) -> Reply:
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}"]
        lines += [f"{name}: {value}" for name, value in headers]
        if self._cookies:
            lines.append("Cookie: " + "; ".join(f"{k}={v}" for k, v in self._cookies.items()))
        message = "\r\n".join([*lines, "", ""]).encode() + body
        try:
            return self._exchange(message)
        except (OSError, ValueError) as error:
            self.close()
            self.breaks += 1
            raise Broken(f"{method} {path}: {error}") from error

    def _exchange(self, message: bytes) -> Reply:
        if self._left <= 0:
            self.close()
        if self._socket is None:
            self._socket = socket.create_connection(self._place, self.patience)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._left = self.turns
        self._left -= 1
        invoked = time.monotonic_ns()
        self._socket.sendall(message)
        status, headers = self._head()
        text = self._body(headers) if status != NOT_MODIFIED else ""
        ok = time.monotonic_ns()
        if headers.get("connection", "").lower() == "close":
            self.close()
        return Reply(status, headers, text, invoked, ok)

    def _head(self) -> tuple[int, dict[str, str]]:
        while b"\r\n\r\n" not in self._rest:
            self._more()
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            name, value = name.lower(), value.strip()
            if name == "set-cookie":
                key, _, cookie = value.partition(";")[0].partition("=")
                self._cookies[key] = cookie
            headers[name] = value
        return int(first.split(" ")[1]), headers

    def _body(self, headers: Mapping[str, str]) -> str:
        if "content-length" not in headers:
            raise ValueError("an answer of unknown length")
        size = int(headers["content-length"])
        while len(self._rest) < size:
            self._more()
        body, self._rest = self._rest[:size], self._rest[size:]
        return body.decode()

    def _more(self) -> None:
        assert self._socket is not None
        got = self._socket.recv(262_144)
        if not got:
            raise ValueError("the connection ended")
        self._rest += got
