"""Contacts: who has which addresses, and the edits of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, jsonify, render_template

from dal import contacts
from webapp import forms
from webapp.errors import shown_again
from webapp.pages.history import Told
from webapp.pages.nouns import ContactsPage
from webapp.scope import g
from webapp.submitting import Answer, submitted

if TYPE_CHECKING:
    from flask import Response as Json

    from dal.database import Connection

bp = Blueprint("contacts", __name__)
HERE = "/contacts"
MOST = 50  # names offered at once


@bp.get("/contacts")
def index(**_: int) -> str:
    """Show every contact."""
    with g.snapshot() as conn:
        told = Told(contacts.histories(conn), g.zone)
        page = ContactsPage.of(contacts.all(conn), told)
    return render_template("contacts/index.html", page=page)


@bp.get("/contacts/names")
def names() -> Json:
    """Answer the names that begin as typed so far."""
    with g.ledger.read() as conn:
        found = contacts.names(conn, g.one("q"), MOST)
    return jsonify(names=found)


@bp.post("/contacts/add")
@shown_again(index)
@submitted
def add(conn: Connection) -> Answer:
    """Create a contact, with an address if one was typed."""
    name, address = forms.text("contact"), forms.optional("address")
    contact_id = contacts.add(conn, name, forms.optional("note"))
    if address:
        contacts.add_address(conn, contact_id, 1, forms.text("network"), address)
    return _done(f"{name.strip()} is there, on old transactions too.")


@bp.post("/contacts/<small:contact_id>/edit")
@shown_again(index)
@submitted
def edit(conn: Connection, contact_id: int) -> Answer:
    """Change name and note of a contact."""
    version, name = forms.number("version"), forms.text("contact")
    contacts.rename(conn, contact_id, version, name, forms.optional("note"))
    return _done("The contact is saved.")


@bp.post("/contacts/<small:contact_id>/remove")
@shown_again(index)
@submitted
def remove(conn: Connection, contact_id: int) -> Answer:
    """Remove a contact."""
    contacts.remove(conn, contact_id, forms.number("version"))
    return _done("The contact is removed; its transactions show their addresses again.")


@bp.post("/contacts/<small:contact_id>/addresses/add")
@shown_again(index)
@submitted
def add_address(conn: Connection, contact_id: int) -> Answer:
    """Give a contact an address."""
    version, network = forms.number("version"), forms.text("network")
    contacts.add_address(conn, contact_id, version, network, forms.text("address"))
    return _done("The address is added.")


@bp.post("/contacts/<small:contact_id>/addresses/remove")
@shown_again(index)
@submitted
def remove_address(conn: Connection, contact_id: int) -> Answer:
    """Take an address away from a contact."""
    version, network = forms.number("version"), forms.text("network")
    contacts.remove_address(conn, contact_id, version, network, forms.text("address"))
    return _done("The address is removed.")


def _done(said: str) -> Answer:
    return Answer(forms.back(HERE), (said,))
