"""How long a change takes from COMMIT to the screen: the served application, a real Chromium.

    python -m tests.webapp.latency [edits]

The server is TEST_DATABASE_URL's, else the embedded one. Times are from the return of an edit's
COMMIT, in psycopg, to the moment when the open page's MutationObserver sees the text.
"""

# ruff: noqa: T201 (it prints: that is what it is for)

from __future__ import annotations

import itertools
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

import psycopg
from playwright.sync_api import sync_playwright

from dal.database import Ledger
from tests.conftest import choice, embedded, new_database
from tests.support.chromium import CHROMES, FLAGS
from tests.support.hosting import free_port
from tests.webapp.ledgers import fill
from tests.webapp.live import Sql, go_back, ids, keeping, opened

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[2]
OTHERS = 2_000  # transactions behind the page
PACE = 0.01  # seconds between two commits of the others: 100 a second
LONG = 60  # seconds of the long transaction, where the edits are as many as usual
USUAL = 200  # edits
BACK = 50
#: Notes when each text is first seen in the rows; both clocks are this machine's.
SEE = """() => {
    window.seen = {};
    const look = () => {
        for (const each of document.querySelectorAll(".note .text"))
            window.seen[each.textContent] ??= performance.timeOrigin + performance.now();
    };
    new MutationObserver(look).observe(document.getElementById("main"),
        { subtree: true, childList: true, characterData: true });
}"""


@dataclass(frozen=True)
class Latency:
    """Milliseconds from COMMIT to the screen."""

    words: str
    times: Sequence[float]
    commits: float  # of the others, in each second

    def __str__(self) -> str:
        cuts = statistics.quantiles(self.times, n=100, method="inclusive")
        figures = f"{cuts[49]:6.0f} {cuts[94]:6.0f} {cuts[98]:6.0f} {max(self.times):6.0f}"
        return f"{self.words:<44} {len(self.times):6} {self.commits:9.0f} {figures}"


HEADING = f"{'':<44} {'edits':>6} {'commits/s':>9} {'p50':>6} {'p95':>6} {'p99':>6} {'worst':>6}"


# ── The others ───────────────────────────────────────────────────────────────────────────────


class Others(Thread):
    """Commit steadily, at rows that the page does not show."""

    def __init__(self, url: str, statement: str) -> None:
        super().__init__(daemon=True)
        self._url, self._statement = url, statement
        self._over = Event()
        self.done, self.seconds = 0, 0.0

    def run(self) -> None:
        """Commit until it is over."""
        began = time.monotonic()
        with psycopg.connect(self._url, autocommit=True) as conn:
            due = began
            while not self._over.is_set():
                conn.execute(self._statement.encode())
                self.done += 1
                due += PACE
                time.sleep(max(due - time.monotonic(), 0))
        self.seconds = time.monotonic() - began

    def finish(self) -> float:
        """Stop, and return how many were committed each second."""
        self._over.set()
        self.join()
        return self.done / self.seconds


#: At rows that are older than all on the page.
EDIT = (
    "UPDATE transactions SET note = random()::text"
    f" WHERE id = (SELECT 5 + (random() * {OTHERS - 100})::int)"
)
ADD = (
    "INSERT INTO transactions (occurred_at, wallet_id, type, source)"
    " VALUES ('2001-01-01', 1, 'deposit', 'test')"
)


@contextmanager
def long_transaction(url: str, seconds: float) -> Iterator[None]:
    """Keep a transaction open that has written, for so long at least."""
    with psycopg.connect(url) as conn:
        conn.execute("INSERT INTO labels (name) VALUES ('long')")
        began = time.monotonic()
        yield
        time.sleep(max(seconds - (time.monotonic() - began), 0))


# ── The page ─────────────────────────────────────────────────────────────────────────────────


def measure(page: Page, url: str, words: str, edits: int, statement: str) -> Latency:
    """Edit rows of an open page one after the other while others commit."""
    opened(page)
    page.evaluate(SEE)
    shown = itertools.cycle(ids(page))
    others, sql = Others(url, statement), Sql(url)
    others.start()
    sent: dict[str, float] = {}
    for number in range(edits):
        text = f"edit {number} of {words}"
        sql.note(next(shown), text)
        sent[text] = time.time() * 1000
        time.sleep(random.uniform(0.15, 0.35))
    page.wait_for_function("text => text in window.seen", arg=text)
    commits = others.finish()
    sql.conn.close()
    seen = page.evaluate("window.seen")
    return Latency(words, [seen[each] - at for each, at in sent.items()], commits)


@contextmanager
def served(url: str, home: Path) -> Iterator[str]:
    """Yield the address of the ledger as `freshledger serve` serves it."""
    port = free_port()
    environ = os.environ | {"DATABASE_URL": url, "PORT": str(port), "FRESHLEDGER_HOME": str(home)}
    command = [str(Path(sys.executable).with_name("freshledger")), "serve"]
    with subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.DEVNULL) as server:
        try:
            _wait(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def _wait(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the server does not answer")


def prepare(url: str) -> None:
    """Fill an empty ledger: older rows that others change, and newer ones for the page."""
    dates = (f"20{10 + n // 336:02}-{1 + n % 336 // 28:02}-{1 + n % 28:02}" for n in range(OTHERS))
    old = (f"{date} 12:00:00,deposit,,,,o{n},,,,{n + 1},EUR,,,," for n, date in enumerate(dates))
    new = (f"2024-01-{1 + n // 4:02} 12:00:00,deposit,,,,n{n},,,,{n},EUR,,,," for n in range(100))
    with Ledger(url) as ledger:
        ledger.migrate()
        fill(ledger, *old)
        fill(ledger, *new)


def measured(browser: Browser, server: str, url: str, edits: int) -> Iterator[Latency]:
    """Yield the figures of each situation."""
    page = browser.new_context(base_url=server, timezone_id="UTC").new_page()
    yield measure(page, url, "others edit other rows", edits, EDIT)
    long = LONG if edits >= USUAL else 0
    with long_transaction(url, long):
        yield measure(page, url, f"the same, a {long} s transaction open", edits, EDIT)
    yield measure(page, url, "others insert: each asks for the page", edits, ADD)
    page.context.close()


def main() -> None:
    """Print the table."""
    edits = int(sys.argv[1]) if len(sys.argv) > 1 else USUAL
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, CHROMES)))
    with ExitStack() as stack:
        given = choice() == "url"
        host = os.environ["TEST_DATABASE_URL"] if given else stack.enter_context(embedded())
        url = stack.enter_context(new_database(host))
        home = stack.enter_context(tempfile.TemporaryDirectory())
        prepare(url)
        server = stack.enter_context(served(url, Path(home)))
        chromium = stack.enter_context(sync_playwright()).chromium
        browser = chromium.launch(executable_path=path, args=FLAGS)
        print("From COMMIT to the screen, in milliseconds\n\n" + HEADING)
        for figures in measured(browser, server, url, edits):
            print(figures, flush=True)
        print("\nBack after an edit by SQL: fresh, or marked as not confirmed, in every frame\n")
        for kept, other in ((False, browser), (True, keeping(chromium, path))):
            page = other.new_context(base_url=server).new_page()
            found = go_back(page, Sql(url), BACK, keep=kept)
            words = "kept by the browser" if kept else "asked for anew"
            print(f"{words:<44} {sum(each.honest for each in found)} of {BACK}", flush=True)
            other.close()


if __name__ == "__main__":
    main()
