"""What else is asked of a build: new rows, what ends a stale page by itself, and many at once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from tests.staleness.cells import RIGHT, changed, home
from tests.staleness.houses import ARRIVED
from tests.staleness.visitors import Browser

if TYPE_CHECKING:
    from tests.staleness.cells import Bench, Cell
    from tests.staleness.registry import Row

SHORT = 1  # seconds that a cache keeps what it has, where a build has one with an end
BOUND = 3.0  # seconds to wait for a page to become right by itself
CROWD, SOON = 12, 20  # visitors at once; seconds that they wait


def shows_new_row(bench: Bench, row: Row) -> bool:
    """Return whether a transaction that somebody else adds is on the page at once."""
    with (
        home() as place,
        bench.database(row) as url,
        bench.visit(row, url, place, 1, reset=False) as visit,
    ):
        bench.house(row).insert(url)
        return set(visit.look(mark=ARRIVED).values()) == {RIGHT}


def serves_a_crowd(bench: Bench, row: Row) -> bool:
    """Return whether three workers give a page to each of many visitors who come at once."""
    with (
        home() as place,
        bench.database(row) as url,
        bench.serving(row, url, place, 3) as served,
        ThreadPoolExecutor(CROWD) as pool,
    ):
        path = bench.house(row).page
        return all(pool.map(lambda _: gets_a_page(Browser(served.port), path), range(5 * CROWD)))


def gets_a_page(browser: Browser, path: str) -> bool:
    """Return whether the page comes, soon enough and whole."""
    try:
        return browser.get(path, patience=SOON).status == 200
    except OSError:
        return False


def right_in_time(bench: Bench, row: Row, sick: Cell) -> bool:
    """Return whether a stale page becomes right by itself; a cache keeps for a second here."""
    with (
        home() as place,
        bench.database(row) as url,
        bench.visit(row, url, place, sick.workers, reset=False, seconds=SHORT) as visit,
    ):
        changed(bench.house(row), visit, url, sick.change)
        until = time.monotonic() + BOUND
        is_last = False
        while not is_last:
            is_last = time.monotonic() > until
            if set(visit.look().values()) == {RIGHT}:
                return True
            time.sleep(0.2)
        return False


def right_after_restart(bench: Bench, row: Row, sick: Cell) -> bool:
    """Return whether a stale page is right when the workers were started anew."""
    with home() as place, bench.database(row) as url:
        with bench.visit(row, url, place, sick.workers, reset=False) as visit:
            changed(bench.house(row), visit, url, sick.change)
            visit.look()
        with bench.serving(row, url, place, sick.workers) as served:
            visit.served, visit.browser.port = served, served.port
            return set(visit.look().values()) == {RIGHT}
