"""One transaction, and the edits of one or of many."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Blueprint, flash, redirect, render_template

from dal import details, keyset
from dal.filters import Filter
from webapp import forms, naming
from webapp.errors import shown_again
from webapp.links import LIST, Links
from webapp.pages.transaction import TransactionPage
from webapp.scope import g
from webapp.template_filters import count

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

bp = Blueprint("transaction", __name__)
SEE_OTHER = HTTPStatus.SEE_OTHER


@bp.get("/transactions/<id:transaction_id>")
def show(transaction_id: int) -> str:
    """Show a transaction with all that the ledger knows of it."""
    links = Links(Filter(), keyset.NEWEST_FIRST.key, keyset.USUAL)
    with g.snapshot() as conn:
        found = details.get(conn, transaction_id)
    page = TransactionPage.of(found, links, g.zone)
    return render_template("transactions/show.html", page=page)


@bp.post("/transactions/<id:transaction_id>/note")
@shown_again(show)
def note(transaction_id: int) -> Response:
    """Write the note."""
    with g.ledger.write() as conn:
        details.set_note(conn, transaction_id, forms.number("version"), forms.text("note"))
    flash("The note is saved.")
    return redirect(_back(transaction_id), SEE_OTHER)


@bp.post("/transactions/<id:transaction_id>/contact")
@shown_again(show)
def contact(transaction_id: int) -> Response:
    """Name the other side."""
    version, name = forms.number("version"), forms.text("contact")
    everywhere = forms.optional("reach") == "address"
    with g.ledger.write() as conn:
        naming.name_party(conn, transaction_id, version, name, everywhere=everywhere)
    flash("The contact is saved.")
    return redirect(_back(transaction_id), SEE_OTHER)


@bp.post("/transactions/<id:transaction_id>/labels/add")
@shown_again(show)
def add_label(transaction_id: int) -> Response:
    """Hang a label on the transaction."""
    with g.ledger.write() as conn:
        naming.hang(conn, forms.text("label"), [transaction_id])
    flash("The label is added.")
    return redirect(_back(transaction_id), SEE_OTHER)


@bp.post("/transactions/<id:transaction_id>/labels/<small:label_id>/remove")
@shown_again(lambda transaction_id, **_: show(transaction_id))
def remove_label(transaction_id: int, label_id: int) -> Response:
    """Take a label off the transaction."""
    with g.ledger.write() as conn:
        naming.take_off_one(conn, label_id, forms.text("label"), transaction_id)
    flash("The label is removed.")
    return redirect(_back(transaction_id), SEE_OTHER)


@bp.post("/transactions/labels")
def label_many() -> Response:
    """Hang a label on the ticked transactions, or take it off them."""
    ids, name = forms.transactions(), forms.text("label")
    removing = forms.optional("do") == "detach"
    with g.ledger.write() as conn:
        changed = (naming.take_off if removing else naming.hang)(conn, name, ids)
    did = "Removed from" if removing else "Added to"
    same = f", {len(ids) - changed:,} unchanged" if changed != len(ids) else ""
    flash(f"{did} {count(changed, 'transaction')}: {name.strip()}{same}.")
    return redirect(forms.back(LIST), SEE_OTHER)


def _back(transaction_id: int) -> str:
    return forms.back(f"{LIST}/{transaction_id}")
