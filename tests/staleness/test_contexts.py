"""Application contexts, which are the scope of Flask-SQLAlchemy's sessions, and their changes."""

from __future__ import annotations

import asyncio
from contextvars import Context, copy_context
from threading import get_ident
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import OperationalError, TimeoutError as NoConnectionLeft
from sqlalchemy.orm import scoped_session, sessionmaker

from tests.staleness.applications import NOTE, application, connected, draft, held_in
from tests.staleness.shop import Transaction, db
from tests.staleness.trial import TRUE_IF, Trial, claim

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from flask import Flask

    from tests.staleness.conftest import Shop

    Registry = scoped_session[Any]

# ── 31: one per request ──────────────────────────────────────────────────────────────────────


@claim(
    31,
    TRUE_IF,
    "no second application context is pushed in the request, and none is open around it (the scope"
    " of Flask-SQLAlchemy 3 is that context); and where the scope is the thread, remove() ends it",
)
def test_one_session_for_each_request(trial: Trial, shop: Shop) -> None:
    """What decides it.

    The scope of Flask-SQLAlchemy 3 is the id of the application context (`_app_ctx_id`), and Flask
    pushes one for a request only if none of the application is there already.
    """
    for part in (_plain, _nested, _around):
        with application(shop) as app:
            part(trial, app)
    for removes in (False, True):
        with connected(shop) as engine, application(shop) as app:
            registry = scoped_session(sessionmaker(engine))
            sessions = _used(app, registry, removes=removes)
        saw = f"{sessions} for 2 requests in one thread"
        when = f"scope: the thread, remove() at the end: {removes}"
        if removes:
            trial.control(when, gone=sessions == 2, saw=saw)
        else:
            trial.case(when, holds=sessions == 2, saw=saw)
    assert held_in(trial) == [True, False, False, False]


def _plain(trial: Trial, app: Flask) -> None:
    sessions = _used(app, db.session)
    trial.case("scope: the context", holds=sessions == 2, saw=f"{sessions} for 2 requests")


def _nested(trial: Trial, app: Flask) -> None:
    with app.test_request_context():
        outer = db.session()
        with app.app_context():
            inner = db.session()
    saw = f"{len({id(outer), id(inner)})} for 1 request"
    trial.case("a second context in the request", holds=outer is inner, saw=saw)


def _around(trial: Trial, app: Flask) -> None:
    with app.app_context():
        sessions = _used(app, db.session)
    saw = f"{sessions} for 2 requests"
    trial.case("a context around both requests", holds=sessions == 2, saw=saw)


def _used(app: Flask, registry: Registry, *, removes: bool = False) -> int:
    """Return how many sessions two requests get, each of which asks for its own twice."""
    used: list[Any] = []

    @app.get("/")
    def view() -> str:
        used.extend((registry(), registry()))
        return ""

    @app.teardown_request
    def ended(_error: BaseException | None) -> None:
        if removes:
            registry.remove()

    client = app.test_client()
    client.get("/")
    client.get("/")
    return len(set(map(id, used)))


# ── 32: the context changes ──────────────────────────────────────────────────────────────────


@claim(
    32,
    TRUE_IF,
    "a second application context is pushed (its session does not see the first one's edits), or"
    " the scope is the thread while coroutines share one or a thread goes to the next visitor"
    " without remove(): then one reads what another has not committed",
)
def test_what_a_change_of_context_shows_and_hides(trial: Trial, shop: Shop, app: Flask) -> None:
    by_thread = db._make_scoped_session({"scopefunc": get_ident})
    for when, run, registry, lost in (
        ("its own is lost: a second context in one request", _second_context, db.session, True),
        ("another's is seen: two coroutines, scope: the thread", _coroutines, by_thread, False),
        ("another's is seen: two coroutines, scope: the context", _coroutines, db.session, False),
        ("another's is seen: the next visitor in the thread", _next_visitor, by_thread, False),
        (
            "another's is seen: the next visitor, scope: the context",
            _next_visitor,
            db.session,
            False,
        ),
    ):
        shop.write("first")
        found = run(app, registry)
        holds = (found == "draft") != lost
        trial.case(when, holds=holds, saw=f"after 'draft' was written, it reads {found!r}")
        with app.app_context():
            registry.remove()
    assert held_in(trial) == [True, True, False, True, False]
    found = _next_visitor(app, by_thread, removes=True)
    trial.control("remove() between two visitors", gone=found == "first", saw=f"reads {found!r}")
    with app.app_context():
        by_thread.remove()


