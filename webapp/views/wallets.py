"""Wallets: what they hold, and the edits of them."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Blueprint, flash, redirect, render_template

from dal import wallets
from webapp import forms
from webapp.errors import shown_again
from webapp.pages.nouns import WalletsPage
from webapp.scope import g

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

bp = Blueprint("wallets", __name__)
HERE = "/wallets"


@bp.get("/wallets")
def index(**_: int) -> str:
    """Show every wallet with its balances."""
    with g.snapshot() as conn:
        page = WalletsPage.of(wallets.all(conn), wallets.balances(conn))
    return render_template("wallets/index.html", page=page)


@bp.post("/wallets/add")
@shown_again(index)
def add() -> Response:
    """Create a wallet."""
    name = forms.text("wallet")
    with g.ledger.write() as conn:
        wallets.add(conn, name)
    return _done(f"The wallet {name.strip()} is there.")


@bp.post("/wallets/<small:wallet_id>/rename")
@shown_again(index)
def rename(wallet_id: int) -> Response:
    """Rename a wallet."""
    with g.ledger.write() as conn:
        wallets.rename(conn, wallet_id, forms.number("version"), forms.text("wallet"))
    return _done("The wallet is renamed.")


@bp.post("/wallets/<small:wallet_id>/remove")
@shown_again(index)
def remove(wallet_id: int) -> Response:
    """Remove a wallet without transactions."""
    with g.ledger.write() as conn:
        wallets.remove(conn, wallet_id, forms.number("version"))
    return _done("The wallet is removed.")


@bp.post("/wallets/<small:wallet_id>/addresses/add")
@shown_again(index)
def add_address(wallet_id: int) -> Response:
    """Give a wallet an address."""
    version, network = forms.number("version"), forms.text("network")
    with g.ledger.write() as conn:
        wallets.add_address(conn, wallet_id, version, network, forms.text("address"))
    return _done("The address is added; what other wallets sent to it is a transfer now.")


@bp.post("/wallets/<small:wallet_id>/addresses/remove")
@shown_again(index)
def remove_address(wallet_id: int) -> Response:
    """Take an address away from a wallet."""
    version, network = forms.number("version"), forms.text("network")
    with g.ledger.write() as conn:
        wallets.remove_address(conn, wallet_id, version, network, forms.text("address"))
    return _done("The address is removed.")


def _done(said: str) -> Response:
    flash(said)
    return redirect(forms.back(HERE), HTTPStatus.SEE_OTHER)
