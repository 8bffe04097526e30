"""A thread gathers notes in one long transaction, which another function's write ends."""

from __future__ import annotations

from queue import Queue
from threading import Event, Thread

from flask import request
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.staleness.shop import Contact, Transaction, db, drawn, reset, start

MOST = 50  # notes in one transaction
Job = tuple[type[Transaction | Contact], int, str, Event]
app = start(__name__)
jobs: Queue[Job] = Queue()


def work() -> None:
    """Write what comes in; commit after so many notes, and after each contact."""
    with app.app_context(), Session(db.engine) as session:
        gathered = 0
        while True:
            kind, nr, text, done = jobs.get()
            if kind is Transaction:
                session.get_one(Transaction, nr).note = text
            else:
                session.get_one(Contact, nr).name = text
            session.flush()
            gathered += 1
            if kind is Contact or gathered == MOST:
                session.commit()
                gathered = 0
            done.set()


Thread(target=work, daemon=True).start()


def given(kind: type[Transaction | Contact], nr: int, text: str) -> str:
    """Hand a job over and wait until it is done."""
    done = Event()
    jobs.put((kind, nr, text, done))
    done.wait()
    return "saved"


@app.get("/transactions")
def transactions() -> str:
    """Show all of them."""
    reset()
    return drawn(db.session.scalars(select(Transaction).order_by(Transaction.id)))


@app.post("/transactions/<int:nr>/note")
def note(nr: int) -> str:
    """Change a note."""
    return given(Transaction, nr, request.form["note"])


@app.post("/contacts/<int:nr>")
def contact(nr: int) -> str:
    """Change a contact's name: the other function."""
    return given(Contact, nr, request.form["name"])
