"""The servers of the checker's own tests, and the table of mutants at the end of every run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conftest import new_database
from tests.freshness.target import Nursery

if TYPE_CHECKING:
    from collections.abc import Iterator

KILLED = pytest.StashKey[list[tuple[str, str, float, int]]]()


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
def killed(request: pytest.FixtureRequest) -> list[tuple[str, str, float, int]]:
    """Return the table of mutants: name, rules, milliseconds, reads."""
    return request.config.stash.setdefault(KILLED, [])


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print what killed each mutant."""
    rows = config.stash.get(KILLED, [])
    if not rows:
        return
    terminalreporter.section("mutants")
    terminalreporter.write_line(f"{'mutant':22}  {'killed by rule':22}  {'after ms':>8}  reads")
    for name, rules, after, reads in rows:
        terminalreporter.write_line(f"{name:22}  {rules:22}  {after:8.0f}  {reads:5}")
