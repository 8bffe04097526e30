"""The servers of the checker's own tests, and the table of mutants at the end of every run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conftest import new_database, told
from tests.freshness.target import Nursery

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MUTANT = "mutant"  # the property of a test's report that has a row of the table


@pytest.fixture(scope="package")
def nursery() -> Iterator[Nursery]:
    """Yield what starts applications quickly."""
    with Nursery() as found:
        yield found


@pytest.fixture(scope="package")
def loaded_database(server_url: str, template: str) -> Iterator[str]:
    """Yield a migrated database on which one load after the other takes place."""
    with new_database(server_url, template) as url:
        yield url


@pytest.fixture
def killed(request: pytest.FixtureRequest) -> Callable[[str, str, float, int], None]:
    """Return what notes a row of the table of mutants: name, rules, milliseconds, reads."""

    def note(*row: str | float) -> None:
        request.node.user_properties.append((MUTANT, row))

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what killed each mutant, whichever process ran the test."""
    rows = list(told(terminalreporter, MUTANT))
    if not rows:
        return
    terminalreporter.section("mutants")
    terminalreporter.write_line(f"{'mutant':22}  {'killed by rule':22}  {'after ms':>8}  reads")
    for name, rules, after, reads in rows:
        terminalreporter.write_line(f"{name:22}  {rules:22}  {after:8.0f}  {reads:5}")
