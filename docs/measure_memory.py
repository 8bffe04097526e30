"""Measure what a process keeps: one that streams a whole ledger, and a worker that answers long.

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

from dal import transactions
from dal.database import Ledger
from dal.settings import DalSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

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
        command = [sys.executable, __file__, "stream", url]
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


def stream(url: str) -> None:
    """Read a whole ledger, row by row, and print the most that it needed."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    began = time.monotonic()
    with Ledger(url, DalSettings(statement_timeout_ms=0)) as found, found.snapshot() as conn:
        count = sum(1 for _ in transactions.iterate(conn))
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rate = count / (time.monotonic() - began)
    print(f"iterate   {count:,} rows: {before:.0f} MB before, {most:.0f} MB at most; {rate:,.0f}/s")


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
    if sys.argv[1:2] == ["stream"]:
        stream(sys.argv[2])
    else:
        given = [int(each) for each in sys.argv[1:]]
        main(*[*given, *(ROWS, REQUESTS)[len(given) :]])
