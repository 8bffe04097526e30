"""Whether a server runs on a data directory, as its lock file and itself tell."""

import contextlib
import time
from pathlib import Path

import psycopg

from dal.postgres import USER


def answering(data: Path) -> Path | None:
    """Return the socket directory of the server on the data, None when none answers."""
    with contextlib.suppress(psycopg.errors.ConnectionTimeout):
        return _found(data)
    return None


def is_served(data: Path, deadline: float) -> bool:
    """Return whether there is a server on the data, even one that takes its time to say so.

    Who put a lock file of their own beside one that lives would make it shut down at once.
    """
    while True:
        try:
            return _found(data) is not None
        except psycopg.errors.ConnectionTimeout:
            if time.monotonic() > deadline:
                return True


def _found(data: Path) -> Path | None:
    """Return the socket directory of the server on the data, None when nobody listens.

    Raises:
        psycopg.errors.ConnectionTimeout: somebody listens, and does not answer.
    """
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        sockets = Path(lines[4])
        with connect(sockets, lines[3]) as connection:
            row = connection.execute("SELECT current_setting('data_directory')").fetchone()
    except psycopg.errors.ConnectionTimeout:
        raise
    except (OSError, ValueError, IndexError, psycopg.Error):
        return None
    return sockets if row == (str(data),) else None


def connect(sockets: Path, port: str = "5432") -> psycopg.Connection:
    """Return a connection to the server's own database."""
    return psycopg.connect(
        host=str(sockets),
        port=port,
        user=USER,
        dbname="postgres",
        connect_timeout=5,
        autocommit=True,
    )
