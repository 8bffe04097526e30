"""Print what an import costs, beside the same rows inserted on the server alone.

    python sql/import_cost.py [ROWS [FILE_ROWS]]

A file comes into a live ledger of ROWS transactions, and in turn the very rows that it brought are
inserted once more by INSERT … SELECT from plain tables, in the order in which the import wrote
them: the same tables, keys, indexes, foreign keys and triggers, and no file. Each is rolled back.
With DATABASE_URL in the ledger that is there, else in a generated one; processor time is told where
the server runs on this machine.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from plan import generated

from dal import tables
from dal.database import Ledger
from dal.importers import open_file
from dal.ingest import ingest
from dal.settings import DalSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection, Table

ROUNDS = 5
FILE_ROWS = 100_000
#: What an import writes, in the order in which it can be written.
WRITTEN = (
    tables.imports,
    tables.wallets,
    tables.assets,
    tables.labels,
    tables.transactions,
    tables.movements,
    tables.transaction_labels,
    tables.import_rows,
)
HEAD = (
    "Date,Type,Sent Amount,Sent Asset,Received Amount,Received Asset,Fee Amount,Fee Asset,ID,Note,"
    "Labels\n"
)


class Spent(NamedTuple):
    """Seconds: by the clock, and of the processor, the server's and ours."""

    clock: float
    server: float
    client: float


def main(rows: int, file_rows: int) -> None:
    """Measure in a ledger of that many transactions."""
    with ledger(rows) as found:
        imports(found, file_rows)


@contextmanager
def ledger(rows: int) -> Iterator[Ledger]:
    """Yield the ledger of DATABASE_URL, else a generated one."""
    if url := os.environ.get("DATABASE_URL"):
        with Ledger(url, DalSettings(statement_timeout_ms=0)) as found:
            yield found
    else:
        with generated(rows) as found:
            yield found


def export(rows: int) -> bytes:
    """Return a file of so many trades of one year, three movements each, some labelled or noted."""
    lines = (
        f"2025-{n * 12 // rows + 1:02}-{n * 336 // rows % 28 + 1:02}T{n % 24:02}:{n % 60:02}:00Z,"
        f"trade,{n}.5,TOK{n % 90},{n},EUR,0.1,EUR,id-{n},{f'note {n}' if n % 10 == 0 else ''},"
        f"{f'measured {n % 7}' if n % 5 == 0 else ''}\n"
        for n in range(rows)
    )
    return (HEAD + "".join(lines)).encode()


def imports(found: Ledger, rows: int = FILE_ROWS) -> None:
    """Print the rate of an import and its ratio to the reference; the median of some rounds."""
    data = export(rows)
    kept = brought(found, data)
    ours: list[Spent] = []
    theirs: list[Spent] = []
    for number in range(ROUNDS):
        for mine in (True, False) if number % 2 else (False, True):
            spent = bring(found, data) if mine else insert(found, kept)
            (ours if mine else theirs).append(spent)
    took, reference = (statistics.median(each.clock for each in times) for times in (ours, theirs))
    print(
        f"import    {rows:,} rows with {3 * rows:,} movements: {rows / took:,.0f} rows/s;"
        f" INSERT … SELECT of what they became {rows / reference:,.0f} rows/s,"
        f" ratio {reference / took:.2f}"
    )
    print(f"import    processor: ours {_shares(ours)}; INSERT … SELECT {_shares(theirs)}")


def _shares(times: list[Spent]) -> str:
    server, client = (statistics.median(each[place] for each in times) for place in (1, 2))
    return f"{server:.1f} s in the server and {client:.1f} s here"


# ── The import ───────────────────────────────────────────────────────────────────────────────


def bring(found: Ledger, data: bytes) -> Spent:
    """Import a file, undo it, and return what it took."""
    with found.trial() as conn:
        return spent(conn, lambda: _ingest(conn, data))


def _ingest(conn: Connection, data: bytes) -> None:
    ingest(conn, open_file(data, "measured.csv"), "measured.csv", wallet="measured")


def brought(found: Ledger, data: bytes) -> dict[str, bytes]:
    """Return, as COPY writes it, what an import of a file writes into each table."""
    with found.trial() as conn:
        _ingest(conn, data)
        return {table.name: _mine(conn, table) for table in WRITTEN}


def _mine(conn: Connection, table: Table) -> bytes:
    """Return the rows that this transaction wrote, in the order in which they lie."""
    written = f"{_where(table)} xmin = pg_current_xact_id()::xid ORDER BY {table.name}.ctid"
    rows = f"SELECT {_columns(table)} FROM {table.name} WHERE {written}"  # noqa: S608 (our words)
    with conn.connection.cursor().copy(f"COPY ({rows}) TO STDOUT") as copy:
        return b"".join(copy)


def _where(table: Table) -> str:
    """Return what spares reading a large table whole."""
    mine = "import_id = (SELECT max(id) FROM imports)"
    if "import_id" in table.columns:
        return f"{mine} AND"
    if table is tables.transaction_labels:
        return f"transaction_id IN (SELECT id FROM transactions WHERE {mine}) AND"  # noqa: S608
    return ""


def _columns(table: Table) -> str:
    return ", ".join(f'"{column.name}"' for column in table.columns if column.computed is None)


# ── The reference ────────────────────────────────────────────────────────────────────────────


def insert(found: Ledger, kept: dict[str, bytes]) -> Spent:
    """Lay the rows ready, insert them on the server alone, undo it; return what inserting took."""
    with found.trial() as conn:
        conn.exec_driver_sql("SET LOCAL statement_timeout = 0")
        for table in WRITTEN:
            _lay_ready(conn, table, kept[table.name])
        return spent(conn, lambda: _insert(conn))


def _lay_ready(conn: Connection, table: Table, rows: bytes) -> None:
    columns = _columns(table)
    empty = f"SELECT {columns} FROM {table.name} WITH NO DATA"  # noqa: S608 (our words)
    conn.exec_driver_sql(f"CREATE TABLE ready_{table.name} AS {empty}")
    with conn.connection.cursor().copy(f"COPY ready_{table.name} ({columns}) FROM STDIN") as copy:
        copy.write(rows)
    conn.exec_driver_sql(f"ANALYZE ready_{table.name}")


def _insert(conn: Connection) -> None:
    for table in WRITTEN:
        columns = _columns(table)
        conn.exec_driver_sql(
            f"INSERT INTO {table.name} ({columns}) SELECT {columns} FROM ready_{table.name}"  # noqa: S608
        )


# ── Time ─────────────────────────────────────────────────────────────────────────────────────


def spent(conn: Connection, work: Callable[[], None]) -> Spent:
    """Return what some work takes."""
    backend = conn.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    server, client, clock = processor(backend), time.process_time(), time.perf_counter()
    work()
    took = time.perf_counter() - clock
    return Spent(took, processor(backend) - server, time.process_time() - client)


def processor(backend: int) -> float:
    """Return the processor seconds of a server's process; 0 where it runs elsewhere."""
    try:
        fields = Path(f"/proc/{backend}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    given = [int(each) for each in sys.argv[1:]]
    main(*[*given, *(1_000_000, FILE_ROWS)[len(given) :]])
