"""What a session writes, and when others see it: edits, flush(), commit(), and errors between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from tests.staleness.applications import (
    AUTOCOMMIT,
    NOTE,
    application,
    connected,
    edit,
    held_in,
    idle_in_transaction,
    must_wait,
    nothing,
    opened,
)
from tests.staleness.shop import Contact, Transaction, db
from tests.staleness.trial import RC, RR, SERIALIZABLE, TRUE, TRUE_IF, Trial, claim
from tests.support.statements import recorded

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.staleness.conftest import Shop

    Ended = Callable[[Session], None]

# ── 10: without commit ───────────────────────────────────────────────────────────────────────


@claim(
    10,
    TRUE_IF,
    "the engine is not in AUTOCOMMIT, which stores with each flush; a `with session.begin()` block"
    " commits unasked as well. What was flushed is in the table already, locked and unseen, until"
    " the rollback",
)
def test_without_commit_nobody_ever_sees_the_change(trial: Trial, shop: Shop) -> None:
    for isolation in (RC, RR, SERIALIZABLE, AUTOCOMMIT):
        for end in (nothing, Session.flush):
            _ended(trial, shop, end, isolation)
    with connected(shop) as engine, Session(engine) as session, session.begin():
        edit(session, "by the block")
    stored = shop.stored()
    trial.case(
        "a `with session.begin()` block, without a call of commit()",
        holds=stored != "by the block",
        saw=f"stored: {stored}",
    )
    assert held_in(trial) == [True] * 6 + [True, False, False]
    _ended(trial, shop, Session.commit, RC)


def _ended(trial: Trial, shop: Shop, end: Ended, isolation: str) -> None:
    shop.write("first")
    with opened(shop, isolation) as session:
        edit(session, "edited")
        end(session)
        locked = must_wait(shop)
    word = "nothing" if end is nothing else f"{end.__name__}()"
    saw = f"stored: {shop.stored()}" + ("; the row was locked meanwhile" if locked else "")
    if end is Session.commit:
        trial.control("commit() was called", gone=shop.stored() == "edited", saw=saw)
        return
    trial.case(
        f"an edit, then {word}, then close(){named(isolation)}",
        holds=shop.stored() == "first",
        saw=saw,
        isolation=isolation,
    )


def named(isolation: str) -> str:
    """Return the name of AUTOCOMMIT, which decides where it is set, and of no other level."""
    return f", {AUTOCOMMIT}" if isolation == AUTOCOMMIT else ""


# ── 20: edits stay in memory ─────────────────────────────────────────────────────────────────


def _without_autoflush(session: Session) -> None:
    with session.no_autoflush:
        session.scalars(select(Contact)).all()


BETWEEN: dict[str, Callable[[Session], object]] = {
    "nothing": nothing,
    "get() of a row that is loaded": lambda session: session.get(Transaction, 1),
    "a select()": lambda session: session.scalars(select(Contact)).all(),
    "text() through the session": lambda session: session.execute(text("SELECT 1")),
    "a relationship is loaded": lambda session: session.get_one(Transaction, 1).contact,
    "begin_nested()": lambda session: session.begin_nested(),
    "a select() in no_autoflush": _without_autoflush,
    "text() through session.connection()": lambda session: session.connection().execute(
        text("SELECT 1")
    ),
}
STAYS = ["nothing", "get() of a row that is loaded", "a select() in no_autoflush",
         "text() through session.connection()"]  # fmt: skip


@claim(
    20,
    TRUE_IF,
    "nothing else is asked through the session first: autoflush sends the edits ahead of each"
    " query that has to go to the database, of a relationship being loaded, and of begin_nested()",
)
def test_autoflush_sends_edits_before_anybody_says_so(trial: Trial, shop: Shop) -> None:
    """What decides it.

    Session.execute() flushes first, also for text() and for tables (orm/session.py, which says
    "unconditionally autoflush for Core statements"); a connection that was taken out does not.
    """
    for when in BETWEEN:
        sent = _updates(shop, when)
        trial.case(f"an edit, then {when}", holds=not sent, saw=_said(sent))
    held = [case.when.removeprefix("an edit, then ") for case in trial.cases if case.holds]
    assert held == STAYS
    sent = _updates(shop, "a select()", autoflush=False)
    trial.control("autoflush=False, then a select()", gone=not sent, saw=_said(sent))
    for end in (Session.flush, Session.commit):
        with connected(shop) as engine, Session(engine) as session, recorded(engine) as statements:
            edit(session, "edited")
            end(session)
            sent = _count(statements)
        trial.control(f"{end.__name__}() was called", gone=sent == 1, saw=_said(sent))


def _updates(shop: Shop, when: str, **options: Any) -> int:
    with (
        connected(shop) as engine,
        Session(engine, **options) as session,
        recorded(engine) as statements,
    ):
        edit(session, "edited")
        BETWEEN[when](session)
        return _count(statements)


def _said(sent: int) -> str:
    return f"{sent} UPDATE{'' if sent == 1 else 's'} sent"


def _count(statements: list[str]) -> int:
    return sum(statement.startswith("UPDATE") for statement in statements)


# ── 21: flush() and commit() ─────────────────────────────────────────────────────────────────


@claim(
    21,
    TRUE,
    "of a session with a transaction of its own: under AUTOCOMMIT flush() alone is permanent, and"
    " in somebody's outer transaction, as in many test suites, not even commit() is",
)
def test_flush_writes_and_commit_makes_it_permanent(trial: Trial, shop: Shop) -> None:
    for isolation in (RC, RR, SERIALIZABLE):
        _flushed(trial, shop, isolation)
        _committed(trial, shop, isolation)
    with opened(shop, AUTOCOMMIT) as session:
        edit(session, "by flush() alone")
        session.flush()
        stored = shop.stored()
    trial.control("AUTOCOMMIT, flush() alone", gone="flush" in stored, saw=f"stored: {stored}")
    shop.write("first")
    with connected(shop) as engine, engine.connect() as conn, conn.begin() as outer:
        with Session(conn) as session:
            edit(session, "inside")
            session.commit()
        outer.rollback()
    saw = f"stored: {shop.stored()}"
    trial.control("commit() in an outer transaction", gone=shop.stored() == "first", saw=saw)


def _flushed(trial: Trial, shop: Shop, isolation: str) -> None:
    shop.write("first")
    with connected(shop, isolation) as engine, Session(engine) as session:
        with recorded(engine) as statements:
            edit(session, "flushed")
            session.flush()
        own = session.scalar(NOTE)
        seen, left = shop.stored(), idle_in_transaction(shop)
        session.rollback()
    sent = _count(statements)
    trial.case(
        "after flush()",
        holds=(sent, own, seen, left, shop.stored()) == (1, "flushed", "first", 1, "first"),
        saw=f"{sent} UPDATE sent, itself it reads {own!r}, others {seen!r}, {left} transaction"
        f" open; after rollback() {shop.stored()!r}",
        isolation=isolation,
    )


def _committed(trial: Trial, shop: Shop, isolation: str) -> None:
    with opened(shop, isolation) as session:
        edit(session, "committed")
        session.commit()
        left = idle_in_transaction(shop)
        session.rollback()
    trial.case(
        "after commit(), with a rollback() behind it",
        holds=shop.stored() == "committed" and not left,
        saw=f"stored: {shop.stored()}, {left} transactions open",
        isolation=isolation,
    )


# ── 22: commit() or flush() ──────────────────────────────────────────────────────────────────


@claim(
    22,
    TRUE_IF,
    "the one is commit(), which flushes by itself: what was only flushed is rolled back when the"
    " session ends, unless the engine is in AUTOCOMMIT",
)
def test_commit_suffices_and_flush_does_not(trial: Trial, shop: Shop) -> None:
    for end, isolation in (
        (Session.commit, RC),
        (Session.flush, RC),
        (Session.flush, RR),
        (Session.flush, AUTOCOMMIT),
    ):
        _view_ends_with(trial, shop, end, isolation)
    assert held_in(trial) == [True, False, False, True]
    shop.write("first")
    with opened(shop) as session:
        edit(session, "both")
        session.flush()
        session.commit()
    trial.control("flush(), then commit()", gone=shop.stored() == "both", saw=shop.stored())


def _view_ends_with(trial: Trial, shop: Shop, end: Ended, isolation: str) -> None:
    shop.write("first")
    with application(shop, isolation) as app:

        @app.post("/edit")
        def edited() -> str:
            edit(db.session(), "edited")
            end(db.session())
            return "saved"

        said = app.test_client().post("/edit").text
    stored = shop.stored()
    trial.case(
        f"a request that edits and calls {end.__name__}() alone{named(isolation)}",
        holds=stored == "edited",
        saw=f"it said {said!r}, stored: {stored}",
        isolation=isolation,
    )
