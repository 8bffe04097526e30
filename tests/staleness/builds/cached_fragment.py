"""A part of the template is cached, whatever rows it is given."""

from __future__ import annotations

import os

from flask import render_template_string, request
from flask_caching import Cache
from sqlalchemy import select

from tests.staleness.shop import Contact, Transaction, db, reset, start

SECONDS = int(os.environ.get("CACHE_SECONDS", "300"))
app = start(__name__, CACHE_TYPE="SimpleCache", CACHE_DEFAULT_TIMEOUT=SECONDS)
cache = Cache(app)

PAGE = """<!doctype html><title>Transactions</title>
{% cache seconds, "transactions" %}<ul>{% for each in rows %}<li id="t{{ each.id }}">
{{ each.asset }} · {{ each.note }}</li>{% endfor %}</ul>{% endcache %}"""


@app.get("/transactions")
def transactions() -> str:
    """Show all of them."""
    reset()
    rows = db.session.scalars(select(Transaction).order_by(Transaction.id))
    return render_template_string(PAGE, rows=rows, seconds=SECONDS)


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
