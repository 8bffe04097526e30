"""Print what the change log costs those who write, as throughput with its triggers on ÷ off.

    python sql/write_cost.py [SECONDS]

Single edits (the statement of a note's edit, each its own commit) and imports of 1,000 rows, by 1,
8 and 32 writers at once; each figure the median of rounds that take turns, on and off. On
TEST_DATABASE_URL's server, else an embedded one, in a database of its own.
"""

from __future__ import annotations

import statistics
import sys
import threading
import time
from itertools import count
from typing import TYPE_CHECKING, Any

from plan import generated

from dal import details, tables
from dal.database import Ledger
from dal.importers import open_file
from dal.ingest import ingest
from dal.settings import DalSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROUNDS = 5
WRITERS = (1, 8, 32)
ROWS = 1_000
SCALE = 20_000
NUMBERS = count()
HEAD = "Date,Network,Hash,Counterparty,Sent Amount,Sent Asset,Fee Amount,Fee Asset\n"


def main(seconds: float) -> None:
    """Measure on a generated ledger."""
    with generated(SCALE) as small:
        settings = DalSettings(pool_size=max(WRITERS))
        url = small.url.render_as_string(hide_password=False)
        with Ledger(url, settings) as ledger:
            for name, deed, rows in (("edits", edit, 1), ("imports", bring, ROWS)):
                for writers in WRITERS:
                    rates = in_turn(ledger, deed, writers, seconds)
                    report(f"{name:<8} {writers:>3} writers", rates, rows)


def in_turn(
    ledger: Ledger, deed: Callable[..., None], writers: int, seconds: float
) -> dict[bool, list[float]]:
    """Return how often a second it was done, logged and not, round by round."""
    rates: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(ROUNDS):
        for logging in (True, False):
            switch(ledger, on=logging)
            rates[logging].append(rate(ledger, deed, writers, seconds))
    switch(ledger, on=True)
    return rates


def report(what: str, rates: dict[bool, list[float]], rows: int) -> None:
    """Print the figures of one deed."""
    ratio = statistics.median(on / off for on, off in zip(rates[True], rates[False], strict=True))
    on, off = (statistics.median(rates[logging]) * rows for logging in (True, False))
    print(f"{what}  {on:>8,.0f} rows/s logged, {off:>8,.0f} not, ratio {ratio:.2f}", flush=True)


def switch(ledger: Ledger, *, on: bool) -> None:
    """Let the change log be written, or not."""
    word = "ENABLE ALWAYS" if on else "DISABLE"
    with ledger.write() as conn:
        for table in logged():
            for deed in ("insert", "update", "delete"):
                conn.exec_driver_sql(f"ALTER TABLE {table} {word} TRIGGER log_{deed}")


def logged() -> Iterator[str]:
    """Yield the tables that are logged."""
    bookkeeping = {"changes", "prunings", "submissions"}
    return (name for name in tables.metadata.tables if name not in bookkeeping)


def rate(ledger: Ledger, deed: Callable[..., None], writers: int, seconds: float) -> float:
    """Return how often a second so many writers do it, all together."""
    done = [0] * writers
    together = threading.Barrier(writers + 1)
    over = threading.Event()

    def write(number: int) -> None:
        state: dict[str, Any] = {"id": number + 1}
        deed(ledger, state)
        together.wait()
        while not over.is_set():
            deed(ledger, state)
            done[number] += 1

    threads = [threading.Thread(target=write, args=(number,)) for number in range(writers)]
    for thread in threads:
        thread.start()
    together.wait()
    start = time.perf_counter()
    over.wait(seconds)
    over.set()
    for thread in threads:
        thread.join()
    return sum(done) / (time.perf_counter() - start)


def edit(ledger: Ledger, state: dict[str, Any]) -> None:
    """Write one note, by the statement that the pages send."""
    with ledger.write() as conn:
        version = state.get("version") or details.one(conn, state["id"]).version
        note = f"note {next(NUMBERS)}"
        state["version"] = details.set_note(conn, state["id"], version, note)


def bring(ledger: Ledger, _state: dict[str, Any]) -> None:
    """Import one file of new transactions."""
    first = next(NUMBERS) * ROWS
    rows = (
        f"2024-03-{n % 28 + 1:02} 10:00,ethereum,0x{first + n:064x},0x{n % 97:040x}"
        ",1.5,ETH,0.01,ETH\n"
        for n in range(ROWS)
    )
    source = open_file((HEAD + "".join(rows)).encode(), "cost.csv")
    with ledger.write() as conn:
        ingest(conn, source, "cost.csv", wallet="Cost")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 2.0)
