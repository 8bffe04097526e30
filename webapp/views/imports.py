"""Imports: send files, see what they would do, import them, undo them."""

from __future__ import annotations

import csv
import io
from contextlib import ExitStack
from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Blueprint, Response, flash, redirect, render_template, request

from dal import addresses, edits, imports, transactions, wallets
from dal.errors import BadInput
from dal.filters import Filter
from webapp import arrivals, forms, signing, submitting, uploads
from webapp.errors import shown_again
from webapp.links import LIST
from webapp.pages.imports import ROWS, WORDS, ImportPage, ImportsPage, PreviewPage
from webapp.scope import g
from webapp.state import state
from webapp.submitting import Answer, submitted
from webapp.template_filters import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from werkzeug.wrappers import Response as Redirect

    from dal.database import Connection
    from dal.imported import ImportReport
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
    with ExitStack() as until_committed:  # only then the upload is thrown away

        def work(conn: Connection) -> Answer:
            found = until_committed.enter_context(uploads.claimed(state().uploads, name))
            return _imported(arrivals.done(conn, found))

        answer = submitting.done(work)
    return submitting.led(answer)


def _imported(reports: Sequence[ImportReport]) -> Answer:
    said = (
        f"{each.file}: {count(each.imported, 'row')} imported,"
        f" {count(each.transactions, 'new transaction')}."
        for each in reports
    )
    return Answer(f"{HERE}/{reports[0].import_id}" if len(reports) == 1 else HERE, tuple(said))


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
@submitted
def undo(conn: Connection, import_id: int) -> Answer:
    """Take back all that an import brought."""
    imports.undo(conn, import_id)
    return Answer(HERE, (f"Import {import_id} is undone.",))


@bp.post("/imports/sample/remove")
@submitted
def remove_sample(conn: Connection) -> Answer:
    """Remove the generated sample."""
    imports.remove_sample(conn)
    return Answer(forms.back(LIST), ("The sample is removed.",))


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
