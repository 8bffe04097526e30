"""Long transactions: what they do not see, and whom they hold back."""

from __future__ import annotations

from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING

from psycopg.errors import (
    DeadlockDetected,
    InsufficientPrivilege,
    LockNotAvailable,
    SerializationFailure,
)
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from tests.staleness.actors import two_threads
from tests.staleness.applications import EVERY, connected, held_in, must_wait, opened
from tests.staleness.trial import RC, RR, SERIALIZABLE, TRUE_IF, Trial, claim
from tests.staleness.waiting import lock_is_awaited
from tests.support.waiting import PATIENCE, eventually

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.staleness.conftest import Shop
    from tests.staleness.shop import Transaction

LEVELS = (RC, RR, SERIALIZABLE)


# ── 41: a pinned transaction ─────────────────────────────────────────────────────────────────

NOTES = text("SELECT id, note FROM transaction ORDER BY id")
MANY = 100


@claim(
    41,
    TRUE_IF,
    "it runs under REPEATABLE READ or SERIALIZABLE, or keeps loaded objects: then it drifts by what"
    " is committed meanwhile, so longer is likelier only where somebody writes. Under READ"
    " COMMITTED each statement sees what is",
)
def test_a_transaction_drifts_by_what_others_commit(trial: Trial, shop: Shop) -> None:
    shop.outside.execute(
        "INSERT INTO transaction (id, occurred_at, address, type, asset, amount, note, labels)"
        " SELECT n, now(), '0xabc', 'receive', 'ETH', 1, 'more', '[]'"
        " FROM generate_series(4, %s) n",
        (MANY,),
    )
    for isolation in (RR, SERIALIZABLE, RC):
        _drifts(trial, shop, isolation, held=False)
    _drifts(trial, shop, RC, held=True)
    for isolation in (RR, RC):
        _likelier(trial, shop, isolation)
    with opened(shop, RR) as session:
        drift = _differing(session, shop, 0)
        trial.case("nothing is written during 100 statements", holds=drift > 0,
                   saw=f"{drift} rows differ", isolation=RR, held=False)  # fmt: skip
    assert held_in(trial) == [True, True, False, True, True, False, False]
    with opened(shop, RR) as session:
        _differing(session, shop, 10)
        session.rollback()
        drift = _differing(session, shop, 0)
    trial.control("it was ended, and another begun", gone=not drift, saw=f"{drift} rows differ")


def _drifts(trial: Trial, shop: Shop, isolation: str, *, held: bool) -> None:
    drift = []
    for commits in (1, 10, 50):
        with opened(shop, isolation) as session:
            kept = session.scalars(EVERY).all() if held else []
            drift.append(_differing(session, shop, commits, kept))
    figures = ", ".join(map(str, drift))
    when = f"{', loaded objects' if held else ''}, {isolation}"
    trial.case(f"1, 10, 50 rows are changed while it is open{when}", holds=drift == [1, 10, 50],
               saw=f"{figures} rows differ", isolation=isolation, held=held)  # fmt: skip


def _differing(session: Session, shop: Shop, commits: int, kept: Sequence[Transaction] = ()) -> int:
    """Return how many rows differ from the database's after so many commits of somebody else.

    As many statements are sent when nobody writes.
    """
    session.execute(NOTES)
    for nr in range(1, MANY + 1):
        if nr <= commits:
            shop.outside.execute("UPDATE transaction SET note = note || '.' WHERE id = %s", (nr,))
        elif not commits:
            session.execute(NOTES)
    if kept:
        seen = [(row.id, row.note) for row in session.scalars(EVERY)]
    else:
        seen = [(nr, note) for nr, note in session.execute(NOTES)]
    there = shop.outside.execute("SELECT id, note FROM transaction ORDER BY id").fetchall()
    return sum(one != other for one, other in zip(seen, there, strict=True))


def _likelier(trial: Trial, shop: Shop, isolation: str) -> None:
    """Read twice, a few or many steps apart; in each step somebody writes, one time in ten."""
    chance = Random(41)
    old = {2: 0, 20: 0}
    with connected(shop, isolation) as engine:
        for steps in [*old] * 40:
            with Session(engine) as session:
                session.execute(NOTES)
                for _ in range(steps):
                    if chance.random() < 0.1:
                        shop.write(f"{chance.random()}")
                old[steps] += session.execute(NOTES).first() != (1, shop.stored())
    trial.case(
        "open for 20 steps instead of 2, somebody writes in one step of ten",
        holds=old[20] > old[2],
        saw=f"old in {old[2]} of 40 short ones and in {old[20]} of 40 long ones",
        isolation=isolation,
        held=False,
    )


