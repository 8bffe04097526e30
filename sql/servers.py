"""Servers for measuring: nobody else is on them, and nothing is left to chance."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import plan

from dal.embedded import Embedded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dal.database import Ledger

#: Without copies of whole pages in the log: when they are written is up to checkpoints.
QUIET = {"full_page_writes": "off", "autovacuum": "off", "fsync": "off",
         "shared_preload_libraries": "pg_stat_statements"}  # fmt: skip
RARE = {**QUIET, "full_page_writes": "on"}


@contextmanager
def measured_at(settings: dict[str, str], rows: int) -> Iterator[Ledger]:
    """Yield a generated ledger on a server of its own."""
    with (
        tempfile.TemporaryDirectory() as home,
        Embedded(Path(home), settings=settings) as url,
        plan.generated(rows, url) as ledger,
    ):
        yield ledger
