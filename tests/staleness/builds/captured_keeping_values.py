"""A session captured at import with expire_on_commit=False, whose last page is kept."""

from __future__ import annotations

from flask import request
from sqlalchemy import select

from tests.staleness.shop import Contact, Transaction, db, drawn, reset, start

app = start(__name__)

with app.app_context():
    session = db.session(expire_on_commit=False)

shown: list[Transaction] = []


@app.get("/transactions")
def transactions() -> str:
    """Show all of them, and keep the last page for the next request's sidebar."""
    reset()
    shown[:] = session.scalars(select(Transaction).order_by(Transaction.id))
    return drawn(shown)


@app.post("/transactions/<int:nr>/note")
def note(nr: int) -> str:
    """Change a note."""
    session.get_one(Transaction, nr).note = request.form["note"]
    session.commit()
    return "saved"


@app.post("/contacts/<int:nr>")
def contact(nr: int) -> str:
    """Change a contact's name: the other function."""
    session.get_one(Contact, nr).name = request.form["name"]
    session.commit()
    return "saved"
