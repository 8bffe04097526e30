"""Why another function cures the page: what it does to the session that the page reads through."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session, scoped_session, sessionmaker

from tests.staleness.applications import (
    EVERY,
    Keeper,
    application,
    connected,
    held_in,
    opened,
    paged,
)
from tests.staleness.shop import Contact, Transaction, db
from tests.staleness.trial import FALSE, RC, RR, TRUE_IF, Trial, claim

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from tests.staleness.conftest import Shop

    Other = Callable[[Session], object]

OLD_WAYS = ((RC, True), (RR, True), (RR, False))  # under which a kept session makes a page old


# ── What the other function does ─────────────────────────────────────────────────────────────


def own_session(_kept: Session) -> None:
    """It writes and commits in the request's own, new db.session."""
    db.session.get_one(Contact, 2).name += "."
    db.session.commit()


def kept_commit(kept: Session) -> None:
    """It writes and commits in the page's session."""
    kept.get_one(Contact, 2).name += "."
    kept.commit()


def empty_commit(kept: Session) -> None:
    """It commits in the page's session, and wrote nothing."""
    kept.commit()


def kept_rollback(kept: Session) -> None:
    """It rolls back in the page's session."""
    kept.rollback()


def flush_of_nothing(kept: Session) -> None:
    """It calls flush() in the page's session, and nothing was edited."""
    kept.flush()


def flush_of_another(kept: Session) -> None:
    """It edits another row in the page's session, and calls flush()."""
    kept.get_one(Contact, 2).name += "."
    kept.flush()


def flush_of_the_same(kept: Session) -> None:
    """It edits another column of the row in the page's session, and calls flush()."""
    kept.get_one(Transaction, 2).label = "food"
    kept.flush()


def _cured(
    shop: Shop, other: Other, isolation: str = RC, *, held: bool = True, **options: bool
) -> bool:
    """Return whether a page that reads through a kept session is right after another function.

    Raises:
        AssertionError: it was not old before.
    """
    shop.write("first")
    shop.write("second", nr=2)
    with opened(shop, isolation, **options) as kept, application(shop) as app:
        paged(app, Keeper(kept, holding=held))
        app.get("/other")(lambda: str(other(kept)))
        return _right_after(shop, app)


def _right_after(shop: Shop, app: Flask) -> bool:
    client = app.test_client()
    client.get("/transactions")
    shop.write("new")
    assert "new" not in client.get("/transactions").text
    assert client.get("/other").status_code == 200
    return "new" in client.get("/transactions").text


def _told(
    trial: Trial, shop: Shop, other: Other, isolation: str, *, held: bool, **options: bool
) -> bool:
    cured = _cured(shop, other, isolation, held=held, **options)
    when = (other.__doc__ or "")[:-1] + ("; expire_on_commit=False" if options else "")
    saw = f"the page was old, then {'right' if cured else 'still old'}"
    trial.case(when, holds=cured, saw=saw, isolation=isolation, held=held)
    return cured


# ── 50: because of a new session ─────────────────────────────────────────────────────────────


@claim(
    50,
    TRUE_IF,
    "the new session takes the old one's place in the registry that the page asks too: remove() of"
    " a thread's session that nobody had removed. A new session beside the one that the page keeps"
    " cures nothing; what cures such a page is that the other function ends the transaction of that"
    " same session",
)
def test_a_new_session_elsewhere_cures_nothing(trial: Trial, shop: Shop) -> None:
    for isolation, held in OLD_WAYS:
        _replaced(trial, shop, isolation, held=held)
    for isolation, held in OLD_WAYS:
        _told(trial, shop, own_session, isolation, held=held)
    assert held_in(trial) == [True] * 3 + [False] * 3
    for isolation, held in OLD_WAYS:
        cured = _cured(shop, kept_commit, isolation, held=held)
        trial.control(f"it commits in the page's session, {isolation}", gone=cured, saw="right")


def _replaced(trial: Trial, shop: Shop, isolation: str, *, held: bool) -> None:
    """Read through a thread's session; the other function removes it and makes a new one."""
    shop.write("first")
    with connected(shop, isolation) as engine, application(shop) as app:
        registry = scoped_session(sessionmaker(engine))
        shown: list[Transaction] = []

        def rows() -> list[Transaction]:
            found = list(registry.scalars(EVERY))
            shown[:] = found if held else []
            return found

        @app.get("/other")
        def other() -> str:
            registry.remove()
            return registry.get_one(Contact, 2).name

        paged(app, rows)
        cured = _right_after(shop, app)
        registry.remove()
    trial.case("It removes the thread's session, which the page uses too, and makes a new one",
               holds=cured, saw=f"the page was old, then {'right' if cured else 'still old'}",
               isolation=isolation, held=held)  # fmt: skip


# ── 51: because of commit or rollback ────────────────────────────────────────────────────────


@claim(
    51,
    TRUE_IF,
    "it is the page's own session that they end, whether anything was written or not: both expire"
    " every object of that session, and end its snapshot. In another session they cure nothing, and"
    " with expire_on_commit=False a commit() leaves referenced rows old",
)
def test_the_end_of_the_transaction_of_the_same_session_cures(trial: Trial, shop: Shop) -> None:
    for other, (isolation, held) in product((kept_commit, empty_commit, kept_rollback), OLD_WAYS):
        assert _told(trial, shop, other, isolation, held=held)
    for isolation, held in OLD_WAYS:
        _told(trial, shop, kept_commit, isolation, held=held, expire_on_commit=False)
        _told(trial, shop, own_session, isolation, held=held)
    assert held_in(trial)[9:] == [False, False, False, False, True, False]
    cured = _cured(shop, kept_rollback, RC, held=True, expire_on_commit=False)
    trial.control("rollback() expires also with expire_on_commit=False", gone=cured, saw="right")


# ── 52: because of flush() ───────────────────────────────────────────────────────────────────


@claim(
    52,
    FALSE,
    "flush() sends what was edited and forgets nothing that was loaded, nor does it end the"
    " transaction; commit(), rollback() and expire_all() do",
)
def test_flush_forgets_nothing(trial: Trial, shop: Shop) -> None:
    flushes = (flush_of_nothing, flush_of_another, flush_of_the_same)
    for other, (isolation, held) in product(flushes, OLD_WAYS):
        assert not _told(trial, shop, other, isolation, held=held)
    _the_same_row(trial, shop)
    for isolation, held in OLD_WAYS:
        cured = _cured(shop, kept_commit, isolation, held=held)
        trial.control(f"commit() in its place, {isolation}", gone=cured, saw="right")
    cured = _cured(shop, lambda kept: kept.expire_all())
    trial.control("expire_all() in its place", gone=cured, saw="right")


def _the_same_row(trial: Trial, shop: Shop) -> None:
    """Let somebody else change one column, then flush another column of that row."""
    shop.write("first")
    with opened(shop) as session:
        row = session.get_one(Transaction, 1)
        shop.write("new")
        row.label = "food"
        session.flush()
        note = row.note
        trial.case("the row that was changed is itself edited and flushed", holds=note == "new",
                   saw=f"note {note!r}, the database has 'new'", held=True)  # fmt: skip
