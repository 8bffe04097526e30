"""Wallets: what they hold, and the edits of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, render_template

from dal import wallets
from webapp import forms
from webapp.errors import shown_again
from webapp.pages.history import Told
from webapp.pages.nouns import WalletsPage
from webapp.scope import g
from webapp.submitting import Answer, submitted

if TYPE_CHECKING:
    from dal.database import Connection

bp = Blueprint("wallets", __name__)
HERE = "/wallets"


@bp.get("/wallets")
def index(**_: int) -> str:
    """Show every wallet with its balances."""
    with g.snapshot() as conn:
        told = Told(wallets.histories(conn), g.zone)
        page = WalletsPage.of(wallets.all(conn), wallets.balances(conn), told)
    return render_template("wallets/index.html", page=page)


@bp.post("/wallets/add")
@shown_again(index)
@submitted
def add(conn: Connection) -> Answer:
    """Create a wallet."""
    name = forms.text("wallet")
    wallets.add(conn, name)
    return _done(f"The wallet {name.strip()} is there.")


@bp.post("/wallets/<small:wallet_id>/rename")
@shown_again(index)
@submitted
def rename(conn: Connection, wallet_id: int) -> Answer:
    """Rename a wallet."""
    wallets.rename(conn, wallet_id, forms.number("version"), forms.text("wallet"))
    return _done("The wallet is renamed.")


@bp.post("/wallets/<small:wallet_id>/remove")
@shown_again(index)
@submitted
def remove(conn: Connection, wallet_id: int) -> Answer:
    """Remove a wallet without transactions."""
    wallets.remove(conn, wallet_id, forms.number("version"))
    return _done("The wallet is removed.")


@bp.post("/wallets/<small:wallet_id>/addresses/add")
@shown_again(index)
@submitted
def add_address(conn: Connection, wallet_id: int) -> Answer:
    """Give a wallet an address."""
    version, network = forms.number("version"), forms.text("network")
    wallets.add_address(conn, wallet_id, version, network, forms.text("address"))
    return _done("The address is added; what other wallets sent to it is a transfer now.")


@bp.post("/wallets/<small:wallet_id>/addresses/remove")
@shown_again(index)
@submitted
def remove_address(conn: Connection, wallet_id: int) -> Answer:
    """Take an address away from a wallet."""
    version, network = forms.number("version"), forms.text("network")
    wallets.remove_address(conn, wallet_id, version, network, forms.text("address"))
    return _done("The address is removed.")


def _done(said: str) -> Answer:
    return Answer(forms.back(HERE), (said,))
