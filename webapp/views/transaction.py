"""One transaction, and the edits of one or of many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, render_template

from dal import details, history, keyset
from dal.filters import Filter
from webapp import forms, naming
from webapp.errors import shown_again
from webapp.links import LIST, Links
from webapp.pages.transaction import TransactionPage
from webapp.scope import g
from webapp.submitting import Answer, submitted
from webapp.template_filters import count

if TYPE_CHECKING:
    from dal.database import Connection

bp = Blueprint("transaction", __name__)


@bp.get("/transactions/<id:transaction_id>")
def show(transaction_id: int) -> str:
    """Show a transaction with all that the ledger knows of it."""
    links = Links(Filter(), keyset.NEWEST_FIRST.key, keyset.USUAL)
    most = history.WHOLE if g.one("history") == "all" else history.USUAL
    with g.snapshot() as conn:
        found = details.get(conn, transaction_id, most)
    page = TransactionPage.of(found, links, g.zone)
    return render_template("transactions/show.html", page=page)


@bp.post("/transactions/<id:transaction_id>/note")
@shown_again(show)
@submitted
def note(conn: Connection, transaction_id: int) -> Answer:
    """Write the note."""
    details.set_note(conn, transaction_id, forms.number("version"), forms.text("note"))
    return Answer(_back(transaction_id), ("The note is saved.",))


@bp.post("/transactions/<id:transaction_id>/contact")
@shown_again(show)
@submitted
def contact(conn: Connection, transaction_id: int) -> Answer:
    """Name the other side."""
    version, name = forms.number("version"), forms.text("contact")
    everywhere = forms.optional("reach") == "address"
    naming.name_party(conn, transaction_id, version, name, everywhere=everywhere)
    return Answer(_back(transaction_id), ("The contact is saved.",))


@bp.post("/transactions/<id:transaction_id>/labels/add")
@shown_again(show)
@submitted
def add_label(conn: Connection, transaction_id: int) -> Answer:
    """Hang a label on the transaction."""
    naming.hang(conn, forms.text("label"), [transaction_id])
    return Answer(_back(transaction_id), ("The label is added.",))


@bp.post("/transactions/<id:transaction_id>/labels/<small:label_id>/remove")
@shown_again(lambda transaction_id, **_: show(transaction_id))
@submitted
def remove_label(conn: Connection, transaction_id: int, label_id: int) -> Answer:
    """Take a label off the transaction."""
    naming.take_off_one(conn, label_id, forms.text("label"), transaction_id)
    return Answer(_back(transaction_id), ("The label is removed.",))


@bp.post("/transactions/labels")
@submitted
def label_many(conn: Connection) -> Answer:
    """Hang a label on the ticked transactions, or take it off them."""
    ids, name = forms.transactions(), forms.text("label")
    removing = forms.optional("do") == "detach"
    changed = (naming.take_off if removing else naming.hang)(conn, name, ids)
    did = "Removed from" if removing else "Added to"
    same = f", {len(ids) - changed:,} unchanged" if changed != len(ids) else ""
    return Answer(
        forms.back(LIST), (f"{did} {count(changed, 'transaction')}: {name.strip()}{same}.",)
    )


def _back(transaction_id: int) -> str:
    return forms.back(f"{LIST}/{transaction_id}")
