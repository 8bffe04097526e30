"""REPEATABLE READ, which is the default of MySQL and MariaDB: an open transaction sees its start.

The whole runs on PostgreSQL with either level, and again on MariaDB where one is installed.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from flask import request
from sqlalchemy import select

from tests.staleness import mariadb
from tests.staleness.observing import let_go, observe, seen_so
from tests.staleness.shop import Contact, Transaction, db, drawn, reset, start
from tests.staleness.trial import RC, RR, TRUE_IF, Trial, claim
from tests.support.mariadb import installed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask

    from tests.staleness.conftest import Shop


@dataclass(frozen=True, slots=True)
class Database:
    """A database with the shop's tables, and how somebody else changes the first note."""

    name: str
    url: str
    write: Callable[[str], object]
    default: str


@contextmanager
def maria() -> Iterator[Database]:
    """Yield a MariaDB."""
    with mariadb.shop() as (socket, outside), outside.cursor() as cursor:
        cursor.execute("SELECT @@tx_isolation")
        (default,) = cursor.fetchone() or ("",)
        yield Database(
            "MariaDB",
            f"mysql+pymysql://root@localhost/shop?unix_socket={socket}",
            lambda note: cursor.execute("UPDATE transaction SET note = %s WHERE id = 1", (note,)),
            default.replace("-", " "),
        )


def postgresql(shop: Shop) -> Database:
    """Return the shop."""
    found = shop.outside.execute("SHOW default_transaction_isolation").fetchone()
    assert found
    return Database("PostgreSQL", shop.url, shop.write, found[0].upper())


def application(isolation: str, *, captured: bool) -> tuple[Flask, Any]:
    """Return an application and its session: captured at import, or that of the request."""
    options = {"isolation_level": isolation} if isolation else {}
    app = start("shop", SQLALCHEMY_ENGINE_OPTIONS=options)
    with app.app_context():
        session: Any = db.session() if captured else db.session

    @app.get("/transactions")
    def transactions() -> str:
        reset()
        if "expire" in request.args:
            session.expire_all()
        if "rollback" in request.args:
            session.rollback()
        return drawn(session.scalars(select(Transaction).order_by(Transaction.id)))

    @app.post("/contacts/<int:nr>")
    def contact(nr: int) -> str:
        session.get_one(Contact, nr).name = request.form["name"]
        session.commit()
        return "saved"

    return app, session


@contextmanager
def visited(
    database: Database, isolation: str, *, captured: bool = True
) -> Iterator[tuple[Flask, Callable[..., bool]]]:
    """Yield the application, and what returns whether a page is old after somebody's change."""
    database.write("first")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", database.url)
        app, session = application(isolation, captured=captured)
    client = app.test_client()

    def old(note: str, query: str = "") -> bool:
        client.get("/transactions")
        database.write(note)
        return note not in client.get(f"/transactions{query}").text

    try:
        yield app, old
    finally:
        if captured:
            session.close()
        let_go(app)


#: As it is, then with the other level: captured, its own expire_all(), session of the request.
ON_POSTGRESQL, ON_MARIADB = "---++-", "++----+"


@claim(
    65,
    TRUE_IF,
    "the session's transaction outlives the request: then rows are old even where nothing"
    " references them, and expire_all() on that very session does not help either, only the end"
    " of its transaction does",
)
def test_repeatable_read_pins_a_session_that_outlives_its_request(
    trial: Trial, shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    _tried(trial, postgresql(shop))
    with visited(postgresql(shop), RR) as (app, _):
        observe(app, shop.write).told(trial, "a captured session, nothing references the rows")
    if not installed():
        with capsys.disabled():
            print("\nno mariadbd on the PATH: claim 65 was shown on PostgreSQL alone")  # noqa: T201 (said, not silent)
        seen_so(trial, ON_POSTGRESQL, "+++")
        return
    with maria() as database:
        assert database.default == RR
        _tried(trial, database)
        with visited(database, "") as (app, _):
            seen = observe(app, database.write)
        trial.case("MariaDB as it is, captured, the three observations", holds=seen.first,
                   saw=seen.words, isolation=RR, held=False)  # fmt: skip
    seen_so(trial, ON_POSTGRESQL + ON_MARIADB, "+++")


def _tried(trial: Trial, database: Database) -> None:
    """Try both levels, with a captured session and with that of the request."""
    for isolation in ("", RC if database.default == RR else RR):
        level = isolation or database.default
        name = f"{database.name}, " + ("asked for" if isolation else "as it is")
        with visited(database, isolation) as (_, old):
            _case(trial, f"{name}, captured session", level, old("new"))
            _case(trial, f"{name}, captured session, its own expire_all()", level,
                  old("newer", "?expire=1"))  # fmt: skip
            trial.control(f"its transaction was ended ({database.name}, {level})",
                          gone=not old("newest", "?rollback=1"), saw="the new note")  # fmt: skip
        with visited(database, isolation, captured=False) as (_, old):
            _case(trial, f"{name}, session of the request", level, old("new"))


def _case(trial: Trial, when: str, level: str, old: bool) -> None:
    saw = "the old note" if old else "the new note"
    trial.case(when, holds=old, saw=saw, isolation=level, held=False)
