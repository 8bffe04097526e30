"""What each index of the long tables adds to the write-ahead log, per inserted transaction.

Rows are inserted once, and every record of the log is counted for the index or table whose page it
changes: what was written is read, not reckoned.

pg_walinspect: https://www.postgresql.org/docs/18/pgwalinspect.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dal.database import Ledger

#: One of twenty rows comes again, from all times.
INSERTS = {
    "transactions": """
        INSERT INTO transactions (id, occurred_at, wallet_id, contact_id, import_id, type, status,
                                  amount, network, tx_hash, address, counterparty, note, source,
                                  source_id)
        SELECT id + 1000000000, occurred_at, wallet_id, contact_id, import_id, type, status, amount,
               network, tx_hash || 'a', address, counterparty, note, source, source_id || 'a'
          FROM transactions WHERE mod(id, 20) = 7""",
    "movements": """
        INSERT INTO movements (transaction_id, key, occurred_at, asset_id, import_id, position,
                               kind, amount, address, counterparty)
        SELECT transaction_id + 1000000000, key, occurred_at, asset_id, import_id, position, kind,
               amount, address, counterparty
          FROM movements WHERE mod(transaction_id, 20) = 7""",
    "transaction_labels": """
        INSERT INTO transaction_labels (transaction_id, label_id, occurred_at)
        SELECT transaction_id + 1000000000, label_id, occurred_at
          FROM transaction_labels WHERE mod(transaction_id, 20) = 7""",
    "transaction_notes": """
        INSERT INTO transaction_notes (transaction_id, occurred_at, note)
        SELECT transaction_id + 1000000000, occurred_at, note
          FROM transaction_notes WHERE mod(transaction_id, 20) = 7""",
}
COUNT = "SELECT count(*) FROM transactions WHERE mod(id, 20) = 7"
#: A message that is flushed, so that all before it can be read.
HERE = "SELECT pg_logical_emit_message(false, 'writing', '', true)"
WRITTEN = """
SELECT c.relname, sum(w.record_length)
  FROM pg_get_wal_block_info(CAST(%s AS pg_lsn), CAST(%s AS pg_lsn)) w
  JOIN pg_class c ON c.relfilenode = w.relfilenode
  LEFT JOIN pg_index i ON i.indexrelid = c.oid
 WHERE coalesce(i.indrelid, c.oid) = ANY (CAST(%s AS regclass[]))
   AND w.reldatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
 GROUP BY 1
"""


def written(ledger: Ledger) -> dict[str, float]:
    """Return the bytes of WAL that each index, and each table, adds to an inserted transaction."""
    with ledger.trial() as conn:
        conn.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS pg_walinspect")
        count = int(conn.exec_driver_sql(COUNT).scalar_one())
        begin = _place(conn)
        for table, insert in INSERTS.items():
            conn.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
            conn.exec_driver_sql(insert)
        found = conn.exec_driver_sql(WRITTEN, (begin, _place(conn), list(INSERTS))).all()
    return {name: float(size) / count for name, size in found}


def _place(conn: Connection) -> str:
    """Return where the log has come to."""
    return str(conn.exec_driver_sql(HERE).scalar_one())
