"""The answer lets the browser keep the page for a while."""

from __future__ import annotations

import os

from flask import Response, request
from sqlalchemy import select

from tests.staleness.shop import Contact, Transaction, db, drawn, reset, start

SECONDS = int(os.environ.get("CACHE_SECONDS", "300"))
app = start(__name__)


@app.get("/transactions")
def transactions() -> Response:
    """Show all of them."""
    reset()
    page = drawn(db.session.scalars(select(Transaction).order_by(Transaction.id)))
    response = Response(page)
    response.cache_control.private = True
    response.cache_control.max_age = SECONDS
    return response


@app.post("/transactions/<int:nr>/note")
def note(nr: int) -> str:
    """Change a note."""
    db.session.get_one(Transaction, nr).note = request.form["note"]
    db.session.commit()
    return "saved"


@app.post("/contacts/<int:nr>")
def contact(nr: int) -> str:
    """Change a contact's name: the other function."""
    db.session.get_one(Contact, nr).name = request.form["name"]
    db.session.commit()
    return "saved"
