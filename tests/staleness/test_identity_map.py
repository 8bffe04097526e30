"""The identity map: what is loaded stays as it was loaded, while somebody references it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import DetachedInstanceError

from tests.staleness.applications import connected, held_in, opened, selects
from tests.staleness.shop import Contact, Transaction
from tests.staleness.trial import RC, RR, TRUE_IF, Trial, claim
from tests.support.statements import recorded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.staleness.conftest import Shop

FIRST = select(Transaction).where(Transaction.id == 1)


@contextmanager
def watched(shop: Shop, isolation: str = RC, **options: Any) -> Iterator[tuple[Session, list[str]]]:
    """Yield a session, and a list of the statements that it sends."""
    with (
        connected(shop, isolation) as engine,
        recorded(engine) as sent,
        Session(engine, **options) as session,
    ):
        yield session, sent


def counted(sent: list[str]) -> str:
    """Return in words how many of the statements are SELECTs."""
    return f"{selects(sent)} SELECT{'' if selects(sent) == 1 else 's'}"


# ── 15: the same objects instead of requesting them again ────────────────────────────────────

ASKED: dict[str, Callable[[Session, Transaction], Contact | None]] = {
    "get() by its primary key": lambda session, _: session.get(Contact, 1),
    "the relationship of another row": lambda _, transaction: transaction.contact,
    "a select()": lambda session, _: session.scalar(select(Contact).where(Contact.id == 1)),
}


@claim(
    15,
    TRUE_IF,
    "a row is asked for by its primary key, or through a relationship that points to one, and is"
    " still referenced; a select() is sent again each time, and its answer thrown away",
)
def test_get_asks_nothing_again_and_select_asks_in_vain(trial: Trial, shop: Shop) -> None:
    for held in (True, False):
        for how in ASKED:
            _asked_again(trial, shop, how, held=held)
    assert held_in(trial) == [True, True, False] + [False] * 3
    with opened(shop) as session:
        kept = session.get_one(Contact, 1)
        _renamed(shop, "Zoe")
        session.scalars(select(Contact).execution_options(populate_existing=True)).all()
        trial.control("populate_existing was asked for", gone=kept.name == "Zoe", saw=kept.name)


def _asked_again(trial: Trial, shop: Shop, how: str, *, held: bool) -> None:
    _renamed(shop, "Anna")
    with watched(shop) as (session, sent):
        transaction = session.get_one(Transaction, 1)
        before = session.get_one(Contact, 1)
        if not held:
            del before
        sent.clear()
        _renamed(shop, "Zoe")
        found = ASKED[how](session, transaction)
        assert found
        trial.case(
            f"asked again by {how}",
            holds=not sent,
            saw=f"{counted(sent)}, name {found.name!r}",
            held=held,
            selects=selects(sent),
        )
        assert found.name == ("Anna" if held else "Zoe")


def _renamed(shop: Shop, name: str) -> None:
    shop.outside.execute("UPDATE contact SET name = %s WHERE id = 1", (name,))


# ── 18: no query ─────────────────────────────────────────────────────────────────────────────


def reads(_session: Session, row: Transaction) -> None:
    """Its note is read 5 times."""
    for _ in range(5):
        assert row.note


def commits(session: Session, row: Transaction) -> None:
    """Its note is read after commit()."""
    session.commit()
    assert row.note


def rolls_back(session: Session, row: Transaction) -> None:
    """Its note is read after rollback()."""
    session.rollback()
    assert row.note


def follows(_session: Session, row: Transaction) -> None:
    """A relationship is read that was not loaded with it."""
    assert row.contact


def asks_again(session: Session, _row: Transaction) -> None:
    """It is selected again."""
    assert session.scalar(FIRST)


@claim(
    18,
    TRUE_IF,
    "the row is still referenced, what is read was loaded with it, and its transaction goes on:"
    " commit() and rollback() expire it too, unless expire_on_commit=False",
)
def test_a_loaded_row_sends_no_query_until_its_transaction_ends(trial: Trial, shop: Shop) -> None:
    for isolation in (RC, RR):
        _read(trial, shop, reads, isolation)
    _read(trial, shop, commits, expire_on_commit=False)
    for action in (commits, rolls_back, follows, asks_again):
        _read(trial, shop, action)
    assert held_in(trial) == [True] * 3 + [False] * 4
    for name in ("expire", "refresh", "expire_all"):
        with watched(shop) as (session, sent):
            row = session.get_one(Transaction, 1)
            shop.write(f"after {name}()")
            sent.clear()
            getattr(session, name)(*([] if name == "expire_all" else [row]))
            saw = f"note {row.note!r}, {counted(sent)}"
            trial.control(f"{name}() was called", gone=bool(selects(sent)), saw=saw)


def _read(
    trial: Trial,
    shop: Shop,
    action: Callable[[Session, Transaction], None],
    isolation: str = RC,
    **options: Any,
) -> None:
    shop.write("first")
    with watched(shop, isolation, **options) as (session, sent):
        row = session.get_one(Transaction, 1)
        shop.write("new")
        sent.clear()
        action(session, row)
        asked = selects(sent)
        trial.case(
            f"{action.__doc__}"[:-1].lower()
            + "".join(f", {key}={options[key]}" for key in options),
            holds=not asked,
            saw=f"{counted(sent)}, note {row.note!r}",
            isolation=isolation,
            held=True,
            selects=asked,
        )


# ── 19: closed and reopened ──────────────────────────────────────────────────────────────────


@claim(
    19,
    TRUE_IF,
    "the rows are asked for again in the reopened session: what was loaded before is detached, and"
    " stays as it was for ever",
)
def test_a_reopened_session_reads_anew_and_old_rows_stay_old(trial: Trial, shop: Shop) -> None:
    with watched(shop) as (session, sent):
        row = session.get_one(Transaction, 1)
        session.close()
        shop.write("new")
        sent.clear()
        note = row.note
        saw = f"{counted(sent)}, note {note!r}"
        trial.case("the old row is read", holds=note == "new", saw=saw, held=True, selects=0)
        again = session.get_one(Transaction, 1)
        saw = f"{counted(sent)}, note {again.note!r}, another object: {again is not row}"
        seen = again.note == "new" and again is not row
        trial.case("it is asked for again", holds=seen, saw=saw, held=True, selects=selects(sent))
        _lazy(trial, row)
        session.expire_all()
        trial.case("expire_all() after it", holds=row.note == "new", saw=row.note, held=True)
    with opened(shop) as session:
        row = session.get_one(Transaction, 1)
        shop.write("newer")
        session.refresh(row)
        trial.control("refreshed, not closed", gone=row.note == "newer", saw=f"note {row.note!r}")
    assert held_in(trial) == [False, True, False, False]


def _lazy(trial: Trial, row: Transaction) -> None:
    try:
        saw = str(row.contact)
    except DetachedInstanceError as error:
        saw = type(error).__name__
    trial.case("its relationship is read", holds="Anna" in saw, saw=saw, held=True)


# ── 26: refresh() and expire_all() ───────────────────────────────────────────────────────────


@claim(
    26,
    TRUE_IF,
    "the object still belongs to the session that is asked, under READ COMMITTED: a detached one"
    " refuses refresh() and does not feel expire_all(); under REPEATABLE READ the SELECT is sent,"
    " and brings the old row again",
)
def test_refresh_and_expire_all_reach_what_is_theirs(trial: Trial, shop: Shop) -> None:
    for belonging in ("the session itself", "no session any more", "another session"):
        for name in ("refresh", "expire_all"):
            _reloaded(trial, shop, name, belonging)
    for name in ("refresh", "expire_all"):
        _reloaded(trial, shop, name, "the session itself", RR)
    assert held_in(trial) == [True, True] + [False] * 6
    shop.write("first")
    with opened(shop, RR) as session:
        row = session.get_one(Transaction, 1)
        shop.write("new")
        session.rollback()
        trial.control("rollback() under REPEATABLE READ", gone=row.note == "new", saw=row.note)


def _reloaded(trial: Trial, shop: Shop, name: str, belonging: str, isolation: str = RC) -> None:
    shop.write("first")
    with watched(shop, isolation) as (session, sent), opened(shop) as other:
        row = session.get_one(Transaction, 1)
        if belonging == "no session any more":
            session.close()
        shop.write("new")
        asked = other if belonging == "another session" else session
        sent.clear()
        try:
            getattr(asked, name)(*([row] if name == "refresh" else []))
            saw = f"note {row.note!r}, {counted(sent)}"
        except InvalidRequestError as error:
            saw = type(error).__name__
        trial.case(
            f"{name}(), the object belongs to {belonging}",
            holds="new" in saw,
            saw=saw,
            isolation=isolation,
            held=True,
            selects=selects(sent),
        )
