"""The open page is what the database holds, and what the reader does in it stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.webapp.ledgers import MANY, ROWS, fill
from tests.webapp.live import Sql, flashed, ids, note, opened, rows, state, top, watch_flashes

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from dal.database import Ledger

pytestmark = pytest.mark.browser


# ── What changes shows ───────────────────────────────────────────────────────────────────────


@pytest.mark.usefixtures("books")
def test_an_edit_by_sql_shows_and_flashes(page: Page, sql: Sql) -> None:
    row = opened(page).nth(1).get_attribute("data-id")
    watch_flashes(page)
    sql.note(row, "by psql")
    expect(note(page, row)).to_have_text("by psql")
    expect(page.locator("tr.changed")).to_have_count(0)
    assert flashed(page) == {f"t{row}"}


@pytest.mark.usefixtures("many")
def test_a_deleted_row_vanishes_and_the_focus_goes_to_its_neighbour(page: Page, sql: Sql) -> None:
    opened(page)
    _, second, third, *_ = ids(page)
    for key in "jj":
        page.keyboard.press(key)
    expect(page.locator(f"#t{second}")).to_be_focused()
    sql.delete(second)
    expect(page.locator(f"#t{second}")).to_have_count(0)
    expect(page.locator(f"#t{third}")).to_be_focused()
    expect(rows(page)).to_have_count(50)
    expect(page.locator(".head .count")).to_contain_text("63 transactions")


@pytest.mark.usefixtures("books")
def test_renamed_labels_wallets_and_contacts_show(page: Page, sql: Sql) -> None:
    opened(page)
    sql("UPDATE labels SET name = 'flat', colour = 'red'")
    expect(page.locator(".pill")).to_have_text(["flat"])
    expect(page.locator(".pill")).to_have_class("v pill c-red")
    sql("UPDATE wallets SET name = 'Renamed'")
    expect(page.locator("td.wallet")).to_have_text(["Renamed"] * 4)
    expect(page.locator("#f-wallet option")).to_have_text(["any", "Renamed"])
    expect(page.locator("#label-names option")).to_have_attribute("value", "flat")


@pytest.mark.usefixtures("many")
def test_a_filtered_page_loses_and_gains_rows(page: Page, sql: Sql) -> None:
    (row,) = [
        opened(page, "/transactions?has=note").first.get_attribute("data-id"),
    ]
    sql.note(row, "")
    expect(page.get_by_text("No transaction matches.")).to_be_visible()
    sql.note(row, "again")
    expect(rows(page)).to_have_count(1)
    row_id = sql.insert("2021-01-01", "older")
    expect(rows(page)).to_have_count(2)
    expect(rows(page).last).to_have_attribute("data-id", row_id)
    rows(page).first.locator(".note").click()  # a table that came later can be edited
    expect(page.get_by_role("textbox", name="Note")).to_have_value("again")


@pytest.mark.usefixtures("books")
def test_a_filter_by_a_name_that_is_gone_says_so(page: Page, sql: Sql) -> None:
    opened(page, "/transactions?label=rent")
    sql("UPDATE labels SET name = 'flat'")
    expect(page.get_by_role("alert")).to_contain_text("there is no label 'rent'")
    sql("UPDATE labels SET name = 'rent'")
    expect(rows(page)).to_have_count(1)


def test_an_import_by_a_script_fills_an_empty_page(page: Page, ledger: Ledger) -> None:
    page.goto("/transactions")
    state(page, "live")
    expect(page.get_by_role("heading", name="An empty ledger")).to_be_visible()
    fill(ledger, *MANY)
    expect(rows(page)).to_have_count(50)
    fill(ledger, *ROWS)
    expect(page.locator("#newer")).to_have_text("4 newer transactions")
    page.keyboard.press("j")
    expect(rows(page).first).to_be_focused()


@pytest.mark.usefixtures("many")
def test_the_live_page_is_the_page(page: Page, sql: Sql) -> None:
    """After any edits, moves and removals it is what a reload shows, row by row."""
    path = "/transactions?size=25&order=amount"
    opened(page, path)
    first, second, *others, last = ids(page)
    rows(page).first.locator(".tick input").check()
    sql("UPDATE movements SET amount = 17.5 WHERE transaction_id = %s AND kind = 'principal'", last)
    sql("UPDATE transactions SET status = 'failed', note = 'x' WHERE id = ANY (%s::bigint[])",
        [second, *others[3:6]])  # fmt: skip
    sql.delete(others[7], others[8])
    sql("UPDATE movements SET amount = 9.5 WHERE transaction_id = %s AND kind = 'principal'", first)
    sql.note(others[0], "the last")
    expect(note(page, others[0])).to_have_text("the last")
    expect(page.locator(f"#t{first} .tick input")).to_be_checked()
    text = "all => all.map(e => e.outerHTML.replace(/ (changed|here)/g, ''))"
    found = rows(page).evaluate_all(text)
    pager = page.locator(".pager .steps").inner_text()
    page.goto(path)
    assert rows(page).evaluate_all(text) == found
    assert page.locator(".pager .steps").inner_text() == pager


# ── What came ahead ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("scrolled", [0, 300])
@pytest.mark.usefixtures("many")
def test_newer_rows_are_announced_and_nothing_jumps(page: Page, sql: Sql, scrolled: int) -> None:
    opened(page)
    before = ids(page)
    page.evaluate(f"scrollTo(0, {scrolled})")
    place = top(rows(page).nth(12))
    sql.insert("2026-01-01", "new")
    bar = page.locator("#newer a")
    expect(bar).to_have_text("1 newer transaction")
    expect(bar).to_be_in_viewport()
    sql.insert("2026-01-02", "newer")
    expect(bar).to_have_text("2 newer transactions")
    assert ids(page) == before
    assert top(rows(page).nth(12)) == place


@pytest.mark.usefixtures("many")
def test_newer_rows_are_shown_in_place_and_ticks_stay(page: Page, sql: Sql) -> None:
    row = opened(page).nth(2)
    ticked = row.get_attribute("data-id")
    row.locator(".tick input").check()
    new = sql.insert("2026-01-01", "new")
    page.locator("#newer a").click()
    expect(rows(page).first).to_have_attribute("data-id", new)
    expect(page.locator(f"#t{ticked} .tick input")).to_be_checked()
    expect(page.locator(".ticked")).to_have_text("1 selected")
    expect(page.locator("#newer a")).to_have_count(0)
    expect(page).to_have_url("/transactions")


@pytest.mark.usefixtures("many")
def test_on_a_later_page_rows_ahead_are_not_new(page: Page, sql: Sql) -> None:
    opened(page)
    page.get_by_role("link", name="Next").first.click()
    state(page, "live")
    before = ids(page)
    sql.insert("2026-01-01", "new")
    expect(page.locator(".head .count")).to_contain_text("65 transactions")
    expect(page.locator("#newer a")).to_have_count(0)
    assert ids(page) == before


@pytest.mark.usefixtures("many")
def test_rows_that_go_above_the_view_do_not_move_it(page: Page, sql: Sql) -> None:
    opened(page)
    page.evaluate("scrollTo(0, 600)")
    row = page.locator(f"#t{ids(page)[30]}")
    place = top(row)
    sql.delete(*ids(page)[1:4])
    expect(page.locator(".head .count")).to_contain_text("61 transactions")
    assert abs(top(row) - place) < 1


# ── Other pages ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.usefixtures("books")
def test_a_transactions_own_page_is_live_and_keeps_what_is_typed(page: Page, sql: Sql) -> None:
    page.goto("/transactions/1")
    state(page, "live")
    sql.note("1", "by psql")
    expect(page.locator("#note")).to_have_value("by psql")
    page.locator("#contact").fill("Ann")
    sql("UPDATE transactions SET status = 'failed' WHERE id = 1")
    expect(page.locator("h1 .state")).to_have_text("failed")
    expect(page.locator("#contact")).to_have_value("Ann")
    page.locator("#note").fill("half typed")
    sql.note("1", "by psql again")
    expect(page.get_by_role("link", name="changed meanwhile: reload")).to_be_visible()
    expect(page.locator("#note")).to_have_value("half typed")


@pytest.mark.usefixtures("books")
def test_names_show_on_their_own_pages(page: Page, sql: Sql) -> None:
    page.goto("/wallets")
    state(page, "live")
    sql("UPDATE wallets SET name = 'Renamed'")
    expect(page.locator("main")).to_contain_text("Renamed")


@pytest.mark.usefixtures("books")
def test_the_answer_to_a_form_cannot_be_asked_for_again_and_says_so(page: Page, sql: Sql) -> None:
    page.goto("/labels")
    page.locator("main form[action='/labels/add'] input[name=label]").fill("rent")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    state(page, "live")
    sql("UPDATE labels SET name = 'flat'")
    page.get_by_role("link", name="changed meanwhile: reload").click()
    expect(page).to_have_url("/labels")
    expect(page.locator("main")).to_contain_text("flat")


@pytest.mark.usefixtures("books")
def test_a_message_is_not_taken_by_a_page_that_asks_anew(page: Page) -> None:
    opened(page)
    page.evaluate("""() => {
        const body = new URLSearchParams({ label: "tax", colour: "blue" });
        body.set("csrf_token", document.querySelector("input[name=csrf_token]").value);
        return fetch("/labels/add", { method: "POST", body, redirect: "manual" });
    }""")
    expect(page.locator("#label-names option[value=tax]")).to_have_count(1)
    with page.expect_response(lambda answer: "live=1" in answer.url):
        page.evaluate("dispatchEvent(new Event('online'))")
    page.goto("/labels")
    expect(page.locator("#said")).to_contain_text("tax")


@pytest.mark.usefixtures("books")
def test_without_scripts_the_page_says_when_it_was_true(plain: Page) -> None:
    plain.goto("/transactions")
    expect(plain.locator("#as-of")).to_contain_text("as of")
    assert plain.locator("#as-of").get_attribute("data-state") is None
