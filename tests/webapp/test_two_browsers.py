"""Two browsers and one row: merged without a word, or asked whose is to stand."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from dal import details
from tests.webapp.test_browser import rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import BrowserContext, Locator, Page

    from dal.database import Ledger

pytestmark = pytest.mark.browser
#: Where to put pictures, for those who want to look at them.
SHOTS = os.environ.get("SHOTS", "")
THEIRS = "Rent for March, paid by Anna; the landlord's receipt came on the 7th."


def shot(page: Page, name: str) -> None:
    if SHOTS:
        Path(SHOTS).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{SHOTS}/{name}.png")


@pytest.fixture
def other(visitor: Callable[..., BrowserContext], books: Ledger) -> Page:  # noqa: ARG001 (filled)
    """Return a page of somebody else's browser."""
    return visitor().new_page()


def begin(page: Page, kind: str = "note") -> Locator:
    """Open the editor of the first row, and return where one types."""
    page.goto("/transactions")
    page.keyboard.press("j")
    page.keyboard.press({"note": "e", "contact": "c", "labels": "l"}[kind])
    return page.locator(".editor input[type=text]")


def save(page: Page, kind: str, text: str) -> None:
    box = begin(page, kind)
    box.fill(text)
    box.press("Enter")
    expect(page.locator(".editor")).to_have_count(0)


def dialog(page: Page) -> Locator:
    return page.get_by_role("dialog", name="Somebody else changed the note")


def sides(page: Page) -> list[str]:
    return page.locator("dialog.conflict dd").all_text_contents()


def test_keep_mine(page: Page, other: Page) -> None:
    box = begin(page)
    save(other, "note", THEIRS)
    box.fill("mine")
    box.press("Enter")
    expect(dialog(page)).to_be_visible()
    assert sides(page) == ["mine", THEIRS]
    expect(dialog(page)).to_contain_text("browser at 127.0.0.1, ")
    expect(page.get_by_role("button", name="Keep mine")).to_be_focused()
    for _ in range(6):
        page.keyboard.press("Tab")
        assert page.evaluate("() => document.activeElement.closest('dialog, body').tagName")
    shot(page, "dialog-light")
    page.emulate_media(color_scheme="dark")
    shot(page, "dialog-dark")
    page.get_by_role("button", name="Keep mine").click()
    expect(rows(page).first.locator(".note .text")).to_have_text("mine")
    expect(rows(page).first).to_be_focused()
    other.reload()
    expect(rows(other).first.locator(".note .text")).to_have_text("mine")


def test_take_theirs(page: Page, other: Page) -> None:
    box = begin(page)
    save(other, "note", "theirs")
    box.fill("mine")
    box.press("Enter")
    page.get_by_role("button", name="Take theirs").click()
    expect(rows(page).first.locator(".note .text")).to_have_text("theirs")
    expect(page.locator(".editor, dialog.conflict")).to_have_count(0)
    page.reload()
    expect(rows(page).first.locator(".note .text")).to_have_text("theirs")


def test_escape_goes_on_editing(page: Page, other: Page) -> None:
    box = begin(page)
    save(other, "note", "theirs")
    box.fill("mine")
    box.press("Enter")
    expect(dialog(page)).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog(page)).to_have_count(0)
    expect(box).to_be_focused()
    expect(box).to_have_value("mine")
    box.press("Enter")
    expect(dialog(page)).to_be_visible()
    page.keyboard.press("Escape")
    box.press("Escape")
    expect(rows(page).first.locator(".note .text")).to_have_text("theirs")


def test_a_further_conflict_asks_again_with_what_is_newer(page: Page, other: Page) -> None:
    box = begin(page)
    save(other, "note", "second")
    box.fill("mine")
    box.press("Enter")
    expect(dialog(page)).to_be_visible()
    save(other, "note", "third")
    page.get_by_role("button", name="Keep mine").click()
    expect(page.locator("dialog.conflict .theirs-is dd")).to_have_text("third")
    page.get_by_role("button", name="Keep mine").click()
    expect(rows(page).first.locator(".note .text")).to_have_text("mine")


