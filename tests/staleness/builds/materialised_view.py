"""The page reads a materialised view, which the application refreshes after its own writes only."""

from __future__ import annotations

from flask import request
from sqlalchemy import text

from tests.staleness.shop import Contact, Transaction, db, drawn, reset, start

app = start(__name__)


@app.get("/transactions")
def transactions() -> str:
    """Show all of them, from the copy that is quicker to read."""
    reset()
    return drawn(db.session.execute(text("SELECT * FROM transaction_list ORDER BY id")).all())


def refresh() -> None:
    """Fill the copy anew, in the transaction of the write."""
    db.session.flush()
    db.session.execute(text("REFRESH MATERIALIZED VIEW transaction_list"))


@app.post("/transactions/<int:nr>/note")
def note(nr: int) -> str:
    """Change a note."""
    db.session.get_one(Transaction, nr).note = request.form["note"]
    refresh()
    db.session.commit()
    return "saved"


@app.post("/contacts/<int:nr>")
def contact(nr: int) -> str:
    """Change a contact's name: the other function."""
    db.session.get_one(Contact, nr).name = request.form["name"]
    refresh()
    db.session.commit()
    return "saved"
