"""Applications with one page, and sessions, each on a shop and at an isolation level of its own."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from psycopg.errors import LockNotAvailable
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from tests.staleness.observing import let_go
from tests.staleness.shop import Transaction, db, drawn, reset, start, with_driver
from tests.staleness.trial import RC

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from flask import Flask
    from sqlalchemy import Engine
    from sqlalchemy.orm import scoped_session

    from tests.staleness.conftest import Shop
    from tests.staleness.trial import Trial

AUTOCOMMIT = "AUTOCOMMIT"
EVERY = select(Transaction).order_by(Transaction.id)
NOTE = select(Transaction.note).where(Transaction.id == 1)


@contextmanager
def application(shop: Shop, isolation: str = RC, **engine: Any) -> Iterator[Flask]:
    """Yield an application without views, as the fixture `app` is, at another isolation level."""
    options = {"isolation_level": isolation} | engine
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", shop.url)
        app = start("shop", SQLALCHEMY_ENGINE_OPTIONS=options)
    try:
        yield app
    finally:
        let_go(app)


@contextmanager
def connected(shop: Shop, isolation: str = RC, **options: Any) -> Iterator[Engine]:
    """Yield an engine."""
    engine = create_engine(with_driver(shop.url), isolation_level=isolation, **options)
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def opened(shop: Shop, isolation: str = RC, **options: Any) -> Iterator[Session]:
    """Yield a session of an engine of its own; what it had not committed is rolled back."""
    with connected(shop, isolation) as engine, Session(engine, **options) as session:
        yield session


def paged(app: Flask, rows: Callable[[], Iterable[Transaction]]) -> Flask:
    """Give an application its page: these rows, drawn."""

    @app.get("/transactions")
    def transactions() -> str:
        reset()
        return drawn(rows())

    return app


def own_session() -> list[Transaction]:
    """Return what the page shows when it is built as it should be."""
    return list(db.session.scalars(EVERY))


@dataclass(slots=True)
class Keeper:
    """A page that reads through one session for ever."""

    session: Session
    holding: bool = True  # whether it keeps a reference to what it showed
    shown: list[Transaction] = field(default_factory=list)

    def __call__(self) -> list[Transaction]:
        """Return what the page shows."""
        rows = list(self.session.scalars(EVERY))
        self.shown = rows if self.holding else []
        return rows


def edit(session: Session | scoped_session[Any], note: str) -> None:
    """Change a note in memory."""
    session.get_one(Transaction, 1).note = note


def draft(session: Session | scoped_session[Any], note: str) -> None:
    """Write a note without commit."""
    edit(session, note)
    session.flush()


def nothing(_session: Session) -> None:
    """Do nothing."""


def misses(app: Flask, change: Callable[[str], object], word: str = "new") -> bool:
    """Return whether the page, loaded before and after a change, does not show the change."""
    client = app.test_client()
    client.get("/transactions")
    change(word)
    return word not in client.get("/transactions").text


def selects(sent: Iterable[str]) -> int:
    """Return how many of these statements ask for rows."""
    return sum(statement.lstrip().upper().startswith("SELECT") for statement in sent)


def held_in(trial: Trial) -> list[bool]:
    """Return in which of its cases, in their order, the claim held."""
    return [case.holds for case in trial.cases]


def idle_in_transaction(shop: Shop) -> int:
    """Return how many connections to the shop wait for their client in an open transaction."""
    found = shop.outside.execute(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND state LIKE 'idle in transaction%'"
    ).fetchone()
    assert found
    return int(found[0])


def must_wait(shop: Shop, nr: int = 1) -> bool:
    """Return whether somebody else's change of a row must wait for a lock."""
    shop.outside.execute("SET lock_timeout = '100ms'")
    try:
        shop.outside.execute("UPDATE transaction SET note = note WHERE id = %s", (nr,))
    except LockNotAvailable:
        return True
    finally:
        shop.outside.execute("RESET lock_timeout")
    return False
