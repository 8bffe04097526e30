"""Flask's hooks around a request: which of them end a session, and which keep it from its end.

What decides it stands in Flask's source: `handle_exception` makes an answer out of an error and
runs after_request on it, but raises where errors are passed on (debug, testing); `wsgi_app` pops
the contexts in a `finally`, and gives them the error only if no error handler answered; and
`do_teardown_appcontext` calls its functions, the newest first, until one raises.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask, abort, g
from sqlalchemy.orm import scoped_session, sessionmaker

from tests.staleness.applications import EVERY, application, connected, held_in
from tests.staleness.extensions import extended, registered
from tests.staleness.shop import Transaction, drawn
from tests.staleness.trial import RC, RR, TRUE_IF, Trial, claim

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flask import Response
    from flask_sqlalchemy import SQLAlchemy

    from tests.staleness.conftest import Shop

    Hook = Callable[[Flask, SQLAlchemy], None]

TURNS = 20


class Broken(Exception):
    """A hook went wrong."""


# ── 38: redefined hooks ──────────────────────────────────────────────────────────────────────


def another_teardown(app: Flask, db: SQLAlchemy) -> None:
    """A second teardown_appcontext also calls remove()."""
    app.teardown_appcontext(lambda _error: db.session.remove())


def a_removing_before_request(app: Flask, db: SQLAlchemy) -> None:
    """before_request calls remove()."""
    app.before_request(db.session.remove)


def a_silent_teardown_request(app: Flask, _db: SQLAlchemy) -> None:
    """teardown_request does nothing about the session."""
    app.teardown_request(lambda _error: None)


def a_failing_teardown_request(app: Flask, _db: SQLAlchemy) -> None:
    """teardown_request raises."""
    app.teardown_request(_fail)


def a_replaced_teardown(app: Flask, _db: SQLAlchemy) -> None:
    """The application redefines do_teardown_appcontext, without super()."""
    app.do_teardown_appcontext = lambda *_: None  # type: ignore[method-assign]  # the mistake


def a_failing_teardown(app: Flask, _db: SQLAlchemy) -> None:
    """A teardown_appcontext that was added later raises, before the extension's is reached."""
    app.teardown_appcontext(_fail)


def _fail(_error: BaseException | None) -> None:
    if "audited" in g:
        raise Broken


ADDED: tuple[Hook, ...] = (another_teardown, a_removing_before_request, a_silent_teardown_request,
         a_failing_teardown_request)  # fmt: skip
TAKEN_AWAY: tuple[Hook, ...] = (a_replaced_teardown, a_failing_teardown)


@pytest.mark.long
@claim(
    38,
    TRUE_IF,
    "they keep the extension's own teardown_appcontext from running: redefined without super(), or"
    " another one, registered later, raises before it. The sessions then stay in the registry, and"
    " a request finds an old one when its context gets the same id. Hooks that are only added break"
    " nothing",
)
def test_only_hooks_that_stop_the_teardown_make_pages_old(trial: Trial, shop: Shop) -> None:
    for hooked in TAKEN_AWAY:
        for isolation, held in ((RC, True), (RC, False), (RR, False)):
            old = _hooked(trial, shop, hooked, isolation, held=held)
            assert (old > 0) == (held or isolation == RR)
    for hooked in ADDED:
        assert not _hooked(trial, shop, hooked, RC, held=True)
    old, left = _old_pages(shop, lambda *_: None, RC, held=True)
    trial.control("no hook at all", gone=not old and not left, saw=_told(old, left))


def _hooked(trial: Trial, shop: Shop, hooked: Hook, isolation: str, *, held: bool) -> int:
    """Load pages until one was old, for which ids must meet; return how many were."""
    old = left = loaded = 0
    while loaded < TURNS * (20 if hooked in TAKEN_AWAY else 1) and not old:
        old, left = _old_pages(shop, hooked, isolation, held=held)
        loaded += TURNS
        if not held and isolation == RC:
            break
    rows = "its rows are kept" if held else "no row is kept"
    trial.case(f"{(hooked.__doc__ or '')[:-1]}; {rows}, {isolation}", holds=old > 0,
               saw=_told(old, left, loaded), isolation=isolation, held=held)  # fmt: skip
    return old


def _told(old: int, left: int, loaded: int = TURNS) -> str:
    return f"{old} of {loaded} pages old, {left} sessions left over"


