"""Flask-Caching keeps the page in each process for a while."""

from __future__ import annotations

import os

from flask import request
from flask_caching import Cache
from sqlalchemy import select

from tests.staleness.shop import Contact, Transaction, db, drawn, reset, start

SECONDS = int(os.environ.get("CACHE_SECONDS", "300"))
app = start(__name__, CACHE_TYPE="SimpleCache", CACHE_DEFAULT_TIMEOUT=SECONDS)
cache = Cache(app)


@app.get("/transactions")
@cache.cached()
def transactions() -> str:
    """Show all of them."""
    reset()
    return drawn(db.session.scalars(select(Transaction).order_by(Transaction.id)))


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
