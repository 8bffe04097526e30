"""The shop that every build is, and our own application: how each is filled and changed.

Both have a transaction whose note is "first", which is changed to CHANGED.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

import psycopg

if TYPE_CHECKING:
    from tests.staleness.serving import Answer
    from tests.staleness.visitors import Browser

CHANGED, ARRIVED = "changed", "arrived"
ID = re.compile(r'data-id="(\d+)"')
HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)"')


class House(Protocol):
    """An application's database, its page and its forms."""

    page: ClassVar[str]
    page_with_reset: ClassVar[str]

    def fill(self, url: str) -> None:
        """Make what an empty database needs."""

    def write(self, url: str) -> None:
        """Change the note from outside; it is committed when this returns."""

    def insert(self, url: str) -> None:
        """Add a transaction from outside."""

    def edit(self, browser: Browser) -> Answer:
        """Change the note by the application's own form."""

    def other(self, browser: Browser, nr: int) -> Answer:
        """Use another function, which writes to another table; each time to another row."""


def said(url: str, statement: str, *values: str) -> None:
    """Send a statement as another process would, and have it committed."""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(statement.encode(), values)


@dataclass(frozen=True, slots=True)
class Shop:
    """The application of the request."""

    page: ClassVar[str] = "/transactions"
    page_with_reset: ClassVar[str] = "/transactions?reset=1"

    def fill(self, url: str) -> None:
        from tests.staleness import shop

        shop.fill(url)
        said(url, "INSERT INTO contact SELECT nr, 'Zoe' FROM generate_series(10, 99) AS nr")

    def write(self, url: str) -> None:
        said(url, "UPDATE transaction SET note = %s WHERE id = 1", CHANGED)

    def insert(self, url: str) -> None:
        said(
            url,
            "INSERT INTO transaction (id, occurred_at, address, type, asset, amount, note, labels)"
            " VALUES (9, now(), '0xabc', 'receive', 'ETH', 1, %s, '[]')",
            ARRIVED,
        )

    def edit(self, browser: Browser) -> Answer:
        return browser.post("/transactions/1/note", note=CHANGED)

    def other(self, browser: Browser, nr: int) -> Answer:
        return browser.post(f"/contacts/{10 + nr}", name=f"Zoe {nr}")


@dataclass(frozen=True, slots=True)
class Ours:
    """Freshledger. There is no session in it that could be reset: its page is asked for plainly."""

    page: ClassVar[str] = "/transactions"
    page_with_reset: ClassVar[str] = "/transactions"

    def fill(self, url: str) -> None:
        from dal.database import Ledger
        from tests.webapp.ledgers import fill

        with Ledger(url) as ledger:
            ledger.migrate()
            fill(ledger)
        said(url, "UPDATE transactions SET note = 'first' WHERE note <> ''")

    def write(self, url: str) -> None:
        said(url, "UPDATE transactions SET note = %s WHERE note = 'first'", CHANGED)

    def insert(self, url: str) -> None:
        said(
            url,
            "INSERT INTO transactions (occurred_at, wallet_id, type, note, source)"
            " SELECT now(), min(id), 'deposit', %s, 'test' FROM wallets",
            ARRIVED,
        )

    def edit(self, browser: Browser) -> Answer:
        before, _, _ = browser.get(self.page).text.partition(">first<")
        path = f"/transactions/{ID.findall(before)[-1]}"
        return sent(browser, path, f"{path}/note", note=CHANGED)

    def other(self, browser: Browser, nr: int) -> Answer:
        return sent(browser, "/contacts", "/contacts/add", contact=f"Zoe {nr}")


def sent(browser: Browser, page: str, action: str, **typed: str) -> Answer:
    """Open a page and send one of its forms, with what is hidden in it."""
    _, _, after = browser.get(page).text.partition(f'action="{action}"')
    form, _, _ = after.partition("</form>")
    return browser.post(action, **dict(HIDDEN.findall(form)), **typed)
