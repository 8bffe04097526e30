"""The note is written by an UPDATE of which the session is not told."""

from __future__ import annotations

from flask import request
from sqlalchemy import select, update

from tests.staleness.shop import Contact, Transaction, db, drawn, reset, start

app = start(__name__)


@app.get("/transactions")
def transactions() -> str:
    """Show all of them."""
    reset()
    return drawn(db.session.scalars(select(Transaction).order_by(Transaction.id)))


@app.post("/transactions/<int:nr>/note")
def note(nr: int) -> str:
    """Change a note."""
    changed = update(Transaction).where(Transaction.id == nr).values(note=request.form["note"])
    db.session.execute(changed, execution_options={"synchronize_session": False})
    db.session.commit()
    return "saved"


@app.post("/contacts/<int:nr>")
def contact(nr: int) -> str:
    """Change a contact's name: the other function."""
    db.session.get_one(Contact, nr).name = request.form["name"]
    db.session.commit()
    return "saved"
