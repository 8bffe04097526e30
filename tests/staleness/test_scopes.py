"""Who gets which session: no scoped session, or one whose scope is wrong."""

from __future__ import annotations

from threading import get_ident
from typing import TYPE_CHECKING, Any

import flask
import pytest
from sqlalchemy.orm import scoped_session, sessionmaker

from tests.staleness.actors import two_threads
from tests.staleness.applications import (
    EVERY,
    NOTE,
    Keeper,
    application,
    connected,
    draft,
    held_in,
    misses,
    opened,
    paged,
)
from tests.staleness.observing import observe, other_function, seen_so
from tests.staleness.serving import served
from tests.staleness.shop import Transaction, db
from tests.staleness.trial import FALSE, RC, RR, TRUE_IF, Trial, claim

if TYPE_CHECKING:
    from collections.abc import Hashable

    from flask import Flask

    from tests.staleness.conftest import Shop
    from tests.staleness.serving import Site

    Registry = scoped_session[Any]

# ── 28: no scoped_session ────────────────────────────────────────────────────────────────────


@claim(
    28,
    TRUE_IF,
    "all requests then use one Session object: a session that each request opens for itself needs"
    " no scoped_session, and a scoped_session whose session was captured does not help",
)
def test_the_absence_of_scoped_session(trial: Trial, shop: Shop) -> None:
    for isolation in (RC, RR):
        _one_for_all(trial, shop, isolation)
        _each_its_own(trial, shop, isolation)
    _captured(trial, shop)
    seen_so(trial, "+-+--", "+++")
    with connected(shop) as engine, application(shop) as app:
        registry = scoped_session(sessionmaker(engine))
        paged(app, lambda: list(registry.scalars(EVERY)))

        @app.teardown_request
        def ended(_error: BaseException | None) -> None:
            registry.remove()

        old = misses(app, shop.write, "scoped")
    saw = seen(old=old)
    trial.control("the one object is a scoped_session that is removed", gone=not old, saw=saw)


def seen(*, old: bool) -> str:
    """Return it in words."""
    return "old on first load" if old else "right on first load"


def _one_for_all(trial: Trial, shop: Shop, isolation: str) -> None:
    with opened(shop, isolation) as session, application(shop) as app:
        other_function(app, also=session.commit)
        saw = observe(paged(app, Keeper(session)), shop.write)
    when = "one Session object for all requests"
    trial.case(when, holds=saw.first, saw=saw.words, isolation=isolation, held=True)
    saw.told(trial, f"{when}, {isolation}")


def _each_its_own(trial: Trial, shop: Shop, isolation: str) -> None:
    with connected(shop, isolation) as engine, application(shop) as app:
        opens = sessionmaker(engine)

        def rows() -> list[Transaction]:
            with opens() as session:
                found = list(session.scalars(EVERY))
                assert [row.contact for row in found]
                return found

        other_function(app)
        saw = observe(paged(app, rows), shop.write)
    when = "`with Session() as session` in each request"
    trial.case(when, holds=saw.first, saw=saw.words, isolation=isolation, held=False)


def _captured(trial: Trial, shop: Shop) -> None:
    with connected(shop) as engine, application(shop) as app:
        registry = scoped_session(sessionmaker(engine))
        with registry() as session:
            old = misses(paged(app, Keeper(session)), shop.write, "captured")
    when = "not absent: a scoped_session, whose session was captured at import"
    trial.case(when, holds=not old, saw=seen(old=old), held=True)


# ── 29, 30: a wrong scopefunc ────────────────────────────────────────────────────────────────


def constant() -> Hashable:
    """The same for all"""
    return "all"


def user() -> Hashable:
    """The user, with two tabs open"""
    found: int = flask.g.user
    return found


def thread() -> Hashable:
    """The thread"""
    return get_ident()


def always_new() -> Hashable:
    """Another one at each call"""
    return object()


@claim(
    29,
    TRUE_IF,
    "it returns the same in both, as a constant does, or the id of a user with two tabs open; one"
    " that returns too many different values shares nothing, and loses sessions instead",
)
def test_a_scopefunc_that_says_the_same_in_two_threads(
    trial: Trial, shop: Shop, app: Flask
) -> None:
    for scope in (constant, user, thread, always_new):
        shared, saw = _in_two_threads(shop, app, db._make_scoped_session({"scopefunc": scope}))
        trial.case(f"scopefunc: {scope.__doc__}".lower(), holds=shared, saw=saw)
    assert held_in(trial) == [True, True, False, False]
    shared, saw = _in_two_threads(shop, app, db.session)
    trial.control("Flask-SQLAlchemy's own, the context", gone=not shared, saw=saw)


def _in_two_threads(shop: Shop, app: Flask, session: Registry) -> tuple[bool, str]:
    """Return whether a request of one thread gets the session of a request in another one."""
    shop.write("first")
    with two_threads() as actors:
        contexts = [app.test_request_context() for _ in actors]
        for actor, context in zip(actors, contexts, strict=True):
            actor(context.push)
            actor(setattr, flask.g, "user", 7)
        one, other = actors
        first, again, theirs = one(session), one(session), other(session)
        one(draft, first, "draft")
        shared = first is theirs
        saw = f"one session: {shared}; the other reads {other(theirs.scalar, NOTE)!r}"
        if first is not again:
            saw += "; in one thread two accesses gave two sessions"
        for each in (first, again, theirs):
            each.close()
        for actor, context in zip(actors, contexts, strict=True):
            actor(context.pop)
    return shared, saw


@pytest.mark.long
@claim(
    30,
    FALSE,
    "the registry of sessions is a dict in the memory of each process. What a fork can share is the"
    " connection under them, if the engine was used before it (gunicorn --preload): then one worker"
    " reads what another has not committed",
)
def test_no_scopefunc_reaches_into_another_process(trial: Trial, shop: Shop) -> None:
    with served("tests.staleness.sharing:constant_scope()", shop.url, workers=3) as site:
        backends, drafted, told = _drafted(site)
    saw = f"{backends} connections, the draft of one is seen by {drafted} of {told}"
    trial.case("a constant, 3 workers", holds=drafted != 1, saw=saw, workers=3)
    before = "tests.staleness.sharing:connected_before_fork()"
    with served(before, shop.url, workers=3, options=("--preload",)) as site:
        backends, drafted, told = _drafted(site)
    saw = f"{backends} connection, the draft of one is seen by {drafted} of {told}"
    trial.control("what does share: an engine used before the fork", gone=drafted == 3, saw=saw)


def _drafted(site: Site) -> tuple[int, int, int]:
    """Return how many connections the workers have, and how many of them see the draft of one."""
    backends = {answer.text for answer in site.each_worker("/backend").values()}
    assert site.get("/draft").text == "drafted"
    pages = [answer.text for answer in site.each_worker().values()]
    return len(backends), sum("draft" in page for page in pages), len(pages)
