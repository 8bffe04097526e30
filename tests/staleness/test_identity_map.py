"""The identity map: what is loaded stays as it was loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from tests.staleness.shop import Transaction, db
from tests.staleness.trial import TRUE_IF, Trial, claim
from tests.support.statements import recorded

if TYPE_CHECKING:
    from flask import Flask

    from tests.staleness.conftest import Shop


@claim(18, TRUE_IF, "the row is still referenced and its transaction goes on")
def test_loaded_objects_send_no_query(trial: Trial, shop: Shop, app: Flask) -> None:
    with app.app_context(), recorded(db.engine) as sent:
        row = db.session.get_one(Transaction, 1)
        shop.write("new")
        sent.clear()
        notes = {row.note for _ in range(5)}
        trial.case(
            "its attribute read 5 times",
            holds=notes == {"first"} and not sent,
            saw="0 SELECTs, the old note",
            held=True,
            selects=len(sent),
        )
        found = db.session.scalars(select(Transaction).where(Transaction.id == 1)).one()
        trial.case(
            "the same row selected again",
            holds=not sent,
            saw=f"1 SELECT, and still {found.note!r}",
            held=True,
            selects=len(sent),
        )
        db.session.refresh(row)
        trial.control("refresh() was called", gone=row.note == "new", saw=row.note)