# ── 42: locks ────────────────────────────────────────────────────────────────────────────────

HOLDING = {
    "an UPDATE of the same row": "UPDATE transaction SET note = 'mine' WHERE id = 1",
    "SELECT … FOR UPDATE of the same row": "SELECT id FROM transaction WHERE id = 1 FOR UPDATE",
    "an UPDATE of another row": "UPDATE transaction SET note = 'mine' WHERE id = 2",
    "a plain SELECT of every row": "SELECT * FROM transaction",
}


@claim(
    42,
    TRUE_IF,
    "the transaction has written or asked FOR UPDATE, and the other wants the same row: a plain"
    " SELECT holds back no writer at any level, only ALTER TABLE and its like. A deadlock needs two"
    " that lock in opposite orders, however short. The level decides only how waiting ends: under"
    " REPEATABLE READ and SERIALIZABLE the one that waited fails when the other commits",
)
def test_only_writers_hold_writers_back(trial: Trial, shop: Shop) -> None:
    for when, statement in HOLDING.items():
        for isolation in LEVELS:
            with opened(shop, isolation) as session:
                session.execute(text(statement))
                waits = must_wait(shop)
            assert waits == ("same" in when)
            trial.case(f"{when}, open; somebody else writes", holds=waits,
                       saw="waits" if waits else "writes at once", isolation=isolation)  # fmt: skip
    _altered(trial, shop)
    with suppress(InsufficientPrivilege):  # then a deadlock takes a second to be seen
        name = shop.outside.info.dbname
        shop.outside.execute(f"ALTER DATABASE {name} SET deadlock_timeout = '20ms'".encode())
    for isolation in LEVELS:
        for crossing in (True, False):
            _crossed(trial, shop, isolation, crossing=crossing)
        _waited(trial, shop, isolation)
    with opened(shop) as session:
        session.execute(text(HOLDING["an UPDATE of the same row"]))
        session.rollback()
        waits = must_wait(shop)
        trial.control("the transaction was ended", gone=not waits, saw="writes at once")


def _altered(trial: Trial, shop: Shop) -> None:
    with opened(shop) as session:
        session.execute(text(HOLDING["a plain SELECT of every row"]))
        try:
            with shop.outside.transaction():
                shop.outside.execute("SET LOCAL lock_timeout = '100ms'")
                shop.outside.execute("ALTER TABLE transaction ADD COLUMN more text")
            waits = False
        except LockNotAvailable:
            waits = True
    trial.case("a plain SELECT, open; somebody alters the table", holds=waits,
               saw="waits" if waits else "altered at once")  # fmt: skip


def _crossed(trial: Trial, shop: Shop, isolation: str, *, crossing: bool) -> None:
    ended = _met(shop, isolation, (2, 1) if crossing else (1, 2))
    deadlock = DeadlockDetected.__name__ in ended
    order = "opposite orders" if crossing else "the same order"
    trial.case(f"two short transactions lock two rows in {order}", holds=deadlock,
               saw=" and ".join(ended), isolation=isolation)  # fmt: skip
    assert deadlock == crossing


def _waited(trial: Trial, shop: Shop, isolation: str) -> None:
    _, waiter = _met(shop, isolation, (1,))
    failed = waiter == SerializationFailure.__name__
    trial.case("a writer waited for another, who commits: it fails", holds=failed, saw=waiter,
               isolation=isolation)  # fmt: skip
    assert failed == (isolation != RC)


def _met(shop: Shop, isolation: str, order: tuple[int, ...]) -> list[str]:
    """Let one lock row 1, another some rows until it waits, then the first row 2, and commit."""
    with (
        connected(shop, isolation) as engine,
        Session(engine) as one,
        Session(engine) as other,
        two_threads() as (first, second),
    ):
        _changed(one, 1)
        waiter = second.begin(_changed, other, *order)
        eventually(lambda: lock_is_awaited(shop))
        ended = first(_changed, one, 2)
        one.commit()
        return [ended, waiter.result(PATIENCE)]


def _changed(session: Session, *rows: int) -> str:
    """Change rows one by one, and return what became of it."""
    try:
        for nr in rows:
            session.execute(text(f"UPDATE transaction SET note = note || '.' WHERE id = {nr}"))
    except DBAPIError as error:
        session.rollback()
        return type(error.orig).__name__
    return "changed"
