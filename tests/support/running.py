"""What runs on the server now, as PostgreSQL tells it."""

from __future__ import annotations

import psycopg

from tests.support.waiting import eventually

RUNNING = """SELECT count(*) FROM pg_stat_activity
  WHERE datname = current_database() AND state = 'active' AND query LIKE %s
    AND pid <> pg_backend_pid()"""
MOMENT = 50.0  # seconds in which a statement is over that nobody wants; it would take 60


def running(url: str, words: str) -> int:
    """Return how many statements with such words run."""
    with psycopg.connect(url) as conn:
        found = conn.execute(RUNNING, [f"%{words}%"]).fetchone()
    assert found is not None
    return int(found[0])


def sleeping(url: str, words: str, count: int = 1) -> None:
    """Wait until so many statements with such words run."""
    eventually(lambda: running(url, words) >= count, said=f"nobody asks {words}")


def gone(url: str, words: str) -> None:
    """Wait until no statement with such words runs, a moment at most."""
    eventually(lambda: not running(url, words), MOMENT, f"it still runs: {words}")
