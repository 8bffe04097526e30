"""One open page: the socket on which it is told, where it stands, and what it is told.

Server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import contextlib
import json
import socket
from datetime import UTC
from typing import TYPE_CHECKING

from dal import snapshots
from dal.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dal.changes import News
    from dal.moments import Snapshot

#: Before the first message: a browser whose stream breaks asks again after a second.
RETRY = b"retry: 1000\n"
LONGEST_TOKEN = 8_000  # characters; a genuine one names a few hundred running writers at most
MOST_WAITING = 64 * 1024  # bytes that a page may leave unread before it is given up
KERNEL_BUFFER = 32 * 1024  # bytes beyond those that the kernel keeps for it
VANISHED = 20_000  # milliseconds in which a machine must confirm what it was sent
NOT_OURS = "the token is not ours, or is damaged"


class Stream:
    """The way to one open page.

    Args:
        connection: to the browser, ours alone.
        token: up to where the page knows the ledger, sealed; "" where it begins now.
        key: that seals tokens.
    """

    __slots__ = ("_waiting", "connection", "known", "refused")

    def __init__(self, connection: socket.socket, token: str, key: bytes) -> None:
        self.connection = connection
        self.known, self.refused = _understood(token, key)
        self._waiting = b""
        prepare(connection)

    def fileno(self) -> int:
        """Return the descriptor, for a selector."""
        return self.connection.fileno()

    @property
    def behind(self) -> bool:
        """Return whether something waits until the page reads."""
        return bool(self._waiting)

    def send(self, message: bytes = b"") -> bool:
        """Send what fits and keep the rest; return whether the page is still worth it.

        Nobody waits for a page: one that has gone, or leaves too much unread, is given up.
        """
        waiting = self._waiting + message
        try:
            sent = self.connection.send(waiting)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            return False
        self._waiting = waiting[sent:]
        return len(self._waiting) <= MOST_WAITING


def prepare(connection: socket.socket) -> None:
    """Make a socket send at once, never block, keep little, and notice a machine that is gone."""
    connection.settimeout(0)
    options = (
        (socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BUFFER),
        (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
        (socket.IPPROTO_TCP, getattr(socket, "TCP_USER_TIMEOUT", None), VANISHED),
    )
    for level, option, value in options:
        with contextlib.suppress(OSError):  # behind a proxy it may be no TCP
            if option is not None:
                connection.setsockopt(level, option, value)


def _understood(token: str, key: bytes) -> tuple[Snapshot | None, str]:
    """Return the snapshot that a token names, or why it names none. No statement sees the token."""
    if not token:
        return None, ""
    try:
        return (
            (snapshots.unseal(token, key), "") if len(token) <= LONGEST_TOKEN else (None, NOT_OURS)
        )
    except BadInput:
        return None, NOT_OURS


# ── Messages ─────────────────────────────────────────────────────────────────────────────────


class Teller:
    """Puts into messages what a page is told at one snapshot; each is encoded once for all.

    Args:
        reached: the snapshot that the message's id names.
        key: that seals tokens.
    """

    def __init__(self, reached: Snapshot, key: bytes) -> None:
        self._token = snapshots.seal(reached, key)
        as_of = reached.as_of.astimezone(UTC).isoformat(timespec="microseconds")
        self._as_of = as_of.replace("+00:00", "Z")

    def alive(self) -> bytes:
        """Return that nothing has changed."""
        return self._message("alive", {})

    def reset(self, reason: str) -> bytes:
        """Return that nobody can tell what changed: the page must look at everything anew."""
        return self._message("reset", {"reason": reason})

    def news(self, news: News) -> bytes:
        """Return what changed; "" where nothing did."""
        if news.lost:
            return self.reset(news.lost)
        if not news.touched:
            return b""
        told = {
            "changed": news.transactions,
            "placed": news.placed,
            "names": news.names,
            "more": news.more,
        }
        return self._message("changes", told)

    def _message(self, event: str, told: Mapping[str, object]) -> bytes:
        return message(event, {"as_of": self._as_of, **told}, self._token)


def down(reason: str) -> bytes:
    """Return that the database cannot be asked. It has no id: the page stays where it is."""
    return message("down", {"reason": reason})


def message(event: str, data: Mapping[str, object], token: str = "") -> bytes:
    r"""Return one event as it is sent.

    >>> message("down", {"reason": "…"})
    b'event: down\ndata: {"reason":"\\u2026"}\n\n'
    """
    told = json.dumps(data, separators=(",", ":"))
    number = f"id: {token}\n" if token else ""
    return f"event: {event}\n{number}data: {told}\n\n".encode()
