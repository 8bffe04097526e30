"""A session for each request: what it cures, and how it must end."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from tests.staleness.applications import (
    Keeper,
    application,
    connected,
    held_in,
    idle_in_transaction,
    misses,
    opened,
    own_session,
    paged,
)
from tests.staleness.shop import Transaction
from tests.staleness.trial import RC, RR, SERIALIZABLE, TRUE_IF, Trial, claim

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from tests.staleness.conftest import Shop

LEVELS = (RC, RR, SERIALIZABLE)


# ── 05: a session per request ────────────────────────────────────────────────────────────────


@claim(
    5,
    TRUE_IF,
    "a kept session is what made the page old: against rows kept in a global, and against a writer"
    " who has not committed, it does nothing",
)
def test_a_session_per_request_cures_what_a_kept_session_did(trial: Trial, shop: Shop) -> None:
    for isolation in (RC, RR):
        _kept_then_own(trial, shop, isolation)
    with application(shop) as app:
        old = misses(paged(app, cache(own_session)), shop.write, "rows")
        trial.case("rows kept in a global", holds=not old, saw=_seen(old=old), held=True)
    with opened(shop) as writer, application(shop) as app:
        old = misses(paged(app, own_session), _draft(writer), "draft")
        trial.case("the writer has not committed", holds=not old, saw=_seen(old=old))
    assert held_in(trial) == [True, True, False, False]


def _kept_then_own(trial: Trial, shop: Shop, isolation: str) -> None:
    with opened(shop, isolation) as session, application(shop) as app:
        kept = misses(paged(app, Keeper(session)), shop.write, "kept")
    with application(shop, isolation) as app:
        own = misses(paged(app, own_session), shop.write, "own")
    trial.case(
        "a kept session was exchanged for one per request",
        holds=kept and not own,
        saw=f"{_seen(old=kept)} before, {_seen(old=own)} after",
        isolation=isolation,
        held=True,
    )
    trial.control(f"nothing outlives the request, {isolation}", gone=not own, saw=_seen(old=own))


def _draft(session: Session) -> Callable[[str], None]:
    """Return a change that is written and not committed."""

    def change(note: str) -> None:
        session.get_one(Transaction, 1).note = note
        session.flush()

    return change


def _seen(*, old: bool) -> str:
    return "old" if old else "right"


# ── 06: committed or rolled back, then closed ────────────────────────────────────────────────


@claim(
    6,
    TRUE_IF,
    "the request wrote something that it wants to keep: commit() is a must then. rollback() never"
    " is, as close() rolls back by itself; close() is needed only where nothing was",
)
def test_commit_is_a_must_for_writes_and_close_ends_the_rest(trial: Trial, shop: Shop) -> None:
    with connected(shop) as engine:
        _closed_without_commit(trial, shop, engine)
        _closed_after_reading(trial, shop, engine)
        _committed_not_closed(trial, shop, engine)
        _neither(trial, shop, engine)
    assert held_in(trial) == [True, False, False, True]


def _closed_without_commit(trial: Trial, shop: Shop, engine: Engine) -> None:
    with Session(engine) as session:
        session.get_one(Transaction, 1).note = "written"
        session.flush()
    lost = shop.stored() == "first"
    trial.case("wrote, and closed without commit()", holds=lost, saw=f"stored: {shop.stored()}")
    with Session(engine) as session:
        session.get_one(Transaction, 1).note = "written"
        session.commit()
    kept = shop.stored() == "written"
    trial.control("it committed, then closed", gone=kept, saw=f"stored: {shop.stored()}")


def _closed_after_reading(trial: Trial, shop: Shop, engine: Engine) -> None:
    with Session(engine) as session:
        session.get_one(Transaction, 1)
    waiting = idle_in_transaction(shop)
    shop.write("later")
    with Session(engine) as session:
        found = session.get_one(Transaction, 1).note
    trial.case(
        "only read, and closed without commit() or rollback()",
        holds=waiting > 0 or found != "later",
        saw=f"{waiting} transactions left open, the next session reads {found!r}",
    )


def _committed_not_closed(trial: Trial, shop: Shop, engine: Engine) -> None:
    session = Session(engine)
    row = session.get_one(Transaction, 1)
    session.commit()
    waiting = idle_in_transaction(shop)
    shop.write("after commit")
    trial.case(
        "committed and never closed",
        holds=waiting > 0 or row.note != "after commit",
        saw=f"{waiting} transactions left open, the kept row reads {row.note!r}",
        held=True,
    )
    session.close()


def _neither(trial: Trial, shop: Shop, engine: Engine) -> None:
    session = Session(engine)
    row = session.get_one(Transaction, 1)
    waiting = idle_in_transaction(shop)
    shop.write("after neither")
    trial.case(
        "neither: no commit(), rollback() or close()",
        holds=waiting > 0 and row.note != "after neither",
        saw=f"{waiting} transaction left open, the kept row reads {row.note!r}",
        held=True,
    )
    session.close()
    waiting = idle_in_transaction(shop)
    trial.control("it was closed at last", gone=not waiting, saw=f"{waiting} left open")
