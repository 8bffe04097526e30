"""A query made at import carries the session of that moment; nothing else is kept."""

from __future__ import annotations

from flask import request

from tests.staleness.shop import Contact, Transaction, db, drawn, reset, start

app = start(__name__)

with app.app_context():
    EVERYTHING = db.session.query(Transaction).order_by(Transaction.id)


@app.get("/transactions")
def transactions() -> str:
    """Show all of them, and forget them."""
    reset()
    return drawn(EVERYTHING.all())


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
