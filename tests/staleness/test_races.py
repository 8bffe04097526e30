"""Two moments on one screen: two fetches, two statements, a form and its save."""

from __future__ import annotations

import time
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import pytest
from flask import abort, request
from sqlalchemy import FetchedValue, Integer, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.orm.exc import StaleDataError

from tests.staleness.observing import arrives, let_go, observe, other_function, seen_so
from tests.staleness.overtaking import GUARDS, PATIENCE, Overtaken
from tests.staleness.shop import Transaction, db, drawn, reset, start
from tests.staleness.trial import RC, RR, SERIALIZABLE, TRUE_IF, Trial, claim
from tests.support.hosting import hosted

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from playwright.sync_api import Browser, Page

    from tests.staleness.conftest import Shop

RENDERS = 200

# --- 70


@pytest.mark.browser
@claim(
    70,
    TRUE_IF,
    "the answer that was asked for first arrives last, and the page neither aborts nor drops it;"
    " loading the page again is enough to cure it",
)
def test_the_answer_that_arrives_last_is_drawn_though_it_was_read_first(
    trial: Trial, shop: Shop, app: Flask, browser: Browser
) -> None:
    server = Overtaken(app)
    with hosted(app) as url:
        page = browser.new_page()
        page.set_default_timeout(PATIENCE * 1_000)
        shown = _raced(page, shop, server, url)
        first = "new" not in shown
        trial.case("the first fetch is overtaken", holds=first, saw=shown)
        shown = _raced(page, shop, server, f"{url}?reset=1")
        useless = "new" not in shown
        trial.case("so it is, with the reset on the server", holds=useless, saw=shown)
        server.may_answer.set()
        page.goto(url)
        page.wait_for_function("drawn.includes(1)")
        shown = page.inner_text("#rows")
        trial.case("then the page is loaded again", holds="new" not in shown, saw=shown)
        shown = _raced(page, shop, server, url, overtake=False)
        trial.case("the answers come in order", holds="new" not in shown, saw=shown)
        for guard, when in GUARDS.items():
            shown = _raced(page, shop, server, f"{url}?guard={guard}")
            trial.control(when, gone="new" in shown, saw=shown)
        page.close()
    trial.observations(first=first, other_function=False, reset_useless=useless,
                       when="the first fetch of the page is overtaken")  # fmt: skip
    seen_so(trial, "++--", "+-+")


def _raced(page: Page, shop: Shop, server: Overtaken, url: str, *, overtake: bool = True) -> str:
    """Load the page, let somebody write, let it fetch again; return what it shows at the end."""
    shop.write("first")
    server.read.clear()
    server.may_answer.clear()
    page.goto(url)
    assert server.read.wait(PATIENCE)
    shop.write("new")
    if not overtake:
        server.may_answer.set()
        page.wait_for_function("drawn.includes(1)")
    page.evaluate("load(2)")  # it returns when the second answer is drawn
    assert "new" in page.inner_text("#rows")
    server.may_answer.set()
    page.wait_for_function("drawn.includes(1)")
    return page.inner_text("#rows")


# --- 73


def torn_page(isolation: str, between: Callable[[], object]) -> Flask:
    """Return an application whose page counts and lists; something happens between the two."""
    app = start("shop", SQLALCHEMY_ENGINE_OPTIONS={"isolation_level": isolation})
    counted = select(func.count()).select_from(Transaction)

    @app.get("/transactions")
    def transactions() -> str:
        reset()
        count = db.session.scalar(counted)
        between()
        return f"{count} of {len(db.session.scalars(select(Transaction.id)).all())}"

    @app.get("/at-once")
    def at_once() -> str:
        between()
        found = db.session.execute(select(Transaction.id, func.count().over())).all()
        return f"{found[0][1]} of {len(found)}"

    return app


def is_torn(page: str) -> bool:
    """Return whether a page contradicts itself."""
    count, _, rows = page.partition(" of ")
    return int(count) != int(rows)


