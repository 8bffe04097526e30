"""Every page fits a phone, and axe finds nothing serious in either theme."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.webapp.ledgers import ANNA

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

    from dal.database import Ledger

pytestmark = pytest.mark.browser
PAGES = (
    "/transactions",
    "/transactions?type=nix&wallet=Main",
    "/transactions/1",
    "/transactions/totals",
    "/wallets",
    "/contacts",
    "/labels",
    "/imports",
    "/imports/1",
    "/nowhere",
)


@pytest.mark.usefixtures("books")
def test_no_page_scrolls_sideways(page: Page) -> None:
    for width in (360, 480, 1024, 1280):
        page.set_viewport_size({"width": width, "height": 740})
        for path in PAGES:
            page.goto(path)
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{path} on {width}"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(
    context: BrowserContext, page: Page, books: Ledger, live_server: str, theme: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    from dal import contacts, labels

    with books.write() as conn:
        contacts.add_address(conn, contacts.add(conn, "Anna"), 1, "ethereum", ANNA)
        for colour in labels.COLOURS:
            label, version = labels.named(conn, f"in {colour}", colour)
            labels.attach(conn, label, version, [1, 2])
    context.add_cookies([{"name": "theme", "value": theme, "url": live_server}])
    found = []
    for path in PAGES:
        page.goto(path)
        found += [
            (path, violation["id"], [node["html"][:150] for node in violation["nodes"]])
            for violation in Axe().run(page).response["violations"]
            if violation["impact"] in {"serious", "critical"}
        ]
    assert not found
