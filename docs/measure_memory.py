"""Measure what a process keeps: one that streams or exports a whole ledger, and a worker.

`python docs/measure_memory.py [ROWS [REQUESTS]]` fills a generated ledger of its own on
TEST_DATABASE_URL's server, else on an embedded one; with DATABASE_URL it reads the one that is
there. Resident megabytes, of one process, libraries included.
"""

from __future__ import annotations

import http.client
import os
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

from measure_streams import Served
from sqlalchemy import func, select

from dal import snapshots, transactions
from dal.database import Ledger
from dal.export import export
from dal.settings import DalSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dal.database import Connection

ROWS, REQUESTS = 1_000_000, 10_000
#: What is asked in turn, so that every kind of page has been made long before the first look.
ASKED = (
    "",
    "?order=time",
    "?wallet=Wallet+1",
    "?type=trade",
    "?type!=fee&size=200",
    "?asset=ETH",
    "?text=coffee",
    "?date=2024-03",
    "?nobody=knows",
)


def main(rows: int, requests: int) -> None:
    """Print what both need."""
    with ledger(rows) as url:
        for what in STREAMS:
            command = [sys.executable, __file__, what, url]
            subprocess.run(command, check=True)  # noqa: S603 (ourselves)
        with tempfile.TemporaryDirectory() as home:
            answer(Served(url, Path(home)), requests)


@contextmanager
def ledger(rows: int) -> Iterator[str]:
    """Yield the URL of a ledger."""
    if url := os.environ.get("DATABASE_URL"):
        yield url
        return
    sys.path.append(str(Path(__file__).parents[1] / "sql"))
    from plan import generated  # noqa: PLC0415 (a script of another folder)

    with generated(rows) as found:
        yield found.url.render_as_string(hide_password=False)


def stream(what: str, url: str) -> None:
    """Read a whole ledger, and print the most that it needed until then, now and then."""
    before = _most()
    began = time.monotonic()
    with Ledger(url, DalSettings(statement_timeout_ms=0)) as found, found.snapshot() as conn:
        total = conn.execute(select(func.count()).select_from(transactions.tx)).scalar_one()
        looks = {total // 50, total // 10, total // 2, total}
        for count, _ in enumerate(STREAMS[what](conn), 1):
            if count in looks:
                rate = count / (time.monotonic() - began)
                print(
                    f"{what:<10}{count:>10,} of {total:,} rows: {before:.0f} MB before,"
                    f" {_most():.0f} MB at most; {rate:,.0f}/s",
                    flush=True,
                )


def _most() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def exported(conn: Connection) -> Iterator[str]:
    """Yield the lines of a CSV, but for those that are a transaction's second or third."""
    seen = ""
    for piece in export(conn, as_of=snapshots.taken(conn).as_of):
        for line in piece.splitlines():
            mark = line.split(",", 6)[5]
            if mark not in (seen, "ID"):
                yield line
            seen = mark


STREAMS: dict[str, Callable[[Connection], Iterator[object]]] = {
    "iterate": transactions.iterate,
    "export": exported,
}


def answer(served: Served, requests: int) -> None:
    """Ask a worker again and again, and print what it has after the first tenth and at the end."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port)
    looks = {requests // 10, requests // 2, requests}
    for number, query in zip(range(1, requests + 1), cycle(ASKED), strict=False):
        connection.request("GET", f"/transactions{query}")
        connection.getresponse().read()
        if number in looks:
            print(f"worker    {number:>6,} requests: {served.memory() / 1024:.1f} MB")
    served.process.terminate()
    served.process.wait()


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in STREAMS:
        stream(sys.argv[1], sys.argv[2])
    else:
        given = [int(each) for each in sys.argv[1:]]
        main(*[*given, *(ROWS, REQUESTS)[len(given) :]])
