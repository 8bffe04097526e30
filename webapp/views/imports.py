"""Imports: send files, see what they would do, import them, undo them."""

from __future__ import annotations

import csv
import io
from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Blueprint, Response, flash, redirect, render_template, request

from dal import addresses, edits, imports, transactions, wallets
from dal.errors import BadInput
from dal.filters import Filter
from webapp import arrivals, forms, signing, uploads
from webapp.errors import shown_again
from webapp.links import LIST
from webapp.pages.imports import ROWS, WORDS, ImportPage, ImportsPage, PreviewPage
from webapp.scope import g
from webapp.state import state
from webapp.template_filters import count

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as Redirect

    from dal.records import Outcome, RawRow

bp = Blueprint("imports", __name__)
HERE = "/imports"
SEE_OTHER = HTTPStatus.SEE_OTHER
NOT_IMPORTED: tuple[Outcome, ...] = ("skipped", "rejected")
ALL = 1_000_000


@bp.get("/imports")
def index() -> str:
    """Show every import, and the form for the next one."""
    with g.snapshot() as conn:
        page = ImportsPage.of(imports.all(conn), wallets.all(conn), g.zone)
    return render_template("imports/index.html", page=page)


@bp.post("/imports/preview")
@shown_again(index)
def upload() -> Redirect:
    """Keep the files that were sent, and lead to what is in them."""
    wallet, network = forms.optional("wallet"), forms.optional("network")
    if wallet:
        edits.name("wallet", wallet)
    if network:
        addresses.network_name(network)
    name = uploads.keep(state().uploads, request.files.getlist("file"), wallet, network)
    return redirect(f"{HERE}/preview/{signing.sign(name, state().upload_key)}", SEE_OTHER)


@bp.get("/imports/preview/<token>")
def preview(token: str) -> str:
    """Show what importing would do. Nothing is written."""
    found = uploads.find(state().uploads, signing.unsign(token, state().upload_key))
    page = PreviewPage.of(token, arrivals.tried(g.ledger, found))
    return render_template("imports/preview.html", page=page)


@bp.post("/imports/preview/<token>/import")
def confirm(token: str) -> Redirect:
    """Import what was looked at."""
    name = signing.unsign(token, state().upload_key)
    with uploads.claimed(state().uploads, name) as found:
        reports = arrivals.done(g.ledger, found)
    for each in reports:
        rows = count(each.imported, "row")
        flash(f"{each.file}: {rows} imported, {count(each.transactions, 'new transaction')}.")
    return redirect(f"{HERE}/{reports[0].import_id}" if len(reports) == 1 else HERE, SEE_OTHER)


@bp.post("/imports/preview/<token>/discard")
def discard(token: str) -> Redirect:
    """Throw away what was looked at."""
    uploads.discard(state().uploads, signing.unsign(token, state().upload_key))
    flash("Nothing was imported.")
    return redirect(HERE, SEE_OTHER)


@bp.get("/imports/<small:import_id>")
def show(import_id: int) -> str:
    """Show what became of each row of an import."""
    chosen = _outcome()
    with g.snapshot() as conn:
        one = imports.get(conn, import_id)
        rows = list(imports.rows(conn, import_id, chosen, ROWS + 1))
        loses = transactions.page(conn, _edited(import_id), size=1).counted
    page = ImportPage.of(one, rows, chosen or "", loses, g.zone)
    return render_template("imports/show.html", page=page)


@bp.get("/imports/<small:import_id>/rows.csv")
def download(import_id: int) -> Response:
    """Answer the rows that did not come in, with the reason of each."""
    wanted = (_outcome(),) if _outcome() else NOT_IMPORTED
    with g.snapshot() as conn:
        imports.get(conn, import_id)
        rows = [row for word in wanted for row in imports.rows(conn, import_id, word, ALL)]
    response = Response(_csv(sorted(rows, key=lambda row: row.line)), mimetype="text/csv")
    name = f"import-{import_id}-rows.csv"
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


@bp.post("/imports/<small:import_id>/undo")
def undo(import_id: int) -> Redirect:
    """Take back all that an import brought."""
    with g.ledger.write() as conn:
        imports.undo(conn, import_id)
    flash(f"Import {import_id} is undone.")
    return redirect(HERE, SEE_OTHER)


@bp.post("/imports/sample/remove")
def remove_sample() -> Redirect:
    """Remove the generated sample."""
    with g.ledger.write() as conn:
        imports.remove_sample(conn)
    flash("The sample is removed.")
    return redirect(forms.back(LIST), SEE_OTHER)


def _outcome() -> Outcome | None:
    asked = g.one("outcome")
    for word in WORDS:
        if word == asked:
            return word
    if asked:
        raise BadInput("outcome", f"{asked[:40]!r} is none of {', '.join(WORDS)}")
    return None


def _edited(import_id: int) -> Filter:
    """Return the filter of what would lose a label or a note with its import."""
    return Filter.parse([("import", str(import_id)), ("has", "label"), ("has", "note")])


def _csv(rows: list[RawRow]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("line", "outcome", "reason", "row"))
    writer.writerows((row.line, row.outcome, row.reason, row.raw) for row in rows)
    return text.getvalue()
