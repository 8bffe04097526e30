"""A throw-away MariaDB on a socket, for what is about MySQL and MariaDB."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pymysql  # type: ignore[import-untyped]  # it ships none
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 30  # seconds
#: As little as will do: no network, no privileges asked for, no care for a crash.
QUICK = (
    "--skip-networking",
    "--skip-grant-tables",
    "--innodb-buffer-pool-size=8M",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-doublewrite=0",
    "--skip-log-bin",
    "--performance-schema=0",
)


def installed() -> str | None:
    """Return the server's program, if there is one."""
    return shutil.which("mariadbd", path=f"{os.environ['PATH']}:/usr/sbin")


@pytest.fixture(scope="session")
def mariadb_url() -> Iterator[str]:
    """Yield the URL of an empty database; without a server, say so and skip, but fail in CI."""
    if not installed():
        missing = "no mariadbd on the PATH: MySQL and MariaDB are NOT tested"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    with started("probed") as path:
        yield f"mariadb://root@/probed?unix_socket={path}"


@contextmanager
def started(database: str) -> Iterator[str]:
    """Yield the socket of a server of one's own, which has an empty database."""
    with tempfile.TemporaryDirectory(prefix="freshledger-mariadb-") as home:
        data, path = Path(home, "data"), str(Path(home, "socket"))
        data.mkdir()
        user = ["--user=root"] if os.geteuid() == 0 else []  # it asks root to say so
        places = (f"--datadir={data}", f"--socket={path}", f"--pid-file={home}/pid")
        command = [installed() or "mariadbd", "--no-defaults", *user, *places, *QUICK]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            try:
                _create(path, database)
                yield path
            finally:
                process.terminate()


def _create(path: str, database: str) -> None:
    """Create a database as soon as the server answers."""
    deadline = time.monotonic() + PATIENCE
    while not _answers(path):
        assert time.monotonic() < deadline, "mariadbd does not answer"
        time.sleep(0.02)
    with pymysql.connect(unix_socket=path, user="root") as conn, conn.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {database} CHARACTER SET utf8mb4")


def _answers(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as line:
        return line.connect_ex(path) == 0
