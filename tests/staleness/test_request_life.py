"""The session of a request: when it begins and ends, what it stores, and whom its errors hit."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from flask import stream_with_context
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from tests.staleness.applications import (
    Keeper,
    application,
    held_in,
    idle_in_transaction,
    must_wait,
    opened,
    own_session,
    paged,
)
from tests.staleness.shop import Contact, Transaction, db
from tests.staleness.trial import TRUE_IF, Trial, claim

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask
    from sqlalchemy.orm import Session

    from tests.staleness.conftest import Shop


# ── 13: created at the start, closed at the end ──────────────────────────────────────────────


@claim(
    13,
    TRUE_IF,
    "the start is its first use (a request that asks nothing has none), nothing reads it after the"
    " view, as a streamed answer does, and no application context is open around the request",
)
def test_a_session_begins_with_its_first_use(trial: Trial, shop: Shop) -> None:
    """What decides it.

    db.session is a registry, which makes a session when it is first asked in an application
    context; Flask-SQLAlchemy removes it in teardown_appcontext. Its sessions find their engine by
    current_app, so that one which was captured is of no use where there is no context.
    """
    for part in (_at_the_start, _at_the_end, _streamed, _around):
        with application(shop) as app:
            part(trial, shop, app)
    assert held_in(trial) == [False, True, True, True, False, False]


def _at_the_start(trial: Trial, _shop: Shop, app: Flask) -> None:
    there: list[bool] = []

    @app.get("/start")
    def start() -> str:
        there.append(db.session.registry.has())
        db.session.get(Transaction, 1)
        there.append(db.session.registry.has())
        return ""

    app.test_client().get("/start")
    saw = f"a session there: {there[0]}, after the first use: {there[1]}"
    trial.case("before the request uses it", holds=there[0], saw=saw)
    trial.control("the request used it", gone=there[1], saw=f"a session there: {there[1]}")


def _at_the_end(trial: Trial, shop: Shop, app: Flask) -> None:
    @app.get("/<word>")
    def view(word: str) -> str:
        db.session.get(Transaction, 1)
        open_in_view.append(idle_in_transaction(shop))
        return str(1 / (word != "error"))

    open_in_view: list[int] = []
    for word in ("well", "error"):
        status = app.test_client().get(f"/{word}").status_code
        left = idle_in_transaction(shop)
        saw = f"{open_in_view[-1]} transaction open in the view, {left} after the answer {status}"
        trial.case(f"a request that ends {word}", holds=open_in_view[-1] > left == 0, saw=saw)


def _streamed(trial: Trial, shop: Shop, app: Flask) -> None:
    def lines() -> Iterator[str]:
        for nr in (1, 2, 3):
            yield db.session.get_one(Transaction, nr).note

    app.get("/kept")(lambda: stream_with_context(lines()))
    app.get("/gone")(lines)
    for when, path in (("kept", "/kept"), ("gone", "/gone")):
        try:
            saw = app.test_client().get(path).text
        except RuntimeError as error:
            saw = str(error).partition("\n")[0]
        done = "third" in saw and not idle_in_transaction(shop)
        trial.case(f"a streamed answer, its context {when} meanwhile", holds=done, saw=saw)


def _around(trial: Trial, _shop: Shop, app: Flask) -> None:
    used: list[Session] = []

    @app.get("/use")
    def use() -> str:
        used.append(db.session())
        return ""

    def count() -> int:
        used.clear()
        app.test_client().get("/use")
        app.test_client().get("/use")
        return len(set(map(id, used)))

    with app.app_context():
        around = count()
    trial.case(
        "two requests inside one application context",
        holds=around == 2,
        saw=f"{around} session for 2 requests",
    )
    bare = count()
    trial.control("no context around them", gone=bare == 2, saw=f"{bare} sessions")


# ── 14: so everything is written ─────────────────────────────────────────────────────────────


@claim(
    14,
    TRUE_IF,
    "commit() was called after the last change, and no other request changed the same value"
    " between its reading and its writing: closing the session rolls back, it stores nothing",
)
def test_closing_stores_nothing(trial: Trial, shop: Shop, app: Flask) -> None:
    for ending, stored in (("commit", True), ("flush", False), ("nothing", False)):
        shop.write("first")
        _post(app, ending)
        trial.case(
            f"the view ends with {ending}, then the session is closed",
            holds=shop.stored() == "edited",
            saw=f"stored: {shop.stored()}",
        )
        assert (shop.stored() == "edited") == stored
    for when, expression in (("adds in Python", False), ("adds in the UPDATE", True)):
        total = _both_add(shop, app, expression=expression)
        saw = f"1 + 1 + 1 = {total}"
        if expression:
            trial.control(f"each {when}", gone=total == 3, saw=saw)
        else:
            trial.case(f"two requests at once, each {when}, commits", holds=total == 3, saw=saw)
    assert held_in(trial) == [True, False, False, False]


def _post(app: Flask, ending: str) -> None:
    with app.test_request_context():
        db.session.get_one(Transaction, 1).note = "edited"
        {"commit": db.session.commit, "flush": db.session.flush}.get(ending, lambda: None)()


def _both_add(shop: Shop, app: Flask, *, expression: bool) -> int:
    """Let two requests add 1 to the amount 1, one of them while the other has only read it."""
    shop.outside.execute("UPDATE transaction SET amount = 1 WHERE id = 1")

    def add(between: Callable[[], object]) -> None:
        with app.test_request_context():
            row = db.session.get_one(Transaction, 1)
            new = Transaction.amount + 1 if expression else row.amount + 1
            between()
            row.amount = new
            db.session.commit()

    with ThreadPoolExecutor(1) as other:
        add(lambda: other.submit(add, lambda: None).result())
    found = shop.outside.execute("SELECT amount FROM transaction WHERE id = 1").fetchone()
    assert found
    return int(found[0])


# ── 16: an error hits later requests ─────────────────────────────────────────────────────────


@claim(
    16,
    TRUE_IF,
    "the session outlives the request: a session that is removed at the end of each request takes"
    " its error with it",
)
def test_an_error_in_a_kept_session_hits_later_requests(trial: Trial, shop: Shop) -> None:
    for name, fail in FAILURES.items():
        hit, stored = _after(shop, fail, kept=True)
        saw = f"{hit} of 10 later pages broken or wrong"
        trial.case(f"kept session, {name}", holds=hit > 0, saw=saw, held=True)
        hit, stored = _after(shop, fail, kept=False)
        saw = f"{hit} of 10 later pages broken or wrong"
        trial.case(f"a session per request, {name}", holds=hit > 0, saw=saw)
        hit, stored = _after(shop, fail, kept=True, rolled_back=True)
        trial.control(f"rollback() after the error, {name}", gone=not hit, saw=f"{hit} of 10")
        assert stored == "first"
    _stuck(trial, shop)
    assert held_in(trial) == [True, False] * 3 + [True]


def _duplicate(session: Session) -> None:
    session.add(Contact(id=1, name="Anna again"))
    session.flush()


def _division(session: Session) -> None:
    session.execute(text("SELECT 1 / 0"))


def _half_done(session: Session) -> None:
    session.get_one(Transaction, 1).note = "half done"
    raise RuntimeError("before commit()")


FAILURES: dict[str, Callable[[Session], None]] = {
    "a refused row (IntegrityError)": _duplicate,
    "a failed SELECT (DataError)": _division,
    "a Python error between an edit and commit()": _half_done,
}


def _after(
    shop: Shop, fail: Callable[[Session], None], *, kept: bool, rolled_back: bool = False
) -> tuple[int, str]:
    """Return how many of 10 pages after an error are not as they should be, and what is stored."""
    with opened(shop) as session, application(shop) as app:
        paged(app, Keeper(session) if kept else own_session)

        @app.post("/fail")
        def failing() -> str:
            mine = session if kept else db.session()
            try:
                fail(mine)
            except (RuntimeError, SQLAlchemyError):
                if rolled_back:
                    mine.rollback()
            return ""

        client = app.test_client()
        client.post("/fail")
        answers = [client.get("/transactions") for _ in range(10)]
        hit = sum(got.status_code != 200 or "first" not in got.text for got in answers)
    return hit, shop.stored()


def _stuck(trial: Trial, shop: Shop) -> None:
    """Let another process write the row that an open transaction has changed."""
    with opened(shop) as session:
        session.get_one(Transaction, 1).note = "stuck"
        session.flush()
        waits = must_wait(shop)
        saw = f"another process must wait for the row: {waits}"
        trial.case("a stuck transaction has changed a row", holds=waits, saw=saw, held=True)
    waits = must_wait(shop)
    trial.control("it was rolled back", gone=not waits, saw=f"must wait: {waits}")
