"""A connection that goes back to the pool with its transaction open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from tests.staleness.observing import let_go, observe, other_function, seen_so
from tests.staleness.shop import Transaction, db, reset, start
from tests.staleness.trial import RC, RR, SERIALIZABLE, TRUE_IF, Trial, claim

if TYPE_CHECKING:
    import pytest
    from flask import Flask
    from sqlalchemy import Engine

    from tests.staleness.conftest import Shop


def raw_page(app: Flask) -> None:
    """Give the application a page on a raw connection, which goes back as it is."""

    @app.get("/transactions")
    def transactions() -> str:
        reset()
        return str(raw(db.engine, "SELECT note FROM transaction ORDER BY id"))

    @app.get("/session")
    def session() -> str:
        return str(db.session.scalars(select(Transaction.note)).all())


def raw(engine: Engine, statement: str) -> list[Any]:
    """Run a statement on a raw connection and give it back as it is."""
    connection = engine.raw_connection()
    cursor = connection.cursor()
    cursor.execute(statement)
    found = cursor.fetchall() if cursor.description else []
    cursor.close()
    connection.close()
    return list(found)


def pooled(isolation: str, **options: Any) -> Flask:
    """Return an application whose engine has these options."""
    given = {"isolation_level": isolation} | options
    app = start("shop", SQLALCHEMY_ENGINE_OPTIONS=given)
    raw_page(app)
    other_function(app)
    return app


@claim(
    75,
    TRUE_IF,
    "the raw connection has read under REPEATABLE READ or stricter, or has written; under READ"
    " COMMITTED a mere read leaves nothing old, and a session ends its own transaction",
)
def test_a_connection_given_back_open_keeps_its_snapshot_or_its_writes(
    trial: Trial, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", shop.url)
    for isolation in (RR, SERIALIZABLE, RC):
        for path, who in (("/transactions", "a raw connection"), ("/session", "a session")):
            shown = _read_twice(shop, isolation, path, pool_reset_on_return=None)
            trial.case(f"{who} reads, no reset", holds="new" not in shown,
                       saw="old" if "new" not in shown else "new", isolation=isolation)  # fmt: skip
    shown = _read_twice(shop, RR, "/transactions")
    trial.control("pool_reset_on_return has its default", gone="new" in shown, saw="the new note")
    _written(trial, shop)
    app = pooled(RR, pool_reset_on_return=None)
    observe(app, shop.write).told(trial, "it reads under REPEATABLE READ")
    let_go(app)
    seen_so(trial, "+-+---+", "+++")


def _read_twice(shop: Shop, isolation: str, path: str, **options: Any) -> str:
    """Read, let somebody else write, read again; return the second page."""
    shop.write("first")
    app = pooled(isolation, **options)
    client = app.test_client()
    client.get(path)
    shop.write("new")
    shown = client.get(path).text
    let_go(app)
    return shown


def _written(trial: Trial, shop: Shop) -> None:
    """A raw write without a commit: it waits in the pool until somebody else's commit."""
    for when, options in (("no reset", {"pool_reset_on_return": None}), ("the default", {})):
        shop.write("first")
        app = pooled(RC, **options)
        with app.app_context():
            raw(db.engine, "UPDATE transaction SET note = 'raw' WHERE id = 1")
        before = shop.stored()
        app.test_client().post("/contacts/2", data={"name": "Benedict"})
        after = shop.stored()
        saw = f"others see {before!r}, after another function's commit {after!r}"
        if options:
            kept = (before, after) == ("first", "raw")
            trial.case(f"a raw connection writes, {when}", holds=kept, saw=saw)
        else:
            trial.control(f"a raw connection writes, {when}: it is rolled back, not kept",
                          gone=after == "first", saw=saw)  # fmt: skip
        let_go(app)
