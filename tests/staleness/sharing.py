"""Applications for gunicorn whose requests share something: a session, a scope, a connection.

    DATABASE_URL=… gunicorn 'tests.staleness.sharing:one_session()'

They are functions, as an application here is made in the worker, or with --preload before the fork.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from flask import request
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from tests.staleness.applications import EVERY
from tests.staleness.shop import Transaction, db, drawn, start

if TYPE_CHECKING:
    from flask import Flask
    from sqlalchemy.orm import Session, scoped_session

    Sessions = scoped_session[Session] | Session

PATIENCE = 20  # seconds that one request waits for the other


def one_session() -> Flask:
    """Return an application with one session for all its threads."""
    app = start("one session")
    with app.app_context():
        return _with_views(app, db.session())


def one_each() -> Flask:
    """Return the same with a session for each request."""
    return _with_views(start("one each"), db.session)  # type: ignore[arg-type]  # of the extension's own class


def _with_views(app: Flask, session: Sessions) -> Flask:
    steps = {name: threading.Event() for name in ("flushed", "edited", "undone")}

    @app.post("/fails")
    def fails() -> str:
        """Write, and roll back when the other request has written too."""
        session.get_one(Transaction, 1).note = "of the one that fails"
        session.flush()
        steps["flushed"].set()
        steps["edited"].wait(PATIENCE)
        session.rollback()
        steps["undone"].set()
        return "rolled back"

    @app.post("/saves")
    def saves() -> str:
        """Write, and commit when the other request has rolled back."""
        steps["flushed"].wait(PATIENCE)
        session.get_one(Transaction, 2).note = "saved"
        session.flush()
        steps["edited"].set()
        steps["undone"].wait(PATIENCE)
        session.commit()
        return "saved"

    @app.post("/note")
    def note() -> str:
        """Write and commit at once."""
        try:
            session.get_one(Transaction, int(request.form["nr"])).note = request.form["note"]
            session.commit()
        except SQLAlchemyError as error:
            return type(error).__name__
        return "saved"

    return app


def constant_scope() -> Flask:
    """Return an application whose scopefunc says the same for all, and which removes nothing."""
    # Prepared statements of one process would be in another's way on a connection that they share.
    plain = {"connect_args": {"prepare_threshold": None}}
    app = start("constant scope", SQLALCHEMY_ENGINE_OPTIONS=plain)
    session: scoped_session[Session] = db._make_scoped_session({"scopefunc": lambda: "all"})  # type: ignore[assignment]  # of the extension's own class

    @app.get("/draft")
    def draft() -> str:
        """Write without commit."""
        session.get_one(Transaction, 1).note = "draft"
        session.flush()
        return "drafted"

    @app.get("/transactions")
    def transactions() -> str:
        return drawn(session.scalars(EVERY))

    @app.get("/backend")
    def backend() -> str:
        """Say which server process serves the session."""
        return str(session.scalar(text("SELECT pg_backend_pid()")))

    return app


def connected_before_fork() -> Flask:
    """Return the same with a connection in its pool already, for --preload."""
    app = constant_scope()
    with app.app_context(), db.engine.connect() as conn:
        conn.execute(text("SELECT 1"))
    return app
