"""The matrix of builds: a representative part of it, and when long all of it."""

from __future__ import annotations

import ast
import json
from typing import TYPE_CHECKING

import pytest

from tests.staleness import aftermath, cells, matrix, matrix_table
from tests.staleness.cells import ITSELF, OUTSIDE
from tests.staleness.houses import CHANGED
from tests.staleness.registry import BUILDS, BY_NAME, OURS, ROWS
from tests.staleness.visitors import Browser

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser as Chromium, BrowserContext

    from tests.staleness.cells import Bench, Cell

KEPT = matrix_table.read()
FILES = sorted(path for path in BUILDS.glob("*.py") if path.stem != "__init__")
#: Where a build gives all three observations together: how often the app itself may be the writer.
ALWAYS = ((OUTSIDE, 1), (OUTSIDE, 3), (ITSELF, 3))
FROM_OUTSIDE = ((OUTSIDE, 1), (OUTSIDE, 3))
GIVING_ALL = {
    "captured_session": ALWAYS,
    "global_session": ALWAYS,
    "repository_singleton": ALWAYS,
    "default_argument": ALWAYS,
    "held_objects": ALWAYS,
    "captured_back_references": ALWAYS,
    "captured_repeatable_read": ALWAYS,
    "captured_autocommit": ALWAYS,
    "cache_deleted_by_writes": ALWAYS,
    "cache_in_files": FROM_OUTSIDE,
    "materialised_view": FROM_OUTSIDE,
    "uncommitted_global": ((ITSELF, 3),),
    "background_writer": ((ITSELF, 1), (ITSELF, 3)),
}


@pytest.fixture(scope="module")
def bench(server_url: str) -> Iterator[Bench]:
    with matrix.bench(server_url) as found:
        yield found


def both(bench: Bench, name: str, change: str, workers: int) -> tuple[Cell, Cell]:
    """Run a build without the reset in its page, and with it."""
    row = BY_NAME[name]
    plain, reset = (
        cells.cell(bench, row, change, reset=reset, workers=workers) for reset in (False, True)
    )
    assert not plain.broken
    assert not reset.broken
    return plain, reset


# ── The builds ───────────────────────────────────────────────────────────────────────────────


def test_every_build_is_a_row_and_there_are_enough() -> None:
    assert {path.stem for path in FILES} | {OURS} == set(BY_NAME)
    assert len(ROWS) == len(BY_NAME) >= 23


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_build_says_in_one_sentence_what_is_wrong(path: Path) -> None:
    text = ast.get_docstring(ast.parse(path.read_text())) or ""
    assert BY_NAME[path.stem].sentence == text
    assert text.endswith(".")
    assert text.count(". ") == 0


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_build_has_the_page_and_the_two_functions(path: Path) -> None:
    source = path.read_text()
    for route in ("/transactions", "/transactions/<int:nr>/note", "/contacts/<int:nr>"):
        assert f'("{route}")\n' in source
    assert "reset(" in source


# ── A representative part ────────────────────────────────────────────────────────────────────


def test_a_right_page_is_never_stale(bench: Bench) -> None:
    for cell in both(bench, "correct", OUTSIDE, workers=3):
        assert (cell.stale, cell.of) == (0, 3)


@pytest.mark.parametrize("change", [OUTSIDE, ITSELF])
def test_our_own_page_is_right_in_every_worker(bench: Bench, change: str) -> None:
    cell = cells.cell(bench, BY_NAME[OURS], change, reset=False, workers=3)
    assert (cell.stale, cell.of, cell.broken) == (0, 3, False)


def test_a_captured_session_gives_all_three_observations(bench: Bench) -> None:
    for cell in both(bench, "captured_session", OUTSIDE, workers=3):  # the reset changes nothing
        assert (cell.stale, cell.of) == (3, 3)
        assert cell.asked, "the SELECT is sent, and its answer thrown away"
        assert (cell.cured_there, cell.cured_elsewhere) == (True, False)
        assert cell.functions == 3, "each worker needs another function of its own"


