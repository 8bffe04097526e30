"""Every statement that a page can need, by name: what `freshledger statements` lists.

The text of a statement depends on the shape of its filter alone, so one example per filter, order
and place stands for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Integer, Text, bindparam

from dal import changes, contacts, details, imports, labels, named, tables, transactions, wallets
from dal.fields import FIELDS
from dal.filters import Filter
from dal.history import (
    USUAL as USUAL_HISTORY,
    all_statement as all_histories,
    statement as transaction_history,
)
from dal.keyset import NEWEST_FIRST, ORDERS, Cursor
from dal.moments import Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Executable


VISIBLE = "4:4:"  # of a snapshot long ago


@dataclass(frozen=True, slots=True)
class Named:
    """A statement with example values."""

    name: str  # what it answers
    statement: Executable
    parameters: Mapping[str, Any]


def statements() -> Iterator[Named]:
    """Yield every statement of the pages, the transactions page first."""
    yield from pages()
    where = Filter.parse("type=trade")
    yield Named("exact count and sums", transactions.totals_statement(where), where.parameters())
    known = {"wallet": "Kraken"}
    yield Named("about how many: a name's number", transactions.numbers_statement("wallet"), known)
    where = Filter.parse("type=trade&text=coffee")
    yield Named(
        "about how many: a sample", transactions.sample_statement(where), where.parameters()
    )
    place = Cursor.from_instant(NEWEST_FIRST, datetime(2024, 3, 5, tzinfo=UTC))
    for name, cursor in (("walk, first chunk", None), ("walk, next chunk", place)):
        statement = transactions.walk_statement(Filter(), NEWEST_FIRST, cursor)
        yield Named(name, statement, transactions.page_parameters(Filter(), cursor))
    seen = Snapshot("0", 1, 0, VISIBLE, datetime(2024, 3, 5, tzinfo=UTC))
    came = replace(place, seen=seen)
    statement = transactions.page_statement(Filter(), NEWEST_FIRST, came)
    parameters = transactions.page_parameters(Filter(), came)
    yield Named("next page, with what moved past its reader", statement, parameters)
    yield from elsewhere()


def elsewhere() -> Iterator[Named]:
    """Yield the statements of the other pages, and of the feed."""
    yield Named("what is new since a snapshot", changes.since_statement(), {"known": VISIBLE})
    log = changes.history_statement(["labels"], 1)
    yield Named("one row: its changes", log, {})
    yield Named("one transaction: movements", details.movements_statement(1), {})
    yield Named("one transaction: raw rows", details.raw_rows_statement(1), {})
    example = bindparam("id", 1, BigInteger()), bindparam("most", USUAL_HISTORY, Integer())
    told = transaction_history().bindparams(*example)
    yield Named("one transaction: history, with names", told, {})
    yield Named("wallets", wallets.all_statement(), {})
    now = bindparam("at", "infinity", Text())
    yield Named("wallets: balances", named.query("queries/wallet_balances").bindparams(now), {})
    yield Named("contacts", contacts.all_statement(), {})
    yield Named("labels", labels.all_statement(), {})
    for table, parts in (
        (tables.wallets, tables.wallet_addresses),
        (tables.contacts, tables.contact_addresses),
        (tables.labels, None),
    ):
        yield Named(f"{table.name}: histories", all_histories(table, parts), {})
    yield Named("imports", imports.all_statement(), {})


def pages() -> Iterator[Named]:
    """Yield the statements of the transactions page: each order and place, then each filter."""
    for order in ORDERS.values():
        value = datetime(2024, 3, 5, tzinfo=UTC) if order.name == "occurred_at" else 10
        places = {
            "first page": None,
            "next page": Cursor(order, "after", (value, 1)),  # type: ignore[arg-type]
            "previous page": Cursor(order, "before", (value, 1)),  # type: ignore[arg-type]
            "last page": Cursor.last(order),
        }
        for name, cursor in places.items():
            yield _page(f"{name}, {order.words}", Filter(), cursor or order)
    for field in FIELDS:
        for sign in ("", "!"):
            where = Filter.parse([(field.key + sign, field.example)])
            yield _page(f"first page, {field.key}{sign}={field.example}", where, NEWEST_FIRST)


def _page(name: str, where: Filter, place: Any) -> Named:  # noqa: ANN401 (a cursor or an order)
    cursor = place if isinstance(place, Cursor) else None
    order = place.order if isinstance(place, Cursor) else place
    statement = transactions.page_statement(where, order, cursor)
    return Named(name, statement, transactions.page_parameters(where, cursor))
