"""What changes, told to open pages as it happens."""

from __future__ import annotations

from flask import Blueprint, Response, abort, request
from werkzeug.exceptions import MethodNotAllowed, ServiceUnavailable

from webapp import handover
from webapp.errors import RETRY_AFTER
from webapp.handover import EventStream
from webapp.inlet import NoSeat
from webapp.scope import g
from webapp.state import state

bp = Blueprint("changes", __name__)
OURS = frozenset({"same-origin", "none"})
NO_SOCKET = "This server keeps its sockets to itself; serve with freshledger serve, without TLS."


@bp.get("/changes")
def stream() -> Response:
    """Answer with server-sent events, from the page's token on.

    `Last-Event-ID`, which a browser sends when it comes back, counts more than `since`.
    """
    if request.method != "GET":
        raise MethodNotAllowed(["GET"])
    if request.headers.get("Sec-Fetch-Site", "none") not in OURS:
        abort(403, "Only this site's own pages are told what changes.")
    if handover.connection(request.environ) is None:
        abort(501, NO_SOCKET)
    token = request.headers.get("Last-Event-ID", "") or g.one("since")
    try:
        return EventStream(state().feed.seat(), token)
    except NoSeat as error:
        raise ServiceUnavailable(str(error), retry_after=RETRY_AFTER) from error
