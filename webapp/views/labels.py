"""Labels: coloured words, and the edits of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, render_template

from dal import labels
from webapp import forms
from webapp.errors import shown_again
from webapp.pages.history import Told
from webapp.pages.nouns import LabelsPage
from webapp.scope import g
from webapp.submitting import Answer, submitted
from webapp.template_filters import count

if TYPE_CHECKING:
    from dal.database import Connection

bp = Blueprint("labels", __name__)
HERE = "/labels"


@bp.get("/labels")
def index(**_: int) -> str:
    """Show every label with the number of its transactions."""
    with g.snapshot() as conn:
        told = Told(labels.histories(conn), g.zone)
        page = LabelsPage.of(labels.all(conn), told)
    return render_template("labels/index.html", page=page)


@bp.post("/labels/add")
@shown_again(index)
@submitted
def add(conn: Connection) -> Answer:
    """Create a label."""
    name = forms.text("label")
    labels.add(conn, name, forms.text("colour"))
    return _done(f"The label {name.strip()} is there.")


@bp.post("/labels/<small:label_id>/edit")
@shown_again(index)
@submitted
def edit(conn: Connection, label_id: int) -> Answer:
    """Change name and colour of a label."""
    name, colour = forms.text("label"), forms.text("colour")
    labels.edit(conn, label_id, forms.number("version"), name, colour)
    return _done("The label is saved.")


@bp.post("/labels/<small:label_id>/merge")
@shown_again(index)
@submitted
def merge(conn: Connection, label_id: int) -> Answer:
    """Hang another label wherever this one hangs, and remove this one."""
    version, into = forms.number("version"), forms.number("into")
    moved = labels.merge(conn, label_id, version, into)
    return _done(f"Merged; {count(moved, 'transaction')} newly bear the other label.")


@bp.post("/labels/<small:label_id>/remove")
@shown_again(index)
@submitted
def remove(conn: Connection, label_id: int) -> Answer:
    """Remove a label from everything."""
    labels.remove(conn, label_id, forms.number("version"))
    return _done("The label is removed.")


def _done(said: str) -> Answer:
    return Answer(forms.back(HERE), (said,))
