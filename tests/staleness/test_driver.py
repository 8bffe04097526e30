"""Kept statements: SQLAlchemy's cache of compiled ones, the driver's of prepared ones, plans.

psycopg prepares a statement that ran five times on a connection, and forgets what it prepared when
a transaction is rolled back (`psycopg/_preparing.py`), which is how a session's read ends. So it
keeps a statement from request to request only in autocommit or where each transaction commits.
PostgreSQL parses a prepared statement anew when a table that it names was changed or analysed, or
when the search_path is another one; not when a table of the same name appears.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine, lambda_stmt, select, text
from sqlalchemy.exc import NotSupportedError
from sqlalchemy.orm import Session

from tests.staleness.constructs import Honest, Newest, frozen, tracked
from tests.staleness.observing import arrives, let_go, observe, other_function, seen_so
from tests.staleness.shop import Transaction, db, reset, start, with_driver
from tests.staleness.trial import TRUE_IF, Trial, claim

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from sqlalchemy import Connection, Engine

    from tests.staleness.conftest import Shop

OFTEN = 8  # executions, after which psycopg has prepared a statement (it does so at the sixth)
ROUNDS = 40


@contextmanager
def engine_of(shop: Shop, **options: Any) -> Iterator[Engine]:
    engine = create_engine(with_driver(shop.url), **options)
    try:
        yield engine
    finally:
        engine.dispose()


def ordinary(conn: Connection) -> list[str | None]:
    """Read the note of the first row in six ways."""
    table = Transaction.__table__
    by_hand = "SELECT note FROM transaction WHERE id ="
    with Session(conn) as session:
        return [
            conn.scalar(select(table.c.note).where(table.c.id == 1)),
            conn.scalar(text(f"{by_hand} :nr"), {"nr": 1}),
            conn.exec_driver_sql(f"{by_hand} 1").scalar_one(),
            session.scalars(select(Transaction.note).where(Transaction.id == 1)).one(),
            session.scalars(select(Transaction).where(Transaction.id == 1)).one().note,
            conn.scalar(lambda_stmt(lambda: select(table.c.note).where(table.c.id == 1))),
        ]


@claim(
    72,
    TRUE_IF,
    "what is kept holds something that was computed once: in a prepared statement the literal"
    " 'now', a function wrongly declared IMMUTABLE, or the choice among tables of one name; in"
    " SQLAlchemy's cache a value that one's own construct hides from it. Ordinary statements were"
    " never old, and psycopg keeps none past a rollback",
)
def test_kept_statements_are_old_only_where_they_keep_a_computed_value(
    trial: Trial, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    _ordinary(trial, shop)
    _definitions_change(trial, shop)
    _hidden_values(trial, shop)
    _computed_once(trial, shop)
    app = _now_page(shop, monkeypatch)
    seen = observe(app, lambda word: arrives(shop, word))
    seen.told(trial, "the literal 'now' in autocommit")
    let_go(app)
    seen_so(trial, "-----+-++++-+-", "+-+")


def _ordinary(trial: Trial, shop: Shop) -> None:
    """Each way of reading, prepared and not, after each of many writes."""
    for when, options in (
        ("ordinary statements, prepared at the sixth run", {}),
        ("ordinary statements, prepared at the first run", {"prepare_threshold": 0}),
        ("ordinary statements, generic plans forced",
         {"prepare_threshold": 0, "options": "-c plan_cache_mode=force_generic_plan"}),
    ):  # fmt: skip
        with engine_of(shop, connect_args=options) as engine, engine.connect() as conn:
            old = read = 0
            for nr in range(ROUNDS):
                shop.write(f"note {nr}")
                notes = ordinary(conn)
                old, read = old + len([n for n in notes if n != f"note {nr}"]), read + len(notes)
            prepared = conn.exec_driver_sql("SELECT count(*) FROM pg_prepared_statements")
            saw = f"{old} of {read} reads old, {prepared.scalar_one()} statements prepared"
        trial.case(when, holds=old > 0, saw=saw, held=False, selects=read)


def _settled(conn: Connection, statement: str) -> None:
    """Run a statement until it is prepared."""
    for _ in range(OFTEN):
        conn.exec_driver_sql(statement).all()


def _definitions_change(trial: Trial, shop: Shop) -> None:
    """Tables change and swap under a prepared statement, in autocommit."""
    read, ddl = "SELECT note FROM transaction WHERE id = 1", shop.outside.execute
    with engine_of(shop, isolation_level="AUTOCOMMIT") as engine, engine.connect() as conn:
        _settled(conn, "SELECT * FROM transaction WHERE id = 1")
        ddl("ALTER TABLE transaction ADD COLUMN extra text DEFAULT 'x'")
        with pytest.raises(NotSupportedError, match="cached plan must not change result type"):
            conn.exec_driver_sql("SELECT * FROM transaction WHERE id = 1")
        trial.case("SELECT * prepared, a column is added", holds=False, saw="an error, no old row")
        _settled(conn, read)
        ddl("ALTER TABLE transaction RENAME TO kept")
        ddl("CREATE TABLE transaction AS SELECT id, 'swapped'::varchar AS note FROM kept")
        found = conn.exec_driver_sql(read).scalar_one()
        trial.case("prepared, tables are swapped by renaming", holds=found != "swapped", saw=found)
        ddl("DROP TABLE transaction")
        ddl("ALTER TABLE kept RENAME TO transaction")
        _hidden_table(trial, shop, conn, read)


def _hidden_table(trial: Trial, shop: Shop, conn: Connection, read: str) -> None:
    """A table of the same name appears where the search_path looks first."""
    ddl = shop.outside.execute
    ddl("CREATE SCHEMA mine")
    conn.exec_driver_sql("SET search_path = mine, public")
    _settled(conn, read)
    ddl("CREATE TABLE mine.transaction AS SELECT 1 AS id, 'mine'::varchar AS note")
    found, fresh = (conn.exec_driver_sql(each).scalar_one() for each in (read, read + " "))
    trial.case("prepared, a table of the same name is made earlier in the search_path",
               holds=found != fresh == "mine",
               saw=f"prepared {found!r}, not prepared {fresh!r}")  # fmt: skip
    conn.exec_driver_sql("SET search_path = mine")
    found = conn.exec_driver_sql(read).scalar_one()
    trial.case("prepared, the search_path itself is changed", holds=found != "mine", saw=found)


def _hidden_values(trial: Trial, shop: Shop) -> None:
    """Values that SQLAlchemy's cache of compiled statements does not see."""
    with engine_of(shop) as engine, engine.connect() as conn:
        kept, honest = ([conn.execute(select(kind(nr))).scalar_one() for nr in (1, 2)]
                        for kind in (Newest, Honest))  # fmt: skip
        trial.case("a construct of one's own with inherit_cache = True", holds=kept == [1, 1],
                   saw=f"asked for 1 and 2, got {kept}", isolation="")  # fmt: skip
        trial.control("the construct says that it may not be cached", gone=honest == [1, 2],
                      saw=f"asked for 1 and 2, got {honest}")  # fmt: skip
        kept, followed = ([ask(conn, nr) for nr in (1, 2)] for ask in (frozen, tracked))
        trial.case("a lambda_stmt with track_bound_values=False", holds=kept == [1, 1],
                   saw=f"asked for 1 and 2, got {kept}", isolation="")  # fmt: skip
        trial.control("the lambda's values are tracked", gone=followed == [1, 2], saw=str(followed))


