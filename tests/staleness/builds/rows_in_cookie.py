"""The rows are put into the user's Flask session and shown from there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import request, session as browser
from sqlalchemy import select

from tests.staleness.shop import Contact, Transaction, db, drawn, reset, start

if TYPE_CHECKING:
    from collections.abc import Iterable

app = start(__name__, SECRET_KEY="kept in the settings, usually")


@app.get("/transactions")
def transactions() -> str:
    """Show what the browser brought along, else read it."""
    reset()
    if "rows" not in browser:
        found = db.session.scalars(select(Transaction).order_by(Transaction.id))
        browser["rows"] = list(plain(found))
    return drawn(browser["rows"])


def plain(rows: Iterable[Transaction]) -> Iterable[dict[str, Any]]:
    """Yield what a cookie can hold."""
    return ({"id": row.id, "asset": row.asset, "note": row.note} for row in rows)


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
