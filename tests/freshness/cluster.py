"""A PostgreSQL of the checker's own, which may be crashed."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Self

from dal.postgres import USER, Account, Binaries

SETTINGS = {
    "listen_addresses": "",
    "shared_buffers": "128MB",
    "max_connections": "100",
    "synchronous_commit": "on",
    "logging_collector": "off",
    "max_wal_size": "2GB",
}


class Cluster:
    """A server in a directory that goes with it; durable, as crashes are planned."""

    def __enter__(self) -> Self:
        self._binaries = Binaries.find()
        self._home = Path(tempfile.mkdtemp(prefix="freshness-"))
        self._data = self._home / "data"
        self._account = Account.choose(self._data)
        os.chown(self._home, self._account.uid, self._account.gid)
        self._do("initdb", "-D", str(self._data), "-U", USER, "-A", "trust", "-E", "UTF8", "-N")
        self._ctl("start")
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._ctl("stop", "-m", "immediate")
        finally:
            shutil.rmtree(self._home, ignore_errors=True)

    @property
    def url(self) -> str:
        """Return the address of its first database."""
        return f"postgresql://{USER}@/postgres?host={self._home}"

    @staticmethod
    def version() -> str:
        """Return the version of the programs."""
        binaries = Binaries.find()
        return Account.ours().run([str(binaries.postgres), "--version"])[1].split()[-1]

    def crash(self) -> None:
        """Restart it as if the power had gone."""
        self._ctl("restart", "-m", "immediate")

    def _ctl(self, what: str, *options: str) -> None:
        settings = {**SETTINGS, "unix_socket_directories": str(self._home)}
        words = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
        log = str(self._home / "log")
        begin = ["-o", words] if what == "start" else []
        self._do("pg_ctl", "-D", str(self._data), "-w", "-l", log, *begin, *options, what)

    def _do(self, program: str, *words: str) -> None:
        status, said = self._account.run([str(self._binaries.folder / program), *words])
        if status != 0:
            raise RuntimeError(f"{program} failed:\n{said}")
