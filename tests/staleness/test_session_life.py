"""A session that outlives the request: what it keeps, and what it hides."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from sqlalchemy import select

from tests.staleness.applications import (
    EVERY,
    Keeper,
    application,
    misses,
    opened,
    own_session,
    paged,
    selects,
)
from tests.staleness.observing import observe, other_function, seen_so
from tests.staleness.shop import Transaction
from tests.staleness.trial import FALSE, RC, RR, SERIALIZABLE, TRUE_IF, Trial, claim
from tests.support.statements import recorded

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

    from tests.staleness.conftest import Shop

LEVELS = (RC, RR, SERIALIZABLE)


def _seen(*, old: bool) -> str:
    return "old" if old else "right"


# ── 07: frozen when it was created ───────────────────────────────────────────────────────────


@claim(
    7,
    FALSE,
    "making a session asks the database nothing. REPEATABLE READ freezes at the first statement of"
    " each transaction; READ COMMITTED never: there each row is kept as it was when it was loaded,"
    " while somebody references it",
)
def test_nothing_is_frozen_when_the_session_is_made(trial: Trial, shop: Shop) -> None:
    for isolation in LEVELS:
        with opened(shop, isolation) as session, recorded(session.get_bind()) as sent:  # type: ignore[arg-type]  # it is bound to an engine
            made = len(sent)
            shop.write(f"after it was made, {isolation}")
            found = session.get_one(Transaction, 1).note
            trial.case(
                "a change between the making and the first read",
                holds=found != shop.stored(),
                saw=f"{made} statements when it was made, then {found!r}",
                isolation=isolation,
                selects=selects(sent),
            )
    _frozen_by_the_first_statement(trial, shop)


def _frozen_by_the_first_statement(trial: Trial, shop: Shop) -> None:
    """See the same change after another first statement: RR hides it, RC does not."""
    saw = {}
    for isolation in (RC, RR):
        shop.write("before")
        with opened(shop, isolation) as session:
            session.scalars(select(Transaction.id)).all()
            shop.write("after")
            saw[isolation] = session.get_one(Transaction, 1).note
    trial.case(
        "a change after its first statement, of a row not loaded yet",
        holds=saw[RC] != "after",
        saw=saw[RC],
        held=False,
    )
    trial.control(
        "the same under REPEATABLE READ: what does freeze", gone=saw[RR] == "before", saw=saw[RR]
    )


# ── 08: one session for many requests ────────────────────────────────────────────────────────

ENDS: dict[str, Callable[[Session], object]] = {
    "nothing": lambda _: None,
    "commit()": lambda session: session.commit(),
    "rollback()": lambda session: session.rollback(),
}


@claim(
    8,
    TRUE_IF,
    "no commit() or rollback() comes between the requests, and either the shown rows are still"
    " referenced, or REPEATABLE READ or SERIALIZABLE is set; with expire_on_commit=False"
    " referenced rows stay old in spite of commit()",
)
def test_one_session_for_many_requests(trial: Trial, shop: Shop) -> None:
    for isolation, held, end in product(LEVELS, (True, False), ENDS):
        old = _reused(shop, isolation, held=held, end=end)
        saw = f"{_seen(old=old)} on first load"
        trial.case(f"requests end with {end}", holds=old, saw=saw, isolation=isolation, held=held)
        assert old == (end == "nothing" and (held or isolation != RC))
    for held in (True, False):
        old = _reused(shop, RC, held=held, end="commit()", expire_on_commit=False)
        when = "requests end with commit(), and expire_on_commit=False"
        trial.case(when, holds=old, saw=f"{_seen(old=old)} on first load", held=held)
        assert old == held
    _all_three(trial, shop)
    seen_so(trial, "+-----" + 4 * "+--" + "+-", "+++")


def _reused(shop: Shop, isolation: str, *, held: bool, end: str, **options: bool) -> bool:
    shop.write("first")
    with opened(shop, isolation, **options) as session, application(shop) as app:

        @app.teardown_request
        def ended(_error: BaseException | None) -> None:
            ENDS[end](session)

        return misses(paged(app, Keeper(session, holding=held)), shop.write)


def _all_three(trial: Trial, shop: Shop) -> None:
    with opened(shop) as session, application(shop) as app:
        other_function(app, also=session.commit)
        observe(paged(app, Keeper(session)), shop.write).told(
            trial, "the rows are referenced and the other function commits the same session"
        )
    with application(shop) as app:
        other_function(app)
        saw = observe(paged(app, own_session), shop.write)
    trial.control("each request has a session of its own", gone=not saw.first, saw=saw.words)


# ── 09: what others change ───────────────────────────────────────────────────────────────────

CHANGED = "UPDATE transaction SET note = 'new' WHERE id = 1"
CHANGES = {
    "a changed row, asked for as an object": CHANGED,
    "a changed row, asked for as plain columns": CHANGED,
    "a new row": "INSERT INTO transaction SELECT 4, occurred_at, address, type, asset, amount,"
    " 'new', label, labels, contact_id FROM transaction WHERE id = 1",
    "a deleted row": "DELETE FROM transaction WHERE id = 1",
}
COLUMNS = select(Transaction.id, Transaction.note).order_by(Transaction.id)


@claim(
    9,
    TRUE_IF,
    "its transaction has begun under REPEATABLE READ or SERIALIZABLE; under READ COMMITTED only"
    " changes of rows that are still referenced stay hidden, and only where they are asked for as"
    " objects: new rows, deleted rows and plain columns are seen",
)
def test_what_others_change_in_the_eyes_of_an_old_session(trial: Trial, shop: Shop) -> None:
    shop.outside.execute("CREATE TABLE as_it_was AS TABLE transaction")
    for isolation, held, change in product(LEVELS, (True, False), CHANGES):
        hidden = _hidden(shop, isolation, change, held=held)
        saw = "hidden" if hidden else "seen"
        trial.case(change, holds=hidden, saw=saw, isolation=isolation, held=held)
        assert hidden == (isolation != RC or (held and "object" in change))
    shop.outside.execute(CHANGES["a new row"])
    with opened(shop) as session:
        found = len(session.scalars(EVERY).all())
    trial.control("the session is new", gone=found == 4, saw=f"{found} rows")


def _hidden(shop: Shop, isolation: str, change: str, *, held: bool) -> bool:
    """Return whether a session that has read everything does not see a change."""
    with opened(shop, isolation) as session:
        kept = session.scalars(EVERY).all()
        before = [(row.id, row.note) for row in kept]
        if not held:
            del kept
        shop.outside.execute(CHANGES[change])
        if "columns" in change:
            after = [(row.id, row.note) for row in session.execute(COLUMNS)]
        else:
            after = [(row.id, row.note) for row in session.scalars(EVERY)]
    shop.outside.execute("DELETE FROM transaction")
    shop.outside.execute("INSERT INTO transaction TABLE as_it_was")
    return before == after
