"""Waiting until something is so: a change that is seen, somebody who waits for a lock."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.staleness.conftest import Shop

PATIENCE = 30  # seconds


def eventually(so: Callable[[], object]) -> None:
    """Wait until something is so.

    Raises:
        AssertionError: it is not, after a long time.
    """
    until = time.monotonic() + PATIENCE
    while not so():
        assert time.monotonic() < until, "it never came about"
        time.sleep(0.01)


def lock_is_awaited(shop: Shop) -> bool:
    """Return whether somebody at the shop's database waits for a lock."""
    found = shop.outside.execute(
        "SELECT FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    return bool(found.fetchall())
