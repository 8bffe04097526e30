"""A growing id is the order in which rows began, not the order in which they were committed."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psycopg
from sqlalchemy import select

from tests.staleness.observing import observe, other_function, seen_so
from tests.staleness.shop import Transaction, db, drawn, reset
from tests.staleness.trial import RC, RR, SERIALIZABLE, TRUE_IF, Trial, claim

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

    from tests.staleness.conftest import Shop

INSERT = """
INSERT INTO transaction (id, occurred_at, address, type, asset, amount, note, labels)
SELECT nextval('numbers'), now(), '0xabc', 'receive', 'ETH', 1, %s, '[]'
"""
LEVELS = {
    RC: psycopg.IsolationLevel.READ_COMMITTED,
    RR: psycopg.IsolationLevel.REPEATABLE_READ,
    SERIALIZABLE: psycopg.IsolationLevel.SERIALIZABLE,
}


@contextmanager
def writer(shop: Shop, isolation: str = RC) -> Iterator[psycopg.Connection]:
    """Yield somebody who writes in transactions."""
    with psycopg.connect(shop.url) as conn:
        conn.isolation_level = LEVELS[isolation]
        yield conn


@dataclass
class Follower:
    """A page that asks only for what is new, and keeps what it has: by id, or by time."""

    shop: Shop
    column: str = "id"
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.last = self._ask(f"SELECT max({self.column}) FROM transaction")[0][0]

    def look(self) -> list[str]:
        """Ask for what is beyond the last one seen."""
        found = self._ask(
            f"SELECT {self.column}, note FROM transaction WHERE {self.column} > %s ORDER BY 1",
            self.last,
        )
        self.notes += [note for _, note in found]
        self.last = found[-1][0] if found else self.last
        return self.notes

    def _ask(self, statement: str, *given: object) -> list[tuple[object, str]]:
        return self.shop.outside.execute(statement, given).fetchall()


def race(shop: Shop, isolation: str, column: str = "id", *, overtake: bool = True) -> list[str]:
    """Let two transactions insert, the second committing first; return what a follower saw."""
    follower = Follower(shop, column)
    with writer(shop, isolation) as early, writer(shop, isolation) as late:
        early.execute(INSERT, ("early",))
        if not overtake:
            early.commit()
        late.execute(INSERT, ("late",))
        late.commit()
        follower.look()
        early.commit()
    return follower.look()


@claim(
    66,
    TRUE_IF,
    "the page asks only for what lies beyond the last id, or time, that it saw, and the"
    " transaction with the lower one commits after it looked; under every isolation level",
)
def test_a_follower_of_ids_misses_the_row_that_commits_late(
    trial: Trial, shop: Shop, app: Flask
) -> None:
    shop.outside.execute("CREATE SEQUENCE numbers START 10")
    for isolation in (RC, RR, SERIALIZABLE):
        notes = race(shop, isolation)
        trial.case("the lower id commits later, the page asks for id > last",
                   holds="early" not in notes, saw=f"it saw {notes}",
                   isolation=isolation)  # fmt: skip
    notes = race(shop, RC, "occurred_at")
    trial.case("the page asks for occurred_at > last, which now() had set",
               holds="early" not in notes, saw=f"it saw {notes}")  # fmt: skip
    notes = race(shop, RC, overtake=False)
    trial.case("the commits come in the order of the ids", holds="early" not in notes,
               saw=f"it saw {notes}")  # fmt: skip
    _read_whole(trial, shop)
    _follow_snapshots(trial, shop)
    _observed(trial, shop, app)
    seen_so(trial, "++++--", "+-+")


def _read_whole(trial: Trial, shop: Shop) -> None:
    """A page that reads everything each time has no memory that could be wrong."""
    with writer(shop) as early:
        early.execute(INSERT, ("whole",))
        race(shop, RC)
        early.commit()
    found = shop.outside.execute("SELECT id FROM transaction WHERE note = 'whole'").fetchone()
    trial.case("the page reads all rows each time", holds=not found, saw="it has the row")


def _follow_snapshots(trial: Trial, shop: Shop) -> None:
    """A cursor that is a whole snapshot: new is what it could not see."""
    asked = """
        SELECT note FROM transaction WHERE NOT pg_visible_in_snapshot(
            -- the low 32 bits are the row's; a test's server is younger than one epoch
            xmin::text::xid8, %s::pg_snapshot)
        ORDER BY id"""
    seen: list[str] = []
    last = _snapshot(shop)
    with writer(shop) as early, writer(shop) as late:
        early.execute(INSERT, ("early",))
        late.execute(INSERT, ("late",))
        late.commit()
        seen += [note for (note,) in shop.outside.execute(asked, (last,))]
        last = _snapshot(shop)
        early.commit()
    seen += [note for (note,) in shop.outside.execute(asked, (last,))]
    trial.control("the page's cursor is a snapshot", gone=seen == ["late", "early"], saw=str(seen))


def _snapshot(shop: Shop) -> str:
    found = shop.outside.execute("SELECT pg_current_snapshot()::text").fetchone()
    assert found
    return str(found[0])


def _observed(trial: Trial, shop: Shop, app: Flask) -> None:
    """A page that keeps plain rows by id and adds what is beyond them, as a live list does."""
    kept: dict[int, Transaction] = {}

    @app.get("/transactions")
    def transactions() -> str:
        reset()
        beyond = select(Transaction).where(Transaction.id > max(kept, default=0))
        for row in db.session.scalars(beyond):
            _ = row.contact
            db.session.expunge(row)
            kept[row.id] = row
        return drawn(kept.values())

    other_function(app)

    def change(word: str) -> None:
        with writer(shop) as early, writer(shop) as late:
            early.execute(INSERT, (word,))
            late.execute(INSERT, ("late",))
            late.commit()
            app.test_client().get("/transactions")
            early.commit()

    observe(app, change).told(trial, "the lower id commits later")
