"""The list of transactions: one statement a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import (
    Blueprint,
    get_flashed_messages,
    get_template_attribute,
    jsonify,
    redirect,
    render_template,
    request,
)

from dal import details, keyset, slices, strategy, transactions
from dal.errors import TooBroad, TooSlow
from dal.filters import Filter
from webapp.errors import shown_again
from webapp.leaving import left
from webapp.links import LIST, Links
from webapp.pages.numbers import about
from webapp.pages.rows import Rows
from webapp.pages.transactions import TotalsPage, TransactionsPage
from webapp.scope import g
from webapp.state import state

if TYPE_CHECKING:
    from flask import Response
    from werkzeug.wrappers import Response as Redirect

bp = Blueprint("transactions", __name__)


@bp.get("/")
def home() -> Redirect:
    """Lead to the list."""
    return redirect(LIST)


def refused() -> str:
    """Show the form as it was typed, with what is wrong."""
    assert g.refusal is not None  # noqa: S101 (shown_again has set it)
    with g.ledger.read() as conn:
        known = transactions.page(conn, size=keyset.SMALLEST)
    g.seen = known.snapshot
    links = Links(Filter(), keyset.NEWEST_FIRST.key, keyset.USUAL)
    jump = dict(g.asked).get("jump", "")
    page = TransactionsPage.refused(g.pairs, known, links, g.refusal, jump)
    return render_template("transactions/index.html", page=page)


@bp.get("/transactions")
@shown_again(refused)
def index() -> str:
    """Show a page of the transactions that a filter lets through."""
    links = links_here()
    found = page_here()
    g.seen = found.snapshot
    page = TransactionsPage.of(found, g.where, links, g.zone)
    return render_template("transactions/index.html", page=page)


def page_here() -> transactions.Page:
    """Return the page that is asked for, unless it would keep the reader waiting."""
    cursor = g.cursor
    try:
        with g.ledger.page() as conn:
            return transactions.page(conn, g.where, g.order, cursor, g.size, count_ahead=g.live)
    except TooSlow as error:
        if not g.where.conditions:
            raise
        raise TooBroad(*strategy.narrower(g.where.shape)) from error


@bp.get("/transactions/totals")
@shown_again(refused)
def totals() -> str:
    """Show the exact figures of a filter. Whoever does not wait for them ends the statement."""
    links = links_here()
    with g.ledger.exact(left(request.environ, state().ending)) as conn:
        found = transactions.totals(conn, g.where)
    g.seen = found.snapshot
    page = TotalsPage.of(found, g.where, links)
    return render_template("transactions/totals.html", page=page)


@bp.get("/transactions/estimate")
def estimate() -> Response:
    """Answer about how many there are: `about` is "" where only counting can tell."""
    bound = slices.countable(g.where.shape)
    with g.ledger.read() as conn:
        found = transactions.estimate(conn, g.where, more_than=bound)
    g.seen = found.snapshot if found else None
    return jsonify(
        about=about(found.transactions) if found else "",
        as_of=g.as_of.iso if g.as_of else "",
        clock=g.as_of.clock if g.as_of else "",
    )


@bp.get("/transactions/<id:transaction_id>/row")
def row(transaction_id: int) -> Response:
    """Answer one row of the list anew, for the page that has just edited it."""
    with g.snapshot() as conn:
        found = details.one(conn, transaction_id)
    shown = Rows(links_here(), g.zone).one(found)
    write = get_template_attribute("transactions/_row.html", "rows")
    return jsonify(row=write([shown]), said=get_flashed_messages())


def links_here() -> Links:
    """Return the links of the list that is asked for."""
    return Links(g.where, g.order.key, g.size, state().cursor_key)
