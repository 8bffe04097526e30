"""A reference to an old session: where it hides, and that no reset of db.session reaches it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session, close_all_sessions

from tests.staleness.applications import (
    EVERY,
    Keeper,
    application,
    idle_in_transaction,
    misses,
    own_session,
    paged,
)
from tests.staleness.shop import Transaction, db
from tests.staleness.trial import RC, RR, TRUE, TRUE_IF, Trial, claim

if TYPE_CHECKING:
    from tests.staleness.conftest import Shop


# ── 48: expire_all() on a session that lives on ──────────────────────────────────────────────


def of_the_request(_kept: Session) -> None:
    """It begins with db.session.expire_all()."""
    db.session.expire_all()


def of_the_page(kept: Session) -> None:
    """It begins with expire_all() of the kept session itself."""
    kept.expire_all()


@claim(
    48,
    TRUE_IF,
    "it is db.session that is expired, and the page reads through another session that was kept; or"
    " the kept session goes on in one REPEATABLE READ transaction. expire_all() of the kept session"
    " itself does save the page under READ COMMITTED",
)
def test_expire_all_of_the_kept_session_cures(trial: Trial, shop: Shop) -> None:
    for expire in (of_the_request, of_the_page):
        for isolation in (RC, RR):
            old = _expired(shop, expire, isolation)
            assert old == (expire is of_the_request or isolation == RR)
            trial.case((expire.__doc__ or "")[:-1], holds=old, saw=_state(old=old),
                       isolation=isolation, held=True)  # fmt: skip
    with application(shop) as app:
        old = misses(paged(app, own_session), shop.write)
    trial.control("the session is the request's own", gone=not old, saw=_state(old=old))


def _state(*, old: bool) -> str:
    return "old on first load" if old else "right on first load"


def _expired(shop: Shop, expire: Callable[[Session], None], isolation: str) -> bool:
    shop.write("first")
    with application(shop, isolation) as app:
        with app.app_context():
            session = db.session()
        keeper = Keeper(session)

        def rows() -> list[Transaction]:
            expire(session)
            return keeper()

        with session:
            return misses(paged(app, rows), shop.write)


# ── 49: where a reference may remain ─────────────────────────────────────────────────────────

Rows = Callable[[], list[Transaction]]


def a_variable() -> Rows:
    """A variable of a module."""
    session = db.session()
    return lambda: list(session.scalars(EVERY))


def a_default_argument() -> Rows:
    """A default argument."""

    def rows(session: Session = db.session()) -> list[Transaction]:  # noqa: B008 - the mistake
        return list(session.scalars(EVERY))

    return rows


def an_attribute() -> Rows:
    """An attribute of an object that lives on."""
    return Keeper(db.session())


def a_query() -> Rows:
    """A query object, which has the session of its making."""
    return db.session.query(Transaction).order_by(Transaction.id).all


def a_bound_method() -> Rows:
    """A method of db.session(), bound to a name."""
    scalars = db.session().scalars
    return lambda: list(scalars(EVERY))


def the_registry() -> Rows:
    """db.session, without parentheses, bound to a name."""
    session = db.session
    return lambda: list(session.scalars(EVERY))


def a_method_of_the_registry() -> Rows:
    """A method of db.session, bound to a name."""
    scalars = db.session.scalars
    return lambda: list(scalars(EVERY))


KEPT = (a_variable, a_default_argument, an_attribute, a_query, a_bound_method)
HARMLESS = (the_registry, a_method_of_the_registry)


@claim(49, TRUE)
def test_a_reference_to_an_old_session_may_remain(trial: Trial, shop: Shop) -> None:
    for way in KEPT:
        for isolation in (RC, RR):
            old, waiting = _kept(shop, way, isolation)
            trial.case((way.__doc__ or "")[:-1], holds=old and waiting == 1,
                       saw=f"{_state(old=old)} after remove(), {waiting} transaction left open",
                       isolation=isolation, held=True)  # fmt: skip
    for way in HARMLESS:
        old, waiting = _kept(shop, way, RC)
        trial.control((way.__doc__ or "")[:-1], gone=not old and not waiting,
                      saw=f"{_state(old=old)}, {waiting} transactions left open")  # fmt: skip


def _kept(shop: Shop, way: Callable[[], Rows], isolation: str) -> tuple[bool, int]:
    """Return whether a page is old that resets db.session first, and what it leaves open."""
    shop.write("first")
    with application(shop, isolation) as app:
        with app.app_context():
            rows = way()
        shown: list[Transaction] = []

        def page() -> list[Transaction]:
            db.session.remove()
            db.session.expire_all()
            shown[:] = rows()
            return shown

        old = misses(paged(app, page), shop.write)
        waiting = idle_in_transaction(shop)
        close_all_sessions()
    return old, waiting
