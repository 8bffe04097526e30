"""One thread has the session: for what the others wait, and for what they do not.

A Session has no lock. What makes threads wait is psycopg's connection, which runs one statement at
a time, the pool, and the locks of the database.
"""

from __future__ import annotations

from concurrent.futures import wait
from contextlib import contextmanager
from threading import Event
from typing import TYPE_CHECKING, Any

from sqlalchemy import event, text
from sqlalchemy.exc import InvalidRequestError, TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from tests.staleness.actors import Actor, two_threads
from tests.staleness.applications import connected, held_in, must_wait
from tests.staleness.trial import TRUE_IF, Trial, claim
from tests.staleness.waiting import lock_is_awaited
from tests.support.waiting import PATIENCE, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future

    from tests.staleness.conftest import Shop

LOCK = 44
TAKE = text(f"SELECT pg_advisory_lock({LOCK})")
READ = text("SELECT note FROM transaction WHERE id = 1")


@claim(
    44,
    TRUE_IF,
    "a statement of the first thread is being run just then, as the driver's connection runs one at"
    " a time; or it keeps the pool's last connection, or a row's lock. Between statements nobody"
    " waits: the other thread gets into the same transaction, or an error",
)
def test_threads_wait_for_a_statement_and_not_for_a_session(trial: Trial, shop: Shop) -> None:
    _while_it_runs(trial, shop, shared=True)
    _the_last_connection(trial, shop)
    _a_row(trial, shop)
    _between_statements(trial, shop)
    _at_its_first_use(trial, shop)
    assert held_in(trial) == [True, True, True, False, False]
    _while_it_runs(trial, shop, shared=False)


@contextmanager
def _running(shop: Shop, thread: Actor, session: Session) -> Iterator[Future[Any]]:
    """Yield while a thread's statement runs, which takes as long as the block."""
    shop.outside.execute(f"SELECT pg_advisory_lock({LOCK})")
    try:
        running = thread.begin(session.execute, TAKE)
        eventually(lambda: lock_is_awaited(shop))
        yield running
    finally:
        shop.outside.execute(f"SELECT pg_advisory_unlock({LOCK})")


def _while_it_runs(trial: Trial, shop: Shop, *, shared: bool) -> None:
    with connected(shop) as engine, Session(engine) as one, Session(engine) as own:
        other = one if shared else own
        one.execute(READ)
        with two_threads() as (first, second):
            with _running(shop, first, one) as running:
                asked = second.begin(other.scalar, READ)
                answered = bool(wait([asked], timeout=0.5 if shared else PATIENCE).done)
                assert not running.done()
            asked.result(PATIENCE)
    saw = "answered meanwhile" if answered else "answered only after it"
    if shared:
        trial.case("another thread's statement on the session is being run", holds=not answered,
                   saw=saw)  # fmt: skip
    else:
        trial.control("each thread has its session", gone=answered, saw=saw)


def _the_last_connection(trial: Trial, shop: Shop) -> None:
    with (
        connected(shop, pool_size=1, max_overflow=0, pool_timeout=0.2) as engine,
        Session(engine) as one,
        Session(engine) as other,
    ):
        one.execute(READ)
        try:
            saw = f"answered: {other.scalar(READ)}"
        except PoolTimeout as error:
            saw = f"{type(error).__name__} of the pool"
    trial.case("each has its session, the other keeps the pool's last connection",
               holds="Timeout" in saw, saw=saw)  # fmt: skip


def _a_row(trial: Trial, shop: Shop) -> None:
    with connected(shop) as engine, Session(engine) as one:
        one.execute(text("UPDATE transaction SET note = note WHERE id = 1"))
        waits = must_wait(shop)
    trial.case("each has its session, the other has changed the row and not committed",
               holds=waits, saw="waits for the row" if waits else "writes at once")  # fmt: skip


def _between_statements(trial: Trial, shop: Shop) -> None:
    backend = text("SELECT pg_backend_pid(), pg_current_xact_id()::text")
    with connected(shop) as engine, Session(engine) as one, two_threads() as (first, second):
        mine = first(one.execute, backend).one()
        asked = second.begin(lambda: one.execute(backend).one())
        answered = bool(wait([asked], timeout=PATIENCE).done)
        same = asked.result(PATIENCE) == mine
    transaction = "the same transaction" if same else "another transaction"
    trial.case("another thread has the session open, and runs nothing", holds=not answered,
               saw=f"answered at once, in {transaction}" if answered else "waits")  # fmt: skip


def _at_its_first_use(trial: Trial, shop: Shop) -> None:
    """Let the first thread's session get its connection, which takes until the other has asked."""
    connecting, go = Event(), Event()
    with connected(shop) as engine, Session(engine) as one, two_threads() as (first, second):

        @event.listens_for(engine, "do_connect")
        def slowly(*_: object) -> None:
            connecting.set()
            go.wait(PATIENCE)

        begun = first.begin(one.scalar, READ)
        assert connecting.wait(PATIENCE)
        asked = second.begin(one.scalar, READ)
        answered = bool(wait([asked], timeout=PATIENCE).done)
        go.set()
        error = asked.exception(PATIENCE)
        begun.result(PATIENCE)
    saw = type(error).__name__ if isinstance(error, InvalidRequestError) else str(error)
    trial.case("another thread's first statement is just getting its connection",
               holds=not answered, saw=saw)  # fmt: skip
