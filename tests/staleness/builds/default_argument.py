"""The session is a default argument, computed at import, and the last page is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request
from sqlalchemy import select

from tests.staleness.shop import Contact, Transaction, db, drawn, reset, start

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

app = start(__name__)
newest: list[Transaction] = []

with app.app_context():  # as a factory does that imports its views here

    def page(session: Session = db.session()) -> list[Transaction]:
        """Return every transaction, and keep them for the feed."""
        newest[:] = session.scalars(select(Transaction).order_by(Transaction.id))
        return newest

    def annotate(nr: int, note: str, session: Session = db.session()) -> None:
        """Write a note."""
        session.get_one(Transaction, nr).note = note
        session.commit()

    def rename(nr: int, name: str, session: Session = db.session()) -> None:
        """Give a contact another name."""
        session.get_one(Contact, nr).name = name
        session.commit()


@app.get("/transactions")
def transactions() -> str:
    """Show all of them."""
    reset()
    return drawn(page())


@app.post("/transactions/<int:nr>/note")
def note(nr: int) -> str:
    """Change a note."""
    annotate(nr, request.form["note"])
    return "saved"


@app.post("/contacts/<int:nr>")
def contact(nr: int) -> str:
    """Change a contact's name: the other function."""
    rename(nr, request.form["name"])
    return "saved"
