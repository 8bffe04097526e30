"""PostgreSQL in a directory of ours: started by its first user, stopped after its last.

Locks of the kernel say who lives. They go with the last process that holds them, however it
ends, where a file with a process number goes stale, or names a stranger later:

    users.lock    shared by every process that uses the server, exclusive while it stops
    keeper.lock   held by the keeper, a small detached process that is the server's parent
    server.lock   inherited by postgres and by all that it forks
    start.lock    whoever holds it may look at the others and act on what it saw

Only the directory's permissions guard the server: it listens on a socket in there, not on TCP.
"""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

import psycopg
from psycopg import sql

from dal.answering import answering, connect, is_served
from dal.errors import CannotServe
from dal.keeper import Keeper
from dal.locks import GLANCE, closing, grab, is_free, lock, release
from dal.postgres import (
    CURE,
    USER,
    Account,
    Binaries,
    initialise,
    make_home,
    plain_environment,
    socket_directory,
)

BIG_LOG = 10_000_000  # bytes after which a log is put aside
LAPTOP = MappingProxyType(
    {
        "shared_buffers": "256MB",
        "work_mem": "16MB",
        "maintenance_work_mem": "128MB",
        "max_connections": "100",
        "synchronous_commit": "on",
        "max_wal_size": "2GB",
        "random_page_cost": "1.1",
        "jit": "off",
        "idle_in_transaction_session_timeout": "5min",
        "track_io_timing": "on",
        "log_checkpoints": "off",
        "log_timezone": "UTC",
        "timezone": "UTC",
    }
)


