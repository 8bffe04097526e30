"""Objects that outlive their request: in a global, in the Flask session, in a cache."""

from __future__ import annotations

import pickle
from functools import cache
from typing import TYPE_CHECKING, Any

import flask
from flask.sessions import SecureCookieSession, SessionInterface
from flask_caching import Cache
from sqlalchemy.exc import SQLAlchemyError

from tests.staleness.applications import (
    Keeper,
    application,
    held_in,
    opened,
    own_session,
    paged,
    selects,
)
from tests.staleness.observing import observe, other_function, seen_so
from tests.staleness.shop import Transaction, db, drawn
from tests.staleness.trial import TRUE_IF, Trial, claim
from tests.support.statements import recorded

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from tests.staleness.conftest import Shop


def shown(app: Flask, change: Callable[[], object]) -> tuple[str, int]:
    """Return what the page shows of a change, and how many SELECTs it sent for that."""
    app.config["PROPAGATE_EXCEPTIONS"] = True
    client = app.test_client()
    client.get("/transactions")
    change()
    with app.app_context():
        engine = db.engine
    with recorded(engine) as sent:
        try:
            text = client.get("/transactions").text
        except SQLAlchemyError as error:
            return type(error).__name__, selects(sent)
    return "new" if "new" in text else "old", selects(sent)


def tried(trial: Trial, when: str, saw: str, asked: int, *, held: bool = True) -> None:
    """Note a case of objects that were kept: the claim holds where the page is old."""
    trial.case(when, holds=saw == "old", saw=saw, held=held, selects=asked)


# ── 24: in a global ──────────────────────────────────────────────────────────────────────────


@claim(
    24,
    TRUE_IF,
    "nothing expired them: their session was removed, or its transaction goes on. After commit()"
    " in a living session they read themselves again; after commit() and remove() they raise"
    " DetachedInstanceError instead",
)
def test_objects_in_a_global(trial: Trial, shop: Shop) -> None:
    for when, rows in (
        ("their session was removed at the end of the request", own_session),
        ("the request committed, and its session was removed", _expired_and_detached),
    ):
        shop.write("first")
        with application(shop) as app:
            tried(trial, when, *shown(paged(app, cache(rows)), lambda: shop.write("new")))
    for commits in (False, True):
        _session_lives_on(trial, shop, commits=commits)
    with application(shop) as app:
        other_function(app)
        observe(paged(app, cache(own_session)), shop.write).told(trial, "their session was removed")
    with application(shop) as app:
        saw, asked = shown(paged(app, own_session), lambda: shop.write("new"))
    trial.control("they are read again", gone=saw == "new", saw=f"{saw}, {asked} SELECTs")
    seen_so(trial, "+-+-", "+-+")


def _expired_and_detached() -> list[Transaction]:
    rows = own_session()
    drawn(rows)
    flask.after_this_request(_commit)
    return rows


def _commit(response: flask.Response) -> flask.Response:
    db.session.commit()
    return response


def _session_lives_on(trial: Trial, shop: Shop, *, commits: bool) -> None:
    shop.write("first")
    with opened(shop) as session, application(shop) as app, recorded(session.get_bind()) as sent:  # type: ignore[arg-type]  # it is bound to an engine

        def change() -> None:
            shop.write("new")
            if commits:
                session.commit()
            sent.clear()

        saw, _ = shown(paged(app, cache(Keeper(session))), change)
        when = (
            f"their session lives on, and {'was committed' if commits else 'its transaction too'}"
        )
        tried(trial, when, saw, selects(sent))


# ── 25: in the Flask session ─────────────────────────────────────────────────────────────────


class OnTheServer(SessionInterface):
    """Keeps one visitor's session in memory, pickled, as the extensions for it do."""

    def __init__(self) -> None:
        self.kept = pickle.dumps({})

    def open_session(self, app: Flask, request: flask.Request) -> SecureCookieSession:
        """Return what was kept."""
        del app, request
        return SecureCookieSession(pickle.loads(self.kept))

    def save_session(self, app: Flask, session: Any, response: flask.Response) -> None:
        """Keep it."""
        del app, response
        self.kept = pickle.dumps(dict(session))


def whole(row: Transaction) -> object:
    """Keep the object."""
    return row


