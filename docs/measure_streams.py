"""Measure what open pages cost: memory, processor, and the patience of other pages.

`python docs/measure_streams.py` serves the sample from an embedded server of its own, by one worker
and prints a table. Whoever reads the streams works on the same machine, and so does PostgreSQL: the
figures are an upper bound. `CPU` is percent of one processor, `page` a request for the first page,
`told` the milliseconds from a commit until all open pages have read of it.
"""

from __future__ import annotations

import os
import resource
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager, suppress
from itertools import cycle
from pathlib import Path
from statistics import median
from threading import Event, Thread
from typing import TYPE_CHECKING

from dal import sample, transactions
from dal.database import Ledger, database
from dal.settings import DalSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STEPS = (0, 100, 500, 1_000, 2_000)  # open pages
SECONDS = 5  # of each measurement
PER_SECOND = 20  # changes
REACHES = 20  # changes whose way to all pages is timed
ASK = b"GET /changes HTTP/1.1\r\nHost: localhost\r\n\r\n"
COLUMNS = ("pages", "MB", "kB/page", "CPU idle", "CPU at 20/s", "page p50", "told p50", "told max")


class Served:
    """One worker of `freshledger serve`."""

    def __init__(self, url: str, home: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as found:
            self.port = found.getsockname()[1]
        told = {"DATABASE_URL": url, "FRESHLEDGER_HOME": str(home), "PORT": str(self.port)}
        command = [sys.executable, "-c", "from webapp.cli import main; main()", "serve"]
        self.process = subprocess.Popen(command, env=os.environ | told)  # noqa: S603 (ourselves)
        while not self._answers():
            time.sleep(0.1)
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        self.worker = Path("/proc", children.split()[0])

    def _answers(self) -> bool:
        with suppress(OSError):
            return self.page() > 0
        return False

    def page(self) -> float:
        """Return how many milliseconds the first page takes."""
        began = time.perf_counter()
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/transactions") as answer:
            answer.read()
        return 1_000 * (time.perf_counter() - began)

    def memory(self) -> int:
        """Return the worker's resident kilobytes."""
        lines = (self.worker / "status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmRSS")).split()[1])

    def busy(self) -> float:
        """Return the percentage of one processor that the worker takes for a while."""
        before = self._used()
        time.sleep(SECONDS)
        return 100 * (self._used() - before) / SECONDS

    def _used(self) -> float:
        fields = (self.worker / "stat").read_text().rsplit(")", 1)[1].split()
        return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


class Crowd:
    """Open pages that read what they are told, in one thread."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._selector = selectors.DefaultSelector()
        self.open = 0
        self.told = 0  # events of changes, all pages together
        Thread(target=self._read, daemon=True).start()

    def grow(self, count: int) -> None:
        """Open pages until there are so many."""
        while self.open < count:
            line = socket.create_connection(("127.0.0.1", self._port))
            line.sendall(ASK)
            line.settimeout(0)
            self.open += 1
            self._selector.register(line, selectors.EVENT_READ, line)
        time.sleep(2)

    def _read(self) -> None:
        while True:
            for key, _ in self._selector.select(0.1):
                said = key.data.recv(65_536)
                self.told += said.count(b"event: changes")
                if not said:
                    self._selector.unregister(key.data)
                    self.open -= 1


def changer(ledger: Ledger) -> Callable[[], None]:
    """Return what changes one transaction, another one each time."""
    with ledger.read() as conn:
        rows = cycle([row.id for row in transactions.page(conn).rows])
    note = "UPDATE transactions SET note = 'measured at ' || clock_timestamp() WHERE id = %s"

    def change() -> None:
        with ledger.write() as conn:
            conn.exec_driver_sql(note, (next(rows),))

    return change


@contextmanager
def steadily(change: Callable[[], None]) -> Iterator[None]:
    """Change something so many times a second meanwhile."""
    over = Event()

    def beat() -> None:
        due = time.monotonic()
        while not over.wait(max(0.0, due - time.monotonic())):
            change()
            due += 1 / PER_SECOND

    thread = Thread(target=beat)
    thread.start()
    yield
    over.set()
    thread.join()


def reached(crowd: Crowd, change: Callable[[], None]) -> float:
    """Return how many milliseconds pass from a commit until every page has read of it."""
    before = crowd.told
    change()
    began = time.perf_counter()
    while crowd.told < before + crowd.open:
        time.sleep(0.001)
    passed = 1_000 * (time.perf_counter() - began)
    time.sleep(0.07 * (1 + passed % 1))  # at any moment of the poller's beat
    return passed


def measure(served: Served, ledger: Ledger) -> Iterator[tuple[str, ...]]:
    """Yield a row of figures for each number of open pages."""
    crowd, change = Crowd(served.port), changer(ledger)
    for _ in range(50):
        served.page()
    empty = served.memory()
    for count in STEPS:
        crowd.grow(count)
        memory, idle = served.memory(), served.busy()
        with steadily(change):
            working = served.busy()
            pages = [served.page() for _ in range(50)]
        time.sleep(1)
        reaches = [reached(crowd, change) for _ in range(REACHES if count else 0)] or [0.0]
        each = (memory - empty) / count if count else 0
        figures = (memory / 1024, each, idle, working, median(pages), median(reaches), max(reaches))
        yield (f"{crowd.open:,}", *(f"{figure:,.1f}" for figure in figures))


def main() -> None:
    """Print the table."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory(prefix="freshledger-streams-") as folder:
        settings = DalSettings(home=Path(folder))
        with database(settings) as url, Ledger(url, settings) as ledger:
            ledger.migrate()
            with ledger.write() as conn:
                sample.load(conn)
            served = Served(url, Path(folder))
            try:
                print(("{:>12}" * len(COLUMNS)).format(*COLUMNS))
                for row in measure(served, ledger):
                    print(("{:>12}" * len(row)).format(*row), flush=True)
            finally:
                served.process.send_signal(signal.SIGTERM)
                served.process.wait()


if __name__ == "__main__":
    main()
