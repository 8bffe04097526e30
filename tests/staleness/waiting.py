"""Who waits for a lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.staleness.conftest import Shop


def lock_is_awaited(shop: Shop) -> bool:
    """Return whether somebody at the shop's database waits for a lock."""
    found = shop.outside.execute(
        "SELECT FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    return bool(found.fetchall())
