"""What the open page says when it cannot know, and how it finds back by itself."""

from __future__ import annotations

import re
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING

import psycopg
import pytest
from playwright.sync_api import expect
from sqlalchemy import make_url

from tests.webapp import latency
from tests.webapp.live import Sql, go_back, ids, keeping, note, opened, state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("books")]
BACK = 50  # times that the back button is tried


# ── Network, server, database ────────────────────────────────────────────────────────────────


def test_the_badge_of_a_live_page(page: Page) -> None:
    opened(page)
    expect(page.locator("#as-of .word")).to_have_text("live · as of")
    before = page.locator("#as-of time").inner_text()
    expect(page.locator("#as-of time")).not_to_have_text(before)  # it moves on with the stream
    expect(page.locator("table.transactions")).not_to_have_class("transactions unconfirmed")
    expect(page.locator("#state-said")).to_be_empty()  # that all is well is not read out


def test_the_network_is_lost_and_comes_back(context: BrowserContext, page: Page, sql: Sql) -> None:
    row = opened(page).first.get_attribute("data-id")
    page.set_viewport_size({"width": 390, "height": 300})
    page.evaluate("scrollTo(0, 300)")
    context.set_offline(True)
    state(page, "unconfirmed")
    expect(page.locator("#as-of")).to_contain_text("there is no network")
    expect(page.locator("table.transactions")).to_have_class("transactions unconfirmed")
    expect(page.locator("#state-said")).to_contain_text("not confirmed since")
    expect(page.locator("#as-of .word")).to_be_in_viewport()
    sql.note(row, "meanwhile")
    context.set_offline(False)
    expect(note(page, row)).to_have_text("meanwhile")
    state(page, "live")
    expect(page.locator("table.transactions")).to_have_class("transactions")
    expect(page.locator("#as-of .why")).to_be_hidden()
    expect(page.locator("#state-said")).to_have_text("live")


@contextmanager
def refused(server_url: str, database_url: str) -> Iterator[None]:
    """Let nobody connect to a database, and end whoever is connected."""
    name = make_url(database_url).database
    with psycopg.connect(server_url, autocommit=True) as conn:
        conn.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
        try:
            conn.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
            )
            yield
        finally:
            conn.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())


def test_the_database_goes_and_comes_back(page: Page, server_url: str, database_url: str) -> None:
    row = opened(page).nth(1)
    known = row.get_attribute("data-id")
    row.locator(".note").click()
    box = page.get_by_role("textbox", name="Note")
    box.fill("half typed")
    with refused(server_url, database_url):
        state(page, "unconfirmed")
        expect(page.locator("#as-of .word")).to_have_text("not confirmed since")
        expect(page.locator("#as-of .why")).not_to_be_empty()
        expect(page.locator("table.transactions")).to_have_class("transactions unconfirmed")
    state(page, "live")
    expect(box).to_have_value("half typed")
    again = Sql(database_url)
    again.note(known, "after")
    expect(page.locator(".meanwhile")).to_have_text("Changed meanwhile to “after”.")
    again.conn.close()


def test_a_stream_that_is_refused_comes_back(page: Page, sql: Sql) -> None:
    page.route("**/changes?*", lambda route: route.fulfill(status=503, body="no"))
    page.goto("/transactions")
    state(page, "reconnecting")
    sql.note(ids(page)[0], "meanwhile")
    expect(note(page, ids(page)[0])).to_have_text("meanwhile")  # it asks without being told
    page.unroute("**/changes?*")
    state(page, "live")
    sql.note(ids(page)[0], "told")
    expect(note(page, ids(page)[0])).to_have_text("told")


def test_a_token_that_is_refused_is_replaced(page: Page, sql: Sql) -> None:
    def check(route: object) -> None:
        request = route.request  # type: ignore[attr-defined]
        if "since=forged" in request.url:
            route.fulfill(status=400, body="no")  # type: ignore[attr-defined]
        else:
            route.continue_()  # type: ignore[attr-defined]

    page.route("**/changes?*", check)
    page.route("**/transactions", lambda route: route.fulfill(
        response=(answer := route.fetch()),
        body=answer.text().replace('data-token="', 'data-token="forged'),
    ))  # fmt: skip
    opened(page)
    sql.note(ids(page)[0], "told")
    expect(note(page, ids(page)[0])).to_have_text("told")


