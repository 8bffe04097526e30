"""Transactions as a page shows them: the SQL that gathers them, and the records made of it.

They come as one row, an array of each column: of the transactions, of their movements and labels,
and of the names of what they refer to. So PostgreSQL reads each of these tables once, by the ids of
the whole page, where a join would look up every row of it anew; who belongs to whom is a matter of
the ids, and the records are put together by them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, make_dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import (
    CTE,
    ColumnElement,
    Select,
    Text,
    any_,
    cast,
    func,
    literal_column,
    select,
    true,
    union_all,
)
from sqlalchemy.types import NullType

from dal import tables
from dal.keyset import NEWEST_FIRST
from dal.records import Movement, Tag, Transaction

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import FromClause, Subquery, Table

    from dal.keyset import Order

EMPTY: ColumnElement[str] = literal_column("''")
Record = TypeVar("Record")
#: Of the transactions themselves, what is read; then the places of some of it.
OWNED = (
    *("id", "occurred_at", "wallet_id", "type", "status", "network", "tx_hash", "address"),
    *("counterparty", "contact_id", "note", "amount", "version"),
)
NETWORK, COUNTERPARTY, BY_HAND = map(OWNED.index, ("network", "counterparty", "contact_id"))


def _side_by_side(*widths: int) -> Iterator[slice]:
    """Yield where parts of so many columns stand, one behind the other."""
    start = 0
    for width in widths:
        yield slice(start, start + width)
        start += width


#: Where the parts of what is shown stand, in the order in which `shown` has them.
WALLETS, LABELS, OWN, MOVED, SYMBOLS, TAGGED, PLACES, CONTACTS = _side_by_side(
    2, 3, len(OWNED), 5, 2, 2, 3, 2
)
COLUMNS: int = CONTACTS.stop


@dataclass(frozen=True, slots=True)
class Shown:
    """Transactions, and what a filter can name: all wallets' names, and labels, by name."""

    rows: tuple[Transaction, ...]
    wallets: tuple[str, ...]
    labels: tuple[Tag, ...]


# ── What is asked ────────────────────────────────────────────────────────────────────────────


def shown_statement(which: ColumnElement[bool]) -> Select[Any]:
    """Return the statement of the transactions that a condition means, newest first."""
    found = select(tables.transactions).where(which).cte("slice")
    return select(shown(found, NEWEST_FIRST))


def shown(page: CTE, order: Order) -> Subquery:
    """Return the one row that shows the bare transactions, in an order; `gathered` reads it."""
    moved, places = _moved(page), _places(page)
    parts = (
        _listed(tables.wallets, "name"),
        _listed(tables.labels, "name", "colour"),
        _own(page, order),
        _movements(moved),
        _symbols(moved),
        _tagged(page),
        _arrays(select(places).subquery("reached"), "place"),
        _contacts(page, places),
    )
    together: FromClause = reduce(lambda some, one: some.join(one, true()), parts)
    return (
        select(*(each for part in parts for each in part.c)).select_from(together).subquery("shown")
    )


def _arrays(rows: Subquery, name: str) -> Subquery:
    """Return an array of each column, in the order of the rows; NULL where there are none."""
    arrays = (
        func.array_agg(column, type_=NullType()).label(f"{name}_{column.name}") for column in rows.c
    )
    return select(*arrays).subquery(name)


def _listed(table: Table, *names: str) -> Subquery:
    """Return all rows of a table that is small by nature, by name."""
    columns = [_plain(table.c[name]) for name in ("id", *names)]
    rows = select(*columns).order_by(func.lower(table.c.name)).subquery(f"by_name_{table.name}")
    return _arrays(rows, table.name)


def _own(page: CTE, order: Order) -> Subquery:
    """Return what the transactions themselves say, in their order, whichever way they were read."""
    columns = (page.c[name] for name in OWNED)
    by = (page.c[order.name], page.c.id)
    sorted_by = [column.desc() if order.descending else column.asc() for column in by]
    rows = select(*map(_plain, columns)).order_by(*sorted_by).subquery("sorted")
    return _arrays(rows, "own")


