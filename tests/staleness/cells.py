"""One cell: a build in a fresh database under fresh workers, changed once and watched.

Every worker (and each of its threads, where a build has several) has shown the page before, to a
stranger and to our visitor. Then the note is changed, and the visitor loads the page from each
worker in turn: all others are stopped meanwhile, so it is known who answers. A load is *right* if
it shows the change, *stale* if it is a page without it, *broken* if it is no page. Then each worker
in turn is given "another function" to do, which writes to another table; after each the visitor
looks at all workers again.
"""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from sqlalchemy import make_url

from tests.conftest import new_database
from tests.staleness.houses import CHANGED, Ours, Shop
from tests.staleness.registry import OURS
from tests.staleness.visitors import Browser

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.staleness.houses import House
    from tests.staleness.registry import Row
    from tests.staleness.serving import Answer
    from tests.staleness.ward import Served, Ward

OUTSIDE, ITSELF = "another process", "the app itself"
RIGHT, STALE, BROKEN = "right", "stale", "broken"
LONG = 300  # seconds that a cache keeps what it has, where a build has one with an end
BURST = 8  # loads at once, where a worker has threads, so that none of them is idle
PATIENCE = 200  # such bursts until every thread has answered
HOUSES: Mapping[str, House] = {OURS: Ours()}
SHOP: House = Shop()

View = dict[str, str]  # worker (and thread) → right, stale or broken


@dataclass(frozen=True, slots=True)
class Cell:
    """What was seen."""

    change: str
    reset: bool
    workers: int
    stale: int  # workers (threads) whose first load was stale
    of: int
    asked: bool | None  # whether a SELECT was sent for a stale load
    cured_there: bool | None  # by another function in the worker itself; None: nothing was stale
    cured_elsewhere: bool | None  # ... in workers that did not run it
    functions: int  # calls of another function until all was right; 0: never
    broken: bool

    @property
    def cured(self) -> bool:
        """Return whether another function made something right that had been stale."""
        return bool(self.cured_there or self.cured_elsewhere)


@dataclass(slots=True)
class Visit:
    """A visitor of a build that is being served."""

    row: Row
    served: Served
    path: str
    browser: Browser
    last: dict[str, Answer] = field(default_factory=dict)

    def look(self, browser: Browser | None = None, mark: str = CHANGED) -> View:
        """Load the page from every worker; from every thread, where there are several."""
        self.last = {}
        for worker in self.served.workers:
            with self.served.only(worker):
                self.last |= self._load(browser or self.browser, worker)
        return {who: judged(answer, mark) for who, answer in self.last.items()}

    def _load(self, browser: Browser, worker: int) -> dict[str, Answer]:
        if self.row.threads == 1:
            return {str(worker): browser.get(self.path)}
        found: dict[str, Answer] = {}
        with ThreadPoolExecutor(BURST) as pool:
            for _ in range(PATIENCE):
                for answer in pool.map(browser.get, [self.path] * BURST):
                    found.setdefault(thread(answer), answer)
                if len(found) == self.row.threads:
                    return found
        raise RuntimeError(f"{len(found)} of {self.row.threads} threads answered")


def thread(answer: Answer) -> str:
    """Return who answered, to the thread."""
    return f"{answer.worker}/{answer.headers['X-Thread']}"


def judged(answer: Answer, mark: str) -> str:
    """Return what a load was."""
    if answer.status != 200:
        return BROKEN
    return RIGHT if mark in answer.text else STALE


