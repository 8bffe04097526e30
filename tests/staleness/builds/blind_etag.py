"""The page's ETag is the number of rows and the highest id, which no edit changes."""

from __future__ import annotations

from flask import Response, request
from sqlalchemy import func, select

from tests.staleness.shop import Contact, Transaction, db, drawn, reset, start

app = start(__name__)


@app.get("/transactions")
def transactions() -> Response:
    """Show all of them, unless the browser has them."""
    reset()
    count, last = db.session.execute(select(func.count(), func.max(Transaction.id))).one()
    response = Response()
    response.set_etag(f"{count}-{last}")
    response.cache_control.no_cache = True
    if response.make_conditional(request).status_code != 304:
        rows = db.session.scalars(select(Transaction).order_by(Transaction.id))
        response.set_data(drawn(rows))
    return response


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
