"""Applications that could be the sick one: what they keep lives in a session, or somewhere else.

    DATABASE_URL=… gunicorn 'tests.staleness.rivals:kept_session()'

Each has the page, which resets db.session when ?reset=1 asks for it, and the other function, which
renames a contact.
"""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING

from flask import Response, request
from sqlalchemy import select, text

from tests.staleness.applications import EVERY, Keeper, own_session, paged
from tests.staleness.observing import other_function
from tests.staleness.shop import Contact, Transaction, db, drawn, reset, start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from flask import Flask

#: What the views of `stored_copy` need in their database.
STORED_COPY = "CREATE MATERIALIZED VIEW transaction_list AS SELECT * FROM transaction"


def _built(rows: Callable[[], Iterable[Transaction]], also: Callable[[], object]) -> Flask:
    app = paged(start("rival"), rows)
    other_function(app, also)
    return app


def session_per_request() -> Flask:
    """A session for each request."""
    return _built(own_session, lambda: None)


def kept_session(*, holding: bool = True) -> Flask:
    """A session kept since the start, and the rows of the last page."""
    app = start("rival")
    with app.app_context():
        session = db.session()
    app.extensions["kept"] = [session]
    other_function(app, also=session.commit)
    return paged(app, Keeper(session, holding))


def kept_session_without_rows() -> Flask:
    """A session kept since the start, and no rows."""
    return kept_session(holding=False)


def kept_session_reset() -> Flask:
    """A session kept since the start, which the page expires itself."""
    app = start("rival")
    with app.app_context():
        session = db.session()
    rows = Keeper(session)

    @app.get("/transactions")
    def transactions() -> str:
        if "reset" in request.args:
            session.expire_all()
        return drawn(rows())

    return app


def constant_scope() -> Flask:
    """A db.session whose scope is the same for all requests, and which nothing removes."""
    app = start("rival")
    everybody = db._make_scoped_session({"scopefunc": lambda: "all"})
    shown: list[Transaction] = []

    @app.get("/transactions")
    def transactions() -> str:
        if "reset" in request.args:
            everybody.remove()
            everybody.expire_all()
        shown[:] = everybody.scalars(EVERY)
        return drawn(shown)

    return app


def kept_rows() -> Flask:
    """The rows of the first page, kept by a function that remembers its answer."""
    return _built(cache(own_session), lambda: None)


def cleared_cache() -> Flask:
    """The text of the page, kept until a function of the same process writes."""
    app = start("rival")
    page = cache(lambda: drawn(own_session()))

    @app.get("/transactions")
    def transactions() -> str:
        reset()
        return page()

    other_function(app, also=page.cache_clear)
    return app


def stored_copy() -> Flask:
    """A materialized view, renewed by the application's own functions."""
    copied = select(Transaction).from_statement(text("SELECT * FROM transaction_list ORDER BY id"))

    def renew() -> None:
        db.session.execute(text("REFRESH MATERIALIZED VIEW transaction_list"))
        db.session.commit()

    return _built(lambda: list(db.session.scalars(copied)), renew)


def blind_etag(*, blind: bool = True) -> Flask:
    """An ETag made of the contacts, which the other function changes."""
    app = start("rival")
    other_function(app)

    @app.get("/transactions")
    def transactions() -> Response:
        reset()
        names = ",".join(db.session.scalars(select(Contact.name).order_by(Contact.id)))
        page = drawn(own_session())
        answer = Response(page)
        answer.set_etag(sha256((names if blind else page).encode()).hexdigest())
        answer.make_conditional(request)
        return answer

    return app


def seeing_etag() -> Flask:
    """An ETag made of the page."""
    return blind_etag(blind=False)
