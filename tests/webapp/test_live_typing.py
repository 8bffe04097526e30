"""What the reader does in an open page stays, whatever changes around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.webapp.live import Sql, flashed, ids, note, opened, rows, state, watch_flashes

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

pytestmark = pytest.mark.browser


@pytest.mark.usefixtures("many")
def test_what_is_typed_in_a_row_stays_while_the_row_changes(page: Page, sql: Sql) -> None:
    row = opened(page).nth(1)
    known = row.get_attribute("data-id")
    row.locator(".note").click()
    box = page.get_by_role("textbox", name="Note")
    box.fill("half typed")
    box.evaluate("e => e.setSelectionRange(2, 5)")
    sql("UPDATE transactions SET status = 'failed' WHERE id = %s", known)
    expect(row.locator(".state")).to_have_text("failed")
    expect(page.locator(".meanwhile")).to_be_hidden()
    expect(page.locator("#as-of .why")).to_be_hidden()
    sql.note(known, "by psql")
    expect(page.locator(".meanwhile")).to_have_text("Changed meanwhile to “by psql”.")
    expect(box).to_have_value("half typed")
    expect(box).to_be_focused()
    assert box.evaluate("e => [e.selectionStart, e.selectionEnd]") == [2, 5]
    box.press("Enter")  # it is sent with the version that it was begun on
    page.get_by_role("button", name="Take theirs").click()
    expect(note(page, known)).to_have_text("by psql")


@pytest.mark.usefixtures("many")
def test_a_row_that_goes_stays_while_somebody_types_in_it(page: Page, sql: Sql) -> None:
    row = opened(page).nth(1)
    known = str(row.get_attribute("data-id"))
    row.locator(".note").click()
    page.evaluate("document.activeElement.blur()")
    sql.delete(known)
    expect(page.locator(".meanwhile")).to_have_text("It is no longer in this list.")
    page.get_by_role("textbox", name="Note").press("Escape")
    expect(page.locator(f"#t{known}")).to_have_count(0)


@pytest.mark.usefixtures("many")
def test_ticks_popover_filter_selection_and_scroll_stay(page: Page, sql: Sql) -> None:
    opened(page)
    row = rows(page).nth(1)
    page.keyboard.press("/")
    page.locator("#f-text").fill("some")
    row.locator(".tick input").check()
    page.locator("#bulk-label").fill("tax")
    rows(page).nth(2).locator(".type a").click()
    page.evaluate("scrollTo(0, 200)")
    page.evaluate("""() => getSelection().selectAllChildren(
        document.querySelectorAll('table.transactions th.time')[4])""")
    selected = page.evaluate("String(getSelection())")
    sql("UPDATE transactions SET note = 'n' || id")
    expect(row.locator(".note .text")).to_have_text(f"n{ids(page)[1]}")
    assert page.evaluate("String(getSelection())") == selected
    assert page.evaluate("scrollY") == 200
    expect(row.locator(".tick input")).to_be_checked()
    expect(page.locator(".ticked")).to_have_text("1 selected")
    expect(page.locator("#bulk-label")).to_have_value("tax")
    expect(page.locator("#f-text")).to_have_value("some")
    expect(page.locator("#filter")).to_have_attribute("open", "")
    expect(page.locator(".popover")).to_be_visible()
    expect(rows(page).nth(2).locator(".type a")).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Escape")
    expect(rows(page).nth(2).locator(".type a")).to_be_focused()


@pytest.mark.usefixtures("books")
def test_ones_own_edit_does_not_flash(page: Page, sql: Sql) -> None:
    row = opened(page).nth(1)
    watch_flashes(page)
    row.locator(".note").click()
    page.get_by_role("textbox", name="Note").fill("mine")
    page.keyboard.press("Enter")
    expect(row.locator(".note .text")).to_have_text("mine")
    sql.note(rows(page).last.get_attribute("data-id"), "theirs")
    expect(rows(page).last.locator(".note .text")).to_have_text("theirs")
    assert flashed(page) == {f"t{ids(page)[-1]}"}
    expect(row).to_be_focused()


@pytest.mark.usefixtures("books")
def test_an_answer_older_than_ones_own_edit_is_not_shown(page: Page, sql: Sql) -> None:
    row = opened(page).nth(1)
    known = row.get_attribute("data-id")
    held: list[tuple[Route, str]] = []
    page.route("**/transactions?*live=1*", lambda route: held.append((route, route.fetch().text())))
    sql.note(rows(page).last.get_attribute("data-id"), "asks for the page")
    while not held:
        page.wait_for_timeout(20)
    row.locator(".note").click()
    page.get_by_role("textbox", name="Note").fill("mine")
    page.keyboard.press("Enter")
    expect(note(page, known)).to_have_text("mine")
    seen = "e => { window.seen = []; new MutationObserver(() => window.seen.push(e.innerText))"
    page.locator("tbody").evaluate(f"{seen}.observe(e, {{subtree: true, childList: true}}) }}")
    (route, text), *_ = held
    route.fulfill(body=text, content_type="text/html")
    page.unroute("**/transactions?*live=1*")
    expect(note(page, rows(page).last.get_attribute("data-id"))).to_have_text("asks for the page")
    assert all("mine" in each for each in page.evaluate("window.seen"))
    expect(note(page, known)).to_have_text("mine")


class Held(list["Route"]):
    """Requests that are on their way until somebody lets them go on."""

    def __init__(self, page: Page, which: str) -> None:
        self._page = page
        page.route(which, self._hold)

    def _hold(self, route: Route) -> None:
        self.append(route)

    def wait(self, count: int = 1) -> None:
        for _ in range(1_000):
            if len(self) >= count:
                return
            self._page.wait_for_timeout(20)
        raise AssertionError(f"{len(self)} of {count} requests came")


@pytest.mark.usefixtures("many")
def test_a_save_that_is_answered_late_leaves_the_next_editor_alone(page: Page) -> None:
    row = opened(page).nth(1)
    known = row.get_attribute("data-id")
    saving = Held(page, "**/note")
    row.locator(".note").click()
    page.get_by_role("textbox", name="Note").fill("mine")
    page.keyboard.press("Enter")
    saving.wait()
    row.locator("[data-edit=contact]").dispatch_event("click")
    box = page.get_by_role("combobox", name="Contact")
    box.fill("half typed")
    saving[0].continue_()
    expect(note(page, known)).to_have_text("mine")
    expect(box).to_have_value("half typed")
    expect(box).to_be_focused()
    box.press("Escape")
    expect(page.locator(".editor")).to_have_count(0)


@pytest.mark.usefixtures("many")
def test_a_label_that_is_added_late_opens_nothing_again(page: Page) -> None:
    row, other = opened(page).nth(1), rows(page).nth(6)
    saving = Held(page, "**/labels/add")
    row.locator("[data-edit=labels]").dispatch_event("click")
    page.get_by_role("combobox", name="Add a label").fill("late")
    page.keyboard.press("Enter")
    saving.wait()
    other.locator(".note").click()
    page.get_by_role("textbox", name="Note").fill("half typed")
    saving[0].continue_()
    expect(row.locator("a.pill", has_text="late")).to_be_visible()
    expect(page.get_by_role("textbox", name="Note")).to_have_value("half typed")
    expect(page.locator(".editor")).to_have_count(1)


@pytest.mark.usefixtures("many")
def test_a_save_that_is_refused_late_is_said(page: Page, sql: Sql) -> None:
    row = opened(page).nth(1)
    known = str(row.get_attribute("data-id"))
    saving = Held(page, "**/note")
    row.locator(".note").click()
    page.get_by_role("textbox", name="Note").fill("mine")
    page.keyboard.press("Enter")
    saving.wait()
    rows(page).nth(6).locator(".note").click()
    sql.delete(known)
    expect(page.locator(f"#t{known}")).to_have_count(0)
    page.locator("#toast").evaluate("""toast => new MutationObserver(
        () => document.documentElement.dataset.said += toast.textContent
    ).observe(toast, { childList: true })""")
    saving[0].continue_()
    told = page.locator("html[data-said*='Not saved: ']")
    expect(told).to_have_count(1)
    expect(page.get_by_role("textbox", name="Note")).to_be_focused()


@pytest.mark.usefixtures("many")
def test_an_older_answer_does_not_undo_the_step_to_what_is_newer(page: Page, sql: Sql) -> None:
    opened(page)
    newest = sql.insert("2030-01-01T00:00:00Z", "the newest")
    link = page.locator('[data-do="newer"]')
    expect(link).to_be_visible()
    asking = Held(page, "**/transactions?*live=1*")
    link.click()
    asking.wait()
    sql.note(ids(page)[0], "asks for the page")
    asking.wait(2)
    for route, text in [(each, each.fetch().text()) for each in asking[:2]]:
        route.fulfill(body=text, content_type="text/html")
        expect(rows(page).first).to_have_attribute("data-id", newest)
    asking.wait(3)  # the older one was not shown, and is asked for anew
    asking[2].continue_()
    page.unroute("**/transactions?*live=1*")
    expect(page.get_by_text("asks for the page")).to_be_visible()
    state(page, "live")
    assert ids(page)[0] == newest
