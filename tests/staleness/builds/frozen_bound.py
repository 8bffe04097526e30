"""The newest moment to show is a default argument, computed once when the process starts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flask import request
from sqlalchemy import select

from tests.staleness.shop import Contact, Transaction, db, drawn, reset, start

if TYPE_CHECKING:
    from collections.abc import Iterable

app = start(__name__)


def page(until: datetime = datetime.now(UTC)) -> Iterable[Transaction]:
    """Return what happened until then."""
    then = select(Transaction).where(Transaction.occurred_at <= until)
    return db.session.scalars(then.order_by(Transaction.id))


@app.get("/transactions")
def transactions() -> str:
    """Show all of them."""
    reset()
    return drawn(page())


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