def test_different_fields_merge_without_a_word(page: Page, other: Page) -> None:
    box = begin(page)
    save(other, "contact", "Anna")
    box.fill("mine")
    box.press("Enter")
    expect(rows(page).first.locator(".note .text")).to_have_text("mine")
    expect(rows(page).first.locator(".party")).to_contain_text("Anna")
    expect(page.locator("dialog.conflict")).to_have_count(0)


def test_a_contact_is_asked_for_by_name(page: Page, other: Page) -> None:
    box = begin(page, "contact")
    theirs = begin(other, "contact")
    theirs.fill("Bob")
    other.get_by_label("wherever this address appears").uncheck()
    theirs.press("Enter")
    expect(other.locator(".editor")).to_have_count(0)
    box.fill("Anna")
    box.press("Enter")
    expect(page.locator("dialog.conflict")).to_be_visible()
    assert sides(page) == ["Anna", "Bob"]
    page.get_by_role("button", name="Keep mine").click()
    expect(rows(page).first.locator(".party")).to_contain_text("Anna")


def test_on_a_phone(visitor: Callable[..., BrowserContext], other: Page) -> None:
    page = visitor(viewport={"width": 390, "height": 844}, has_touch=True).new_page()
    box = begin(page)
    save(other, "note", THEIRS)
    box.fill("mine, typed on the way home")
    box.press("Enter")
    expect(dialog(page)).to_be_visible()
    wide = page.evaluate("() => document.documentElement.scrollWidth")
    assert wide <= 390
    shot(page, "dialog-390")


def test_a_save_whose_answer_is_lost_is_sent_again_and_done_once(books: Ledger, page: Page) -> None:
    """The first answer never arrives; the second save is no conflict with the first."""
    sent: list[str] = []

    def lose_the_first(route: object) -> None:
        request = route.request  # type: ignore[attr-defined]
        sent.append(request.post_data)
        answer = route.fetch(max_redirects=0)  # type: ignore[attr-defined]
        if len(sent) == 1:
            route.abort()  # type: ignore[attr-defined]
        else:
            route.fulfill(response=answer)  # type: ignore[attr-defined]

    page.route("**/note", lose_the_first)
    box = begin(page)
    box.fill("mine")
    box.press("Enter")
    expect(page.locator(".editor")).to_have_count(0)
    assert len(sent) == 2
    assert sent[0] == sent[1]
    with books.read() as conn:
        saved = details.one(conn, int(rows(page).first.get_attribute("data-id") or 0))
    assert (saved.note, saved.version) == ("mine", 2)


def test_without_scripts_both_are_shown_and_both_ways_lead_on(plain: Page, other: Page) -> None:
    for way, mine, left in (("Keep mine", "mine", "mine"), ("Take theirs", "later", "theirs")):
        plain.goto("/transactions")
        rows(plain).first.locator("th.time a").click()
        plain.locator("#note").fill(mine)
        save(other, "note", "theirs")
        plain.get_by_role("button", name="Save note").click()
        expect(plain.locator(".clash dd")).to_have_text([mine, "theirs"])
        expect(plain.locator("#note")).to_have_value(mine)
        shot(plain, "page-conflict")
        plain.get_by_role("button", name=way).or_(plain.get_by_role("link", name=way)).click()
        expect(plain.locator("#note")).to_have_value(left)
        expect(plain.locator(".clash")).to_have_count(0)


def test_the_history_on_the_page(page: Page, other: Page, books: Ledger) -> None:
    save(other, "note", THEIRS)
    save(other, "contact", "Anna")
    from sqlalchemy import text

    with books.write() as conn:
        conn.execute(text("UPDATE transactions SET note = 'by psql', type = 'payment'"))
    page.goto("/transactions")
    rows(page).first.locator("th.time a").click()
    entries = page.locator("ol.history li")
    expect(entries.first).to_contain_text("(SQL)")
    expect(entries.first).to_contain_text("→ “by psql”")
    expect(entries.last).to_contain_text("created (import")
    page.locator("#history").scroll_into_view_if_needed()
    shot(page, "history-light")
    page.emulate_media(color_scheme="dark")
    shot(page, "history-dark")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 390, "height": 844})
    page.locator("#history").scroll_into_view_if_needed()
    shot(page, "history-390")
