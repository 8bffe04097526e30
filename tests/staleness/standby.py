"""A primary and its hot standby, each a PostgreSQL of the test's own, in a directory that goes."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dal.postgres import USER, Account, Binaries
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

SETTINGS = {"listen_addresses": "", "shared_buffers": "32MB", "max_connections": "30",
            "fsync": "off", "full_page_writes": "off"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Server:
    """One server."""

    home: Path  # of its data, its log and its socket
    account: Account
    binaries: Binaries

    @property
    def url(self) -> str:
        """Return the address of its first database."""
        return f"postgresql://{USER}@/postgres?host={self.home}"

    def control(self, what: str, *options: str) -> None:
        """Start or stop it."""
        settings = {**SETTINGS, "unix_socket_directories": str(self.home)}
        words = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
        begin = ("-l", str(self.home / "log"), "-o", words) if what == "start" else ()
        self.do("pg_ctl", "-D", str(self.home / "data"), "-w", *begin, *options, what)

    def do(self, program: str, *words: str) -> None:
        """Run one of the programs.

        Raises:
            RuntimeError: it failed.
        """
        status, said = self.account.run([str(self.binaries.folder / program), *words])
        if status != 0:
            raise RuntimeError(f"{program} failed:\n{said}")


@contextmanager
def replicated() -> Iterator[tuple[Server, Server]]:
    """Yield a primary, and a standby that follows it."""
    binaries = Binaries.find()
    top = Path(tempfile.mkdtemp(prefix="standby-"))
    account = Account.choose(top / "data")
    primary, standby = (Server(top / name, account, binaries) for name in ("one", "two"))
    for folder in (top, primary.home, standby.home):
        folder.mkdir(exist_ok=True)
        os.chown(folder, account.uid, account.gid)
    running: list[Server] = []
    try:
        primary.do(
            "initdb",
            "-D",
            str(primary.home / "data"),
            "-U",
            USER,
            "-A",
            "trust",
            "-N",
            "-E",
            "UTF8",
        )
        running.append(primary)
        primary.control("start")
        source = ("-h", str(primary.home), "-U", USER, "-c", "fast", "-N")
        primary.do("pg_basebackup", *source, "-R", "-D", str(standby.home / "data"))
        running.append(standby)
        standby.control("start")
        yield primary, standby
    finally:
        for server in reversed(running):
            server.control("stop", "-m", "immediate")
        shutil.rmtree(top, ignore_errors=True)


def catch_up(primary: psycopg.Connection, standby: psycopg.Connection) -> None:
    """Wait until a standby has replayed what its primary has committed."""
    found = primary.execute("SELECT pg_current_wal_insert_lsn()::text").fetchone()
    replayed = "SELECT WHERE pg_last_wal_replay_lsn() >= %s::pg_lsn"
    eventually(lambda: standby.execute(replayed, found).fetchall())
