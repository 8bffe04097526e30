"""What a label on one row costs: a row of its own, beside what an array in the transaction would.

Both are done to the same rows in turn, in one transaction that is rolled back: `labels.attach` with
all that it asks, and the UPDATE of an int[] column with a GIN index on a copy of the transactions
with all of their indexes. The server counts time and WAL (pg_stat_statements must be loaded).

    python sql/label_cost.py [ROWS]

prints what rare edits cost.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from servers import RARE, measured_at

from dal import labels

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from dal.database import Ledger

EDITS = 1_000
STEP = 7_919  # a prime, so that edits are far from each other
LABEL = "label 30"
WIDE = """
CREATE TABLE wide WITH (fillfactor = 90) AS
SELECT t.*, coalesce((SELECT array_agg(label_id) FROM transaction_labels WHERE transaction_id = id),
                     '{}') AS label_ids
  FROM transactions t
"""
COPIED = """
SELECT regexp_replace(pg_get_indexdef(indexrelid), 'INDEX (\\S+) ON \\S+', 'INDEX wide_\\1 ON wide')
  FROM pg_index WHERE indrelid = 'transactions'::regclass
"""
UPDATE = "UPDATE wide SET label_ids = label_ids || CAST(%s AS int) WHERE id = %s"
SPENT = """
SELECT coalesce(sum(total_exec_time) * 1000, 0)::float8, coalesce(sum(wal_bytes), 0)::float8
  FROM pg_stat_statements
 WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND (query LIKE CAST(%s AS text) OR query LIKE CAST(%s AS text))
"""
WAYS = (
    "`labels.attach`: its `INSERT`, foreign keys and all",
    "`labels.attach`: whether the label is what it was",
    "`UPDATE` of an array in the row",
)
SENT = (
    ("%/* dal.labels.attach */%", ""),
    ("%/* dal.edits.%", ""),
    ("UPDATE%wide SET label_ids%", "%gin_clean_pending_list%"),
)
Spent = tuple[float, float]  # microseconds and bytes of WAL


def measured(ledger: Ledger) -> Iterator[str]:
    """Yield Markdown tables of what both cost, with the change log and without it.

    Each begins right behind a checkpoint: where full_page_writes is on, as it is by default, the
    first change to a page writes all of it, which is what befalls rare edits.
    """
    with ledger.trial() as conn:
        prepare(conn)
        conn.exec_driver_sql("CHECKPOINT")
        yield from (*table_of("with the change log", cost(conn, 0)), "")
        for table in ("transaction_labels", "wide"):
            conn.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        conn.exec_driver_sql("CHECKPOINT")
        yield from table_of("without its trigger", cost(conn, EDITS))


def prepare(conn: Connection) -> None:
    """Make the copy with the array, its indexes and its log."""
    conn.exec_driver_sql("SET LOCAL statement_timeout = 0")
    conn.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    conn.exec_driver_sql(WIDE)
    for (definition,) in conn.exec_driver_sql(COPIED).all():
        conn.exec_driver_sql(definition.replace("%", "%%"))
    conn.exec_driver_sql("CREATE INDEX wide_labels_idx ON wide USING gin (label_ids)")
    conn.exec_driver_sql("SELECT log_changes_v1('wide', 'r.id', $$''$$)")
    conn.exec_driver_sql("ANALYZE wide")


def cost(conn: Connection, begin: int) -> dict[str, Spent]:
    """Return what each way cost, per edit."""
    label, version = labels.named(conn, LABEL)
    conn.exec_driver_sql("SELECT pg_stat_statements_reset()")
    for row in rows(conn, begin):
        labels.attach(conn, label, version, [row])
        conn.exec_driver_sql(UPDATE, (label, row))
    conn.exec_driver_sql("SELECT gin_clean_pending_list('wide_labels_idx')")  # as VACUUM will
    found = {
        name: conn.exec_driver_sql(SPENT, told).one() for name, told in zip(WAYS, SENT, strict=True)
    }
    return {name: (time / EDITS, wal / EDITS) for name, (time, wal) in found.items()}


def rows(conn: Connection, begin: int) -> Iterator[int]:
    """Yield the ids to label."""
    most = int(conn.exec_driver_sql("SELECT max(id) FROM transactions").scalar_one())
    return ((1 + n * STEP) % most + 1 for n in range(begin, begin + EDITS))


def table_of(title: str, spent: dict[str, Spent]) -> Iterator[str]:
    """Yield a table of both ways, and of the first as a ratio of the second."""
    yield from (f"| {title} | server time | WAL |", "| --- | --: | --: |")
    for name, (time, wal) in spent.items():
        yield f"| {name} | {time:,.0f} µs | {wal:,.0f} bytes |"
    (time, wal), (check, checked), (other, others) = (spent[name] for name in WAYS)
    yield f"| `INSERT` ÷ `UPDATE` | {time / other:.2f} | {wal / others:.2f} |"
    time, wal = time + check, wal + checked
    yield f"| all of `attach` ÷ `UPDATE` | {time / other:.2f} | {wal / others:.2f} |"


if __name__ == "__main__":
    with measured_at(RARE, int(sys.argv[1]) if len(sys.argv) > 1 else 100_000) as generated:
        print("\n".join(measured(generated)))