@dataclass(frozen=True, slots=True)
class Bench:
    """Where cells are run."""

    ward: Ward
    server: str  # PostgreSQL
    templates: Mapping[str, str]  # the filled database of a house, by the row's name; "": a shop's

    def house(self, row: Row) -> House:
        """Return what kind of application a row is."""
        return HOUSES.get(row.name, SHOP)

    @contextmanager
    def database(self, row: Row) -> Iterator[str]:
        """Yield the URL of a filled database of the cell's own."""
        template = self.templates.get(row.name) or self.templates[""]
        with new_database(self.server, template) as url:
            if row.added:
                with psycopg.connect(url, autocommit=True) as conn:
                    conn.execute(row.added.encode())
            yield url

    @contextmanager
    def serving(
        self, row: Row, url: str, home: Path, workers: int, seconds: int = LONG
    ) -> Iterator[Served]:
        """Yield a row's application on a database."""
        environ = {
            "DATABASE_URL": make_url(url).render_as_string(hide_password=False),
            "CACHE_DIR": str(home / "cache"),
            "CACHE_SECONDS": str(seconds),
            "FRESHLEDGER_HOME": str(home),
            "SECRET_KEY": "known to all workers",
            "WORKERS": str(workers),
        }
        with self.ward.serving(row.name, workers, home / "log", environ, row.options) as served:
            yield served

    @contextmanager
    def visit(
        self, row: Row, url: str, home: Path, workers: int, *, reset: bool, seconds: int = LONG
    ) -> Iterator[Visit]:
        """Yield a visitor of a build, every worker of which has shown the page."""
        house = self.house(row)
        path = house.page_with_reset if reset else house.page
        with self.serving(row, url, home, workers, seconds) as served:
            visit = Visit(row, served, path, Browser(served.port))
            visit.look(Browser(served.port))
            visit.look()
            yield visit


@contextmanager
def home() -> Iterator[Path]:
    """Yield a directory for a deployment's files."""
    with tempfile.TemporaryDirectory(prefix="staleness-") as name:
        yield Path(name)


# ── The cell ─────────────────────────────────────────────────────────────────────────────────


def cell(bench: Bench, row: Row, change: str, *, reset: bool, workers: int) -> Cell:
    """Run one cell."""
    with (
        home() as place,
        bench.database(row) as url,
        bench.visit(row, url, place, workers, reset=reset) as visit,
    ):
        house = bench.house(row)
        status = changed(house, visit, url, change)
        first = visit.look()
        asked = selects(visit, first)
        course = Course(first)
        for worker in (*visit.served.workers[1:], visit.served.workers[0]):
            course.step(visit, house, worker)
        return Cell(
            change=change,
            reset=reset,
            workers=workers,
            stale=sum(state == STALE for state in first.values()),
            of=len(first),
            asked=asked,
            cured_there=course.verdict(course.there),
            cured_elsewhere=course.verdict(course.elsewhere) if len(first) > 1 else None,
            functions=course.functions,
            broken=status >= 400 or course.broken,
        )


def changed(house: House, visit: Visit, url: str, change: str) -> int:
    """Change the note; the application does it in its first worker. Return the answer's status."""
    if change == OUTSIDE:
        house.write(url)
        return 200
    with visit.served.only(visit.served.workers[0]):
        return house.edit(visit.browser).status


def selects(visit: Visit, view: View) -> bool | None:
    """Return whether the stale loads sent a SELECT."""
    sent = [
        int(visit.last[who].headers["X-Selects"]) for who, state in view.items() if state == STALE
    ]
    return any(sent) if sent else None


@dataclass(slots=True)
class Course:
    """What becomes of the stale workers while another function is used in one after the other."""

    view: View
    there: list[bool] = field(default_factory=list)
    elsewhere: list[bool] = field(default_factory=list)
    functions: int = 0
    used: int = 0
    broken: bool = False

    def step(self, visit: Visit, house: House, worker: int) -> None:
        """Use another function in a worker, once in each of its threads, and look at all."""
        done: set[str] = set()
        for _ in range(20 * visit.row.threads):
            with visit.served.only(worker):
                answer = house.other(visit.browser, self.used)
            self.used += 1
            who = thread(answer) if visit.row.threads > 1 else str(worker)
            done.add(who)
            self._compare(visit.look(), who, failed=answer.status >= 400)
            if len(done) == visit.row.threads:
                return

    def _compare(self, after: View, who: str, *, failed: bool) -> None:
        for each, before in self.view.items():
            if before == STALE:
                (self.there if each == who else self.elsewhere).append(after[each] == RIGHT)
        right = all(state == RIGHT for state in after.values())
        if right and not self.functions and STALE in self.view.values():
            self.functions = self.used
        self.broken |= failed or BROKEN in after.values()
        self.view = after

    def verdict(self, seen: list[bool]) -> bool | None:
        """Return whether anything became right of what was stale; None: nothing was."""
        return any(seen) if seen else None