def test_a_captured_session_is_right_in_the_worker_that_wrote(bench: Bench) -> None:
    captured = BY_NAME["captured_session"]
    assert cells.cell(bench, captured, ITSELF, reset=True, workers=3).stale == 2


def test_a_cache_is_not_cured_by_another_function(bench: Bench) -> None:
    cached = BY_NAME["cached_page"]
    plain, reset = both(bench, "cached_page", OUTSIDE, workers=1)
    assert (plain.stale, reset.stale) == (1, 1)
    assert (plain.cured, reset.cured, plain.asked) == (False, False, False)
    assert aftermath.right_in_time(bench, cached, plain)


def test_a_session_that_is_not_removed_is_cured_by_the_reset(bench: Bench) -> None:
    plain, reset = both(bench, "no_teardown_held", OUTSIDE, workers=1)
    assert (plain.stale, plain.cured) == (1, True)
    assert reset.stale == 0


# ── The visitor ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.long
@pytest.mark.browser
@pytest.mark.parametrize("name", ["correct", "max_age", "blind_etag"])
def test_chromium_sees_what_our_visitor_sees(bench: Bench, browser: Chromium, name: str) -> None:
    row = BY_NAME[name]
    with (
        cells.home() as place,
        bench.database(row) as url,
        bench.visit(row, url, place, 1, reset=False) as visit,
    ):
        context = browser.new_context(base_url=f"http://127.0.0.1:{visit.served.port}")
        assert "first" in shown(context, visit.path)
        cells.changed(bench.house(row), visit, url, OUTSIDE)
        ours = visit.browser.get(visit.path).text
        assert (CHANGED in shown(context, visit.path)) == (CHANGED in ours)
        context.close()  # its spare connection would keep the only worker waiting
        assert (CHANGED in ours) == (name == "correct")
        assert CHANGED in Browser(visit.served.port).get(visit.path).text


def shown(context: BrowserContext, path: str) -> str:
    """Return what a new tab shows: going to a page again in the same tab would ask anew."""
    page = context.new_page()
    page.goto(path)
    text: str = page.locator("ul").inner_text()
    page.close()
    return text


# ── The kept matrix ──────────────────────────────────────────────────────────────────────────


def test_the_kept_matrix_is_of_these_builds() -> None:
    kept = [(row["name"], row["kind"], row["sentence"], row["options"]) for row in KEPT["rows"]]
    assert kept == [(row.name, row.kind, row.sentence, list(row.options)) for row in ROWS]


def test_exactly_these_builds_give_all_three_observations() -> None:
    found = {name: tuple(places) for name, places in matrix_table.giving_all(KEPT["rows"]).items()}
    assert found == GIVING_ALL


def test_our_own_page_is_never_stale() -> None:
    ours = next(row for row in KEPT["rows"] if row["name"] == OURS)
    assert not any(cell["stale"] or cell["broken"] for cell in ours["cells"])
    assert ours["new_row"]
    assert ours["crowd"]


def test_only_a_shared_connection_breaks_the_page() -> None:
    assert not any(cell["broken"] for row in KEPT["rows"] for cell in row["cells"])
    assert [row["name"] for row in KEPT["rows"] if not row["crowd"]] == ["engine_before_fork"]


def test_the_table_has_a_line_for_every_build() -> None:
    lines = matrix_table.markdown(KEPT["rows"]).splitlines()
    assert len(lines) == 2 + len(ROWS) + len({row.kind for row in ROWS})
    assert {line.count("|") for line in lines} == {len(matrix_table.HEAD) + 1}


@pytest.mark.long
def test_the_whole_matrix_is_as_it_was_kept(server_url: str) -> None:
    found = json.loads(json.dumps(matrix.matrix(server_url)["rows"]))
    for now, before in zip(found, KEPT["rows"], strict=True):
        assert matrix_table.decided(now) == matrix_table.decided(before)
