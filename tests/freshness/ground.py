"""The checker's own corner of a ledger: four wallets of its name, made by SQL and removed again.

hot     one page: rows are edited, labelled, recategorised, come and go
deep    many pages, many rows to an instant: rows move between pages
pairs   transfers, whose two amounts sum to 0 at every moment
bulk    a thousand rows at one instant, which come and go together
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg

from tests.freshness.history import Lane

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.freshness.history import Look

LANES = ("hot", "deep", "pairs", "bulk")
MARK = "freshness check"
ELSEWHERE = "freshness_elsewhere"  # the table that the fault "truncate" empties

INSERT = """
WITH tx AS (
  INSERT INTO transactions (occurred_at, wallet_id, type, note, source)
  SELECT to_timestamp(0) + at * interval '1 microsecond', %(wallet)s, type::transaction_type, note,
         'freshness'
    FROM unnest(%(at)s::bigint[], %(type)s::text[], %(note)s::text[]) AS new (at, type, note)
  RETURNING id)
SELECT id FROM tx ORDER BY id"""
MOVE = """
INSERT INTO movements (transaction_id, key, occurred_at, asset_id, position, kind, amount)
SELECT t.id, new.key, t.occurred_at, %(asset)s, new.key, new.kind::movement_kind, new.amount
  FROM unnest(%(id)s::bigint[], %(key)s::bigint[], %(kind)s::text[], %(amount)s::numeric[])
         AS new (id, key, kind, amount)
  JOIN transactions t ON t.id = new.id"""
HANG = """
INSERT INTO transaction_labels (transaction_id, label_id, occurred_at)
SELECT t.id, l.id, t.occurred_at FROM transactions t, labels l
 WHERE t.id = %s AND l.name = ANY (%s)"""
VERSIONS = """
SELECT pg_current_xact_id()::text, array_agg(version ORDER BY id) FROM transactions
 WHERE id = ANY (%s)"""


@dataclass(frozen=True)
class Ground:
    """Where one run takes place."""

    run: str
    database: str
    lanes: dict[str, Lane]
    wallet_ids: dict[str, int]
    asset: int
    labels: dict[str, int]
    contacts: tuple[str, ...]

    @property
    def mark(self) -> str:
        """Return how the names of all that the run makes begin."""
        return f"{MARK} {self.run}"


def connect(database: str, **options: Any) -> psycopg.Connection[Any]:
    """Return a connection whose transactions are begun and ended by hand."""
    options.setdefault("application_name", "freshness")
    return psycopg.connect(database, autocommit=True, connect_timeout=10, **options)


def prepare(database: str, run: str) -> Ground:
    """Make wallets, an asset, labels and contacts."""
    mark = f"{MARK} {run}"
    with connect(database) as conn, conn.transaction():
        wallets = {name: _new(conn, "wallets", "name", f"{mark} {name}") for name in LANES}
        asset = _new(conn, "assets", "symbol", f"F{run.upper()}")
        labels = {f"{mark} {word}": 0 for word in ("red", "blue")}
        for name in labels:
            labels[name] = _new(conn, "labels", "name", name)
        contacts = tuple(f"{mark} {name}" for name in ("Ann", "Bo"))
        for name in contacts:
            _new(conn, "contacts", "name", name)
    lanes = {name: Lane(name, f"{mark} {name}") for name in LANES}
    return Ground(run, database, lanes, wallets, asset, labels, contacts)


def _new(conn: psycopg.Connection[Any], table: str, column: str, value: str) -> int:
    statement = f"INSERT INTO {table} ({column}) VALUES (%s) RETURNING id"
    row = conn.execute(statement.encode(), [value]).fetchone()
    assert row is not None
    return int(row[0])


def clear(database: str, run: str) -> None:
    """Remove all that a run made, whatever state it is in."""
    mark = f"{MARK} {run} %"
    with connect(database) as conn:
        conn.execute("SET lock_timeout = '20s'")
        of_run = "(SELECT id FROM wallets WHERE name LIKE %s)"
        conn.execute(f"DELETE FROM transactions WHERE wallet_id IN {of_run}".encode(), [mark])
        for table in ("wallets", "labels", "contacts"):
            conn.execute(f"DELETE FROM {table} WHERE name LIKE %s".encode(), [mark])
        conn.execute("DELETE FROM assets WHERE symbol = %s", [f"F{run.upper()}"])
        conn.execute(f"DROP TABLE IF EXISTS {ELSEWHERE}".encode())


# ── Statements of the writers ────────────────────────────────────────────────────────────────


def insert(
    conn: psycopg.Connection[Any], ground: Ground, lane: str, looks: Sequence[Look]
) -> list[int]:
    """Insert rows of such looks in the open transaction, and return their ids in the same order."""
    values = {
        "wallet": ground.wallet_ids[lane],
        "at": [look.at for look in looks],
        "type": [look.type for look in looks],
        "note": [look.note for look in looks],
    }
    ids = [int(row[0]) for row in conn.execute(INSERT, values)]
    for row, look in zip(ids, looks, strict=True):
        if look.labels:
            conn.execute(HANG, [row, list(look.labels)])
    move(conn, ground, ids, looks)
    return ids


def move(
    conn: psycopg.Connection[Any], ground: Ground, ids: Sequence[int], looks: Sequence[Look]
) -> None:
    """Insert the movements of rows."""
    moved = [
        (row, key, kind, amount)
        for row, look in zip(ids, looks, strict=True)
        for key, kind, amount in ((0, "principal", look.amount), (1, "fee", look.fee))
        if amount
    ]
    if moved:
        names = ("id", "key", "kind", "amount")
        columns = dict(zip(names, map(list, zip(*moved, strict=True)), strict=True))
        conn.execute(MOVE, columns | {"asset": ground.asset})


def versions(conn: psycopg.Connection[Any], ids: Sequence[int]) -> tuple[int, list[int]]:
    """Return this transaction's number and the versions of rows, in the order of their ids."""
    row = conn.execute(VERSIONS, [list(ids)]).fetchone()
    assert row is not None
    return int(row[0]), list(row[1] or [])
