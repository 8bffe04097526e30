"""A repository object, made once, owns a session and remembers what it loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request
from sqlalchemy import select

from tests.staleness.shop import Contact, Transaction, db, drawn, reset, start

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

app = start(__name__)


class Repository:
    """All that reads or writes goes through here."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.loaded: dict[int, Transaction] = {}

    def all(self) -> list[Transaction]:
        """Return every transaction, and know each by its id from now on."""
        rows = list(self.session.scalars(select(Transaction).order_by(Transaction.id)))
        self.loaded.update((row.id, row) for row in rows)
        return rows

    def annotate(self, nr: int, note: str) -> None:
        """Write a note."""
        row = self.loaded.get(nr) or self.session.get_one(Transaction, nr)
        row.note = note
        self.session.commit()

    def rename(self, nr: int, name: str) -> None:
        """Give a contact another name."""
        self.session.get_one(Contact, nr).name = name
        self.session.commit()


with app.app_context():
    repository = Repository(db.session())


@app.get("/transactions")
def transactions() -> str:
    """Show all of them."""
    reset()
    return drawn(repository.all())


@app.post("/transactions/<int:nr>/note")
def note(nr: int) -> str:
    """Change a note."""
    repository.annotate(nr, request.form["note"])
    return "saved"


@app.post("/contacts/<int:nr>")
def contact(nr: int) -> str:
    """Change a contact's name: the other function."""
    repository.rename(nr, request.form["name"])
    return "saved"
