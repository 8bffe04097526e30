"""Plain SQLAlchemy as it should be: a session for each request, closed by its `with` block."""

from __future__ import annotations

import os

from flask import request
from sqlalchemy import create_engine, select
from sqlalchemy.orm import sessionmaker

from tests.staleness.shop import Contact, Transaction, drawn, reset, start, with_driver

app = start(__name__)
Session = sessionmaker(create_engine(with_driver(os.environ["DATABASE_URL"])))


@app.get("/transactions")
def transactions() -> str:
    """Show all of them."""
    reset()
    with Session() as session:
        return drawn(session.scalars(select(Transaction).order_by(Transaction.id)))


@app.post("/transactions/<int:nr>/note")
def note(nr: int) -> str:
    """Change a note."""
    with Session.begin() as session:
        session.get_one(Transaction, nr).note = request.form["note"]
    return "saved"


@app.post("/contacts/<int:nr>")
def contact(nr: int) -> str:
    """Change a contact's name: the other function."""
    with Session.begin() as session:
        session.get_one(Contact, nr).name = request.form["name"]
    return "saved"
