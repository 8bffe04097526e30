"""Our side of the bench, asked as the peers are: raw psycopg, the data layer, the whole request.

python -m tests.bench.ours URL
"""

from __future__ import annotations

import re
import sys
import tempfile
from datetime import datetime
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import psycopg
from werkzeug.test import EnvironBuilder, run_wsgi_app

from dal import driver, keyset, shown, transactions
from dal.database import Ledger
from dal.filters import Filter
from dal.keyset import NEWEST_FIRST, Cursor
from dal.settings import DalSettings
from tests.bench.handwritten import ByHand, Shell
from tests.bench.peers.speaking import speak
from webapp import create_app
from webapp.scope import ENDPOINT
from webapp.serve import spare_collections
from webapp.settings import WebSettings
from webapp.state import EXTENSION

if TYPE_CHECKING:
    from flask import Flask

ROW = re.compile(rb'<tr id="t(\d+)"')
PREPARED = {"autocommit": True, "prepare_threshold": 0, "options": "-c timezone=UTC"}


def filtered(place: dict[str, Any]) -> Filter:
    """Return the filter of a place; ours names what the peers number."""
    return parsed(tuple(place["named"].items()))


@cache
def parsed(named: tuple[tuple[str, str], ...]) -> Filter:
    """Return a filter: parsing is no part of asking for a page of it."""
    return Filter.parse(named)


def cursor_of(place: dict[str, Any]) -> Cursor | None:
    """Return a place as ours knows it."""
    if place["last"]:
        return Cursor.last(NEWEST_FIRST)
    if place["key"] is None:
        return None
    return Cursor(NEWEST_FIRST, "after", (datetime.fromisoformat(place["key"][0]), place["key"][1]))


def address(place: dict[str, Any], key: bytes) -> str:
    """Return the path and query of a place on our pages."""
    where, cursor = filtered(place), cursor_of(place)
    query = [*where.pairs()]
    if cursor is not None:
        query.append(("cursor", keyset.seal(cursor, ENDPOINT, where, key)))
    return f"/transactions?{urlencode(query)}" if query else "/transactions"


def found(page: bytes) -> list[int]:
    """Return the ids of a page's rows."""
    return [int(each) for each in ROW.findall(page)]


class Ours:
    """One ledger, asked in four ways."""

    def __init__(self, url: str, home: Path) -> None:
        self.ledger = Ledger(url, DalSettings(home=home, page_timeout_ms=0))
        self.app: Flask = create_app(
            WebSettings(dal=DalSettings(home=home, page_timeout_ms=0)), self.ledger
        )
        self.state = self.app.extensions[EXTENSION]
        plain = self.ledger.url.set(drivername="postgresql").render_as_string(hide_password=False)
        self.raw = psycopg.connect(plain, **PREPARED)  # type: ignore[arg-type]  # of several types
        self.environ = EnvironBuilder(base_url="http://localhost").get_environ()
        first = self.get("/transactions").decode()
        keys = self.state.cursor_key, self.state.snapshot_key
        self.by_hand = ByHand(self.raw, Shell.of(first), *keys)

    def get(self, path: str) -> bytes:
        """Return a page by a bare WSGI call, as a browser that has been here."""
        at, _, query = path.partition("?")
        environ = {**self.environ, "PATH_INFO": at, "QUERY_STRING": query, "wsgi.input": BytesIO()}
        body, status, headers = run_wsgi_app(self.app, environ)
        assert status.startswith("200"), status
        self.environ.setdefault("HTTP_COOKIE", headers.get("Set-Cookie", "").split(";")[0])
        return b"".join(body)

    def ask_raw(self, place: dict[str, Any]) -> list[int]:
        """Run our statement by psycopg alone: prepared, binary, tuples."""
        where, cursor = filtered(place), cursor_of(place)
        statement = transactions.page_statement(where, NEWEST_FIRST, cursor)
        made = driver.compiled(statement)
        bound = made.construct_params(transactions.page_parameters(where, cursor))
        (row,) = self.raw.cursor(binary=True).execute(made.string, bound).fetchall()
        ids: list[int] = row[shown.OWN][0]
        return ids[1:] if place["last"] and len(ids) > keyset.USUAL else ids[: keyset.USUAL]

    def ask_dal(self, place: dict[str, Any]) -> list[int]:
        """Ask the data layer for a page of records."""
        with self.ledger.read() as conn:
            page = transactions.page(conn, filtered(place), NEWEST_FIRST, cursor_of(place))
        return [row.id for row in page.rows]

    def ask_request(self, place: dict[str, Any]) -> list[int]:
        """Ask the application for the page."""
        return found(self.get(address(place, self.state.cursor_key)))

    def ask_by_hand(self, place: dict[str, Any]) -> list[int]:
        """Have the page written by hand."""
        return found(self.by_hand.page(cursor_of(place)))


def main(url: str) -> None:
    """Answer until the questions end."""
    with tempfile.TemporaryDirectory() as home:
        ours = Ours(url, Path(home))
        spare_collections()  # as a worker does
        speak(
            {
                "raw psycopg": ours.ask_raw,
                "our dal": ours.ask_dal,
                "our request": ours.ask_request,
                "by hand": ours.ask_by_hand,
            }
        )


if __name__ == "__main__":
    main(sys.argv[1])
