"""The ledger that all are asked about: the generated one, as `make bench-data` fills it."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.bench.contest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType


def plan() -> ModuleType:
    """Return the script that makes generated ledgers: it stands beside the package, not in it."""
    if str(ROOT / "sql") not in sys.path:
        sys.path.append(str(ROOT / "sql"))
    import plan as found

    return found


@contextmanager
def filled(rows: int) -> Iterator[str]:
    """Yield the URL of a generated ledger in a database of its own, dropped afterwards."""
    with plan().generated(rows) as ledger:
        yield ledger.url.set(drivername="postgresql").render_as_string(hide_password=False)


def seed(url: str, rows: int) -> None:
    """Fill an empty, migrated ledger."""
    plan().psql(url, "-v", f"rows={rows}", "-f", str(ROOT / "sql" / "seed" / "ledger.sql"))
