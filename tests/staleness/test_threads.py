"""One session for several threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import TYPE_CHECKING

import psycopg
import pytest
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from tests.staleness.actors import PATIENCE, Actor, two_threads
from tests.staleness.applications import EVERY, connected, held_in, must_wait, opened
from tests.staleness.serving import served
from tests.staleness.shop import Transaction
from tests.staleness.trial import TRUE_IF, Trial, claim

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from tests.staleness.conftest import Shop
    from tests.staleness.serving import Site

THREADS = ("--worker-class=gthread", "--threads=4")
TURNS = 60  # writes of each visitor


# ── 12: under gunicorn ───────────────────────────────────────────────────────────────────────


@pytest.mark.long
@claim(
    12,
    TRUE_IF,
    "two threads are in it at the same time, as in gunicorn's gthread worker: what one rolls back,"
    " the other has written, and it is told that all is well. A sync worker takes one request"
    " after the other, and there a shared session makes pages old, not wrong",
)
def test_threads_of_gunicorn_sharing_a_session(trial: Trial, shop: Shop) -> None:
    with served("tests.staleness.sharing:one_session()", shop.url, options=THREADS) as site:
        said = _crossed(site)
        saw = f"it was told {said!r}, stored: {shop.stored(2)!r}"
        lost = said == "saved" and shop.stored(2) != "saved"
        trial.case("4 threads: one rolls back while another writes", holds=lost, saw=saw)
        _hammered(trial, shop, site, "4 threads write at once, racing")
    with served("tests.staleness.sharing:one_session()", shop.url) as site:
        _hammered(trial, shop, site, "a sync worker, visitors at once")
    with served("tests.staleness.sharing:one_each()", shop.url, options=THREADS) as site:
        said = _crossed(site)
        saw = f"it was told {said!r}, stored: {shop.stored(2)!r}"
        trial.control("a session per request", gone=shop.stored(2) == "saved", saw=saw)
    assert trial.cases[0].holds
    assert not trial.cases[2].holds


def _crossed(site: Site) -> str:
    """Return what the request is told that writes while another one rolls back."""
    with ThreadPoolExecutor(2) as visitors:
        failing = visitors.submit(site.post, "/fails")
        saving = visitors.submit(site.post, "/saves")
        assert failing.result().text == "rolled back"
        return saving.result().text


def _hammered(trial: Trial, shop: Shop, site: Site, when: str) -> None:
    """Let 3 visitors write, each its own row, and look after each answer what is stored."""

    def wrong(nr: int) -> int:
        with psycopg.connect(shop.url, autocommit=True) as outside:
            mine = replace(shop, outside=outside)
            return sum(
                site.post("/note", nr=str(nr), note=f"{nr}-{turn}").text != "saved"
                or mine.stored(nr) != f"{nr}-{turn}"
                for turn in range(TURNS)
            )

    with ThreadPoolExecutor(3) as visitors:
        found = sum(visitors.map(wrong, (1, 2, 3)))
    trial.case(when, holds=found > 0, saw=f"{found} of {3 * TURNS} writes refused or lost")


# ── 17: parallel requests ────────────────────────────────────────────────────────────────────


@claim(
    17,
    TRUE_IF,
    "they share it in threads, and one of them writes, commits, rolls back or closes while another"
    " is at work, or their first questions meet, or it has changed a row that a request of any"
    " process wants to change. Reading in a transaction that was begun did not conflict (psycopg"
    " lets one statement wait for the other), nor do requests that take turns",
)
def test_parallel_requests_through_one_session(trial: Trial, shop: Shop) -> None:
    """What decides it.

    SQLAlchemy refuses what would change a session's state while another such change is under way
    (orm/state_changes.py); it does not lock. Statements are put in a row by psycopg's connection,
    which has a lock of its own.
    """
    with connected(shop) as engine:
        _lost(trial, shop, engine)
        _committed_by_another(trial, shop, engine)
        for ends in (Session.commit, Session.rollback, Session.close):
            _refused(trial, engine, ends)
        _beginning(trial, engine)
        _waiting(trial, shop)
        _reading(trial, engine)
        _taking_turns(trial, shop, engine)
    assert held_in(trial) == [True] * 7 + [False, False]


def draft(session: Session, nr: int, note: str) -> None:
    """Write without commit."""
    session.get_one(Transaction, nr).note = note
    session.flush()


def _lost(trial: Trial, shop: Shop, engine: Engine) -> None:
    """Let one thread roll back between another one's flush() and commit()."""
    for shared in (True, False):
        with two_threads() as (one, other), Session(engine) as first, Session(engine) as second:
            theirs = first if shared else second
            one(draft, first, 1, "fails")
            other(draft, theirs, 2, "saved")
            one(first.rollback)
            other(theirs.commit)
        stored = shop.stored(2)
        saw = f"committed 'saved', stored: {stored!r}"
        if shared:
            when = "one rolls back before another commits"
            trial.case(when, holds=stored != "saved", saw=saw)
        else:
            trial.control("each has a session of its own", gone=stored == "saved", saw=saw)


