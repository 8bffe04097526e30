"""What is given to Flask-SQLAlchemy: ENGINE_OPTIONS, session_options, and what they do."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING, Any

from sqlalchemy import NullPool, StaticPool

from tests.staleness.applications import EVERY, Keeper, held_in, misses, paged
from tests.staleness.extensions import extended, keeping
from tests.staleness.shop import drawn
from tests.staleness.trial import RC, RR, SERIALIZABLE, TRUE_IF, Trial, claim

if TYPE_CHECKING:
    from tests.staleness.conftest import Shop

ENGINES: dict[str, dict[str, Any]] = {
    "REPEATABLE READ": {"isolation_level": RR},
    "SERIALIZABLE": {"isolation_level": SERIALIZABLE},
    "AUTOCOMMIT": {"isolation_level": "AUTOCOMMIT"},
    "one connection in the pool": {"pool_size": 1, "max_overflow": 0},
    "no pool (NullPool)": {"poolclass": NullPool},
    "one connection for all (StaticPool)": {"poolclass": StaticPool},
    "pool_pre_ping": {"pool_pre_ping": True},
}
SESSIONS: dict[str, dict[str, Any]] = {
    "expire_on_commit=False": {"expire_on_commit": False},
    "autoflush=False": {"autoflush": False},
    "scopefunc is one constant, one request at a time": {"scopefunc": lambda: 0},
}


@claim(
    37,
    TRUE_IF,
    "a setting lets requests share a session, or a session is kept in spite of the extension:"
    " session_options with a scopefunc that is the same for two requests at once, and"
    " isolation_level REPEATABLE READ for a kept session. With a session per request, no isolation"
    " level, pool, expire_on_commit or autoflush makes a page old",
)
def test_settings_alone_make_no_page_old(trial: Trial, shop: Shop) -> None:
    for scope in (None, {"scopefunc": lambda: 0}):
        old = _overlapping(shop, scope)
        if scope:
            when = "scopefunc is one constant, the request overlaps an earlier one"
            trial.case(when, holds=old, saw=_state(old=old), held=True)
        else:
            trial.control("the same overlap in the extension's own scope", gone=not old,
                          saw=_state(old=old))  # fmt: skip
    for isolation in (RR, RC):
        old = _kept(shop, isolation)
        trial.case(f"a session is kept for ever, isolation_level {isolation}", holds=old,
                   saw=_state(old=old), isolation=isolation, held=False)  # fmt: skip
    for when, engine in ENGINES.items():
        _set(trial, shop, f"ENGINE_OPTIONS: {when}", engine=engine)
    for when, session in SESSIONS.items():
        _set(trial, shop, f"session_options: {when}", session=session)
    assert held_in(trial) == [True, True] + [False] * (1 + len(ENGINES) + len(SESSIONS))


def _kept(shop: Shop, isolation: str) -> bool:
    """Return whether a page is old that keeps its session, and no rows."""
    shop.write("first")
    with extended(shop, isolation_level=isolation) as (app, db):
        with app.app_context():
            session = db.session.session_factory()
            session.connection()  # its engine is that of this application
        with session:
            return misses(paged(app, Keeper(session, holding=False)), shop.write)


def _set(
    trial: Trial,
    shop: Shop,
    when: str,
    *,
    engine: dict[str, Any] | None = None,
    session: dict[str, Any] | None = None,
) -> None:
    shop.write("first")
    with extended(shop, session, **engine or {}) as (app, db):
        old = misses(keeping(app, db), shop.write)
    isolation = (engine or {}).get("isolation_level", RC)
    trial.case(when, holds=old, saw=_state(old=old), isolation=isolation, held=True)


def _state(*, old: bool) -> str:
    return "old on first load" if old else "right on first load"


def _overlapping(shop: Shop, scope: dict[str, Any] | None) -> bool:
    """Return whether a page is old that is asked for while an earlier one is still being made."""
    shop.write("first")
    loaded, go = Event(), Event()
    with extended(shop, scope) as (app, db), ThreadPoolExecutor(1) as other:
        keeping(app, db)

        @app.get("/slow")
        def slow() -> str:
            rows = db.session.scalars(EVERY).all()
            text = drawn(rows)
            loaded.set()
            go.wait(20)
            return f"{len(rows)} {text}"

        earlier = other.submit(app.test_client().get, "/slow")
        assert loaded.wait(20)
        shop.write("new")
        text = app.test_client().get("/transactions").text
        go.set()
        assert "first" in earlier.result(20).text
    return "new" not in text