class Embedded:
    """The server of one directory, shared by any number of processes.

    Args:
        home: Directory of the data, the log and the locks; made when missing, for us alone.
        settings: Settings of PostgreSQL that replace ours. They count for the process that
            starts the server; one that finds it running takes it as it is.
        database: Database that `start` makes when it is missing.
    """

    def __init__(
        self,
        home: Path,
        *,
        settings: Mapping[str, str] = MappingProxyType({}),
        database: str = "freshledger",
    ) -> None:
        self.home = home.expanduser().resolve()
        self.database = database
        self._settings = {**LAPTOP, **settings}
        self._users: int | None = None
        self._log_began = 0

    def __enter__(self) -> str:
        """Start, and return the URL."""
        return self.start()

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    def start(self, timeout: float = 120.0) -> str:
        """Use the server, starting it if need be, and return its URL.

        Args:
            timeout: Seconds that all of it may take, the recovery after a crash included.

        Raises:
            CannotServe: No server can be had; the text says why and what to do.
        """
        if sys.platform == "win32":
            raise CannotServe(f"no embedded server on Windows: use WSL, {CURE}")
        try:
            return self._start(time.monotonic() + timeout)
        except BaseException as error:
            self._leave()
            if isinstance(error, OSError | psycopg.Error):
                raise CannotServe(f"{self.home} cannot be used: {error}") from error
            raise

    def stop(self) -> None:
        """Use the server no longer; the last user waits until it is down, for a minute at most."""
        if self._users is None:
            return
        self._leave()
        deadline = time.monotonic() + 60
        while self._deserted() and not is_free(self.home / "keeper.lock"):
            if time.monotonic() > deadline:
                return
            time.sleep(GLANCE)

    def _leave(self) -> None:
        """Let go of our share of users.lock. A forked worker's copy stays, so never unlock it."""
        if self._users is not None:
            os.close(self._users)
        self._users = None

    def _deserted(self) -> bool:
        """Return whether nobody uses the server, or it is stopping already."""
        users = self.home / "users.lock"
        return is_free(users) or not is_free(users, shared=True)

    def _start(self, deadline: float) -> str:
        binaries = Binaries.find()
        account = Account.choose(self._data(binaries))
        make_home(self.home, account)
        if self._users is None:
            trouble = f"the server of {self.home} is still stopping, or its keeper hangs"
            users = self.home / "users.lock"
            self._users = lock(users, deadline, trouble, shared=True)
        trouble = f"another process is still starting the server of {self.home}"
        turn = lock(self.home / "start.lock", deadline, trouble)
        try:
            server = self._kept(binaries, account, turn, deadline)
            return self._with_database(server)
        finally:
            release(turn)

    def _kept(self, binaries: Binaries, account: Account, turn: int, deadline: float) -> Path:
        """Return the socket directory of a server that answers and has a keeper."""
        data = self._data(binaries)
        spawned = False
        while True:
            if (ours := grab(self.home / "keeper.lock")) is not None:
                with closing(ours):
                    if spawned:
                        raise CannotServe(f"PostgreSQL gave up:\n{self._last_words()}")
                    self._spawn(binaries, account, turn, ours, deadline)
                spawned = True
            if (sockets := answering(data)) is not None:
                return sockets
            if time.monotonic() > deadline:
                raise CannotServe(f"PostgreSQL needs more time:\n{self._last_words()}")
            time.sleep(GLANCE)

    def _spawn(
        self, binaries: Binaries, account: Account, turn: int, ours: int, deadline: float
    ) -> None:
        """Start a keeper that holds keeper.lock through our descriptor of it."""
        data = self._data(binaries)
        if is_free(self.home / "server.lock") and is_served(data, deadline):
            raise CannotServe(f"somebody started a server by hand: stop it with pg_ctl -D {data}")
        sockets = socket_directory(data, account)
        places = [self.home, sockets.parent]  # their own insides are the account's
        account = account.reaching(places, binaries.postgres)
        if not (data / "PG_VERSION").exists():
            initialise(data, binaries, account, turn)
        options = {
            **self._settings,
            "listen_addresses": "",
            "port": "5432",
            "unix_socket_directories": str(sockets),
            "unix_socket_permissions": "0700",
        }
        command = [*account.through, str(binaries.postgres), "-D", str(data)]
        command += [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        where = (str(self.home), str(data), str(sockets))
        self._detach(Keeper(*where, command, account.user, account.group), ours)

    def _detach(self, keeper: Keeper, ours: int) -> None:
        """Run the keeper as a process that is nobody's child, so that nobody has to reap it."""
        log = open_log(self.home / "server.log")
        self._log_began = os.fstat(log).st_size
        root = str(Path(__file__).resolve().parent.parent)
        paths = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
        with closing(log):
            subprocess.run(  # noqa: S603 - ourselves
                [sys.executable, "-m", "dal.keeper", json.dumps(asdict(keeper))],
                check=False,  # keeper.lock tells whether it lives
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env={**plain_environment(), "PYTHONPATH": paths},
                pass_fds=[ours],
                start_new_session=True,
            )

    def _data(self, binaries: Binaries) -> Path:
        """Return the data directory, after a look for one that these binaries cannot read."""
        mine = self.home / f"pg{binaries.major}"
        version = mine / "PG_VERSION"
        others = [other.parent for other in self.home.glob("pg*/PG_VERSION")]
        if version.exists() and version.read_text().strip() == str(binaries.major):
            return mine
        if others:
            old = others[0]
            found = (old / "PG_VERSION").read_text().strip()
            raise CannotServe(
                f"{old} is of PostgreSQL {found}, the programs in {binaries.folder} are of"
                f" {binaries.major}: dump it with PostgreSQL {found} (pg_dumpall), move it out of"
                f" {self.home}, start again and restore the dump"
            )
        return mine

    def _with_database(self, sockets: Path) -> str:
        """Return the URL of our database, which is made when missing."""
        with connect(sockets) as connection:
            known = "SELECT FROM pg_database WHERE datname = %s"
            if connection.execute(known, [self.database]).fetchone() is None:
                name = sql.Identifier(self.database)
                connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
        database, host = quote(self.database, safe=""), quote(str(sockets), safe="")
        return f"postgresql://{USER}@/{database}?host={host}&port=5432"

    def _last_words(self) -> str:
        """Return the end of what the log got since the keeper's start, and its name."""
        path = self.home / "server.log"
        with path.open("rb") as log:
            log.seek(self._log_began)
            lines = log.read().decode(errors="replace").splitlines()
        return "\n".join([*lines[-12:], f"(from {path})"])


def open_log(path: Path) -> int:
    """Return a descriptor that appends to the log, of which a big one was put aside."""
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size > BIG_LOG:
            path.rename(path.with_suffix(".log.1"))
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