def _committed_by_another(trial: Trial, shop: Shop, engine: Engine) -> None:
    """Let one thread commit between another one's flush() and its rollback()."""
    with two_threads() as (one, other), Session(engine) as session:
        one(draft, session, 1, "half done")
        other(session.commit)
        one(session.rollback)
    stored = shop.stored()
    saw = f"rolled back 'half done', stored: {stored!r}"
    trial.case("one commits before another rolls back", holds=stored == "half done", saw=saw)
    shop.write("first")


def _refused(trial: Trial, engine: Engine, action: Callable[[Session], object]) -> None:
    """Let one thread end the session, or only ask, while another is within its commit()."""
    said: list[str] = []
    with two_threads() as (one, other), Session(engine) as session:

        @event.listens_for(session, "before_commit", once=True)
        def meanwhile(_: Session) -> None:
            said.append(refusal(other, action, session))

        one(session.scalar, EVERY)
        one(session.commit)
    when = f"one calls {action.__name__}() while another is within commit()"
    trial.case(when, holds="Error" in said[0], saw=said[0])


def _beginning(trial: Trial, engine: Engine) -> None:
    """Let one thread ask while another, which asked first, is getting the session's connection."""
    said: list[str] = []
    with two_threads() as (one, other), Session(engine) as session:

        def meanwhile(*_: object) -> None:
            said.append(refusal(other, asks, session))

        event.listen(engine, "checkout", meanwhile)
        try:
            one(asks, session)
        finally:
            event.remove(engine, "checkout", meanwhile)
    when = "one only reads while another's first question gets the connection"
    trial.case(when, holds="Error" in said[0], saw=said[0])


def asks(session: Session) -> object:
    """Read a row."""
    return session.scalar(EVERY)


def refusal(actor: Actor, action: Callable[[Session], object], session: Session) -> str:
    """Return which error an actor's step raises."""
    try:
        actor(action, session)
    except SQLAlchemyError as error:
        return f"{type(error).__name__}: {error}".partition(";")[0]
    return "done"


def _waiting(trial: Trial, shop: Shop) -> None:
    with opened(shop) as session:
        draft(session, 1, "open")
        waits, elsewhere = must_wait(shop), must_wait(shop, 2)
    saw = f"must wait for the same row: {waits}, for another row: {elsewhere}"
    trial.case("one of another process writes a row that was flushed", holds=waits, saw=saw)


def _reading(trial: Trial, engine: Engine) -> None:
    """Let 4 threads read through one session at once, as fast as they can, in 10 rounds."""
    read = wrong = 0
    for _ in range(10):
        with Session(engine) as session, ThreadPoolExecutor(4) as threads:
            session.connection()
            together = Barrier(4)

            def reads(session: Session = session, together: Barrier = together) -> int:
                together.wait(PATIENCE)
                found = [session.scalars(EVERY).all() for _ in range(20)]
                return sum([row.id for row in rows] == [1, 2, 3] for rows in found)

            answers = [threads.submit(reads) for _ in range(4)]
            read += sum(answer.result() for answer in answers if not answer.exception())
            wrong += sum(bool(answer.exception()) for answer in answers)
    trial.case(
        "4 threads only read, racing, in a transaction that was begun",
        holds=read < 800,
        saw=f"{read} of 800 reads right, {wrong} errors",
    )


def _taking_turns(trial: Trial, shop: Shop, engine: Engine) -> None:
    with two_threads() as (one, other), Session(engine) as session:
        for nr, thread in ((1, one), (2, other)):
            thread(draft, session, nr, "in turn")
            thread(session.commit)
    stored = {shop.stored(1), shop.stored(2)}
    saw = f"both stored: {stored == {'in turn'}}"
    trial.case("they take turns", holds=stored != {"in turn"}, saw=saw)
