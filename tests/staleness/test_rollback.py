"""rollback(): what it takes back, and what stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from tests.staleness.applications import held_in, opened
from tests.staleness.shop import Contact, Transaction
from tests.staleness.trial import RC, RR, TRUE_IF, Trial, claim

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

    from tests.staleness.conftest import Shop

Found = tuple[bool, str]  # whether it was taken back, and what was seen


# ── What it takes back ───────────────────────────────────────────────────────────────────────


def an_edit(session: Session) -> Found:
    """An edited attribute, not flushed."""
    row = session.get_one(Transaction, 1)
    row.note = "edited"
    session.rollback()
    return row.note == "first", f"note {row.note!r}"


def a_flushed_edit(session: Session) -> Found:
    """An edited attribute, flushed."""
    row = session.get_one(Transaction, 1)
    row.note = "edited"
    session.flush()
    session.rollback()
    return row.note == "first", f"note {row.note!r}"


def an_edit_in_place(session: Session) -> Found:
    """A JSON list, edited in place."""
    row = session.get_one(Transaction, 1)
    row.labels.append("rent")
    session.rollback()
    return row.labels == [], f"labels {row.labels}"


def a_new_object(session: Session) -> Found:
    """A new object is in the session no more."""
    contact = Contact(id=9, name="Zoe")
    session.add(contact)
    session.flush()
    session.rollback()
    gone = contact not in session and session.get(Contact, 9) is None
    return gone, f"in the session: {contact in session}"


def a_deletion(session: Session) -> Found:
    """A deleted object is back."""
    row = session.get_one(Transaction, 3)
    session.delete(row)
    session.flush()
    session.rollback()
    return row in session, f"in the session: {row in session}, note {row.note!r}"


def a_savepoint(session: Session) -> Found:
    """Edits before and after a savepoint, rolled back by the session."""
    row = session.get_one(Transaction, 1)
    row.note = "before"
    session.begin_nested()
    row.note = "after"
    session.rollback()
    return row.note == "first", f"note {row.note!r}"


# ── What stays ───────────────────────────────────────────────────────────────────────────────


def a_commit(session: Session) -> Found:
    """What was committed a moment before, by the same request."""
    row = session.get_one(Transaction, 1)
    row.note = "committed"
    session.commit()
    row.note = "edited"
    session.rollback()
    return row.note == "first", f"note {row.note!r}"


def an_outer_edit(session: Session) -> Found:
    """Edits before a savepoint, when only the savepoint is rolled back."""
    row = session.get_one(Transaction, 1)
    row.note = "before"
    savepoint = session.begin_nested()
    row.note = "after"
    savepoint.rollback()
    return row.note == "first", f"note {row.note!r}"


def a_plain_attribute(session: Session) -> Found:
    """A plain Python attribute of a loaded object."""
    row = session.get_one(Transaction, 1)
    row.shown = True
    session.rollback()
    return not hasattr(row, "shown"), f"it is still {row.shown}"


def a_value_of_a_new_object(session: Session) -> Found:
    """The values of a new object, which somebody still references."""
    contact = Contact(id=9, name="Zoe")
    session.add(contact)
    session.flush()
    session.rollback()
    return contact.name != "Zoe", f"name {contact.name!r}, in the session: {contact in session}"


def a_detached_object(session: Session) -> Found:
    """An edited object that was detached."""
    row = session.get_one(Transaction, 1)
    row.note = "edited"
    session.expunge(row)
    session.rollback()
    return row.note == "first", f"note {row.note!r}"


def a_sequence(session: Session) -> Found:
    """A number that a sequence gave."""
    following = text("SELECT nextval('contact_id_seq')")
    number = session.scalar(following)
    session.rollback()
    again = session.scalar(following)
    return again == number, f"{number}, then {again}"


TAKEN_BACK = (an_edit, a_flushed_edit, an_edit_in_place, a_new_object, a_deletion, a_savepoint)
STAYS = (a_commit, an_outer_edit, a_plain_attribute, a_value_of_a_new_object, a_detached_object,
         a_sequence)  # fmt: skip


@claim(
    43,
    TRUE_IF,
    "one means what was added, edited or deleted through mapped attributes since the last commit():"
    " what was committed stays, and so do plain Python values, objects that left the session,"
    " sequences, everything under AUTOCOMMIT, and what precedes a savepoint, if only that is rolled"
    " back",
)
def test_rollback_goes_back_to_the_last_commit(trial: Trial, shop: Shop) -> None:
    for what in (*TAKEN_BACK, *STAYS):
        _tried(trial, shop, what, RC)
    _tried(trial, shop, a_flushed_edit, RR)
    _tried(trial, shop, a_flushed_edit, "AUTOCOMMIT")
    assert held_in(trial) == [True] * len(TAKEN_BACK) + [False] * len(STAYS) + [True, False]
    with opened(shop) as session:
        row = session.get_one(Transaction, 1)
        row.note = "edited"
        session.commit()
    kept = shop.stored() == "edited"
    trial.control("commit() in its place keeps the edit", gone=kept, saw=f"{shop.stored()!r}")


def _tried(trial: Trial, shop: Shop, what: Callable[[Session], Found], isolation: str) -> None:
    shop.write("first")
    with opened(shop, isolation) as session:
        back, saw = what(session)
    trial.case((what.__doc__ or "")[:-1], holds=back, saw=saw, isolation=isolation, held=True)