def _computed_once(trial: Trial, shop: Shop) -> None:
    """Values that PostgreSQL computes when it parses or plans, and keeps with a prepared plan."""
    shop.outside.execute(
        "CREATE FUNCTION newest() RETURNS bigint IMMUTABLE LANGUAGE sql"
        " AS 'SELECT max(id) FROM public.transaction'"
    )
    literal, lying = "occurred_at <= 'now'", "id <= newest()"
    _kept(trial, shop, "the literal 'now' in autocommit", literal)
    _kept(trial, shop, "the literal 'now', each transaction commits", literal, "commit")
    _kept(trial, shop, "the literal 'now', each transaction is rolled back", literal, "rollback")
    _kept(trial, shop, "a function wrongly declared IMMUTABLE, in autocommit", lying)
    _kept(trial, shop, "now() instead of the literal, in autocommit", "occurred_at <= now()")
    for condition in (literal, lying):
        missing, _ = _missing(shop, condition, "autocommit", prepare_threshold=None)
        trial.control(f"nothing is prepared: {condition}", gone=not missing, saw="the row is shown")
        _, missing = _missing(shop, condition, "autocommit")
        trial.control(f"ANALYZE was run: {condition}", gone=not missing, saw="the row is shown")


def _kept(trial: Trial, shop: Shop, when: str, condition: str, ending: str = "autocommit") -> None:
    missing, _ = _missing(shop, condition, ending)
    saw = "the new row is missing" if missing else "the new row is shown"
    trial.case(f"{when}, run {OFTEN} times before", holds=missing, saw=saw)


def _missing(
    shop: Shop, condition: str, ending: str, prepare_threshold: int | None = 5
) -> tuple[bool, bool]:
    """Return whether a row is missing that came after a statement was run many times.

    Asked at once, and again after ANALYZE, which lets all plans be made anew.
    """
    read = f"SELECT max(id) FROM transaction WHERE {condition}"
    options = {"isolation_level": "AUTOCOMMIT"} if ending == "autocommit" else {}
    preparing = {"prepare_threshold": prepare_threshold}
    with engine_of(shop, pool_size=1, connect_args=preparing, **options) as engine:
        for _ in range(OFTEN):
            _ask(engine, read, ending)
        arrives(shop, "new")
        at_once = _ask(engine, read, ending)
        shop.outside.execute("ANALYZE transaction")
        later = _ask(engine, read, ending)
        newest = _ask(engine, "SELECT max(id) FROM transaction", ending)
    return at_once != newest, later != newest


def _ask(engine: Engine, statement: str, ending: str) -> Any:
    """Ask in a transaction of its own, on the pool's only connection."""
    with engine.connect() as conn:
        found = conn.exec_driver_sql(statement).scalar_one()
        if ending == "commit":
            conn.commit()
    return found


def _now_page(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """Return an application whose page has the literal, in autocommit, and has been asked often."""
    monkeypatch.setenv("DATABASE_URL", shop.url)
    app = start("shop", SQLALCHEMY_ENGINE_OPTIONS={"isolation_level": "AUTOCOMMIT"})
    page = text("SELECT note FROM transaction WHERE occurred_at <= 'now'")

    @app.get("/transactions")
    def transactions() -> str:
        reset()
        return str(db.session.scalars(page).all())

    other_function(app)
    client = app.test_client()
    for _ in range(OFTEN):
        client.get("/transactions")
    return app
