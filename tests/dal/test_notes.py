"""The narrow copy of the notes is what the transactions say in lower case, whoever writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select, text

from dal import tables
from tests.support import rows

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dal.database import Ledger

tx, copied = tables.transactions, tables.transaction_notes
NEW = """
    INSERT INTO transactions (occurred_at, wallet_id, type, note, source_id)
    SELECT timestamptz '2024-01-01 UTC' + n * interval '1 hour', {wallet}, 'send', {note}, 'n' || n
      FROM generate_series(1, 6) n
"""
#: Each is done to six transactions; every other one has a note.
DEEDS = {
    "nothing": "SELECT",
    "a note is written where none was": "UPDATE transactions SET note = note || ' More'",
    "notes are taken away": "UPDATE transactions SET note = '' WHERE id % 4 = 0",
    "all say what they said": "UPDATE transactions SET note = note",
    "times change": "UPDATE transactions SET occurred_at = occurred_at + interval '1 day'",
    "time and note change at once": (
        "UPDATE transactions SET occurred_at = occurred_at - interval '1 day', note = 'moved' || id"
    ),
    "ids and notes change at once": "UPDATE transactions SET id = id + 100, note = 'again' || id",
    "some go": "DELETE FROM transactions WHERE id % 3 = 0",
    "all go": "TRUNCATE transactions CASCADE",
    "the same come again, and say something else": (
        NEW + " ON CONFLICT (wallet_id, identity) DO UPDATE SET note = transactions.note || 'twice'"
    ),
    "more come by COPY's way": (
        "INSERT INTO transactions (occurred_at, wallet_id, type, note) SELECT occurred_at"
        " + interval '1 year', wallet_id, type, note FROM transactions"
    ),
    "one is merged into another": (
        "MERGE INTO transactions t USING transactions s ON t.id = s.id + 1"
        " WHEN MATCHED AND t.note = '' THEN UPDATE SET note = s.note"
        " WHEN MATCHED THEN DELETE"
    ),
}


def notes(conn: Connection) -> list[tuple[object, ...]]:
    said = (
        select(tx.c.id, tx.c.occurred_at, func.lower(tx.c.note))
        .where(tx.c.note != "")
        .order_by(tx.c.id)
    )
    return [tuple(row) for row in conn.execute(said)]


@pytest.mark.parametrize("deed", DEEDS)
def test_the_copy_is_what_they_say(ledger: Ledger, deed: str) -> None:
    words = "CASE WHEN n % 2 = 0 THEN 'Note Nº ' || n ELSE '' END"
    with ledger.write() as conn:
        told = {"wallet": rows.wallet(conn), "note": words}
        conn.execute(text(NEW.format(**told)))
        conn.execute(text(DEEDS[deed].format(**told)))
    with ledger.read() as conn:
        assert [tuple(row) for row in conn.execute(select(copied).order_by(copied.c[0]))] == notes(
            conn
        )
