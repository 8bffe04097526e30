"""Several processes at one database: a cache in each, a writer that has not committed, a job."""

from __future__ import annotations

from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from flask import redirect, request
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from tests.staleness import caching
from tests.staleness.observing import let_go, observe, other_function, seen_so
from tests.staleness.serving import Site, served
from tests.staleness.shop import Contact, Transaction, db, drawn, reset, with_driver
from tests.staleness.trial import RC, RR, SERIALIZABLE, TRUE_IF, Trial, claim
from tests.support import processes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from werkzeug import Response

    from tests.staleness.conftest import Shop

WORKERS = 3
VISITS = 60

# --- 62


@pytest.mark.long
@claim(
    62,
    TRUE_IF,
    "the write happens in another process: in another worker or outside the application; where"
    " each write of the application clears the cache, the worker that ran another function is"
    " cured, so that one worker gives all three observations",
)
def test_a_cache_in_each_process_hears_only_of_its_own_writes(
    trial: Trial, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served("tests.staleness.caching:create()", shop.url, workers=WORKERS) as site:
        _several(trial, shop, site)
    monkeypatch.setenv("DATABASE_URL", shop.url)
    app = caching.create()
    client = app.test_client()
    client.get("/transactions")
    client.post("/transactions/1/note", data={"note": "own"})
    shown = "own" in client.get("/transactions").text
    trial.case("one worker, the application writes", holds=not shown, saw="the new note")
    seen = observe(app, shop.write)
    trial.case("one worker, somebody else writes", holds=seen.first, saw=seen.words)
    seen.told(trial, "one worker, whose own writes clear the cache")
    let_go(app)
    seen_so(trial, "+++-+", "+++")


def _several(trial: Trial, shop: Shop, site: Site) -> None:
    site.each_worker()
    site.post("/transactions/1/note", note="own")
    old = sum("own" not in site.get().text for _ in range(VISITS))
    workers = len(_old(site, "own"))
    trial.case("the application itself writes, in one worker", holds=workers == WORKERS - 1,
               saw=f"old in {workers} of {WORKERS} workers, in {old} of {VISITS} visits",
               workers=WORKERS)  # fmt: skip
    site.each_worker("/transactions?uncached=1")
    shop.write("outside")
    workers = len(_old(site, "outside"))
    trial.case("somebody else writes", holds=workers == WORKERS,
               saw=f"old in {workers} of {WORKERS} workers", workers=WORKERS)  # fmt: skip
    site.post("/contacts/2", name="Benedict")
    left = len(_old(site, "outside"))
    trial.case("then another function runs in one worker", holds=left == WORKERS - 1,
               saw=f"old in {left} of {WORKERS} workers", workers=WORKERS)  # fmt: skip
    left = len(_old(site, "outside", "?uncached=1"))
    trial.control("nothing is kept", gone=not left, saw=f"old in {left} of {WORKERS} workers")


def _old(site: Site, word: str, query: str = "") -> list[int]:
    """Return the workers whose page does not have a word."""
    answers = site.each_worker(f"/transactions{query}")
    return [worker for worker, answer in answers.items() if word not in answer.text]


# --- 67

#: A process that writes, says so, and commits when it is told to.
JOB = """
import sys, psycopg
with psycopg.connect(sys.argv[1]) as conn:
    conn.execute("UPDATE transaction SET note = %s WHERE id = 1", (sys.argv[2],))
    print("written", flush=True)
    sys.stdin.readline()
"""


@contextmanager
def job(shop: Shop, note: str) -> Iterator[None]:
    """Run the process for the length of a block, at whose end it commits."""
    process = processes.start(JOB, shop.url, note)
    processes.wait_for(process, "written")
    try:
        yield
    finally:
        process.communicate("commit\n", timeout=60)


@claim(
    67,
    TRUE_IF,
    "the page reads in another transaction than the writer's, which every page does that does not"
    " share the writer's session; no isolation level of PostgreSQL shows what is not committed",
)
def test_what_is_not_committed_is_not_there_yet(trial: Trial, shop: Shop, app: Flask) -> None:
    levels = ("READ UNCOMMITTED", RC, RR, SERIALIZABLE)
    with job(shop, "job"):
        for isolation in levels:
            note = _note(shop, isolation)
            trial.case("another process has written, not committed", holds=note == "first",
                       saw=f"{note!r}", isolation=isolation)  # fmt: skip
    notes = {_note(shop, isolation) for isolation in levels}
    trial.control("it has committed", gone=notes == {"job"}, saw="the new note at every level")
    shared = _shared_session(app)
    with app.app_context():
        shared.get_one(Transaction, 1).note = "within"
        shared.flush()
        own = shared.scalars(select(Transaction.note).where(Transaction.id == 1)).one()
        trial.case("the page shares the writer's session", holds=own != "within", saw=f"{own!r}")
        shared.rollback()
    apart = _observed_apart(shop, app)
    trial.case("a writer with a session of its own", holds=apart.first, saw=apart.words)
    seen = observe(app, lambda word: app.test_client().post("/job", data={"note": word}))
    trial.case("a job whose session the other function shares", holds=seen.first, saw=seen.words)
    seen.told(trial, "a job of the application whose session the other function shares")
    shared.close()
    seen_so(trial, "++++-++", "+++")


def _note(shop: Shop, isolation: str) -> str:
    engine = create_engine(with_driver(shop.url), isolation_level=isolation)
    with Session(engine) as session:
        note = session.get_one(Transaction, 1).note
    engine.dispose()
    return note


def _shared_session(app: Flask) -> Any:
    """Give the application a right page, and a job and a function that share one session."""
    with app.app_context():
        shared = db.session()

    @app.get("/transactions")
    def transactions() -> str:
        reset()
        return drawn(db.session.scalars(select(Transaction).order_by(Transaction.id)))

    @app.post("/job")
    def job() -> str:
        shared.get_one(Transaction, 1).note = request.form["note"]
        shared.flush()
        return "begun"

    @app.post("/contacts/<int:nr>")
    def contact(nr: int) -> str:
        shared.get_one(Contact, nr).name = request.form["name"]
        shared.commit()
        return "saved"

    return shared


def _observed_apart(shop: Shop, app: Flask) -> Any:
    with psycopg.connect(shop.url) as writer:
        return observe(
            app,
            lambda word: writer.execute("UPDATE transaction SET note = %s WHERE id = 1", (word,)),
            writer.commit,
        )


# --- 68


@claim(
    68,
    TRUE_IF,
    "the list was fetched, not merely asked for, before the write, and the write is no change of"
    " an object in the same session; or the answer went out before the job had committed",
)
def test_a_list_read_before_the_write_does_not_have_it(
    trial: Trial, shop: Shop, app: Flask
) -> None:
    orm, core = select(Transaction).order_by(Transaction.id), select(Transaction.note)
    for when, statement, fetched, write in (
        ("ORM rows fetched, then a row is added", orm, True, _add),
        ("ORM rows fetched, then one of them is changed", orm, True, _change),
        ("plain rows fetched, then one is changed", core, True, _change),
        ("only the statement was built before", orm, False, _add),
    ):
        with app.app_context():
            before = db.session.execute(statement).all() if fetched else None
            write()
            db.session.commit()
            page = drawn(each[0] if statement is orm else each
                         for each in before or db.session.execute(statement).all())  # fmt: skip
            holds = "written" not in page
            trial.case(when, holds=holds, saw="old" if holds else "new", held=fetched)
            again = drawn(db.session.scalars(orm))
        trial.control(f"it was read after the write ({when})", gone="written" in again, saw="new")
        shop.outside.execute("DELETE FROM transaction WHERE id > 3")
        shop.write("first")
    _job_answered(trial, app)
    seen_so(trial, "+-+-+", "+-+")


def _add() -> None:
    first = db.session.get_one(Transaction, 1)
    values = {name: getattr(first, name) for name in ("occurred_at", "address", "type", "asset")}
    db.session.add(Transaction(id=4, note="written", amount=1, labels=[], **values))


def _change() -> None:
    db.session.get_one(Transaction, 1).note = "written"


class Jobs:
    """Jobs in threads with sessions of their own, which commit when they may."""

    def __init__(self, app: Flask) -> None:
        self.app, self.running = app, list[tuple[Thread, Event]]()

    def begin(self, note: str) -> None:
        """Start a job, and return when it has written."""
        written, may_commit = Event(), Event()

        def work() -> None:
            with self.app.app_context():
                db.session.get_one(Transaction, 1).note = note
                db.session.flush()
                written.set()
                may_commit.wait(60)
                db.session.commit()

        thread = Thread(target=work)
        thread.start()
        self.running.append((thread, may_commit))
        assert written.wait(60)

    def finish(self) -> None:
        """Let all of them commit."""
        while self.running:
            thread, may_commit = self.running.pop()
            may_commit.set()
            thread.join()


def _job_answered(trial: Trial, app: Flask) -> None:
    """A form starts a job and is redirected to the page."""
    jobs = Jobs(app)

    @app.get("/transactions")
    def transactions() -> str:
        reset()
        return drawn(db.session.scalars(select(Transaction).order_by(Transaction.id)))

    @app.post("/order")
    def order() -> Response:
        jobs.begin(request.form["note"])
        if "wait" in request.form:
            jobs.finish()
        return redirect("/transactions", 303)

    other_function(app)
    client = app.test_client()
    page = client.post("/order", data={"note": "ordered"}, follow_redirects=True).text
    trial.case("answered before the job has committed", holds="ordered" not in page, saw="old")
    jobs.finish()
    page = client.post("/order", data={"note": "waited", "wait": "1"}, follow_redirects=True).text
    trial.control("the job commits before the answer", gone="waited" in page, saw="new")
    seen = observe(app, lambda word: client.post("/order", data={"note": word}), jobs.finish)
    jobs.finish()
    seen.told(trial, "answered before the job has committed")
