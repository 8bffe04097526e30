"""Writes that were begun and not ended: an error without rollback(), a change without commit()."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import select, text
from sqlalchemy.exc import DataError, IntegrityError, PendingRollbackError
from sqlalchemy.orm import Session

from tests.staleness.applications import (
    AUTOCOMMIT,
    application,
    draft,
    held_in,
    misses,
    nothing,
    opened,
    own_session,
    paged,
)
from tests.staleness.observing import observe, seen_so
from tests.staleness.shop import Contact, Transaction, db
from tests.staleness.trial import RC, RR, TRUE_IF, Trial, claim

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.staleness.conftest import Shop

    Ended = Callable[[Session], None]


# ── 11: an error without rollback ────────────────────────────────────────────────────────────


@claim(
    11,
    TRUE_IF,
    "what was done before the error is committed all the same: by code that goes on after a Python"
    " error, by a later request in the same kept session, or at once under AUTOCOMMIT. What a"
    " refused statement belongs to is never committed by half: SQLAlchemy refuses the commit() of"
    " a failed flush, and PostgreSQL answers any other with a rollback that nobody notices",
)
def test_an_error_without_rollback(trial: Trial, shop: Shop) -> None:
    """What decides it.

    A failed flush() leaves the session inactive until rollback(). A statement that failed on its
    own does not: COMMIT is sent, and PostgreSQL rolls back without an error.
    """
    for when, fail, then, isolation in (
        ("a Python error, then close()", _python, Session.close, RC),
        ("a refused row, then commit()", _refused, Session.commit, RC),
        ("a failed SELECT, then commit()", _failed, Session.commit, RC),
        ("a Python error, then the next request's commit()", _python, Session.commit, RC),
        ("a Python error, then close(), AUTOCOMMIT", _python, Session.close, AUTOCOMMIT),
    ):
        total, said = _moved(shop, fail, then, isolation)
        saw = f"{total} of 6 left{said}"
        trial.case(when, holds=total != 6, saw=saw, isolation=isolation)
    assert held_in(trial) == [False, False, False, True, True]
    total, _ = _moved(shop, _python, _rolled_back_then_committed, RC)
    trial.control("rollback() before the next commit()", gone=total == 6, saw=f"{total} of 6 left")


def _moved(
    shop: Shop,
    fail: Ended,
    then: Ended,
    isolation: str,
) -> tuple[int, str]:
    """Return the sum of all amounts, which is 6, when 1 was moved from row 3 to row 1 by half."""
    shop.outside.execute("UPDATE transaction SET amount = id")
    said = ""
    with opened(shop, isolation) as session:
        session.get_one(Transaction, 3).amount -= 1
        try:
            session.flush()
            fail(session)
            session.get_one(Transaction, 1).amount += 1
        except (DataError, IntegrityError, RuntimeError):
            pass
        try:
            then(session)
        except PendingRollbackError as error:
            said = f", {type(error).__name__}"
    found = shop.outside.execute("SELECT sum(amount) FROM transaction").fetchone()
    assert found
    return int(found[0]), said


def _python(_session: Session) -> None:
    raise RuntimeError("between the two halves")


def _refused(session: Session) -> None:
    session.add(Contact(id=1, name="Anna again"))
    session.flush()


def _failed(session: Session) -> None:
    session.execute(text("SELECT 1 / 0"))


def _rolled_back_then_committed(session: Session) -> None:
    session.rollback()
    session.commit()


# ── 23: uncommitted ──────────────────────────────────────────────────────────────────────────


@claim(
    23,
    TRUE_IF,
    "the next request reads in another transaction than the writer's: the kept session that wrote"
    " shows the change, which nobody else sees. It appears, as if from outside, with the commit,"
    " and never if the writer's session is removed first",
)
def test_an_uncommitted_change_is_old_to_all_but_its_writer(trial: Trial, shop: Shop) -> None:
    for isolation in (RC, RR):
        with opened(shop) as writer, application(shop, isolation) as app:
            page = paged(app, own_session)
            old = misses(page, partial(draft, writer))
            saw = _seen(old=old)
            trial.case("the page has a session of its own", holds=old, saw=saw, isolation=isolation)
            writer.commit()
            later = "new" in page.test_client().get("/transactions").text
            saw = f"{_seen(old=not later)} after the writer's commit()"
            trial.case("and later it appears", holds=later, saw=saw, isolation=isolation)
        shop.write("first")
    _through_the_writer(trial, shop)
    _removed(trial, shop)
    _all_three(trial, shop)
    seen_so(trial, "++++--", "+++")


def _seen(*, old: bool) -> str:
    return "old" if old else "new"


def _through_the_writer(trial: Trial, shop: Shop) -> None:
    with opened(shop) as writer, application(shop) as app:
        page = paged(app, lambda: writer.scalars(select(Transaction)))
        old = misses(page, partial(draft, writer))
        saw = f"{_seen(old=old)}, while stored is {shop.stored()!r}"
    trial.case("the page reads through the session that wrote", holds=old, saw=saw)


def _removed(trial: Trial, shop: Shop) -> None:
    with application(shop) as app:
        with app.test_request_context():
            draft(db.session(), "new")
        later = "new" in paged(app, own_session).test_client().get("/transactions").text
    saw = f"{_seen(old=not later)} for ever"
    trial.case("the writer's session was removed: and later it appears", holds=later, saw=saw)


def _all_three(trial: Trial, shop: Shop) -> None:
    """The writer's request leaves its change uncommitted in a session that another one commits."""
    for end, told in ((nothing, True), (Session.commit, False)):
        with opened(shop) as kept, application(shop) as app:

            @app.post("/contacts/<int:nr>")
            def contact(nr: int, kept: Session = kept) -> str:
                kept.get_one(Contact, nr).name = "Zoe"
                kept.commit()
                return "saved"

            def change(word: str, kept: Session = kept, end: Ended = end) -> None:
                draft(kept, word)
                end(kept)

            saw = observe(paged(app, own_session), change)
        if told:
            when = "the writer keeps its session, and the other function commits that session"
            saw.told(trial, when)
        else:
            trial.control("the writer commits", gone=not saw.first, saw=saw.words)
