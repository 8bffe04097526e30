"""One global Session(engine) reads and writes, and each user's last page is kept."""

from __future__ import annotations

from flask import request
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.staleness.shop import Contact, Transaction, db, drawn, reset, start

app = start(__name__)

with app.app_context():
    session = Session(db.engine)

last_seen: dict[str, list[Transaction]] = {}


@app.get("/transactions")
def transactions() -> str:
    """Show all of them, and keep what this user has seen, to mark what is new."""
    reset()
    rows = list(session.scalars(select(Transaction).order_by(Transaction.id)))
    last_seen[request.headers.get("X-User", "")] = rows
    return drawn(rows)


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
