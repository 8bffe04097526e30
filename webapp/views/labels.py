"""Labels: coloured words, and the edits of them."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Blueprint, flash, redirect, render_template

from dal import labels
from webapp import forms
from webapp.errors import shown_again
from webapp.pages.nouns import LabelsPage
from webapp.scope import g
from webapp.template_filters import count

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

bp = Blueprint("labels", __name__)
HERE = "/labels"


@bp.get("/labels")
def index(**_: int) -> str:
    """Show every label with the number of its transactions."""
    with g.snapshot() as conn:
        page = LabelsPage.of(labels.all(conn))
    return render_template("labels/index.html", page=page)


@bp.post("/labels/add")
@shown_again(index)
def add() -> Response:
    """Create a label."""
    name = forms.text("label")
    with g.ledger.write() as conn:
        labels.add(conn, name, forms.text("colour"))
    return _done(f"The label {name.strip()} is there.")


@bp.post("/labels/<small:label_id>/edit")
@shown_again(index)
def edit(label_id: int) -> Response:
    """Change name and colour of a label."""
    name, colour = forms.text("label"), forms.text("colour")
    with g.ledger.write() as conn:
        version = labels.rename(conn, label_id, forms.number("version"), name)
        labels.recolour(conn, label_id, version, colour)
    return _done("The label is saved.")


@bp.post("/labels/<small:label_id>/merge")
@shown_again(index)
def merge(label_id: int) -> Response:
    """Hang another label wherever this one hangs, and remove this one."""
    version, into = forms.number("version"), forms.number("into")
    with g.ledger.write() as conn:
        moved = labels.merge(conn, label_id, version, into)
    return _done(f"Merged; {count(moved, 'transaction')} newly bear the other label.")


@bp.post("/labels/<small:label_id>/remove")
@shown_again(index)
def remove(label_id: int) -> Response:
    """Remove a label from everything."""
    with g.ledger.write() as conn:
        labels.remove(conn, label_id, forms.number("version"))
    return _done("The label is removed.")


def _done(said: str) -> Response:
    flash(said)
    return redirect(forms.back(HERE), HTTPStatus.SEE_OTHER)