@claim(
    73,
    TRUE_IF,
    "each statement has a snapshot of its own, as under READ COMMITTED, and somebody commits"
    " between the two; one transaction around both does not help there",
)
def test_a_count_and_its_rows_come_from_two_moments(
    trial: Trial, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", shop.url)
    first = False
    for isolation in (RC, RR, SERIALIZABLE):
        app = torn_page(isolation, lambda: arrives(shop, "new"))
        pages = [app.test_client().get(f"/transactions{query}").text for query in ("", "?reset=1")]
        first = first or is_torn(pages[0])
        for page, how in zip(pages, ("", ", with the reset before"), strict=True):
            trial.case(f"somebody commits between the two{how}", holds=is_torn(page),
                       saw=f"says {page}", isolation=isolation)  # fmt: skip
        if isolation == RC:
            page = app.test_client().get("/at-once").text
            trial.control("one statement gives both", gone=not is_torn(page), saw=f"says {page}")
            useless = is_torn(pages[1])
        let_go(app)
    for isolation in (RC, RR):
        torn, rendered = _racing(shop, isolation)
        trial.case("a writer runs freely beside it", holds=torn > 0,
                   saw=f"torn in {torn} of {rendered:,} pages", isolation=isolation)  # fmt: skip
    app = torn_page(RC, lambda: None)
    again = is_torn(app.test_client().get("/transactions").text)
    trial.control("nobody commits between the two", gone=not again, saw="the next page is whole")
    let_go(app)
    trial.observations(first=first, other_function=again, reset_useless=useless, when=RC)
    seen_so(trial, "++----?-", "+-+")


def _racing(shop: Shop, isolation: str) -> tuple[int, int]:
    """Render many pages while somebody adds and removes rows; return how many of how many tore.

    Where some must, it goes on until one has.
    """
    app, stop = torn_page(isolation, lambda: None), Event()

    def write() -> None:
        while not stop.is_set():
            arrives(shop, "racing")
            shop.outside.execute("DELETE FROM transaction WHERE note = 'racing'")

    writer = Thread(target=write)
    writer.start()
    client = app.test_client()
    torn = pages = 0
    until = time.monotonic() + PATIENCE
    while pages < RENDERS or (isolation == RC and not torn and time.monotonic() < until):
        torn += is_torn(client.get("/transactions").text)
        pages += 1
    stop.set()
    writer.join()
    let_go(app)
    return torn, pages


# --- 74


class Own(DeclarativeBase):
    """A mapping with a version, for which PostgreSQL's xmin serves: who wrote the row last."""


class Versioned(Own):
    """A transaction whose UPDATE asks for the version that was loaded."""

    __tablename__ = "transaction"
    id: Mapped[int] = mapped_column(primary_key=True)
    address: Mapped[str]
    note: Mapped[str]
    xmin: Mapped[int] = mapped_column(Integer, system=True, server_default=FetchedValue())
    __mapper_args__: Any = {"version_id_col": xmin, "version_id_generator": False}  # noqa: RUF012 (as the ORM reads it)


def forms(isolation: str, model: Any = Transaction) -> Flask:
    """Return an application with a form that sends the whole row."""
    app = start("shop", SQLALCHEMY_ENGINE_OPTIONS={"isolation_level": isolation})

    @app.get("/transactions")
    def transactions() -> str:
        reset()
        return drawn(db.session.scalars(select(Transaction).order_by(Transaction.id)))

    @app.get("/form")
    def form() -> dict[str, str]:
        row = db.session.get_one(model, 1)
        version = {"xmin": str(row.xmin)} if model is Versioned else {}
        return {"note": row.note, "address": row.address} | version

    @app.post("/save")
    def save() -> str:
        row = db.session.get_one(model, 1)
        if "xmin" in request.form and request.form["xmin"] != str(row.xmin):
            abort(409)
        for name in ("note", "address"):
            if name in request.form:
                setattr(row, name, request.form[name])
        try:
            db.session.commit()
        except StaleDataError:
            abort(409)
        return "saved"

    other_function(app)
    return app


@claim(
    74,
    TRUE_IF,
    "the form sends values that its user did not touch, and the save does not compare the version"
    " that the form was made from; neither an isolation level nor a version column alone helps,"
    " since the form and its save are two transactions: a lost write, no old read",
)
def test_a_save_from_an_old_form_puts_the_old_value_back(
    trial: Trial, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", shop.url)
    for isolation in (RC, RR, SERIALIZABLE):
        note, _ = _saved(shop, isolation)
        trial.case("the whole form is saved", holds=note == "first", saw=f"stored {note!r}",
                   isolation=isolation)  # fmt: skip
    note, _ = _saved(shop, RC, only=("address",))
    trial.case("only the touched value is sent", holds=note == "first", saw=f"stored {note!r}")
    note, _ = _saved(shop, RC, only=("note", "address"), model=Versioned)
    trial.case("version_id_col, the form does not carry it", holds=note == "first",
               saw=f"stored {note!r}")  # fmt: skip
    note, status = _saved(shop, RC, model=Versioned)
    trial.control("the form carries the version", gone=(note, status) == ("new", 409),
                  saw=f"{status}, stored {note!r}")  # fmt: skip
    app = forms(RC)
    client = app.test_client()

    def change(word: str) -> None:
        old = client.get("/form").json
        shop.write(word)
        client.post("/save", data=old)

    observe(app, change).told(trial, "an old form is saved after each change")
    let_go(app)
    seen_so(trial, "+++-+", "+-+")


def _saved(
    shop: Shop, isolation: str, *, only: tuple[str, ...] = (), model: Any = Transaction
) -> tuple[str, int]:
    """Open a form, let somebody change the note, save another address; return what is stored."""
    shop.write("first")
    app = forms(isolation, model)
    client = app.test_client()
    form: dict[str, str] = client.get("/form").get_json() | {"address": "0xdef"}
    shop.write("new")
    sent = {name: value for name, value in form.items() if not only or name in only}
    status = client.post("/save", data=sent).status_code
    let_go(app)
    return shop.stored(), status
