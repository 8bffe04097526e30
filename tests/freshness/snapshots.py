"""Snapshots of PostgreSQL, read from the token of an answer without the product's help.

https://www.postgresql.org/docs/18/functions-info.html#FUNCTIONS-PG-SNAPSHOT-PARTS
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from functools import lru_cache

SIGNATURE = 16  # bytes in front of a token's body, which only the product can check


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Which transactions of one life of one server are over."""

    server: tuple[str, int, int]  # system identifier, timeline, incarnation
    xmin: int
    xmax: int
    running: frozenset[int]
    as_of: int = 0  # microseconds since 1970

    def includes(self, xid: int) -> bool:
        """Return whether a transaction was over, however it ended."""
        return xid < self.xmin or (xid < self.xmax and xid not in self.running)

    def comparable(self, other: Snapshot) -> bool:
        """Return whether both are of one life of one server."""
        return self.server == other.server

    def dominates(self, other: Snapshot) -> bool:
        """Return whether all that was over in `other` is over here."""
        return self.xmax >= other.xmax and all(
            xid >= other.xmax or xid in other.running for xid in self.running
        )


def parts(text: str) -> tuple[int, int, frozenset[int]]:
    """Return xmin, xmax and the running ones of a snapshot's text.

    >>> parts("10:14:10,12") == (10, 14, frozenset({10, 12}))
    True
    """
    xmin, xmax, running = text.split(":")
    return int(xmin), int(xmax), frozenset(map(int, running.split(","))) if running else frozenset()


@lru_cache(maxsize=4096)
def decode(token: str) -> Snapshot:
    """Return the snapshot of a token.

    Raises:
        ValueError: it is none.
    """
    raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))[SIGNATURE:]
    _, system, timeline, incarnation, text, as_of = json.loads(raw)
    return Snapshot((str(system), int(timeline), int(incarnation)), *parts(text), int(as_of))
