"""The page is right at the server, and the browser shows another: max-age, ETag, Back."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.request import urlopen

import pytest
from flask import request
from sqlalchemy import func, select

from tests.staleness import browsing
from tests.staleness.applications import application, held_in, own_session
from tests.staleness.browsing import PAGE, hosted, misses, observed
from tests.staleness.shop import Transaction, db, drawn
from tests.staleness.trial import TRUE_IF, Trial, claim
from tests.webapp.live import keeping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Response
    from playwright.sync_api import Browser, Page

    from tests.staleness.conftest import Shop

    Dress = Callable[[Response], Response]
    Way = Callable[[Page, str], None]

pytestmark = pytest.mark.browser


def saying(**headers: str) -> Dress:
    """Return a dress of headers, whose underscores are hyphens."""

    def dress(response: Response) -> Response:
        response.headers.update({name.replace("_", "-"): text for name, text in headers.items()})
        return response

    return dress


def words(way: Way) -> str:
    """Return in words how one comes to the page."""
    return (way.__doc__ or "").splitlines()[0][:-1].replace("By", "by")


# ── 53: max-age ──────────────────────────────────────────────────────────────────────────────

LAST_YEAR = "Wed, 01 Jan 2025 00:00:00 GMT"
YOUNG = (browsing.link, browsing.address, browsing.back, browsing.fetch, browsing.left_elsewhere)
ASKING = (browsing.reload, browsing.own_form, browsing.other_function)
POLICIES: dict[str, tuple[Dress, bool]] = {
    "Last-Modified and no Cache-Control": (saying(Last_Modified=LAST_YEAR), True),
    "no word about caching": (saying(), False),
    "max-age=0": (saying(Cache_Control="max-age=0"), False),
    "no-cache": (saying(Cache_Control="no-cache"), False),
}


@pytest.mark.long
@claim(
    53,
    TRUE_IF,
    "the page is younger than its max-age, or says Last-Modified and nothing else, which lets the"
    " browser guess an age; and the person comes by a link, the address, Back or a script. Chromium"
    " asks anew after the reload button, and after any form that was sent and leads straight back"
    " to the page: so that another function seems to cure it",
)
def test_a_young_page_is_shown_without_asking(trial: Trial, shop: Shop, browser: Browser) -> None:
    with hosted(shop, saying(Cache_Control="max-age=600")) as served:
        for way in (*YOUNG, *ASKING):
            old, saw = misses(browser, served, way)
            trial.case(f"max-age=600, {words(way)}", holds=old, saw=saw)
        _somebody_else(trial, shop, browser, served.url)
        observed(trial, browser, served, browsing.link, "max-age, and the person follows a link")
    for policy, (dress, _) in POLICIES.items():
        with hosted(shop, dress) as served:
            old, saw = misses(browser, served, browsing.link)
        trial.case(f"{policy}, by a link", holds=old, saw=saw)
    expected = [True] * len(YOUNG) + [False] * len(ASKING)
    assert held_in(trial) == expected + [old for _, old in POLICIES.values()]
    with hosted(shop, saying(Cache_Control="no-store")) as served:
        for way in YOUNG:
            old, saw = misses(browser, served, way)
            trial.control(f"no-store, {words(way)}", gone=not old, saw=saw)


def _somebody_else(trial: Trial, shop: Shop, browser: Browser, url: str) -> None:
    """Ask as curl does, while the browser shows what is old."""
    page = browser.new_page()
    page.goto(url + PAGE)
    shop.write("newest")
    with urlopen(url + PAGE) as answer:
        text = answer.read().decode()
    page.goto(url + "/contacts")
    page.click("#link")
    shown = page.inner_text("#t1")
    page.close()
    assert "newest" not in shown
    trial.control("somebody without that cache asks", gone="newest" in text, saw="right")


# ── 54: an ETag that does not see updates ────────────────────────────────────────────────────


def of_count_and_id(response: Response) -> Response:
    """Tag an answer as many do: so many rows, and the highest id."""
    counted = select(func.count(Transaction.id), func.max(Transaction.id))
    count, highest = db.session.execute(counted).one()
    response.set_etag(f"{count}-{highest}")
    response.make_conditional(request)
    return response


def of_content(response: Response) -> Response:
    """Tag an answer by all that it shows."""
    response.add_etag()
    response.make_conditional(request)
    return response


AWAY = "DELETE FROM transaction WHERE id = 2"
CHANGES = {
    "a row is changed": "UPDATE transaction SET note = 'new' WHERE id = 1",
    "a row goes, and an imported one comes with a low id": f"{AWAY}; {{insert}} SELECT 0, {{rest}}",
    "a row comes": "{insert} SELECT 9, {rest}",
    "a row goes": AWAY,
    "a row goes, and another comes": f"{AWAY}; {{insert}} SELECT 9, {{rest}}",
}
INSERT = "INSERT INTO transaction"
REST = (
    "occurred_at, address, type, asset, amount, 'new', label, labels, contact_id"
    " FROM transaction WHERE id = 1"
)


@pytest.mark.long
@claim(
    54,
    TRUE_IF,
    "a change leaves both the number of rows and the highest id as they were: every UPDATE does."
    " Then the server itself answers 304, and neither the reload button nor another function cures"
    " it",
)
def test_a_tag_of_count_and_highest_id_hides_updates(
    trial: Trial, shop: Shop, browser: Browser
) -> None:
    shop.outside.execute("CREATE TABLE as_it_was AS TABLE transaction")
    for when in CHANGES:
        old, saw = _tagged(shop, when, of_count_and_id)
        trial.case(f"{when}; asked with If-None-Match", holds=old, saw=saw)
    assert held_in(trial) == [True, True, False, False, False]
    with hosted(shop, of_count_and_id) as served:
        for way in (browsing.link, browsing.reload, browsing.other_function):
            old, saw = misses(browser, served, way)
            trial.case(f"a row is changed; Chromium, {words(way)}", holds=old, saw=saw)
        observed(trial, browser, served, browsing.link, "a row is changed")
    assert all(case.holds for case in trial.cases[5:])
    for when in CHANGES:
        old, saw = _tagged(shop, when, of_content)
        trial.control(f"a tag of the content, {when}", gone=not old, saw=saw)


def _tagged(shop: Shop, when: str, dress: Dress) -> tuple[bool, str]:
    """Return whether a conditional request is told that nothing changed."""
    shop.outside.execute("DELETE FROM transaction")
    shop.outside.execute("INSERT INTO transaction TABLE as_it_was")
    with application(shop) as app:
        app.get(PAGE)(lambda: drawn(own_session()))
        app.after_request(dress)
        client = app.test_client()
        tag = client.get(PAGE).headers["ETag"]
        shop.outside.execute(CHANGES[when].format(insert=INSERT, rest=REST).encode())
        status = client.get(PAGE, headers={"If-None-Match": tag}).status_code
    return status == 304, f"the server answered {status}"


# ── 55: Back ─────────────────────────────────────────────────────────────────────────────────

ASKS_ANEW = "addEventListener('pageshow', (event) => { if (event.persisted) location.reload(); });"
NO_STORE = saying(Cache_Control="no-store")


DRESSES = {
    "no word about caching": saying(),
    "no-cache": saying(Cache_Control="no-cache"),
    "no-store": saying(Cache_Control="no-store"),
}


def back_with_another_cookie(page: Page, url: str) -> None:
    """By the Back button, after a cookie changed."""
    page.evaluate("document.cookie = 'signed_in=somebody else'")
    browsing.back(page, url)


def back_and_wait(page: Page, url: str) -> None:
    """By the Back button."""
    browsing.back(page, url)
    page.wait_for_function("document.querySelector('#t1')?.textContent.includes('new')")


@pytest.mark.long
@claim(
    55,
    TRUE_IF,
    "the browser kept the page and no script asks anew on pageshow: no-store does not keep Chromium"
    " from it, unless a cookie changed meanwhile. Where it keeps no pages, Back still shows what"
    " the HTTP cache has, however old, unless that said no-store. A link or a form shows what is",
)
def test_back_shows_the_page_that_was_left(
    trial: Trial, shop: Shop, browser: Browser, chromium: str
) -> None:
    with _keeping(browser, chromium) as keeper:
        _kept(trial, shop, keeper)
    for when, dress in DRESSES.items():
        with hosted(shop, dress) as served:
            _back(trial, browser, served, f"the browser keeps no pages, {when}")
    assert held_in(trial) == [True, True, True, False, True, True, False]


def _kept(trial: Trial, shop: Shop, keeper: Browser) -> None:
    for when, dress in DRESSES.items():
        with hosted(shop, dress) as served:
            _back(trial, keeper, served, f"the browser keeps pages, {when}")
    with hosted(shop, NO_STORE) as served:
        _back(trial, keeper, served, "the browser keeps pages, no-store", back_with_another_cookie)
    with hosted(shop, NO_STORE, ASKS_ANEW) as served:
        old, saw = misses(keeper, served, back_and_wait)
        trial.control("a script asks anew on pageshow", gone=not old, saw=saw)
    with hosted(shop, saying()) as served:
        old, saw = misses(keeper, served, browsing.link)
        trial.control("the person comes by a link", gone=not old, saw=saw)
        observed(trial, keeper, served, browsing.back, "the person comes by Back")


@contextmanager
def _keeping(browser: Browser, chromium: str) -> Iterator[Browser]:
    """Yield a browser that keeps the pages that were left, as it does for people."""
    keeper = keeping(browser.browser_type, chromium)
    try:
        yield keeper
    finally:
        keeper.close()


def _back(
    trial: Trial, browser: Browser, served: browsing.Served, when: str, way: Way = browsing.back
) -> None:
    old, saw = misses(browser, served, way)
    trial.case(f"{when}, {words(way)}", holds=old, saw=saw)