def fields(row: Transaction) -> object:
    """Keep a copy of its fields."""
    return {"id": row.id, "asset": row.asset, "note": row.note}


@claim(
    25,
    TRUE_IF,
    "that session is pickled on the server, which gives the object back detached, or the cookie"
    " holds a copy of its fields: Flask's own cookie is JSON and refuses the object (TypeError)",
)
def test_objects_in_the_flask_session(trial: Trial, shop: Shop) -> None:
    for keeps, interface in ((whole, None), (whole, OnTheServer()), (fields, None)):
        shop.write("first")
        with application(shop) as app:
            where = "pickled on the server" if interface else "Flask's own cookie"
            app.session_interface = interface or app.session_interface
            saw = _kept_in_the_session(app, shop, keeps)
        when = f"{where}, {str(keeps.__doc__)[5:-1]}"
        trial.case(when, holds=saw == "old", saw=saw, held=keeps is whole)
    assert held_in(trial) == [False, True, True]
    shop.write("first")
    with application(shop) as app:
        saw = _kept_in_the_session(app, shop, lambda row: row.id)
    trial.control("only its id is kept, the row is read again", gone=saw == "new", saw=saw)


def _kept_in_the_session(app: Flask, shop: Shop, keeps: Callable[[Transaction], object]) -> str:
    app.config |= {"SECRET_KEY": "of a test", "PROPAGATE_EXCEPTIONS": True}

    @app.get("/")
    def page() -> str:
        if "row" not in flask.session:
            flask.session["row"] = keeps(db.session.get_one(Transaction, 1))
        kept = flask.session["row"]
        row = db.session.get_one(Transaction, kept) if isinstance(kept, int) else kept
        return drawn([row])

    client = app.test_client()
    try:
        client.get("/")
        shop.write("new")
        return "new" if "new" in client.get("/").text else "old"
    except TypeError as error:
        return f"TypeError: {error}"


# ── 27: a template and a cached object ───────────────────────────────────────────────────────


@claim(
    27,
    TRUE_IF,
    "the object is detached, or its transaction goes on, and all that the template reads of it is"
    " loaded: else the template sends a SELECT of its own, or fails with DetachedInstanceError."
    " A compiled template that is cached keeps no rows",
)
def test_a_template_drawn_from_a_cached_object(trial: Trial, shop: Shop) -> None:
    for drawn_first in (True, False):
        shop.write("first")
        with application(shop) as app:
            rows, _ = through_a_cache(app, drawn_first=drawn_first)
            when = f"cached {'after' if drawn_first else 'before'} the template had read all of it"
            tried(trial, when, *shown(paged(app, rows), lambda: shop.write("new")))
    for commits in (True, False):
        _session_lives_on(trial, shop, commits=commits)
    shop.write("first")
    with application(shop) as app:
        saw = shown(paged(app, _kept_in_g), lambda: shop.write("new"))
        tried(trial, "kept in flask.g, which ends with the request", *saw, held=False)
    _renewed_by_another_function(trial, shop)
    seen_so(trial, "+--+-", "+++")


def through_a_cache(
    app: Flask, *, drawn_first: bool
) -> tuple[Callable[[], list[Transaction]], Cache]:
    """Return a page that keeps its rows in Flask-Caching, which pickles them."""
    kept = Cache(app, config={"CACHE_TYPE": "SimpleCache"})

    def rows() -> list[Transaction]:
        found: list[Transaction] | None = kept.get("rows")
        if found is None:
            found = own_session()
            if drawn_first:
                drawn(found)
            kept.set("rows", found)
        return found

    return rows, kept


def _kept_in_g() -> list[Transaction]:
    if "rows" not in flask.g:
        flask.g.rows = own_session()
    kept: list[Transaction] = flask.g.rows
    return kept


def _renewed_by_another_function(trial: Trial, shop: Shop) -> None:
    with application(shop) as app:
        rows, kept = through_a_cache(app, drawn_first=True)
        other_function(app, also=kept.clear)
        saw = observe(paged(app, rows), shop.write)
        saw.told(trial, "the other function clears the cache of its own worker")
    shop.write("first")
    with application(shop) as app:
        word, asked = shown(paged(app, own_session), lambda: shop.write("new"))
    saw_it = f"{word}, {asked} SELECTs, from a compiled template"
    trial.control("no object is cached", gone=word == "new", saw=saw_it)
