"""functools.cache stands before the query."""

from __future__ import annotations

from functools import cache

from flask import request
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from tests.staleness.shop import Contact, Transaction, db, drawn, reset, start

app = start(__name__)


@cache
def everything() -> list[Transaction]:
    """Return every transaction."""
    found = select(Transaction).options(joinedload(Transaction.contact)).order_by(Transaction.id)
    return list(db.session.scalars(found))


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
    return "saved"


@app.post("/contacts/<int:nr>")
def contact(nr: int) -> str:
    """Change a contact's name: the other function."""
    db.session.get_one(Contact, nr).name = request.form["name"]
    db.session.commit()
    return "saved"