def _plain(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return a column as the driver knows it: the word of a closed list as text."""
    closed = getattr(column.type, "enums", None)
    return cast(column, Text).label(column.name) if closed else column


def _ids(column: ColumnElement[Any], *which: ColumnElement[bool]) -> ColumnElement[Any]:
    """Return what is one of these: an index is asked for all of them at once."""
    return any_(func.array(select(column).where(*which).scalar_subquery()))


def _moved(page: CTE) -> CTE:
    m = tables.movements
    columns = m.c.transaction_id, m.c.position, m.c.key, m.c.kind, m.c.asset_id, m.c.amount
    return select(*columns).where(m.c.transaction_id == _ids(page.c.id)).cte("moved")


def _movements(moved: CTE) -> Subquery:
    m = moved.c
    columns = m.transaction_id, m.position, _plain(m.kind), m.asset_id, m.amount
    return _arrays(select(*columns).order_by(m.position, m.key).subquery("in_turn"), "moved")


def _symbols(moved: CTE) -> Subquery:
    """Return the symbols of what moved."""
    a = tables.assets
    return _arrays(
        select(a.c.id, a.c.symbol).where(a.c.id == _ids(moved.c.asset_id)).subquery("named"),
        "asset",
    )


def _tagged(page: CTE) -> Subquery:
    tl = tables.transaction_labels
    columns = tl.c.transaction_id, tl.c.label_id
    rows = select(*columns).where(tl.c.transaction_id == _ids(page.c.id)).subquery("labelled")
    return _arrays(rows, "tagged")


def _places(page: CTE) -> CTE:
    """Return the addresses of contacts that are, of some transaction, the counterparty's.

    Both columns are looked for apart, so that one look into the index is enough; a network with
    the address of another may come along.
    """
    ca = tables.contact_addresses
    counterparties = page.c.counterparty, page.c.counterparty != EMPTY
    return (
        select(ca.c.network, ca.c.address, ca.c.contact_id)
        .where(ca.c.network == _ids(page.c.network), ca.c.address == _ids(*counterparties))
        .cte("places")
    )


def _contacts(page: CTE, places: CTE) -> Subquery:
    """Return the names of contacts, whether they were chosen by hand or have such an address."""
    c = tables.contacts
    chosen = select(page.c.contact_id).where(page.c.contact_id.is_not(None))
    either = union_all(chosen, select(places.c.contact_id)).scalar_subquery()
    return _arrays(
        select(c.c.id, c.c.name).where(c.c.id == any_(func.array(either))).subquery("known"),
        "contact",
    )


# ── From arrays to records ───────────────────────────────────────────────────────────────────


def gathered(values: Sequence[Any]) -> Shown:
    """Return the records of what `shown` brought."""
    wallet, labels = _named(values[WALLETS]), zipped(Tag, values[LABELS])
    wallets = tuple(wallet.values())
    ids, _, wallet_ids, *_ = own = values[OWN]
    if not ids:
        return Shown((), wallets, labels)
    contact_ids = _contact_ids(own, values[PLACES])
    contact = _named(values[CONTACTS])
    moved, tagged = _movements_of(values), _tags_of(labels, values[TAGGED])
    columns = (
        *own[:3],
        [wallet[each] for each in wallet_ids],
        *own[3:BY_HAND],
        contact_ids,
        [contact.get(each) for each in contact_ids],
        [each is not None for each in own[BY_HAND]],
        *own[BY_HAND + 1 :],
        [tuple(moved.get(each, ())) for each in ids],
        [tuple(tagged.get(each, ())) for each in ids],
    )
    return Shown(zipped(Transaction, columns), wallets, labels)


def _contact_ids(own: Sequence[Any], places: Sequence[Any]) -> Sequence[int | None]:
    """Return whom each transaction was with: the choice made by hand, else whose address it is."""
    owners = dict(zip(zip(*places[:2], strict=True), places[2], strict=True)) if places[0] else {}
    there = zip(own[NETWORK], own[COUNTERPARTY], strict=True)
    return [
        owners.get(place) if hand is None else hand
        for hand, place in zip(own[BY_HAND], there, strict=True)
    ]


def _movements_of(values: Sequence[Any]) -> Mapping[int, Sequence[Movement]]:
    """Return the movements of each transaction, in order."""
    ids, positions, kinds, asset_ids, amounts = values[MOVED]
    if not ids:
        return {}
    symbol = _named(values[SYMBOLS])
    symbols = [symbol[each] for each in asset_ids]
    return _grouped(ids, zipped(Movement, (positions, kinds, asset_ids, symbols, amounts)))


def _tags_of(labels: Sequence[Tag], tagged: Sequence[Any]) -> Mapping[int, Sequence[Tag]]:
    """Return the labels of each transaction, in the order in which they are listed."""
    ids, label_ids = tagged
    if not ids:
        return {}
    place = {each.id: number for number, each in enumerate(labels)}
    hung = sorted((place[label], row) for row, label in zip(ids, label_ids, strict=True))
    return _grouped((row for _, row in hung), (labels[number] for number, _ in hung))


def _grouped(ids: Iterable[int], records: Iterable[Record]) -> Mapping[int, Sequence[Record]]:
    found: dict[int, list[Record]] = {}
    for row, record in zip(ids, records, strict=True):
        found.setdefault(row, []).append(record)
    return found


def _named(arrays: Sequence[Any]) -> Mapping[int | None, str]:
    """Return names by id."""
    return dict(zip(*arrays, strict=True)) if arrays[0] else {}


def zipped(record: type[Record], arrays: Sequence[Any]) -> tuple[Record, ...]:
    """Return the records whose fields stand in an array each; none where the arrays are NULL.

    The constructor of a frozen dataclass sets every field by a call of its own, which takes five
    times as long as all else of it. So a twin that is not frozen is made, and then is the record.
    """
    if not arrays[0]:
        return ()
    made = tuple(map(TWINS[record], *arrays))
    for each in made:
        each.__class__ = record
    return made


TWINS: Mapping[type[Any], type[Any]] = {
    each: make_dataclass(each.__name__, [field.name for field in fields(each)], slots=True)
    for each in (Transaction, Movement, Tag)
}
