"""One global session for everything, and a function that writes forgets to commit."""

from __future__ import annotations

from flask import request
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.staleness.shop import Contact, Transaction, db, drawn, reset, start

app = start(__name__)

with app.app_context():
    session = Session(db.engine)


@app.get("/transactions")
def transactions() -> str:
    """Show all of them, and forget them."""
    reset()
    return drawn(session.scalars(select(Transaction).order_by(Transaction.id)))


@app.post("/transactions/<int:nr>/note")
def note(nr: int) -> str:
    """Change a note."""
    session.get_one(Transaction, nr).note = request.form["note"]
    if "label" in request.form:
        session.get_one(Transaction, nr).label = request.form["label"]
        session.commit()
    return "saved"


@app.post("/contacts/<int:nr>")
def contact(nr: int) -> str:
    """Change a contact's name: the other function."""
    session.get_one(Contact, nr).name = request.form["name"]
    session.commit()
    return "saved"
