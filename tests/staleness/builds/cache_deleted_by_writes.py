"""Each process memoizes the rows, and whatever writes there deletes what it memoized."""

from __future__ import annotations

import os
from typing import Any

from flask import request
from flask_caching import Cache
from sqlalchemy import select

from tests.staleness.shop import Contact, Transaction, db, drawn, reset, start

SECONDS = int(os.environ.get("CACHE_SECONDS", "300"))
app = start(__name__, CACHE_TYPE="SimpleCache", CACHE_DEFAULT_TIMEOUT=SECONDS)
cache = Cache(app)


@cache.memoize()
def everything() -> list[dict[str, Any]]:
    """Return every transaction."""
    found = db.session.scalars(select(Transaction).order_by(Transaction.id))
    return [{"id": row.id, "asset": row.asset, "note": row.note} for row in found]


@app.get("/transactions")
def transactions() -> str:
    """Show all of them."""
    reset()
    return drawn(everything())


@app.post("/transactions/<int:nr>/note")
def note(nr: int) -> str:
    """Change a note."""
    db.session.get_one(Transaction, nr).note = request.form["note"]
    db.session.commit()
    cache.delete_memoized(everything)
    return "saved"


@app.post("/contacts/<int:nr>")
def contact(nr: int) -> str:
    """Change a contact's name: the other function."""
    db.session.get_one(Contact, nr).name = request.form["name"]
    db.session.commit()
    cache.delete_memoized(everything)
    return "saved"