def _old_pages(shop: Shop, hooked: Hook, isolation: str, *, held: bool) -> tuple[int, int]:
    """Return how many pages were old, and how many sessions were left in the registry.

    Before each change something else is asked for, whose hooks are those that fail.
    """
    with extended(shop, isolation_level=isolation, pool_size=2 * TURNS + 2) as (app, db):
        shown: list[Sequence[Transaction]] = []

        def read() -> str:
            rows = db.session.scalars(EVERY).all()
            shown.extend([rows] * held)
            return drawn(rows)

        def audit() -> str:
            g.audited = True
            return read()

        app.get("/transactions", endpoint="page")(read)
        app.get("/audit", endpoint="audit")(audit)
        hooked(app, db)
        client, old = app.test_client(), 0
        for turn in range(TURNS):
            with suppress(Broken):
                client.get("/audit")
            shop.write(f"turn {turn}.")
            old += f"turn {turn}." not in client.get("/transactions").text
        return old, len(registered(db))


# ── 39: in after_request or teardown_request ─────────────────────────────────────────────────

Registry = scoped_session[Any]


def in_after_request(app: Flask, registry: Registry) -> None:
    """Commit or rollback, and remove(), in after_request."""

    @app.after_request
    def end(response: Response) -> Response:
        (registry.commit if response.status_code < 400 else registry.rollback)()
        registry.remove()
        return response


def in_teardown_request(app: Flask, registry: Registry) -> None:
    """Commit or rollback, and remove(), in teardown_request."""

    @app.teardown_request
    def end(error: BaseException | None) -> None:
        (registry.rollback if error else registry.commit)()
        registry.remove()


def only_remove(app: Flask, registry: Registry) -> None:
    """commit() in the view, remove() in teardown_request."""
    app.teardown_request(lambda _error: registry.remove())


def nothing(_app: Flask, _registry: Registry) -> None:
    """No hook."""


ENDINGS = {
    "the request ends well": ("/well", False),
    "an error becomes the answer 500": ("/error", False),
    "the error is passed on (debug, tests)": ("/error", True),
    "abort() answers, after half of the work": ("/abort", False),
}


@claim(
    39,
    TRUE_IF,
    "remove() is in teardown_request or teardown_appcontext, and commit() in the view:"
    " after_request runs for an answer 500 too, but not where errors are passed on;"
    " teardown_request always runs, but hears of no error that abort() or an error handler"
    " answered, and commits half of the work",
)
def test_the_end_of_a_request_in_its_hooks(trial: Trial, shop: Shop) -> None:
    for hooked in (in_after_request, in_teardown_request, only_remove):
        for ending in ENDINGS:
            _ended(trial, shop, hooked, ending)
    assert held_in(trial) == [True, True, False, True] + [True] * 3 + [False] + [True] * 4
    right, saw = _end(shop, nothing, *ENDINGS["the request ends well"])
    assert not right, "without a hook the page is old"
    right, _ = _end(shop, only_remove, *ENDINGS["the request ends well"])
    trial.control("without any hook the page was old; with remove()", gone=right, saw=f"not: {saw}")


def _ended(
    trial: Trial, shop: Shop, hooked: Callable[[Flask, Registry], None], ending: str
) -> None:
    right, saw = _end(shop, hooked, *ENDINGS[ending])
    trial.case(f"{(hooked.__doc__ or '')[:-1]}; {ending}", holds=right, saw=saw, held=True)


def _end(
    shop: Shop, hooked: Callable[[Flask, Registry], None], path: str, passed_on: bool
) -> tuple[bool, str]:
    """Return whether all was right after a request that wrote: what is stored, the next page."""
    shop.write("first")
    shop.write("second", nr=2)
    with connected(shop) as engine, application(shop) as app:
        registry = scoped_session(sessionmaker(engine))
        app.config["PROPAGATE_EXCEPTIONS"] = passed_on
        hooked(app, registry)
        _views(app, registry, commits=hooked in {only_remove, nothing})
        client = app.test_client()
        with suppress(ZeroDivisionError):
            client.post(path)
        stored = shop.stored()
        shop.write("by another", nr=2)
        page = client.get("/transactions").text
        registry.remove()
    wanted = "written" if path == "/well" else "first"
    fresh = "by another" in page and wanted in page
    seen = "right" if fresh else "wrong"
    return stored == wanted and fresh, f"stored: {stored!r}, the next page is {seen}"


def _views(app: Flask, registry: Registry, *, commits: bool) -> None:
    """Let an application write, and end in several ways; and keep what it showed last."""
    shown: list[Transaction] = []

    @app.post("/<ending>")
    def write(ending: str) -> str:
        shown[:] = registry.scalars(EVERY)
        registry.get_one(Transaction, 1).note = "written"
        registry.flush()
        if ending == "abort":
            abort(409)
        if ending == "error":
            raise ZeroDivisionError
        if commits:
            registry.commit()
        shown[:] = registry.scalars(EVERY)
        return "saved"

    @app.get("/transactions")
    def transactions() -> str:
        shown[:] = registry.scalars(EVERY)
        return drawn(shown)
