"""What the tests of the open page share: to change the ledger as psql would, and to look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from playwright.sync_api import expect

from tests.support.chromium import FLAGS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserType, Locator, Page, Route

INSERT = (
    "INSERT INTO transactions (occurred_at, wallet_id, type, note, source)"
    " SELECT %s, min(id), 'deposit', %s, 'test' FROM wallets RETURNING id::text"
)


class Sql:
    """Somebody else at the database: each statement is committed when it returns."""

    def __init__(self, url: str) -> None:
        self.conn = psycopg.connect(url, autocommit=True)

    def __call__(self, statement: str, *values: Any) -> list[Any]:
        cursor = self.conn.execute(statement.encode(), values)
        return [row[0] for row in cursor] if cursor.description else []

    def note(self, row: str | None, text: str) -> None:
        self("UPDATE transactions SET note = %s WHERE id = %s", text, row)

    def insert(self, when: str, text: str = "") -> str:
        (row,) = self(INSERT, when, text)
        return str(row)

    def delete(self, *found: str) -> None:
        self("DELETE FROM transactions WHERE id = ANY (%s::bigint[])", list(found))


def rows(page: Page) -> Locator:
    return page.locator("table.transactions tbody tr")


def state(page: Page, name: str) -> None:
    expect(page.locator("#as-of")).to_have_attribute("data-state", name)


def opened(page: Page, path: str = "/transactions") -> Locator:
    """Open a page and wait until it is live."""
    page.goto(path)
    state(page, "live")
    return rows(page)


def ids(page: Page) -> list[str]:
    found: list[str] = rows(page).evaluate_all("all => all.map(each => each.dataset.id)")
    return found


def note(page: Page, row: str | None) -> Locator:
    return page.locator(f"#t{row} .note .text")


def watch_flashes(page: Page) -> None:
    """Note from now on which rows flash: it is over soon."""
    page.evaluate("""() => {
        window.flashes = [];
        new MutationObserver((all) => all.forEach((each) => {
            if (each.target.classList.contains("changed")) window.flashes.push(each.target.id);
        })).observe(document.body, { subtree: true, attributeFilter: ["class"] });
    }""")


def flashed(page: Page) -> set[str]:
    return set(page.evaluate("window.flashes"))


def top(row: Locator) -> float:
    return float(row.evaluate("e => e.getBoundingClientRect().top"))


# ── Back ─────────────────────────────────────────────────────────────────────────────────────

#: Notes what each frame shows of one row, beginning with the first one after coming back.
FRAMES = """(() => {
    window.frames_seen = [];
    window.was_kept = false;
    const look = () => {
        const row = document.querySelector("#t%s");
        const marked = row?.closest("table").classList.contains("unconfirmed");
        if (row) window.frames_seen.push([row.querySelector(".note .text").textContent, marked]);
    };
    const frame = () => { look(); requestAnimationFrame(frame); };
    addEventListener("pageshow", (event) => {
        window.was_kept = event.persisted;
        if (event.persisted) window.frames_seen = [];
        look();
    });
    frame();
})()"""


@dataclass(frozen=True)
class Return:
    """One use of the back button, and what the frames after it showed."""

    wanted: str
    kept: bool  # whether the browser had kept the page
    frames: tuple[tuple[str, bool], ...]  # the text, and whether it was marked as unconfirmed

    @property
    def honest(self) -> bool:
        """Return whether there were frames, and none of them showed old text unmarked."""
        right = all(text == self.wanted or marked for text, marked in self.frames)
        return right and bool(self.frames)


def keeping(kind: BrowserType, path: str) -> Browser:
    """Start a browser that keeps the pages that were left, as it does for people."""
    return kind.launch(
        executable_path=path,
        args=FLAGS,
        ignore_default_args=["--disable-back-forward-cache"],
    )


def _keepable(route: Route) -> None:
    """Answer as the server does, but for the word that makes Chromium forget a page.

    Other browsers keep a page whatever it says, and so may Chromium.
    """
    answer = route.fetch()
    headers = {name: value for name, value in answer.headers.items() if name != "cache-control"}
    route.fulfill(response=answer, headers=headers)


def go_back(page: Page, sql: Sql, times: int, *, keep: bool) -> list[Return]:
    """Leave the list, change a row, and come back by the button; so many times."""
    if keep:
        page.route("**/transactions*", _keepable)
    row = str(opened(page).first.get_attribute("data-id"))
    page.add_init_script(FRAMES % row)
    opened(page)
    found = []
    for turn in range(times):
        page.goto("/healthz")
        sql.note(row, f"turn {turn}")
        page.go_back(wait_until="commit")
        expect(note(page, row)).to_have_text(f"turn {turn}")
        state(page, "live")
        kept, frames = page.evaluate("[window.was_kept, window.frames_seen]")
        found.append(Return(f"turn {turn}", kept, tuple((text, marked) for text, marked in frames)))
    page.unroute_all(behavior="wait")  # an answer on its way must not outlive the page
    return found
