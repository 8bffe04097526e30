"""The generated ledger: the same each time, skewed as it says, and the schema is as it was."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from itertools import combinations
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from tests.bench.ground import seed
from tests.conftest import new_database

if TYPE_CHECKING:
    from collections.abc import Iterator

ROWS = 20_000
TABLES = ("transactions", "movements", "transaction_labels", "import_rows", "imports", "wallets",
          "wallet_addresses", "assets", "contacts", "contact_addresses", "labels")  # fmt: skip
LONG = TABLES[:4]
#: What the ledger may lose when its indexes are put aside, and may not.
CATALOGUE = """
SELECT 'constraint', conrelid::regclass || ' ' || conname,
       concat_ws(' ', pg_get_constraintdef(oid), convalidated),
       obj_description(oid, 'pg_constraint')
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace
 UNION ALL
SELECT 'index', indexrelid::regclass::text,
       concat_ws(' ', pg_get_indexdef(indexrelid), indisvalid, indisready, indisprimary),
       obj_description(indexrelid, 'pg_class')
  FROM pg_index JOIN pg_class ON oid = indexrelid WHERE relnamespace = 'public'::regnamespace
 UNION ALL
SELECT 'trigger', tgrelid::regclass || ' ' || tgname,
       concat_ws(' ', pg_get_triggerdef(oid), tgenabled), ''
  FROM pg_trigger WHERE NOT tgisinternal
 UNION ALL
SELECT 'table', relname, concat_ws(' ', relpersistence, reloptions), ''
  FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
 UNION ALL
SELECT 'column', attrelid::regclass || ' ' || attname,
       concat_ws(' ', attnotnull, attidentity, attgenerated, atthasdef), ''
  FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
 WHERE attnum > 0 AND relkind = 'r' AND relnamespace = 'public'::regnamespace
 ORDER BY 1, 2
