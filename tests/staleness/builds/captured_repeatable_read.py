"""A session captured at import under REPEATABLE READ, from whose rows nothing is kept."""

from __future__ import annotations

from flask import request
from sqlalchemy import select

from tests.staleness.shop import Contact, Transaction, db, drawn, reset, start

app = start(__name__, SQLALCHEMY_ENGINE_OPTIONS={"isolation_level": "REPEATABLE READ"})

with app.app_context():
    session = db.session()


@app.get("/transactions")
def transactions() -> str:
    """Show all of them, and forget them; the transaction of the first page goes on."""
    reset()
    return drawn(session.scalars(select(Transaction).order_by(Transaction.id)))


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
