"""The live stream as a client hears it: server-sent events over a connection that it may drop.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import http.client
import json
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.freshness.clients import Broken, Client
from tests.freshness.snapshots import decode
from tests.freshness.streams import Event, Stream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from tests.freshness.load import Load

OK, GONE = 200, 404


@dataclass
class Listener:
    """Listens, hangs up now and then, and goes on from the last event that it had."""

    load: Load
    random: Random
    stays: int = 20  # events on one connection
    last: str = ""

    def step(self) -> None:
        """Listen on one connection until it ends, or until it is time to hang up."""
        stream = self._stream()
        if stream is None:
            self.load.pause(0.1)
            return
        parts = urlsplit(self.load.url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=5)
        try:
            connection.request("GET", f"/changes?since={self.last}", headers=self._headers())
            reply = connection.getresponse()
            if reply.status == GONE:  # there is no stream
                self.load.pause(5)
                return
            if reply.status != OK:
                self.load.refused()
                self.load.pause(0.1)
                return
            self._listen(stream, reply)
        except (OSError, http.client.HTTPException):
            self.load.broke_off(1)
        finally:
            connection.close()

    def close(self) -> None:
        """Leave nothing behind."""

    def _headers(self) -> dict[str, str]:
        return {"Last-Event-ID": self.last, "Accept": "text/event-stream"}

    def _stream(self) -> Stream | None:
        """Return what events are folded into, begun at the token of a page."""
        if self.load.stream and self.last:
            return self.load.stream
        client = Client(self.load.url, patience=10)
        with suppress(Broken), closing(client):
            self.last = client.get("/transactions?size=25").token
        if not self.last:
            return None
        if self.load.stream:
            self.load.stream.begins_anew(decode(self.last))
        else:
            self.load.stream = Stream(decode(self.last))
        return self.load.stream

    def _listen(self, stream: Stream, reply: http.client.HTTPResponse) -> None:
        stays = self.random.randint(1, self.stays)
        for kind, number, data in events(reply):
            if self.load.over():
                return
            event = Event(
                snapshot=decode(number) if number else None,
                changed=frozenset(data.get("changed", ())),
                placed=bool(data.get("placed")),
                all=bool(data.get("more")) or kind == "reset",
            )
            if event.snapshot and not event.snapshot.comparable(stream.start):
                stream.begins_anew(event.snapshot)
            self.last = number or self.last
            self.load.told(kind, stream.told(event))
            stays -= kind == "changes"
            if stays <= 0:
                self.load.pause(self.random.random() * 0.2)  # what happens now must be replayed
                return


def events(reply: http.client.HTTPResponse) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Return kind, id and data of each event."""
    kind, number, data = "message", "", ""
    for raw in reply:
        line = raw.decode().rstrip("\r\n")
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            kind = value
        elif name == "id":
            number = value
        elif name == "data":
            data += value
        elif not line and data:
            yield kind, number, json.loads(data)
            kind, number, data = "message", "", ""
