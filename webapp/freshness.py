"""What a browser has written, it sees: every later answer includes it, or is none.

The number of the last transaction that a browser wrote travels in its signed cookie. An answer
from a snapshot that does not include it, as of a replica that lags behind or of a backup that was
restored under the same name, is refused instead of shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from flask import session

from dal.errors import Unavailable
from webapp.errors import on_dal_error
from webapp.scope import g

if TYPE_CHECKING:
    from flask import Flask, Response

    from dal.moments import Snapshot

COOKIE = "floor"


class Floor(NamedTuple):
    """A transaction that answers must include; it compares within its lineage only."""

    system: str
    timeline: int
    incarnation: int
    xid: int

    def is_missing_from(self, seen: Snapshot) -> bool:
        """Return whether a snapshot is known to be from before the transaction."""
        return seen.lineage == self[:3] and not seen.includes(self.xid)


def install(app: Flask) -> None:
    """Check every answer of an application. Install it behind what adds the token to an answer."""
    app.after_request(check)


def remember(floor: Floor) -> None:
    """Let later answers to this browser include a transaction, and those that they must already."""
    known = remembered()
    if known and known[:3] == floor[:3]:
        floor = max(known, floor)
    session[COOKIE] = list(floor)


def remembered() -> Floor | None:
    """Return what answers to this browser must include."""
    known = session.get(COOKIE)
    return Floor(*known) if known else None


def check(response: Response) -> Response:
    """Answer 503 instead of what this browser has changed since."""
    floor = remembered() if g.seen else None
    if floor is None or g.seen is None or not floor.is_missing_from(g.seen):
        return response
    response.close()  # an export holds a connection
    g.seen = None  # what says so is no answer of the ledger
    return on_dal_error(Unavailable("it does not show yet what you saved; try again in a moment"))
