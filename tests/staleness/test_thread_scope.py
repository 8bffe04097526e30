"""A session for each thread: whom it reaches when nobody removes it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from tests.staleness.applications import EVERY, application, connected, held_in
from tests.staleness.serving import served
from tests.staleness.shop import Transaction, drawn
from tests.staleness.trial import RC, RR, TRUE_IF, Trial, claim

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

    from tests.staleness.conftest import Shop


@dataclass(slots=True)
class Threaded:
    """An application whose requests are answered by threads, and what it remembers."""

    app: Flask
    registry: scoped_session[Session]
    used: list[Session] = field(default_factory=list)  # by each request
    shown: list[list[Transaction]] = field(default_factory=list)

    def get(self, thread: ThreadPoolExecutor, path: str = "/transactions") -> str:
        """Return what a request gets that a thread answers."""
        return thread.submit(lambda: self.app.test_client().get(path).text).result(20)

    @property
    def same(self) -> bool:
        """Return whether the last two requests had one session."""
        return self.used[-1] is self.used[-2]


@contextmanager
def threaded(shop: Shop, isolation: str, *, held: bool, removed: bool) -> Iterator[Threaded]:
    """Yield an application with a session per thread."""
    shop.write("first")
    with connected(shop, isolation) as engine, application(shop) as app:
        registry = scoped_session(sessionmaker(engine))
        found = Threaded(app, registry)

        @app.get("/transactions")
        def transactions() -> str:
            found.used.append(registry())
            rows = list(registry.scalars(EVERY))
            if held:
                found.shown.append(rows)
            return drawn(rows)

        @app.get("/forgets")
        def forgets() -> str:
            registry.get_one(Transaction, 2).note = "of the request before"
            return "done"

        @app.get("/commits")
        def commits() -> str:
            registry.commit()
            return "saved"

        if removed:
            app.teardown_appcontext(lambda _error: registry.remove())
        yield found
        for session in found.used:
            session.close()


@pytest.mark.long
@claim(
    40,
    TRUE_IF,
    "nobody removes it at the end of the request, and the next request is answered by the same"
    " thread, as gunicorn's workers reuse theirs: then it gets the session with its rows, its"
    " snapshot and what was not committed",
)
def test_the_next_request_on_the_thread_gets_the_session(trial: Trial, shop: Shop) -> None:
    for isolation, held in ((RC, True), (RC, False), (RR, False)):
        _again(trial, shop, isolation, held=held)
    _committed_by_another(trial, shop)
    _served(trial, shop)
    _another_thread(trial, shop)
    assert held_in(trial) == [True] * 5 + [False]
    with threaded(shop, RR, held=True, removed=True) as site, ThreadPoolExecutor(1) as thread:
        old = _old(shop, site, thread, thread)
        gone = not old and not site.same
        trial.control("it is removed after each request", gone=gone, saw=_saw(site, old=old))


def _again(trial: Trial, shop: Shop, isolation: str, *, held: bool) -> None:
    with threaded(shop, isolation, held=held, removed=False) as site, ThreadPoolExecutor(1) as one:
        old = _old(shop, site, one, one)
        assert old == (held or isolation == RR)
        trial.case("the same thread answers, and nobody removes it", holds=site.same,
                   saw=_saw(site, old=old), isolation=isolation, held=held)  # fmt: skip


def _another_thread(trial: Trial, shop: Shop) -> None:
    with (
        threaded(shop, RC, held=True, removed=False) as site,
        ThreadPoolExecutor(1) as one,
        ThreadPoolExecutor(1) as other,
    ):
        old = _old(shop, site, one, other)
        trial.case("another thread answers the next request", holds=site.same,
                   saw=_saw(site, old=old), held=True)  # fmt: skip


def _old(shop: Shop, site: Threaded, one: ThreadPoolExecutor, other: ThreadPoolExecutor) -> bool:
    """Return whether a second request, after a change, is old."""
    site.get(one)
    shop.write("new")
    return "new" not in site.get(other)


def _saw(site: Threaded, *, old: bool) -> str:
    return f"{'the same session' if site.same else 'another session'}, {'old' if old else 'right'}"


def _committed_by_another(trial: Trial, shop: Shop) -> None:
    with threaded(shop, RC, held=False, removed=False) as site, ThreadPoolExecutor(1) as one:
        site.get(one, "/forgets")
        before = shop.stored(2)
        site.get(one, "/commits")
        after = shop.stored(2)
        site.get(one)
    trial.case(
        "a request forgets to commit, the next one on the thread commits something else",
        holds=before == "second" != after,
        saw=f"stored: {before!r}, then {after!r}",
    )


def _served(trial: Trial, shop: Shop) -> None:
    """Ask a real worker, which has one thread for all its requests."""
    shop.write("first")
    with served("no_teardown_held", shop.url) as site:
        site.get()
        shop.write("new")
        old = "new" not in site.get().text
    trial.case("under gunicorn, whose worker has one thread for all requests", holds=old,
               saw="old on first load" if old else "right on first load", held=True)  # fmt: skip