def _second_context(app: Flask, session: Registry) -> str:
    with app.test_request_context():
        draft(session, "draft")
        with app.app_context():
            return str(session.scalar(NOTE))


def _coroutines(app: Flask, session: Registry) -> str:
    """Let one visitor's coroutine write, and while it waits another one read."""

    async def writes() -> None:
        with app.app_context():
            draft(session, "draft")
            await asyncio.sleep(0)

    async def reads() -> str:
        with app.app_context():
            return str(session.scalar(NOTE))

    # Both by hand, each in a context of its own, as a loop would: a browser's test may have left
    # its loop running in this thread, where the sessions are.
    writing, reading = (copy_context(), writes()), (copy_context(), reads())
    seen = [_step(*each) for each in (writing, reading, writing)]
    return str(seen[1])


def _step(context: Context, coroutine: Coroutine[Any, Any, object]) -> object:
    """Let a coroutine go on to its next wait, or return what it returned."""
    try:
        context.run(coroutine.send, None)
    except StopIteration as ended:
        return ended.value
    return None


def _next_visitor(app: Flask, session: Registry, *, removes: bool = False) -> str:
    with app.test_request_context():
        draft(session, "draft")
        if removes:
            session.remove()
    with app.test_request_context():
        return str(session.scalar(NOTE))


# ── 33: the application freezes ──────────────────────────────────────────────────────────────

#: What would wait for ever, or for the pool's 30 seconds, ends within the test; PostgreSQL looks
#: for deadlocks after 1 second.
SOON: dict[str, Any] = {"connect_args": {"options": "-c lock_timeout=1200ms"}, "pool_timeout": 0.1}
FEW = {"pool_size": 2, "max_overflow": 0} | SOON


@claim(
    33,
    TRUE_IF,
    "sessions that get lost keep their connections until the pool is empty, or the second"
    " context's session wants a row that the first one has changed: it then waits for its own"
    " request, which PostgreSQL cannot see as a deadlock",
)
def test_a_change_of_context_freezes_the_application(trial: Trial, shop: Shop) -> None:
    with application(shop, **FEW) as app:
        _pool_is_emptied(trial, app)
    with application(shop, **SOON) as app:
        for when, action, committed in (
            ("writes what the first has changed", _writes, False),
            ("reads what the first has changed", _reads, False),
            ("writes what the first has changed and committed", _writes, True),
        ):
            saw = _within(app, action, committed=committed)
            if committed:
                trial.control(f"the second context {when}", gone="Lock" not in saw, saw=saw)
            else:
                trial.case(f"the second context {when}", holds="Lock" in saw, saw=saw)
    assert held_in(trial) == [True, False, True, False]


def _pool_is_emptied(trial: Trial, app: Flask) -> None:
    """Count the reads until none is answered, of 50, by a pool of two connections."""
    for when, scope in (("another at each call", object), ("the context", None)):
        options = {"scopefunc": scope} if scope else {}
        with app.app_context():
            registry = db._make_scoped_session(options)
            answered = _answered(registry)
            for session in registry.registry.registry.values():
                session.close()
        saw = f"{answered} of 50 reads answered, by a pool of 2"
        trial.case(f"scope: {when}", holds=answered < 50, saw=saw)


def _answered(registry: Registry) -> int:
    for nr in range(50):
        try:
            registry.get(Transaction, 1)
        except NoConnectionLeft:
            return nr
    return 50


def _within(app: Flask, action: Callable[[], object], *, committed: bool) -> str:
    """Return what becomes of an action in a second context, while the first one has written."""
    with app.test_request_context():
        draft(db.session, "outer")
        if committed:
            db.session.commit()
        with app.app_context():
            try:
                return f"done at once: {action()}"
            except OperationalError as error:
                return type(error.orig).__name__


def _writes() -> str:
    draft(db.session, "inner")
    return "written"


def _reads() -> str:
    return str(db.session.scalar(NOTE))
