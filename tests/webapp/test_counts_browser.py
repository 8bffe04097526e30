"""Counting in a browser: the page remains usable, and whoever goes takes the count along."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.support.running import gone, sleeping
from tests.webapp.test_counts import SUMS, Locked, crowded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import BrowserContext, Page

    from dal.database import Ledger
    from tests.webapp.live import Sql

__all__ = ["crowded"]
LINK = "exact count and sums"


class Slow:
    """A ledger whose sums take as long as the test; pages that are open do not notice."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.locks: list[Locked] = []

    def begin(self, page: Page, known: str = "about") -> None:
        page.goto("/transactions")
        expect(page.locator(".head .count")).to_contain_text(LINK)
        expect(page.locator(".head .count")).to_contain_text(known)
        self.locks.append(Locked(self.url))
        page.get_by_role("link", name=LINK).click(no_wait_after=True)
        sleeping(self.url, SUMS)

    def ends(self) -> None:
        gone(self.url, SUMS)
        for each in self.locks:
            each.conn.close()


@pytest.fixture
def slow(crowded: str) -> Iterator[Slow]:
    found = Slow(crowded)
    yield found
    for each in found.locks:
        each.conn.close()


@pytest.mark.usefixtures("crowded")
def test_an_estimate_comes_by_itself(page: Page) -> None:
    page.goto("/transactions?wallet=Main")
    words = re.compile(
        r"^more than 1,000 transactions \(about 3,000 as of \d\d:\d\d:\d\d\) exact count"
    )
    expect(page.locator(".head .count")).to_have_text(words)


@pytest.mark.usefixtures("books")
def test_what_is_counted_whole_is_not_estimated(page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    with page.expect_response("**/changes*"):
        page.goto("/transactions")
    expect(page.locator(".head .count")).to_have_text("4 transactions sums")
    assert not [url for url in asked if "estimate" in url]


def test_the_page_remains_usable_and_says_what_is_known(page: Page, slow: Slow) -> None:
    slow.begin(page)
    box = page.locator("#sums-here .counting")
    expect(box).to_contain_text("Known so far: more than 1,000 transactions (about 3,000 as of")
    expect(box.locator(".elapsed")).to_have_text(re.compile(r"^[1-9]\d* s$"))
    page.locator("tr[data-id] .tick input").first.check()
    expect(page.locator(".ticked")).to_have_text("1 selected")
    page.get_by_role("button", name="Cancel").press("Enter")
    expect(page.get_by_text("The count was cancelled.")).to_be_visible()
    expect(box).to_have_count(0)
    slow.ends()
    expect(page.get_by_role("link", name=LINK)).to_be_focused()


def test_leaving_the_page_ends_the_count(page: Page, slow: Slow) -> None:
    slow.begin(page)
    page.get_by_role("link", name="Labels", exact=True).click()
    page.wait_for_url("**/labels")
    slow.ends()
    page.go_back()
    expect(page.locator("#sums-here .counting")).to_have_count(0)


def test_a_page_that_the_browser_keeps_does_not_count_on(page: Page, slow: Slow) -> None:
    slow.begin(page)
    page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    slow.ends()
    expect(page.locator("#sums-here .counting")).to_have_count(0)


def test_closing_the_tab_ends_the_count(context: BrowserContext, slow: Slow) -> None:
    page = context.new_page()
    slow.begin(page)
    page.close()
    slow.ends()


@pytest.mark.usefixtures("crowded")
def test_who_has_no_turn_waits_for_it(page: Page, ledger: Ledger) -> None:
    with ledger.exact(), ledger.exact():
        page.goto("/transactions")
        page.get_by_role("link", name=LINK).click()
        expect(page.locator("#sums-here .doing")).to_have_text(re.compile("waiting for a turn"))
    expect(page.locator("#sums")).to_contain_text("3,000 transactions")


@pytest.mark.usefixtures("crowded")
def test_sums_that_the_ledger_has_outrun_say_so(page: Page, sql: Sql) -> None:
    page.goto("/transactions")
    page.get_by_role("link", name=LINK).click()
    expect(page.locator("#sums")).to_contain_text("3,000 transactions")
    expect(page.locator("#sums .aged")).to_have_count(0)
    sql("UPDATE transactions SET note = 'tea' WHERE id = 1")  # far behind this page
    expect(page.locator("#sums .aged")).to_contain_text("The ledger has changed since")
    page.get_by_role("button", name="Count again").click()
    expect(page.locator("#sums")).to_contain_text("3,000 transactions")
    expect(page.locator("#sums .aged")).to_have_count(0)


@pytest.mark.usefixtures("crowded")
def test_a_page_of_sums_is_marked_and_not_counted_anew(page: Page, sql: Sql) -> None:
    page.goto("/transactions/totals")
    expect(page.locator("#as-of .word")).to_contain_text("live")
    counts: list[str] = []
    page.on("request", lambda request: counts.append(request.url))
    sql("UPDATE transactions SET note = 'tea' WHERE id = 1")
    reload = page.get_by_role("link", name="changed meanwhile: reload")
    expect(reload).to_be_visible()
    assert not [url for url in counts if "totals" in url]
    reload.click()
    expect(reload).to_have_count(0)
    assert [url for url in counts if "totals" in url]


@pytest.mark.usefixtures("crowded")
def test_without_scripts_it_is_a_page(plain: Page) -> None:
    plain.goto("/transactions")
    plain.get_by_role("link", name=LINK).click()
    expect(plain.locator("#sums")).to_contain_text("3,000 transactions, counted at")
    plain.get_by_role("link", name="Back to the list").click()
    expect(plain.locator(".head .count")).to_contain_text("more than 1,000 transactions")


def test_without_scripts_stopping_ends_the_count(plain: Page, slow: Slow) -> None:
    slow.begin(plain, known="more than")
    plain.close()
    slow.ends()
