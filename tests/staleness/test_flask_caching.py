"""Flask-Caching: what it keeps is shown, whatever the database has by now."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from flask import request
from flask_caching import Cache
from sqlalchemy import select

from tests.staleness.applications import application, held_in, selects
from tests.staleness.observing import observe, other_function
from tests.staleness.shop import Transaction, db, drawn, reset
from tests.staleness.trial import TRUE_IF, Trial, claim
from tests.support.statements import recorded

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flask import Flask
    from flask.testing import FlaskClient

    from tests.staleness.conftest import Shop

    Page = Callable[[], str]
    Change = Callable[[Shop, FlaskClient, str], object]


# ── How the page is kept ─────────────────────────────────────────────────────────────────────


def view(cache: Cache, draw: Page) -> Page:
    kept: Page = cache.cached(timeout=0)(draw)  # 0: for ever
    return kept


def function(cache: Cache, draw: Page) -> Page:
    kept: Page = cache.memoize(timeout=0)(draw)
    return lambda: str(kept())


def a_second(cache: Cache, draw: Page) -> Page:
    kept: Page = cache.cached(timeout=1)(draw)
    return kept


def not_at_all(_cache: Cache, draw: Page) -> Page:
    return draw


# ── Who changes what it shows ────────────────────────────────────────────────────────────────


def outside(shop: Shop, _client: FlaskClient, word: str) -> None:
    shop.write(word)


def own(_shop: Shop, client: FlaskClient, word: str) -> None:
    client.post("/note", data={"note": word})


def own_that_clears(_shop: Shop, client: FlaskClient, word: str) -> None:
    client.post("/note", data={"note": word, "clear": "yes"})


def own_after_a_second(shop: Shop, client: FlaskClient, word: str) -> None:
    """Wait until the page is there, or long over its time."""
    shop.write(word)
    until = time.monotonic() + 20
    while time.monotonic() < until and word not in client.get("/transactions").text:
        time.sleep(0.05)


CASES: dict[str, tuple[Callable[[Cache, Page], Page], Change, str]] = {
    "cached() on the view, somebody else writes": (view, outside, "SimpleCache"),
    "memoize() on what reads the rows, somebody else writes": (function, outside, "SimpleCache"),
    "cached() in files that all workers share, somebody else writes": (
        view, outside, "FileSystemCache",
    ),
    "cached(), the application's own write clears nothing": (view, own, "SimpleCache"),
    "cached(), the application's own write clears it": (view, own_that_clears, "SimpleCache"),
    "cached() for a second, which is over": (a_second, own_after_a_second, "SimpleCache"),
    "the extension is there, and nothing is decorated": (not_at_all, outside, "SimpleCache"),
}  # fmt: skip


@claim(
    34,
    TRUE_IF,
    "the view, or a function that it calls, is decorated with cached() or memoize(), and since then"
    " neither did the writer clear that key nor did its time run out; cached() also gives one"
    " filter's page for another's, unless query_string=True",
)
def test_a_decorated_page_is_shown_without_asking(trial: Trial, shop: Shop, tmp_path: Path) -> None:
    for when, (how, change, kind) in CASES.items():
        with application(shop) as app:
            page(app, how, CACHE_TYPE=kind, CACHE_DIR=str(tmp_path))
            _changed(trial, shop, app, when, change)
    _filtered(trial, shop, query_string=False)
    _filtered(trial, shop, query_string=True)
    assert held_in(trial) == [True] * 4 + [False] * 3 + [True, False]
    with application(shop) as app:
        page(app, view, CACHE_TYPE="NullCache", CACHE_NO_NULL_WARNING=True)
        saw = _seen(shop, app, outside)
    trial.control("CACHE_TYPE is NullCache", gone=saw.startswith("right"), saw=saw)
    with application(shop) as app:
        cache = page(app, view, CACHE_TYPE="SimpleCache")
        other_function(app, also=cache.clear)
        observe(app, shop.write).told(trial, "the other function clears the cache")


def page(app: Flask, how: Callable[[Cache, Page], Page], **config: Any) -> Cache:
    """Give an application its page, kept in some way, and a form; return what keeps it."""
    cache = Cache(app, config=config)

    def draw() -> str:
        reset()
        return drawn(db.session.scalars(select(Transaction).order_by(Transaction.id)))

    app.get("/transactions", endpoint="transactions")(how(cache, draw))

    @app.post("/note")
    def note() -> str:
        db.session.get_one(Transaction, 1).note = request.form["note"]
        db.session.commit()
        if "clear" in request.form:
            cache.clear()
        return "saved"

    return cache


def _changed(trial: Trial, shop: Shop, app: Flask, when: str, change: Change) -> None:
    saw = _seen(shop, app, change)
    trial.case(when, holds=saw.startswith("old"), saw=saw, selects=int(saw.split()[1]))


def _seen(shop: Shop, app: Flask, change: Change) -> str:
    """Return whether the page is old after a change, and what it asked of the database."""
    client = app.test_client()
    shop.write("first")
    client.get("/transactions")
    change(shop, client, "new")
    with app.app_context():
        engine = db.engine
    with recorded(engine) as sent:
        text = client.get("/transactions").text
    asked = selects(sent)
    state = "right" if "new" in text else "old"
    return f"{state}, {asked} SELECT{'' if asked == 1 else 's'} on the second load"


def _filtered(trial: Trial, shop: Shop, *, query_string: bool) -> None:
    """Ask for one row, then for another."""
    with application(shop) as app:
        cache = Cache(app, config={"CACHE_TYPE": "SimpleCache"})

        @app.get("/transactions")
        @cache.cached(timeout=0, query_string=query_string)
        def transactions() -> str:
            return drawn([db.session.get_one(Transaction, int(request.args["id"]))])

        client = app.test_client()
        client.get("/transactions?id=1")
        wrong = "t2" not in client.get("/transactions?id=2").text
    trial.case(
        f"another filter is asked for, query_string={query_string}",
        holds=wrong,
        saw="the first filter's page" if wrong else "its own page",
    )
