"""Estimates: near the truth or none, and never against what is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert, text

from dal import estimates, tables, transactions
from dal.database import Ledger
from dal.filters import Filter
from dal.settings import DalSettings
from tests.conftest import new_database
from tests.support import rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Table

#: Of 6,000 transactions: how many each filter lets through, and whether anybody can tell.
MEANT = (
    ("", 6_000),
    ("wallet=Kraken", 4_000),
    ("wallet=kraken&wallet=LEDGER", 6_000),
    ("wallet!=Kraken", 2_000),
    ("type=send", 3_000),
    ("type!=send", 3_000),
    ("label=rent", 1_500),
    ("label!=rent", 4_500),
    ("has=label", 1_500),
    ("date=2024-03", 6_000),
    ("text=coffee", 1_200),
    ("wallet=Kraken&type=send", 2_000),
    ("amount=1..", 6_000),
    ("asset=ETH&direction=in", 6_000),
)
NAMED: tuple[tuple[Table, list[dict[str, object]]], ...] = (
    (tables.wallets, [{"id": 1, "name": "Kraken"}, {"id": 2, "name": "Ledger"}]),
    (tables.labels, [{"id": 1, "name": "rent"}, {"id": 2, "name": "food"}]),
    (tables.assets, [{"id": 1, "symbol": "ETH"}]),
)
MANY = text("""
    INSERT INTO transactions (occurred_at, wallet_id, type, note, source, amount)
    SELECT timestamptz '2024-03-05' + i * interval '1 second', 1 + (i % 3 = 0)::int,
           (ARRAY['send', 'receive'])[1 + i % 2]::transaction_type,
           CASE WHEN i % 5 = 0 THEN 'coffee ' || i ELSE '' END, 'seed', 1
      FROM generate_series(1, 6000) i""")
MOVED = text("""
    INSERT INTO movements (transaction_id, key, occurred_at, asset_id, position, kind, amount)
    SELECT id, 0, occurred_at, 1, 0, 'principal', 1 FROM transactions""")
LABELLED = text("""
    INSERT INTO transaction_labels (transaction_id, label_id, occurred_at)
    SELECT id, 1, occurred_at FROM transactions WHERE id % 4 = 0""")


@pytest.fixture(scope="module")
def analysed(server_url: str, template: str) -> Iterator[Ledger]:
    """Yield a ledger of 6,000 transactions that ANALYZE has looked at."""
    with new_database(server_url, template) as url, Ledger(url, DalSettings()) as ledger:
        with ledger.write() as conn:
            for table, values in NAMED:
                conn.execute(insert(table), values)
            for each in (MANY, MOVED, LABELLED, text("ANALYZE")):
                conn.execute(each)
        yield ledger


@pytest.fixture
def many(analysed: Ledger) -> Iterator[Connection]:
    with analysed.read() as conn:
        yield conn


@pytest.fixture
def few(many: Connection, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    """Yield a connection whose samples draw some of the pages, as of a long table."""
    monkeypatch.setattr(estimates, "PAGES", 30)
    estimates._sample_statement.cache_clear()
    yield many
    estimates._sample_statement.cache_clear()


@pytest.mark.parametrize(("query", "meant"), MEANT)
def test_it_is_near_the_truth(many: Connection, query: str, meant: int) -> None:
    where = Filter.parse(query)
    assert transactions.totals(many, where).transactions == meant
    found = transactions.estimate(many, where)
    assert found is not None
    assert abs(found.transactions - meant) <= meant // 5, found


@pytest.mark.parametrize("query", ["label=food", "text=nobody", "hash=abc", "contact=Anna"])
def test_of_what_is_rare_it_says_nothing(many: Connection, query: str) -> None:
    assert transactions.estimate(many, Filter.parse(query), more_than=1) is None


@pytest.mark.parametrize("query", ["", "wallet=Kraken", "text=coffee"])
def test_it_never_contradicts_what_was_counted(many: Connection, query: str) -> None:
    where = Filter.parse(query)
    found = transactions.estimate(many, where)
    assert found is not None
    assert transactions.estimate(many, where, more_than=found.transactions) is None
    again = transactions.estimate(many, where, more_than=found.transactions - 1)
    assert again is not None
    assert again.transactions == found.transactions


@pytest.mark.parametrize(("query", "meant"), [("text=coffee", 1_200), ("has=label", 1_500)])
def test_a_sample_of_some_pages_is_near_the_truth(few: Connection, query: str, meant: int) -> None:
    found = transactions.estimate(few, Filter.parse(query))
    assert found is not None
    assert abs(found.transactions - meant) <= meant // 10, found


@pytest.mark.parametrize("query", ["text=coffee 1", "text=coffee 2"])
def test_of_what_lies_in_a_few_places_a_sample_says_nothing(few: Connection, query: str) -> None:
    """It may have drawn one of them, or none: each is 222, most of them in a row."""
    assert transactions.totals(few, Filter.parse(query)).transactions == 222
    assert transactions.estimate(few, Filter.parse(query)) is None


def test_it_is_the_same_as_long_as_the_table_is(few: Connection) -> None:
    where = Filter.parse("text=coffee")
    found = [transactions.estimate(few, where) for _ in range(5)]
    assert len({each and each.transactions for each in found}) == 1


@pytest.mark.parametrize("query", ["text=coffee", "wallet=Nobody", "label!=food", "type=send"])
def test_of_a_table_that_was_never_analysed_it_claims_little(conn: Connection, query: str) -> None:
    rows.transaction(conn, rows.wallet(conn))
    assert transactions.estimate(conn, Filter.parse(query), more_than=1_000) is None
