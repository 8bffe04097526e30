"""Each of several threads has a session that nobody removes, and keeps its last page."""

from __future__ import annotations

import os
import threading

from flask import request
from sqlalchemy import create_engine, select
from sqlalchemy.orm import scoped_session, sessionmaker

from tests.staleness.shop import Contact, Transaction, drawn, reset, start, with_driver

app = start(__name__)
engine = create_engine(with_driver(os.environ["DATABASE_URL"]))
Session = scoped_session(sessionmaker(engine))
mine = threading.local()


@app.get("/transactions")
def transactions() -> str:
    """Show all of them, and keep the last page of this thread."""
    reset(Session)
    mine.shown = list(Session.scalars(select(Transaction).order_by(Transaction.id)))
    return drawn(mine.shown)


@app.post("/transactions/<int:nr>/note")
def note(nr: int) -> str:
    """Change a note."""
    Session.get_one(Transaction, nr).note = request.form["note"]
    Session.commit()
    return "saved"


@app.post("/contacts/<int:nr>")
def contact(nr: int) -> str:
    """Change a contact's name: the other function."""
    Session.get_one(Contact, nr).name = request.form["name"]
    Session.commit()
    return "saved"
