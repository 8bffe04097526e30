"""A session captured at import, whose rows refer to each other until they are collected."""

from __future__ import annotations

from flask import render_template_string, request
from sqlalchemy import select
from sqlalchemy.orm import relationship

from tests.staleness.shop import Contact, Transaction, db, reset, start

Contact.history = relationship(Transaction, overlaps="contact")
PAGE = """<!doctype html><title>Transactions</title>
<ul>{% for each in rows %}<li id="t{{ each.id }}">{{ each.asset }} · {{ each.note }} ·
{% if each.contact %}{{ each.contact.name }} ({{ each.contact.history | length }})
{% endif %}</li>{% endfor %}</ul>"""

app = start(__name__)

with app.app_context():
    session = db.session()


@app.get("/transactions")
def transactions() -> str:
    """Show all of them, with how many each contact has, and forget them."""
    reset()
    rows = session.scalars(select(Transaction).order_by(Transaction.id))
    return render_template_string(PAGE, rows=rows)


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
