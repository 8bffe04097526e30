"""The engine is used before gunicorn forks its workers, so that they share a connection."""

from __future__ import annotations

from flask import request
from sqlalchemy import select

from tests.staleness.shop import Contact, Transaction, db, drawn, reset, start

app = start(__name__)

with app.app_context():
    db.create_all()  # before the fork, under --preload


@app.get("/transactions")
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
