"""What a page costs, in buffers: the same at any depth, in any order, inside any tie."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from dal import transactions
from dal.database import Ledger
from dal.explain import Plan, explain
from dal.filters import EVERYTHING, Filter
from dal.keyset import ORDERS, Cursor, Order
from tests.conftest import new_database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

COUNT = 20_000
TIE = datetime(2024, 6, 1, tzinfo=UTC)
#: Rows a second apart, and as many again at one instant and of one amount, as a bulk import leaves
#: them; then their movements and labels.
FILL = (
    "INSERT INTO wallets (name) SELECT 'w' || n FROM generate_series(1, 50) n",
    "INSERT INTO assets (symbol) SELECT 'A' || n FROM generate_series(1, 20) n",
    "INSERT INTO labels (name) SELECT 'l' || n FROM generate_series(1, 10) n",
    "INSERT INTO contacts (name) SELECT 'c' || n FROM generate_series(1, 50) n",
    """INSERT INTO contact_addresses (network, address, contact_id)
       SELECT 'ethereum', '0x' || n, 1 + n % 50 FROM generate_series(1, 500) n""",
    f"""INSERT INTO transactions (wallet_id, type, occurred_at, amount, network, counterparty)
        SELECT 1 + n % 50, (enum_range(NULL\\:\\:transaction_type))[1 + n % 18],
               CASE WHEN n <= {COUNT // 2} THEN timestamptz '2024-01-01 UTC' + n * interval '1 s'
                    ELSE '{TIE.isoformat()}' END,
               CASE WHEN n <= {COUNT // 2} THEN n ELSE 77777 END,
               'ethereum', '0x' || abs(hashint8(n)::bigint) % 1000
          FROM generate_series(1, {COUNT}) n""",
    """INSERT INTO movements (transaction_id, key, position, occurred_at, asset_id, kind, amount)
       SELECT id, 1, 0, occurred_at, 1 + id % 20, 'principal', amount FROM transactions""",
    """INSERT INTO transaction_labels (transaction_id, label_id, occurred_at)
       SELECT id, 1 + id % 10, occurred_at FROM transactions WHERE id % 3 = 0""",
)


@pytest.fixture(scope="module")
def filled(server_url: str, template: str) -> Iterator[Connection]:
    with new_database(server_url, template) as url, Ledger(url) as ledger:
        with ledger.write() as conn:
            for statement in FILL:
                conn.execute(text(statement))
        with ledger._writing.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            conn.execute(text("VACUUM ANALYZE"))
        with ledger.read() as conn:
            conn.execute(text("SET jit = off"))
            yield conn


def plan(
    conn: Connection, order: Order, cursor: Cursor | None = None, where: Filter = EVERYTHING
) -> Plan:
    statement = transactions.page_statement(where, order, cursor)
    parameters = transactions.page_parameters(where, cursor)
    explain(conn, statement, parameters)  # the first run may read the catalogue
    return explain(conn, statement, parameters)


def places(order: Order) -> dict[str, Cursor]:
    """Return places at the ends, in the middle of the sparse half, and inside the tie."""
    near: tuple[datetime, datetime] | tuple[Decimal, Decimal]
    if order.name == "amount":
        near = Decimal(COUNT // 4), Decimal(77_777)
    else:
        near = datetime(2024, 1, 1, 1, 23, 20, tzinfo=UTC), TIE
    last = Cursor.last(order)
    return {
        "the last page": last,
        "the middle": Cursor(order, "after", (near[0], COUNT // 4)),
        "the middle, back": Cursor(order, "before", (near[0], COUNT // 4)),
        "the tie": Cursor(order, "after", (near[1], COUNT * 3 // 4)),
        "the tie, back": Cursor(order, "before", (near[1], COUNT * 3 // 4)),
    }


@pytest.mark.parametrize("order", ORDERS.values(), ids=lambda order: order.key)
def test_a_page_costs_the_same_at_any_depth(filled: Connection, order: Order) -> None:
    first = plan(filled, order)
    for name, cursor in places(order).items():
        page = transactions.page(filled, order=order, cursor=cursor)
        assert len(page.rows) == 50, name
        there = plan(filled, order, cursor)
        more = "\n".join((f"{there.buffers} at {name}, {first.buffers} at the first", *there.tree))
        assert there.buffers <= first.buffers * 1.3, more
        assert not any("Seq Scan · relation name: transactions" in line for line in there.tree), (
            more
        )


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        ("wallet=w7", "transactions_wallet_idx"),
        ("type=gift", "transactions_type_idx"),
        ("label=l3", "transaction_labels_label_idx"),
    ],
)
@pytest.mark.parametrize("key", ["-time", "time"])
def test_a_facet_is_read_in_order(filled: Connection, asked: str, index: str, key: str) -> None:
    """The index of the facet gives the order: no sort of all that matches, at no depth."""
    where, order = Filter.parse(asked), ORDERS[key]
    first = plan(filled, order, None, where)
    everything = len(list(transactions.iterate(filled, where)))
    for cursor in (None, *places(order).values()):
        there = plan(filled, order, cursor, where)
        more = "\n".join((f"{there.buffers} buffers", *there.tree))
        assert any(index in line for line in there.tree), more
        assert there.buffers <= first.buffers * 1.3, more
        assert there.buffers < everything * 6, more


def test_a_hash_is_found_by_its_index(filled: Connection) -> None:
    there = plan(filled, ORDERS["-time"], None, Filter.parse(f"hash=0x{'ab' * 32}"))
    assert any("transactions_hash_idx" in line for line in there.tree)
    assert there.buffers < 60


def test_a_rare_amount_is_found_by_its_index(filled: Connection) -> None:
    there = plan(filled, ORDERS["-time"], None, Filter.parse("amount=4321"))
    assert any("movements_amount_idx" in line for line in there.tree), "\n".join(there.tree)


def test_streaming_costs_the_same_at_any_depth(filled: Connection) -> None:
    order = ORDERS["-time"]
    buffers = []
    for cursor in (None, *places(order).values()):
        if cursor is None or cursor.key is not None:
            statement = transactions.walk_statement(EVERYTHING, order, cursor)
            parameters = transactions.page_parameters(EVERYTHING, cursor)
            buffers.append(explain(filled, statement, parameters).buffers)
    assert max(buffers) <= min(buffers) * 1.5


@pytest.mark.parametrize("query", ["amount=1..2000&wallet=w1", "text=a&contact=c1", "contact=c1"])
def test_ids_are_hashed_and_never_looked_through(filled: Connection, query: str) -> None:
    """Where two hundred thousand are compared with as many, anything else has no end."""
    filled.execute(text("SET work_mem = '4MB'"))  # a server's default
    cursor = Cursor.from_instant(ORDERS["-time"], TIE)
    lines = plan(filled, ORDERS["-time"], cursor, Filter.parse(query)).whole
    assert any("HashSetOp" in line or "= (hashed SubPlan" in line for line in lines)
    assert not any(line.strip().startswith("SetOp") or "= (SubPlan" in line for line in lines)
