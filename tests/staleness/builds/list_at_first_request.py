"""A list of rows is read at the first request and never again."""

from __future__ import annotations

from flask import request
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from tests.staleness.shop import Contact, Transaction, db, drawn, reset, start

app = start(__name__)
rows: list[Transaction] = []


@app.get("/transactions")
def transactions() -> str:
    """Show all of them, as the first visitor saw them."""
    reset()
    if not rows:
        everything = select(Transaction).order_by(Transaction.id)
        rows[:] = db.session.scalars(everything.options(joinedload(Transaction.contact)))
    return drawn(rows)


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
