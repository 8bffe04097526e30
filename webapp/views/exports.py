"""The transactions of a filter as a file, written while it is sent."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Literal

from flask import Blueprint, Response

from dal.export import export, name
from webapp.scope import g

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dal.export import Form

bp = Blueprint("exports", __name__)
TYPES: dict[Form, str] = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
}


@bp.get("/transactions/export.csv")
def as_csv() -> Response:
    """Send them in the layout that an import reads."""
    return sent("csv")


@bp.get("/transactions/export.json")
def as_json() -> Response:
    """Send them as one JSON object."""
    return sent("json")


def sent(form: Literal["csv", "json"]) -> Response:
    """Return an answer that reads on as it is sent, from one snapshot.

    What goes wrong on the way breaks the connection before its last chunk, which browsers tell.
    """
    with ExitStack() as stack:
        conn = stack.enter_context(g.snapshot())
        assert g.seen is not None  # noqa: S101 (the block has set it)
        as_of = g.seen.as_of
        pieces = export(conn, g.where, g.order, form, as_of=as_of)
        kept = stack.pop_all()
    response = Response(_until_the_end(pieces, kept), content_type=TYPES[form])
    response.headers["Content-Disposition"] = f'attachment; filename="{name(as_of, form)}"'
    response.call_on_close(kept.close)  # also where nobody has asked for a piece
    return response


def _until_the_end(pieces: Iterator[str], kept: ExitStack) -> Iterator[str]:
    with kept:
        yield from pieces
