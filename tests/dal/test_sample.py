"""The sample: deterministic, realistic, marked, and gone without a trace."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from dal import contacts, imports, labels, sample, tables, transactions, wallets
from dal.story import Story

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from dal.database import Ledger


@pytest.fixture
def conn(ledger: Ledger) -> Iterator[Connection]:
    """Yield a trial's connection in a database of the test's own: a sample is a lot to share."""
    with ledger.trial() as connection:
        yield connection


def test_the_story_is_the_same_every_time() -> None:
    assert Story().rows == Story().rows
    assert Story(seed=1).rows != Story().rows


def test_it_shows_the_main_job(conn: Connection) -> None:
    assert sample.load(conn) >= 2000
    found = list(transactions.iterate(conn))
    assert len({row.wallet for row in found}) >= 4
    assert all(row.wallet.endswith("(sample)") for row in found)
    assert len({row.network for row in found}) >= 5
    assert len({row.occurred_at.year for row in found}) >= 4
    assert len({row.type for row in found}) >= 8
    assert {row.status for row in found} >= {"confirmed", "failed"}
    assert any(row.contact for row in found)
    assert any(row.labels for row in found)
    assert any(row.note for row in found)
    transfers = [row.tx_hash for row in found if row.type == "transfer"]
    assert transfers
    assert len(transfers) == 2 * len(set(transfers))


def test_no_row_of_it_is_refused(conn: Connection) -> None:
    sample.load(conn)
    for each in imports.all(conn):
        assert each.read == each.imported == each.transactions


def test_nobody_spends_what_he_has_not(conn: Connection) -> None:
    sample.load(conn)
    assert all(balance.amount > 0 for balance in wallets.balances(conn))


def test_it_is_removed_without_a_trace(conn: Connection) -> None:
    assert imports.is_empty(conn)
    sample.load(conn)
    assert not imports.is_empty(conn)
    assert imports.has_sample(conn)
    assert imports.remove_sample(conn) == len(Story().rows)
    assert imports.is_empty(conn)
    for table in (tables.transactions, tables.movements, tables.import_rows):
        assert conn.execute(select(func.count()).select_from(table)).scalar_one() == 0
    assert not [*wallets.all(conn), *contacts.all(conn), *labels.all(conn)]


def touched(conn: Connection) -> int:
    """Return the rows that this transaction has read of the large tables, in whatever way."""
    return int(
        conn.exec_driver_sql(
            "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables"
            " WHERE relname IN ('transactions', 'movements', 'import_rows')"
        ).scalar_one()
    )


def test_a_trial_before_it_does_not_make_it_crawl(ledger: Ledger) -> None:
    """A trial leaves dead rows; statistics then say that the tables hold nothing."""
    with ledger.trial() as conn:
        sample.load(conn)
    with ledger.write() as conn:
        conn.exec_driver_sql("ANALYZE transactions, movements, transaction_labels, import_rows")
    with ledger.write() as conn:
        count = sample.load(conn)
        loaded = touched(conn)
        imports.remove_sample(conn)
        removed = touched(conn) - loaded
    assert loaded < 50 * count
    assert removed < 50 * count


def test_what_the_user_brought_stays(ledger: Ledger) -> None:
    with ledger.write() as conn:
        sample.load(conn)
        mine = wallets.add(conn, "Mine")
        labels.add(conn, "my own")
    with ledger.write() as conn:
        imports.remove_sample(conn)
    with ledger.read() as conn:
        assert [wallet.id for wallet in wallets.all(conn)] == [mine]
        assert [label.name for label in labels.all(conn)] == ["my own"]
