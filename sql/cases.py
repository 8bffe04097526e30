"""What is explained: every filter by how common its value is, pairs, orders, places, other pages.

The values are those that `sql/seed/ledger.sql` plants. A case is found in the file of its group.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from dal import snapshots, statements, transactions
from dal.filters import Filter
from dal.keyset import NEWEST_FIRST, ORDERS, Cursor, Order

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Connection, Executable


@dataclass(frozen=True, slots=True)
class Case:
    """A statement with values."""

    group: str  # the file that its plan is in
    title: str
    statement: Executable
    parameters: Mapping[str, Any]
    keys: tuple[str, ...] = ()  # of its filter
    order: str = ""  # of its page


def address(number: int) -> str:
    """Return the address on Ethereum of that number in the generated ledger."""
    return "0x" + hashlib.sha256(number.to_bytes(8, "big")).hexdigest()[:40]


def tx_hash(row: int) -> str:
    """Return the hash of a row of the generated ledger."""
    return "0x" + hashlib.sha256((row + 10**12).to_bytes(8, "big")).hexdigest()


#: What no row of the ledger has.
NOWHERE = 10**15
#: Of each filter: how common a value is, and the value.
CLASSES: Mapping[str, Mapping[str, str]] = {
    "wallet": {"common": "Wallet 1", "one per cent": "Wallet 15", "apart": "Apart",
               "old": "Old", "rare": "Rare", "never": "Never"},
    "asset": {"common": "USDC", "one per cent": "TOK13", "apart": "APART",
              "old": "OLD", "rare": "RARE", "never": "NEVER"},
    "label": {"common": "label 1", "one per cent": "label 8", "apart": "apart",
              "old": "old", "rare": "rare", "never": "never"},
    "contact": {"common": "Contact 1", "one per cent": "Contact 5", "apart": "Apart",
                "old": "Old", "rare": "Rare", "never": "Never"},
    "type": {"common": "receive", "one per cent": "other", "apart": "loan",
             "old": "gift", "rare": "burn", "never": "income"},
    "network": {"common": "ethereum", "one per cent": "polygon", "apart": "arbitrum",
                "old": "dogecoin", "rare": "tron", "never": "xrp"},
    "status": {"common": "confirmed", "one per cent": "failed", "rare": "pending"},
    "text": {"common": "coffee", "one per cent": "invoice", "apart": "asunder",
             "old": "bygone", "rare": "seldom", "never": "unheard"},
    "amount": {"common": "..1", "apart": "3333", "old": "1984", "rare": "4321", "never": "9999",
               "a rare range": "2000..2999"},
    "import": {"common": "7", "old": "11", "rare": "12", "never": "13"},
    "address": {"common": address(1), "apart": address(201), "rare": address(203),
                "a contact's": address(1_000_000 + 8), "never": address(NOWHERE)},
    "date": {"a day": "2024-03-05", "a quarter": "2021-Q1", "open": "2021..", "old": "..2020-02",
             "the tie": "2023-01-01", "never": "2031"},
    "hash": {"one": tx_hash(4711), "never": tx_hash(NOWHERE)},
    "direction": {"in": "in", "out": "out"},
    "has": {"a label": "label", "a contact": "contact", "a note": "note"},
}  # fmt: skip
#: What is paired: one filter of each kind (type, network and status are found as a wallet is).
FACETS = ("wallet", "asset", "label", "contact", "text", "amount")
PAIRS = (("apart", "apart"), ("common", "common"), ("rare", "common"))


def cases(conn: Connection) -> Iterator[Case]:
    """Yield every case of a generated ledger."""
    middle = {key: place(conn, key) for key in ORDERS}
    yield from everything(middle)
    for key in CLASSES:
        yield from filtered(key, middle)
    yield from pairs()
    yield from others(conn, middle)


def page(group: str, title: str, query: str, at: Order | Cursor = NEWEST_FIRST) -> Case:
    """Return the case of a page of a filter."""
    where = Filter.parse(query)
    cursor = at if isinstance(at, Cursor) else None
    order = at.order if isinstance(at, Cursor) else at
    return Case(
        group,
        f"{title}, {order.words}",
        transactions.page_statement(where, order, cursor),
        transactions.page_parameters(where, cursor),
        tuple(each.key for each in where.conditions),
        order.key,
    )


def everything(middle: Mapping[str, Cursor]) -> Iterator[Case]:
    """Yield the pages without a filter: each order and place."""
    for key, order in ORDERS.items():
        yield page("everything", "first page", "", order)
        yield page("everything", "in the middle", "", middle[key])
        yield page("everything", "in the middle, back", "", replace(middle[key], side="before"))
        yield page("everything", "last page", "", Cursor.last(order))


def filtered(key: str, middle: Mapping[str, Cursor]) -> Iterator[Case]:
    """Yield the pages of one filter: each class; its first value at each place; the opposite."""
    for name, value in CLASSES[key].items():
        yield page(key, f"{name}: {key}={value}", f"{key}={value}")
    first, *more = CLASSES[key].values()
    query = f"{key}={first}"
    for place_name, at in (
        ("in the middle, back", replace(middle["-time"], side="before")),
        ("last page", Cursor.last(NEWEST_FIRST)),
        ("first page", ORDERS["time"]),
        ("first page", ORDERS["-amount"]),
        ("in the middle", middle["amount"]),
    ):
        yield page(key, f"{place_name}: {query}", query, at)
    for name in ("old", "rare", "never"):
        if name not in CLASSES[key]:
            continue
        of_amount = f"{key}={CLASSES[key][name]}"
        yield page(key, f"{name}: {of_amount}", of_amount, ORDERS["-amount"])
    yield page(key, f"not: {key}!={first}", f"{key}!={first}")
    if more:
        two = f"{query}&{key}={more[0]}"
        yield page(key, f"any of two: {two}", two)


def pairs() -> Iterator[Case]:
    """Yield the pages of two filters at once."""
    for one, other in PAIRS:
        for left, right in combinations(FACETS, 2):
            query = f"{left}={CLASSES[left][one]}&{right}={CLASSES[right][other]}"
            group = f"pairs-{one}" if one == other else f"pairs-{one}-{other}"
            yield page(group, query, query)


def others(conn: Connection, middle: Mapping[str, Cursor]) -> Iterator[Case]:
    """Yield all that is no page of transactions."""
    seen = replace(snapshots.taken(conn), visible="9000000:9000000:")  # the same in every run
    yield page("moved", "what moved past a reader", "", replace(middle["-time"], seen=seen))
    for title, cursor in (("first chunk", None), ("next chunk", middle["-time"])):
        for query in ("", "wallet=Wallet 1", "label=old"):
            where = Filter.parse(query)
            statement = transactions.walk_statement(where, NEWEST_FIRST, cursor)
            parameters = transactions.page_parameters(where, cursor)
            yield Case("walk", f"{title}: {query or 'everything'}", statement, parameters)
    for key, classes in CLASSES.items():
        for name in ("one per cent", "rare"):
            if name in classes:
                yield totals(f"{key}={classes[name]}")
    for each in statements.elsewhere():
        yield Case("other-pages", each.name, each.statement, each.parameters)


def totals(query: str) -> Case:
    """Return the case of the exact figures of a filter."""
    where = Filter.parse(query)
    return Case("totals", query, transactions.totals_statement(where), where.parameters())


def place(conn: Connection, key: str) -> Cursor:
    """Return a place in the middle of the ledger."""
    tx, order = transactions.tx, ORDERS[key]
    which = tx.c.id == select(func.max(tx.c.id) / 2).scalar_subquery()
    row = conn.execute(select(tx.c.id, order.column).where(which)).one()
    return Cursor(order, "after", (row[1], row[0]))
