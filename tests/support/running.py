"""What runs on the server now, as PostgreSQL tells it."""

from __future__ import annotations

import time

import psycopg

RUNNING = """SELECT count(*) FROM pg_stat_activity
  WHERE datname = current_database() AND state = 'active' AND query LIKE %s
    AND pid <> pg_backend_pid()"""
PATIENCE = 15.0  # seconds for a process to begin
MOMENT = 5.0  # seconds in which a statement is over that nobody wants


def running(url: str, words: str) -> int:
    """Return how many statements with such words run."""
    with psycopg.connect(url) as conn:
        found = conn.execute(RUNNING, [f"%{words}%"]).fetchone()
    assert found is not None
    return int(found[0])


def sleeping(url: str, words: str, count: int = 1) -> None:
    """Wait until so many statements with such words run."""
    until = time.monotonic() + PATIENCE
    while running(url, words) < count:
        assert time.monotonic() < until, f"nobody asks {words}"
        time.sleep(0.02)


def gone(url: str, words: str) -> None:
    """Wait until no statement with such words runs, a moment at most."""
    until = time.monotonic() + MOMENT
    while running(url, words):
        assert time.monotonic() < until, f"it still runs: {words}"
        time.sleep(0.02)
