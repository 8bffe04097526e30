"""remove() and expire_all(): what each does, to what it reaches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session, object_session
from sqlalchemy.orm.exc import ObjectDeletedError

from tests.staleness.applications import EVERY, application, connected, held_in, opened, selects
from tests.staleness.extensions import registered
from tests.staleness.shop import Transaction, db
from tests.staleness.trial import RC, RR, SERIALIZABLE, TRUE_IF, Trial, claim
from tests.support.statements import recorded

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.staleness.conftest import Shop

FIRST = select(Transaction).where(Transaction.id == 1)
LEVELS = (RC, RR, SERIALIZABLE)


# ── 45: no guarantee ─────────────────────────────────────────────────────────────────────────


def used_again(_row: Transaction) -> str:
    """remove(), and db.session asks again."""
    db.session.remove()
    return db.session.scalars(FIRST).one().note


def old_row_after_remove(row: Transaction) -> str:
    """remove(), and the row that was loaded before is read."""
    db.session.remove()
    return row.note


def old_row_after_both(row: Transaction) -> str:
    """remove() and expire_all(), and the row that was loaded before is read."""
    db.session.remove()
    db.session.expire_all()
    return row.note


def expired(row: Transaction) -> str:
    """expire_all(), and the row is read, which is of this session."""
    db.session.expire_all()
    return row.note


RESETS = (used_again, expired, old_row_after_remove, old_row_after_both)


@claim(
    45,
    TRUE_IF,
    "the row belongs to another session or to none any more, as every row does that was loaded"
    " before remove(), or expire_all() comes under REPEATABLE READ or SERIALIZABLE. remove() itself"
    " makes no new session, but the next use of db.session does, and that one reads anew at every"
    " level",
)
def test_a_reset_reloads_what_is_its_own(trial: Trial, shop: Shop) -> None:
    for way in RESETS:
        for isolation in LEVELS:
            _not_reloaded(trial, shop, way, isolation)
    _not_recreated(trial, shop)
    right = [used_again.__doc__, expired.__doc__]
    for case in trial.cases[:-2]:
        tried = f"{case.when.removesuffix(f', {case.isolation}')}."
        assert case.holds == (tried not in right or
                              (case.isolation != RC and "expire_all" in case.when))  # fmt: skip
    assert held_in(trial)[-2:] == [True, False]


def _not_reloaded(
    trial: Trial, shop: Shop, way: Callable[[Transaction], str], isolation: str
) -> None:
    shop.write("first")
    with application(shop, isolation) as app, app.app_context():
        row = db.session.get_one(Transaction, 1)
        shop.write("new")
        with recorded(db.engine) as sent:
            found = way(row)
        when = (way.__doc__ or "")[:-1]
        trial.case(f"{when}, {isolation}", holds=found != "new", saw=_asked(sent, found),
                   isolation=isolation, held=True, selects=selects(sent))  # fmt: skip
        if way is old_row_after_both and isolation == RC:
            note = db.session.get_one(Transaction, 1).note
            trial.control("the row was asked for again", gone=note == "new", saw=f"note {note!r}")


def _asked(sent: list[str], note: str) -> str:
    return f"{selects(sent)} SELECT{'' if selects(sent) == 1 else 's'}, note {note!r}"


def _not_recreated(trial: Trial, shop: Shop) -> None:
    with application(shop) as app, app.app_context():
        before = db.session()
        db.session.remove()
        there = len(registered(db))
        trial.case("remove(), and db.session is not used: no session is made", holds=not there,
                   saw=f"sessions in the registry: {there}")  # fmt: skip
        other = db.session() is not before
        trial.case("remove(), and db.session is used: no session is made", holds=not other,
                   saw="another session" if other else "the same session")  # fmt: skip


# ── 46: remove() detaches ────────────────────────────────────────────────────────────────────


@claim(
    46,
    TRUE_IF,
    "the objects were loaded by the session that the registry has just then: those are detached and"
    " stay as they were. A session that was captured before is not touched, nor are its objects"
    " detached; and a reference to the removed session itself can be used on, and reads anew",
)
def test_remove_detaches_what_the_registry_has(trial: Trial, shop: Shop) -> None:
    for isolation in (RC, RR):
        _own_object(trial, shop, isolation)
        _own_session(trial, shop, isolation)
        for held in (True, False):
            _captured(trial, shop, isolation, held=held)
    assert held_in(trial) == [True, False, False, False] * 2


def _own_object(trial: Trial, shop: Shop, isolation: str) -> None:
    shop.write("first")
    with application(shop, isolation) as app, app.app_context():
        row = db.session.get_one(Transaction, 1)
        shop.write("new")
        db.session.remove()
        detached, note = object_session(row) is None, row.note
        trial.case("an object of db.session", holds=detached and note == "first",
                   saw=_seen(note, detached=detached), isolation=isolation, held=True)  # fmt: skip
        fresh = db.session.scalars(FIRST).one()
        trial.control(f"it is asked for again in the new session, {isolation}",
                      gone=fresh.note == "new", saw=f"note {fresh.note!r}")  # fmt: skip


def _own_session(trial: Trial, shop: Shop, isolation: str) -> None:
    shop.write("first")
    with application(shop, isolation) as app, app.app_context():
        session = db.session()
        session.get_one(Transaction, 1)
        shop.write("new")
        db.session.remove()
        note = session.scalars(FIRST).one().note
        session.close()
    trial.case("a reference to the removed session", holds=note == "first", saw=f"reads {note!r}",
               isolation=isolation, held=False)  # fmt: skip


def _captured(trial: Trial, shop: Shop, isolation: str, *, held: bool) -> None:
    shop.write("first")
    with application(shop, isolation) as app:
        with app.app_context():
            session = db.session()
        with app.app_context(), session:
            kept = session.scalars(EVERY).all()
            row = kept[0]
            if not held:
                del kept
            shop.write("new")
            db.session.remove()
            detached = object_session(row) is None
            note = row.note
            if not held:
                del row
                note = session.scalars(FIRST).one().note
    trial.case("a session captured in an earlier context", holds=detached,
               saw=_seen(note, detached=detached), isolation=isolation, held=held)  # fmt: skip


def _seen(note: str, *, detached: bool) -> str:
    return f"{'detached' if detached else 'not detached'}, note {note!r}"


# ── 47: expire_all() ─────────────────────────────────────────────────────────────────────────


@claim(
    47,
    TRUE_IF,
    "what is accessed is a mapped attribute of an object of that very session: a SELECT is sent. It"
    " brings what is new under READ COMMITTED, and the old row again under REPEATABLE READ or"
    " SERIALIZABLE, until the transaction ends",
)
def test_expire_all_makes_the_next_access_ask(trial: Trial, shop: Shop) -> None:
    for isolation in LEVELS:
        _accessed(trial, shop, isolation)
    _detached(trial, shop)
    _copied(trial, shop)
    _deleted(trial, shop)
    assert held_in(trial) == [True, True, True, False, True, False, False, False, True]
    with opened(shop) as session:
        row = session.get_one(Transaction, 1)
        shop.write("newest")
        trial.control("without expire_all() it is not asked for", gone=row.note != "newest",
                      saw=f"note {row.note!r}")  # fmt: skip


def _accessed(trial: Trial, shop: Shop, isolation: str) -> None:
    shop.write("first")
    with connected(shop, isolation) as engine, Session(engine) as session, recorded(engine) as sent:
        row = session.get_one(Transaction, 1)
        shop.write("new")
        session.expire_all()
        sent.clear()
        note = row.note
    saw = _asked(sent, note)
    trial.case(f"the next access sends a SELECT, {isolation}", holds=selects(sent) == 1, saw=saw,
               isolation=isolation, held=True, selects=selects(sent))  # fmt: skip
    trial.case(f"the next access brings what is new, {isolation}", holds=note == "new", saw=saw,
               isolation=isolation, held=True, selects=selects(sent))  # fmt: skip


def _detached(trial: Trial, shop: Shop) -> None:
    shop.write("first")
    with opened(shop) as session:
        row = session.get_one(Transaction, 1)
        session.expunge(row)
        shop.write("new")
        session.expire_all()
        trial.case("the object was detached", holds=row.note == "new", saw=f"note {row.note!r}",
                   held=True)  # fmt: skip


def _copied(trial: Trial, shop: Shop) -> None:
    shop.write("first")
    with opened(shop) as session:
        (row,) = session.execute(select(Transaction.note).where(Transaction.id == 1)).all()
        shop.write("new")
        session.expire_all()
        trial.case("a row of plain columns", holds=row.note == "new", saw=f"note {row.note!r}",
                   held=True)  # fmt: skip


def _deleted(trial: Trial, shop: Shop) -> None:
    with opened(shop) as session:
        row = session.get_one(Transaction, 3)
        shop.outside.execute("DELETE FROM transaction WHERE id = 3")
        session.expire_all()
        try:
            saw = f"note {row.note!r}"
        except ObjectDeletedError as error:
            saw = type(error).__name__
    trial.case("the row was deleted", holds="Error" in saw, saw=saw, held=True)
