"""A page kept in each process: what its own writes clear there, other processes still have.

gunicorn "tests.staleness.caching:create()"
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request
from sqlalchemy import select

from tests.staleness.observing import other_function
from tests.staleness.shop import Transaction, db, drawn, reset, start

if TYPE_CHECKING:
    from flask import Flask


def create() -> Flask:
    """Return an application that keeps its page, and drops it after each of its own writes."""
    app = start("cached")
    kept: dict[str, str] = {}

    @app.get("/transactions")
    def transactions() -> str:
        reset()
        if "uncached" in request.args:
            kept.clear()
        if "page" not in kept:
            rows = db.session.scalars(select(Transaction).order_by(Transaction.id))
            kept["page"] = drawn(rows)
        return kept["page"]

    @app.post("/transactions/<int:nr>/note")
    def note(nr: int) -> str:
        db.session.get_one(Transaction, nr).note = request.form["note"]
        db.session.commit()
        kept.clear()
        return "saved"

    other_function(app, also=kept.clear)
    return app
