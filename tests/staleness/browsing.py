"""The page in a real Chromium: who serves it, and how a person comes back to it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flask import redirect, request
from sqlalchemy import select

from tests.staleness.applications import application
from tests.staleness.shop import Contact, Transaction, db, drawn
from tests.support import hosting
from tests.support.chromium import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask, Response
    from playwright.sync_api import Browser, Page
    from werkzeug import Response as Redirected

    from tests.staleness.conftest import Shop
    from tests.staleness.trial import Trial

PAGE = "/transactions"
ELSEWHERE = """<!doctype html><title>Contacts</title><a id="link" href="/transactions">back</a>
<form method="post" action="/contacts/2"><button id="save">Rename</button></form>
<form method="post" action="/contacts/2?next=/contacts"><button id="stay">Rename</button></form>
<form method="post" action="/transactions"><button id="here">Rename</button></form>"""


@dataclass(slots=True)
class Served:
    """An application that is served, and what was asked of its page."""

    url: str
    shop: Shop
    asked: list[int] = field(default_factory=list)  # the status of each answer
    resetting: bool = False  # whether the page does as the request did


@contextmanager
def hosted(shop: Shop, dress: Callable[[Response], Response], script: str = "") -> Iterator[Served]:
    """Yield a page that reads as it should, and that goes out in some dress, as its headers.

    Args:
        shop: what it shows.
        dress: is given each answer of the page.
        script: runs in the page.
    """
    with application(shop) as app:
        served = Served("", shop)
        _views(app, served, script)

        @app.after_request
        def dressed(response: Response) -> Response:
            if request.path == PAGE and request.method == "GET":
                response = dress(response)
                served.asked.append(response.status_code)
            return response

        with hosting.hosted(app) as served.url:
            yield served


def _views(app: Flask, served: Served, script: str) -> None:
    @app.get(PAGE)
    def transactions() -> str:
        if served.resetting:
            db.session.remove()
            db.session.expire_all()
        rows = db.session.scalars(select(Transaction).order_by(Transaction.id))
        return f"{drawn(rows)}<script>{script}</script>"

    @app.get("/contacts")
    def contacts() -> str:
        return ELSEWHERE

    @app.post("/contacts/2")
    @app.post(PAGE)
    def rename() -> Redirected:
        db.session.get_one(Contact, 2).name += "."
        db.session.commit()
        return redirect(request.args.get("next", PAGE), 303)


# ── How a person comes back to the page ──────────────────────────────────────────────────────


def link(page: Page, _url: str) -> None:
    """By a link."""
    page.click("#link")


def address(page: Page, url: str) -> None:
    """By its address."""
    page.goto(url + PAGE)


def back(page: Page, _url: str) -> None:
    """By the Back button."""
    page.go_back(wait_until="commit")


def reload(page: Page, url: str) -> None:
    """By a link, then the reload button."""
    link(page, url)
    page.wait_for_selector("#t1")
    page.reload()


def other_function(page: Page, _url: str) -> None:
    """By another function's form, which writes and leads back.

    A form that is sent tells Chromium not to trust its cache, on the way back either.
    """
    page.click("#save")


def left_elsewhere(page: Page, url: str) -> None:
    """By a link, after another function's form, which writes and leads elsewhere."""
    with page.expect_navigation():
        page.click("#stay")
    link(page, url)


def own_form(page: Page, _url: str) -> None:
    """By a form that is sent to the page's own address, writes and leads back."""
    page.click("#here")


def fetch(page: Page, _url: str) -> None:
    """By fetch() in a script."""
    page.evaluate(f"async () => document.body.innerHTML = await (await fetch('{PAGE}')).text()")


def misses(browser: Browser, served: Served, way: Callable[[Page, str], None]) -> tuple[bool, str]:
    """Return whether a page that was loaded before a change is old afterwards, and what was asked.

    The change comes while the person is elsewhere, from outside.
    """
    served.shop.write("first")
    context = browser.new_context(base_url=served.url)
    context.set_default_timeout(PATIENCE)
    try:
        page = context.new_page()
        page.goto(PAGE)
        page.goto("/contacts")
        served.shop.write("new")
        served.asked.clear()
        way(page, served.url)
        page.wait_for_selector("#t1")
        old = "new" not in page.inner_text("#t1")
    finally:
        context.close()
    asked = f"the server answered {served.asked[-1]}" if served.asked else "no server was asked"
    return old, f"{'old' if old else 'right'}, {asked}"


def observed(
    trial: Trial,
    browser: Browser,
    served: Served,
    way: Callable[[Page, str], None],
    when: str,
) -> None:
    """Let a trial keep which of the three observations a person makes who comes so."""
    first, _ = misses(browser, served, way)
    served.resetting = True
    useless, _ = misses(browser, served, way)
    served.resetting = False
    left, _ = misses(browser, served, other_function)
    trial.observations(
        first=first, other_function=first and not left, reset_useless=first and useless, when=when
    )