def test_a_silent_stream_is_not_trusted(page: Page, sql: Sql) -> None:
    tries = count(1)
    page.route("**/changes?*", lambda _route: None)  # never answered
    with page.expect_request(lambda request: "/changes" in request.url and next(tries) == 2):
        page.goto("/transactions")
        state(page, "unconfirmed")
        sql.note(ids(page)[0], "meanwhile")
    page.unroute("**/changes?*")
    state(page, "live")
    expect(note(page, ids(page)[0])).to_have_text("meanwhile")


def test_a_page_that_cannot_be_read_is_said_and_tried_again(page: Page, sql: Sql) -> None:
    row = opened(page).first.get_attribute("data-id")
    page.route("**/transactions?*live=1*", lambda route: route.fulfill(
        status=503, body='<main id="main"><p class="problem">it took too long</p></main>'
    ))  # fmt: skip
    sql.note(row, "by psql")
    state(page, "unconfirmed")
    expect(page.locator("#as-of .why")).to_have_text("it took too long")
    page.locator("#as-of").evaluate("""e => {
        window.states = [];
        new MutationObserver(() => window.states.push(e.dataset.state))
            .observe(e, { attributes: true });
    }""")
    page.wait_for_timeout(1_500)  # that the stream is alive proves nothing
    assert "live" not in page.evaluate("window.states")
    page.unroute("**/transactions?*live=1*")
    expect(note(page, row)).to_have_text("by psql")
    state(page, "live")


# ── Out of sight ─────────────────────────────────────────────────────────────────────────────

HIDE = """hidden => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""


def test_a_hidden_tab_closes_its_stream_and_catches_up(page: Page, sql: Sql) -> None:
    row = opened(page).first.get_attribute("data-id")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    with page.expect_event("requestfailed", lambda request: "/changes" in request.url):
        page.evaluate(HIDE, True)
    state(page, "unconfirmed")
    sql.note(row, "meanwhile")
    page.wait_for_timeout(300)
    assert not asked
    page.evaluate(HIDE, False)
    expect(note(page, row)).to_have_text("meanwhile")
    state(page, "live")
    assert any("/changes?since=" in url for url in asked)


def test_a_document_from_a_cache_is_not_trusted(page: Page, sql: Sql) -> None:
    """A restored session or a duplicated tab may show an old document: only proof makes it live."""
    opened(page)
    row = ids(page)[0]
    old = page.context.request.get("/transactions").text()
    old = re.sub(r'(id="as-of".*?datetime=")[^"]+', r"\g<1>2020-01-01T00:00:00Z", old)
    sql.note(row, "meanwhile")
    page.route("**/transactions", lambda route: route.fulfill(body=old, content_type="text/html"))
    page.route("**/changes?*", lambda _route: None)
    page.route("**/transactions?*live=1*", lambda _route: None)
    with page.expect_request("**/transactions?*live=1*"):
        page.goto("/transactions")
    assert note(page, row).inner_text() != "meanwhile"
    expect(page.locator("#as-of")).to_contain_text("not confirmed since 1 Jan 2020")
    page.unroute_all()
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(note(page, row)).to_have_text("meanwhile")
    state(page, "live")


# ── Back ─────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(params=["kept", "anew"])
def returning(
    request: pytest.FixtureRequest, browser: Browser, chromium: str, live_server: str
) -> Iterator[tuple[Page, bool]]:
    """Yield a page whose browser keeps the pages that it left, or asks for them anew."""
    kept = request.param == "kept"
    other = keeping(browser.browser_type, chromium) if kept else browser
    context = other.new_context(base_url=live_server)
    yield context.new_page(), kept
    context.close()
    if kept:
        other.close()


def test_back_shows_what_is_or_says_that_it_may_not_be(
    returning: tuple[Page, bool], sql: Sql
) -> None:
    page, kept = returning
    found = go_back(page, sql, BACK, keep=kept)
    assert [each.kept for each in found] == [kept] * BACK
    assert [each for each in found if not each.honest] == []


# ── The benchmark ────────────────────────────────────────────────────────────────────────────


def test_the_latency_run_works(page: Page, database_url: str) -> None:
    latency.prepare(database_url)
    found = latency.measure(page, database_url, "a short form", 8, latency.EDIT)
    assert len(found.times) == 8
    assert len(str(found).split()) == len(latency.HEADING.split()) + 3
