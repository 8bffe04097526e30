"""The application adds its notes to a JSON list in place, which the session does not notice."""

from __future__ import annotations

from flask import render_template_string, request
from sqlalchemy import select

from tests.staleness.shop import Contact, Transaction, db, reset, start

PAGE = """<!doctype html><title>Transactions</title>
<ul>{% for each in rows %}<li id="t{{ each.id }}">{{ each.asset }} · {{ each.note }} ·
{{ each.labels | join(", ") }}</li>{% endfor %}</ul>"""

app = start(__name__)


@app.get("/transactions")
def transactions() -> str:
    """Show all of them, with their labels."""
    reset()
    rows = db.session.scalars(select(Transaction).order_by(Transaction.id))
    return render_template_string(PAGE, rows=rows)


@app.post("/transactions/<int:nr>/note")
def note(nr: int) -> str:
    """Change a note."""
    db.session.get_one(Transaction, nr).labels.append(request.form["note"])
    db.session.commit()
    return "saved"


@app.post("/contacts/<int:nr>")
def contact(nr: int) -> str:
    """Change a contact's name: the other function."""
    db.session.get_one(Contact, nr).name = request.form["name"]
    db.session.commit()
    return "saved"
