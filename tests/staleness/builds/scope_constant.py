"""The scope of db.session is one constant; the extension still removes it each time."""

from __future__ import annotations

from flask import request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import select

from tests.staleness.shop import Contact, Transaction, drawn, reset, start

db = SQLAlchemy(session_options={"scopefunc": lambda: 0})
app = start(__name__, db)
shown: list[Transaction] = []


@app.get("/transactions")
def transactions() -> str:
    """Show all of them, and keep the last page for the next request's sidebar."""
    reset(db.session)
    shown[:] = db.session.scalars(select(Transaction).order_by(Transaction.id))
    return drawn(shown)


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