"""
#: Which transactions a value has, by the facet that it is of.
HAS = {
    "wallet": "wallet_id = (SELECT id FROM wallets WHERE name = '{}')",
    "asset": "id IN (SELECT transaction_id FROM movements m JOIN assets a ON a.id = asset_id"
    " WHERE symbol = '{}')",
    "label": "id IN (SELECT transaction_id FROM transaction_labels JOIN labels l ON l.id = label_id"
    " WHERE name = '{}')",
    "contact": "coalesce(contact_id, (SELECT a.contact_id FROM contact_addresses a"
    " WHERE a.network = t.network AND a.address = counterparty))"
    " = (SELECT id FROM contacts WHERE name = '{}')",
    "type": "type = '{}'",
    "network": "network = '{}'",
    "note": "note LIKE '%{}%'",
    "amount": "amount = '{}'",
    "status": "status = '{}'",
}
PLANTED = {
    "wallet": ("Apart", "Old", "Rare", "Never"),
    "asset": ("APART", "OLD", "RARE", "NEVER"),
    "label": ("apart", "old", "rare", "never"),
    "contact": ("Apart", "Old", "Rare", "Never"),
    "type": ("loan", "gift", "burn", "income"),
    "network": ("arbitrum", "dogecoin", "tron", "xrp"),
    "note": ("asunder", "bygone", "seldom", "unheard"),
    "amount": ("3333", "1984", "4321", "9999"),
}
#: Per cent of the rows, at least and at most.
SHARES = (
    ("wallet", "Wallet 1", 23, 27), ("wallet", "Wallet 15", 0.8, 1.3),
    ("asset", "ETH", 60, 75),  # the fees of others too
    ("asset", "USDC", 12, 18), ("asset", "TOK13", 0.7, 1.3),
    ("label", "label 1", 7, 9), ("label", "label 8", 0.8, 1.4),
    ("contact", "Contact 1", 3.5, 5.5), ("contact", "Contact 5", 0.7, 1.4),
    ("type", "receive", 40, 46), ("type", "other", 0.8, 1.3),
    ("network", "ethereum", 67, 72), ("network", "bitcoin", 16, 19), ("network", "", 9, 11),
    ("network", "polygon", 0.7, 1.2), ("status", "failed", 0.9, 1.4),
    ("status", "pending", 0.04, 0.06), ("note", "coffee", 1.6, 2.3), ("note", "invoice", 0.7, 1.2),
)  # fmt: skip


@pytest.fixture(scope="module")
def url(server_url: str, template: str) -> Iterator[str]:
    with new_database(server_url, template) as url:
        yield url


@pytest.fixture(scope="module")
def catalogue(url: str) -> list[Any]:
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("COMMENT ON INDEX transactions_pkey IS 'told'")
        conn.execute("COMMENT ON INDEX movements_asset_idx IS 'told'")
        return conn.execute(CATALOGUE).fetchall()


@pytest.fixture(scope="module")
def seeded(url: str, catalogue: list[Any]) -> Iterator[psycopg.Connection]:
    assert catalogue
    seed(url, ROWS)
    with psycopg.connect(url, autocommit=True) as conn:
        yield conn


def one(conn: psycopg.Connection, query: str) -> Any:
    row = conn.execute(query).fetchone()
    return None if row is None else row[0]


def ids(conn: psycopg.Connection, facet: str, value: str) -> set[int]:
    query = f"SELECT id FROM transactions t WHERE {HAS[facet].format(value)}"
    return {row[0] for row in conn.execute(query)}


def sums(conn: psycopg.Connection) -> dict[str, str]:
    query = "SELECT md5(string_agg(r::text, E'\\n' ORDER BY r::text)) FROM {} r"
    return {table: one(conn, query.format(table)) for table in TABLES}


def test_two_loads_are_equal(seeded: psycopg.Connection, server_url: str, template: str) -> None:
    with new_database(server_url, template) as url, psycopg.connect(url) as conn:
        seed(url, ROWS)
        assert sums(conn) == sums(seeded)


def test_nothing_of_the_schema_is_lost(seeded: psycopg.Connection, catalogue: list[Any]) -> None:
    assert seeded.execute(CATALOGUE).fetchall() == catalogue


def test_a_ledger_that_is_not_empty_is_left_alone(seeded: psycopg.Connection, url: str) -> None:
    before = sums(seeded), seeded.execute(CATALOGUE).fetchall()
    with pytest.raises(subprocess.CalledProcessError):
        seed(url, ROWS)
    assert (sums(seeded), seeded.execute(CATALOGUE).fetchall()) == before


@pytest.mark.parametrize(
    "row",
    [
        "INSERT INTO wallets (id, name) VALUES (9999, 'Mine')",
        "INSERT INTO imports (id, file, format, wallet) VALUES (9999, 'a.csv', 'Generic', 'Mine')",
    ],
)
def test_a_ledger_of_a_single_row_is_not_empty(server_url: str, template: str, row: str) -> None:
    """Nor where nothing that is generated would be in its way."""
    with new_database(server_url, template) as url, psycopg.connect(url, autocommit=True) as conn:
        conn.execute(row)
        with pytest.raises(subprocess.CalledProcessError):
            seed(url, ROWS)
        assert one(conn, "SELECT count(*) FROM transactions") == 0


@pytest.mark.parametrize(("facet", "value", "least", "most"), SHARES)
def test_the_shares_are_as_told(
    seeded: psycopg.Connection, facet: str, value: str, least: float, most: float
) -> None:
    assert least <= len(ids(seeded, facet, value)) * 100 / ROWS <= most


def test_apart_values_are_never_together(seeded: psycopg.Connection) -> None:
    apart = {facet: ids(seeded, facet, values[0]) for facet, values in PLANTED.items()}
    assert all(len(found) >= ROWS * 0.005 for found in apart.values())
    pending = ids(seeded, "status", "pending")
    for one_of_them, another in combinations((*apart.values(), pending), 2):
        assert not one_of_them & another


@pytest.mark.parametrize("facet", PLANTED)
def test_apart_values_are_there_all_the_time(seeded: psycopg.Connection, facet: str) -> None:
    tenths = [found * 10 // ROWS for found in ids(seeded, facet, PLANTED[facet][0])]
    assert all(tenths.count(tenth) >= ROWS * 0.0004 for tenth in range(10))


@pytest.mark.parametrize("facet", PLANTED)
def test_old_rare_and_unused_values(seeded: psycopg.Connection, facet: str) -> None:
    _, old, rare, never = (ids(seeded, facet, value) for value in PLANTED[facet])
    assert ROWS * 0.015 < len(old) < ROWS * 0.025
    quarter = one(seeded, "SELECT timestamptz '2020-01-01 UTC' + interval '2192 days' / 4")
    assert one(seeded, f"SELECT max(occurred_at) FROM transactions WHERE id = {max(old)}") < quarter
    assert len(rare) == ROWS // 10_000
    assert not never


def test_the_heap_is_in_time_order(seeded: psycopg.Connection) -> None:
    """But for a short row now and then, which fills up the block before."""
    for table, key in zip(LONG[:3], ("id", "transaction_id", "transaction_id"), strict=True):
        back = one(
            seeded,
            f"""SELECT count(*)
                  FROM (SELECT ({key}, occurred_at) < lag(({key}, occurred_at)) OVER heap AS back
                          FROM {table} WINDOW heap AS (ORDER BY ctid)) s WHERE back""",
        )
        assert back < ROWS * 0.01
    order = "SELECT array_agg(id ORDER BY occurred_at, id) FROM transactions"
    assert one(seeded, order) == list(range(1, ROWS + 1))


def test_bulk_imports_share_an_instant(seeded: psycopg.Connection) -> None:
    ties = (
        "SELECT occurred_at, count(*) FROM transactions GROUP BY 1 HAVING count(*) > 2 ORDER BY 1"
    )
    found: dict[datetime, int] = dict(seeded.execute(ties).fetchall())
    assert found[datetime(2023, 1, 1, tzinfo=UTC)] == ROWS // 10
    assert sorted(found.values()) == [ROWS // 100] * 4 + [ROWS // 10]


def test_amounts_are_what_the_trigger_would_keep(seeded: psycopg.Connection) -> None:
    assert not one(
        seeded,
        """SELECT count(*) FROM transactions t WHERE amount <> coalesce(
             (SELECT max(abs(amount)) FROM movements
               WHERE transaction_id = t.id AND kind = 'principal'), 0)""",
    )
    assert one(seeded, "SELECT count(*) FROM transactions WHERE amount BETWEEN 2000 AND 2999") > 0


def test_imports_account_for_their_rows(seeded: psycopg.Connection) -> None:
    query = """
        SELECT i.id, i.imported, max(t.id) - min(t.id) + 1
          FROM imports i LEFT JOIN import_rows r ON r.import_id = i.id
          LEFT JOIN transactions t ON t.id = r.transaction_id AND t.import_id = i.id
         GROUP BY i.id HAVING i.read = count(r) AND i.transactions = count(t) ORDER BY i.id"""
    found = seeded.execute(query).fetchall()
    assert [number for number, *_ in found] == list(range(1, 14))
    assert all(imported == run for _, imported, run in found[:12])
    assert found[11][1:] == (2, 2)
    assert found[12][1:] == (0, None)
    share = one(seeded, "SELECT avg((import_id IS NOT NULL)::int) FROM movements")
    assert 0.19 < share < 0.24


def test_index_only_scans_need_no_heap(seeded: psycopg.Connection) -> None:
    hidden = "SELECT sum(relpages - relallvisible) FROM pg_class WHERE relname = ANY (%s)"
    row = seeded.execute(hidden, [list(LONG)]).fetchone()
    assert row == (0,)


def test_a_new_row_follows(seeded: psycopg.Connection) -> None:
    assert one(seeded, "SELECT nextval(pg_get_serial_sequence('transactions', 'id'))") == ROWS + 1
