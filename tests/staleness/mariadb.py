"""A throw-away MariaDB on a socket, where one is installed, with the shop's tables."""

from __future__ import annotations

import getpass
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pymysql  # type: ignore[import-untyped]  # it ships no types

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATIENCE = 60  # seconds until it answers
SMALL = ("--innodb-log-file-size=4M", "--innodb-buffer-pool-size=16M")
#: The shop's tables with lengths, which MariaDB wants and PostgreSQL does not.
TABLES = """
CREATE TABLE contact (id int PRIMARY KEY, name varchar(99) NOT NULL);
CREATE TABLE transaction (id int PRIMARY KEY, occurred_at datetime NOT NULL, address varchar(99),
    type varchar(99), asset varchar(99), amount decimal(38, 18), note varchar(99),
    label varchar(99), labels json, contact_id int REFERENCES contact (id));
INSERT INTO contact VALUES (1, 'Anna'), (2, 'Ben');
INSERT INTO transaction VALUES
    (1, '2026-01-01 12:00', '0xabc', 'receive', 'ETH', 1, 'first', NULL, '[]', 1);
"""


def installed() -> bool:
    """Return whether there is a MariaDB to start."""
    return bool(shutil.which("mariadbd") and shutil.which("mariadb-install-db"))


@contextmanager
def server(home: Path) -> Iterator[Path]:
    """Yield the socket of a server in a folder that nobody else uses, with the shop's tables."""
    data, path, log = home / "data", home / "socket", home / "log"
    common = ("--no-defaults", f"--user={getpass.getuser()}", f"--datadir={data}", *SMALL)
    with log.open("w") as told:
        subprocess.run(
            ["mariadb-install-db", *common, "--skip-test-db",
             "--auth-root-authentication-method=normal"],
            stdout=told, stderr=told, check=True,
        )  # fmt: skip
        process = subprocess.Popen(
            ["mariadbd", *common, "--skip-networking", f"--socket={path}",
             f"--pid-file={home / 'pid'}"],
            stdout=told, stderr=told,
        )  # fmt: skip
    try:
        _wait(path, process)
        with connected(path, "mysql") as conn, conn.cursor() as cursor:
            for statement in ("CREATE DATABASE shop", "USE shop", *TABLES.split(";")[:-1]):
                cursor.execute(statement)
        yield path
    finally:
        process.terminate()
        process.wait(PATIENCE)


@contextmanager
def connected(path: Path, database: str = "shop") -> Iterator[pymysql.Connection]:
    """Yield a connection in autocommit."""
    conn = pymysql.connect(user="root", unix_socket=str(path), database=database, autocommit=True)
    try:
        yield conn
    finally:
        conn.close()


def _wait(path: Path, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        with socket.socket(socket.AF_UNIX) as tried:
            if not tried.connect_ex(str(path)):
                return
        time.sleep(0.05)
    raise AssertionError("MariaDB does not answer")
