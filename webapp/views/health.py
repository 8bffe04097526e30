"""Whether the application can serve, for those who watch over it."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from dal import imports
from webapp.scope import g

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def healthz() -> Response:
    """Answer 200 when PostgreSQL has answered a statement, else 503."""
    with g.ledger.read() as conn:
        imports.has_sample(conn)
    return jsonify(status="ok")
