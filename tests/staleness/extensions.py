"""Applications that have an instance of Flask-SQLAlchemy of their own, set as a test likes it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from flask_sqlalchemy import SQLAlchemy

from tests.staleness.applications import EVERY
from tests.staleness.shop import drawn, reset, start
from tests.staleness.trial import RC

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flask import Flask

    from tests.staleness.conftest import Shop
    from tests.staleness.shop import Transaction


@contextmanager
def extended(
    shop: Shop, session: Mapping[str, Any] | None = None, **engine: Any
) -> Iterator[tuple[Flask, SQLAlchemy]]:
    """Yield an application without views, and its extension.

    Args:
        shop: whose database it reads.
        session: what `SQLAlchemy()` gets as session_options.
        engine: what is added to SQLALCHEMY_ENGINE_OPTIONS.
    """
    db = SQLAlchemy(session_options=dict(session or {}))
    options = {"isolation_level": RC} | engine
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", shop.url)
        app = start("shop", db, SQLALCHEMY_ENGINE_OPTIONS=options)
    try:
        yield app, db
    finally:
        for left in list(registered(db).values()):
            left.close()
        with app.app_context():
            db.engine.dispose()


def registered(db: SQLAlchemy) -> dict[Any, Any]:
    """Return the sessions that an extension's registry has, by their scopes."""
    found: dict[Any, Any] = db.session.registry.registry
    return found


def keeping(app: Flask, db: SQLAlchemy) -> Flask:
    """Give an application a page that keeps what it showed last, for the sidebar."""
    shown: list[Transaction] = []

    @app.get("/transactions")
    def transactions() -> str:
        reset(db.session)
        shown[:] = db.session.scalars(EVERY)
        return drawn(shown)

    return app
