"""Flask-SQLAlchemy 3.1: what it makes and what it ends by itself.

What decides it stands in its source: `db.session` is a scoped_session whose scope is the id of the
application context; `init_app` hands `_teardown_session` to `teardown_appcontext`, which calls
`session.remove()` and nothing else. No line of the extension calls commit() or rollback().
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING

from sqlalchemy import event
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from tests.staleness.applications import held_in, idle_in_transaction
from tests.staleness.extensions import extended, registered
from tests.staleness.shop import NOON, Transaction
from tests.staleness.trial import TRUE_IF, Trial, claim

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from flask_sqlalchemy import SQLAlchemy
    from sqlalchemy.orm import Session

    from tests.staleness.conftest import Shop


# ── 35: creates and tears down per request ───────────────────────────────────────────────────


@claim(
    35,
    TRUE_IF,
    "the request uses db.session at all, and stays in its own application context: a session is"
    " made at its first use in a context, and removed when that context ends",
)
def test_a_session_belongs_to_an_application_context(trial: Trial, shop: Shop) -> None:
    for when, part in PARTS.items():
        with extended(shop) as (app, db):
            used: list[Session] = []
            requests = part(app, db, used)
            made, left = len(set(map(id, used))), len(registered(db)) + idle_in_transaction(shop)
        saw = f"sessions: {made}, requests: {requests}, left open: {left}"
        trial.case(when, holds=made == requests and not left, saw=saw)
    assert held_in(trial) == [True] * 3 + [False] * 3
    with extended(shop) as (app, db):
        app.teardown_appcontext_funcs.remove(db._teardown_session)
        _use(app, db, [])
        left = len(registered(db))
    trial.control("its teardown is taken out", gone=left > 0, saw=f"{left} left open")


def _use(app: Flask, db: SQLAlchemy, used: list[Session]) -> int:
    """Use db.session in two requests."""

    @app.get("/")
    def view() -> str:
        db.session.get(Transaction, 1)
        used.append(db.session())
        return ""

    client = app.test_client()
    return sum(client.get("/").status_code == 200 for _ in range(2))


def _errors(app: Flask, db: SQLAlchemy, used: list[Session]) -> int:
    @app.get("/error")
    def view() -> str:
        used.append(db.session())
        return str(db.session.get_one(Transaction, 1).id / 0)

    return int(app.test_client().get("/error").status_code == 500)


def _at_once(app: Flask, db: SQLAlchemy, used: list[Session]) -> int:
    together = Barrier(2)

    @app.get("/")
    def view() -> str:
        db.session.get(Transaction, 1)
        used.append(db.session())
        together.wait(20)
        return ""

    with ThreadPoolExecutor(2) as threads:
        return sum(
            answer.status_code == 200
            for answer in threads.map(lambda _: app.test_client().get("/"), range(2))
        )


def _nothing(app: Flask, _db: SQLAlchemy, _used: list[Session]) -> int:
    app.get("/")(lambda: "nothing was asked")
    return int(app.test_client().get("/").status_code == 200)


def _nested(app: Flask, db: SQLAlchemy, used: list[Session]) -> int:
    @app.get("/")
    def view() -> str:
        used.append(db.session())
        with app.app_context():
            used.append(db.session())
        return ""

    return int(app.test_client().get("/").status_code == 200)


def _around(app: Flask, db: SQLAlchemy, used: list[Session]) -> int:
    with app.app_context():
        return _use(app, db, used)


PARTS: dict[str, Callable[[Flask, SQLAlchemy, list[Session]], int]] = {
    "two requests, one after the other": _use,
    "a request that ends with an error": _errors,
    "two requests at once, in two threads": _at_once,
    "a request that never uses db.session": _nothing,
    "a request that opens a second application context": _nested,
    "two requests inside a context that somebody pushed": _around,
}


# ── 36: create → commit/rollback → remove ────────────────────────────────────────────────────


@claim(
    36,
    TRUE_IF,
    "one leaves out the commit: it makes the session and removes it, and what was not committed is"
    " rolled back by that. It never commits: SQLALCHEMY_COMMIT_ON_TEARDOWN, which did, is ignored"
    " since 3.0; and no error that the view caught is rolled back before the request's end",
)
def test_the_extension_never_commits(trial: Trial, shop: Shop) -> None:
    for config in ({}, {"SQLALCHEMY_COMMIT_ON_TEARDOWN": True}):
        stored = _written(shop, "unsaved", config)
        when = f"a write without commit(){' (SQLALCHEMY_COMMIT_ON_TEARDOWN)' if config else ''}"
        trial.case(when, holds=stored == "unsaved", saw=f"stored: {stored!r}")
    stored = _written(shop, "saved", {}, commit=True)
    trial.control("the view commits", gone=stored == "saved", saw=f"stored: {stored!r}")
    _rolled_back(trial, shop)
    _caught(trial, shop)
    assert held_in(trial) == [False, False, True, False]


def _written(shop: Shop, note: str, config: dict[str, bool], *, commit: bool = False) -> str:
    with extended(shop) as (app, db):
        app.config |= config

        @app.post("/")
        def view() -> str:
            db.session.get_one(Transaction, 1).note = note
            db.session.flush()
            if commit:
                db.session.commit()
            return "saved"

        assert app.test_client().post("/").text == "saved"
    return shop.stored()


def _rolled_back(trial: Trial, shop: Shop) -> None:
    with extended(shop) as (app, db):
        ends: list[str] = []
        with app.app_context():
            event.listen(db.engine, "rollback", lambda _conn: ends.append("ROLLBACK"))
            event.listen(db.engine, "commit", lambda _conn: ends.append("COMMIT"))

        @app.post("/")
        def view() -> str:
            db.session.get_one(Transaction, 2).note = "half of the work"
            db.session.flush()
            return str(1 / 0)

        status = app.test_client().post("/").status_code
        left = len(registered(db)) + idle_in_transaction(shop)
    trial.case(
        "an error after a write: made, rolled back, removed",
        holds=shop.stored(2) == "second" and ends == ["ROLLBACK"] and not left,
        saw=f"{status}, {' '.join(ends)}, {left} left open, stored: {shop.stored(2)!r}",
    )


def _caught(trial: Trial, shop: Shop) -> None:
    with extended(shop) as (app, db):

        @app.get("/")
        def view() -> str:
            try:
                db.session.add(Transaction(id=1, occurred_at=NOON, address="", type="", asset="",
                                           amount=1, note="", labels=[]))  # fmt: skip
                db.session.flush()
            except IntegrityError:
                pass  # "it is there already"
            try:
                return db.session.get_one(Transaction, 1).note
            except SQLAlchemyError as error:
                return type(error).__name__

        found = app.test_client().get("/").text
    saw = f"the next line of the view gets {found}"
    trial.case("an error of flush() that the view caught", holds=found == "first", saw=saw)
