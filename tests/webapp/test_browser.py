"""The pages in a browser: what scripts add, and that reading works without them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from dal import imports, transactions
from tests.webapp.ledgers import ANNA, ANNA_SHOWN, HASH, MANY, ROWS, file, fill
from tests.webapp.live import state

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import BrowserContext, Locator, Page

    from dal.database import Ledger

pytestmark = pytest.mark.browser
#: Each filter: what is typed or chosen, and how many of the four rows it finds.
TYPED = {
    "wallet": ("Main", 4),
    "address": (ANNA_SHOWN, 2),
    "network": ("ethereum", 2),
    "type": ("trade", 1),
    "status": ("failed", 1),
    "direction": ("out", 2),
    "asset": ("eth", 1),
    "label": ("rent", 1),
    "contact": ("anna", 2),
    "import": ("1", 4),
    "date": ("2024-03-04", 1),
    "amount": (">4", 2),
    "hash": (HASH, 1),
    "text": ("MARCH", 1),
    "has": ("note", 1),
}


def rows(page: Page) -> Locator:
    return page.locator("table.transactions tbody tr")


def open_first(page: Page) -> Locator:
    page.goto("/transactions")
    return rows(page).first


def test_every_filter_has_its_try() -> None:
    from dal.fields import FIELDS

    assert set(TYPED) == {field.key for field in FIELDS}


def test_each_filter_by_its_field(page: Page, books: Ledger) -> None:
    from dal import contacts

    with books.write() as conn:
        contacts.add_address(conn, contacts.add(conn, "Anna"), 1, "ethereum", ANNA)
    for key, (text, found) in TYPED.items():
        page.goto("/transactions")
        page.keyboard.press("/")
        field = page.locator(f"#f-{key}")
        if field.evaluate("e => e.tagName") == "SELECT":
            field.select_option(text)
        else:
            field.fill(text)
        page.get_by_role("button", name="Show").click()
        expect(rows(page), key).to_have_count(found)
        expect(page.locator(".asked li")).to_have_count(1)


@pytest.mark.usefixtures("books")
def test_only_this_and_not_this(page: Page) -> None:
    value = open_first(page).locator(".type a")
    value.click()
    page.get_by_role("link", name="Only this").click()
    expect(rows(page)).to_have_count(1)
    page.get_by_role("link", name="Turn round: of type send").click()
    expect(rows(page)).to_have_count(3)
    page.get_by_role("link", name="Take out: not of type send").click()
    expect(rows(page)).to_have_count(4)
    rows(page).first.locator(".type a").click()
    page.get_by_role("link", name="Not this").click()
    expect(page.locator("h1")).to_have_text("Transactions not of type send")
    expect(rows(page)).to_have_count(3)


@pytest.mark.usefixtures("books")
def test_a_popover_closes_by_escape_and_gives_the_focus_back(page: Page) -> None:
    value = open_first(page).locator(".wallet a")
    value.click()
    expect(page.get_by_role("link", name="Only this")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".popover")).to_have_count(0)
    expect(value).to_be_focused()


@pytest.mark.usefixtures("books")
def test_rows_by_key(page: Page) -> None:
    open_first(page)
    for key in "jjk":
        page.keyboard.press(key)
    expect(rows(page).nth(0)).to_be_focused()
    page.keyboard.press("x")
    expect(page.locator(".bulk")).to_be_visible()
    expect(page.locator(".ticked")).to_have_text("1 selected")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("Trade in Main")


@pytest.mark.usefixtures("books")
def test_a_note_in_the_row(page: Page) -> None:
    open_first(page)
    page.keyboard.press("j")
    page.keyboard.press("e")
    box = page.get_by_role("textbox", name="Note")
    expect(box).to_have_value("rent for <march>")
    box.fill("never mind")
    box.press("Escape")
    expect(rows(page).first.locator(".note")).to_have_text("rent for <march>")
    expect(rows(page).first).to_be_focused()
    page.keyboard.press("e")
    box.fill("rent for <april>")
    box.press("Enter")
    expect(rows(page).first.locator(".note .text")).to_have_text("rent for <april>")
    expect(rows(page).first).to_be_focused()
    page.reload()
    expect(rows(page).first.locator(".note .text")).to_have_text("rent for <april>")


@pytest.mark.usefixtures("books")
def test_labels_in_the_row(page: Page) -> None:
    open_first(page)
    page.keyboard.press("j")
    page.keyboard.press("l")
    box = page.get_by_role("textbox", name="Add a label").or_(
        page.get_by_role("combobox", name="Add a label")
    )
    box.fill("flat")
    box.press("Enter")
    expect(page.locator(".editor .pill")).to_have_count(2)
    page.get_by_role("button", name="Remove the label rent").click()
    expect(page.locator(".editor .pill")).to_have_count(1)
    box.press("Escape")
    expect(rows(page).first.locator(".labels .pill")).to_have_text(["flat"])


@pytest.mark.usefixtures("books")
def test_a_contact_in_the_row_shows_wherever_its_address_does(page: Page) -> None:
    open_first(page).locator(".party a").click()
    page.get_by_role("button", name="Name the contact").click()
    box = page.get_by_role("combobox", name="Contact")
    box.fill("Anna")
    box.press("Enter")
    expect(rows(page).first.locator(".party")).to_contain_text("Anna")
    page.reload()
    expect(page.locator(".party a", has_text="Anna")).to_have_count(2)


@pytest.mark.usefixtures("books")
def test_ticked_rows_are_labelled(page: Page) -> None:
    open_first(page)
    expect(page.locator(".bulk")).to_be_hidden()
    page.get_by_label("Tick all rows").check()
    expect(page.locator(".ticked")).to_have_text("4 selected")
    page.locator("#bulk-label").fill("tax")
    page.get_by_role("button", name="Add to the ticked").click()
    expect(page.get_by_text("Added to 4 transactions: tax.")).to_be_visible()
    expect(page.locator(".pill", has_text="tax")).to_have_count(4)


def test_a_dropped_file_is_looked_at_then_imported(page: Page, ledger: Ledger) -> None:
    page.goto("/transactions")
    expect(page.get_by_text("Drop a file here")).to_be_visible()
    drop = """text => {
        const files = new DataTransfer();
        files.items.add(new File([text], "dropped.csv"));
        const how = { dataTransfer: files, bubbles: true, cancelable: true };
        for (const kind of ["dragenter", "dragover", "drop"])
            dispatchEvent(new DragEvent(kind, how));
    }"""
    page.evaluate(drop, file(*ROWS).decode())
    expect(page.get_by_role("heading", name="dropped.csv")).to_be_visible()
    with ledger.read() as conn:
        assert not imports.all(conn)
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("4 rows imported")).to_be_visible()
    with ledger.read() as conn:
        assert transactions.page(conn).counted == 4


@pytest.mark.usefixtures("books")
def test_sums_open_in_place(page: Page) -> None:
    open_first(page)
    page.get_by_role("link", name="sums").click()
    expect(page.locator("#sums tbody tr")).to_have_count(4)
    expect(page).to_have_url("/transactions")


@pytest.mark.usefixtures("books")
def test_the_zone_and_the_theme_are_remembered(visitor: Callable[..., BrowserContext]) -> None:
    page = visitor(timezone_id="Europe/Vienna", color_scheme="light").new_page()
    page.goto("/transactions")
    expect(rows(page).first.locator("time")).to_have_text("2024-03-06 00:30")
    state(page, "live")
    page.keyboard.press("t")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.goto("/labels")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_without_scripts_all_can_be_read_and_edited(plain: Page, books: Ledger) -> None:
    fill(books, *MANY)
    plain.goto("/transactions?size=25")
    expect(rows(plain)).to_have_count(25)
    plain.get_by_role("link", name="Next").first.click()
    expect(rows(plain)).to_have_count(25)
    plain.goto("/transactions")
    rows(plain).first.locator(".wallet a").click()
    expect(plain.locator("h1")).to_have_text("Transactions in wallet Main")
    plain.locator("#filter summary").click()
    plain.locator("#f-asset").fill("eth")
    plain.get_by_role("button", name="Show").click()
    expect(rows(plain)).to_have_count(1)
    rows(plain).first.locator("th.time a").click()
    plain.locator("#note").fill("without scripts")
    plain.get_by_role("button", name="Save note").click()
    expect(plain.get_by_text("The note is saved.")).to_be_visible()
    plain.goto("/transactions?asset=eth")
    plain.get_by_label("Tick transaction").check()
    plain.locator("#bulk-label").fill("seen")
    plain.get_by_role("button", name="Add to the ticked").click()
    expect(plain.locator(".pill", has_text="seen")).to_be_visible()
