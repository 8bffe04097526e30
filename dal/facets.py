"""What finds the transactions of each condition: a list in order of time, or else a set.

A condition with neither (a direction, whatever is negated) is only asked of what others find.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ColumnElement,
    Numeric,
    Select,
    and_,
    cast,
    exists,
    func,
    literal_column,
    not_,
    or_,
    select,
    true,
    tuple_,
    union_all,
)

from dal import tables
from dal.conditions import NOTHING, PRINCIPAL
from dal.entries import once
from dal.lists import Heap, Listing, Part

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import FromClause, Table

    from dal.kinds import Ranges, Values

    On = Callable[[FromClause], Any]

tx, moved = tables.transactions, tables.movements
tagged, noted = tables.transaction_labels, tables.transaction_notes
EMPTY: ColumnElement[str] = literal_column("''")
#: Where words are searched for besides notes.
NAMES = (
    (tables.labels, "name"),
    (tables.contacts, "name"),
    (tables.assets, "symbol"),
)
#: The likely sparsest first: where there are too many lists, the last ones are not weighed.
LIKELY = (
    "label", "contact", "import", "amount", "address", "asset", "status", "wallet", "network",
    "type", "has", "text",
)  # fmt: skip


# ── Lists ────────────────────────────────────────────────────────────────────────────────────


def by_wallet(values: Values) -> Listing:
    """Return the transactions of some wallets."""
    ids = _ids(values, tables.wallets, "name")
    return Listing("wallet", (Part(tx, "id", _of("wallet_id"), ids, not values.many),))


def by_address(values: Values) -> Listing:
    """Return what has one of some addresses on either side, its own or a movement's."""
    parts = [
        Part(table, row_id, _of(name), select(values.each()), not values.many, _filled(name))
        for table, row_id in ((tx, "id"), (moved, "transaction_id"))
        for name in ("address", "counterparty")
    ]
    return Listing("address", tuple(parts), repeats=True, exact=False)


def by_network(values: Values) -> Listing:
    """Return what happened on some networks."""
    return _plain("network", values)


def by_type(values: Values) -> Listing:
    """Return the transactions of some types."""
    return _plain("type", values)


def by_asset(values: Values) -> Listing:
    """Return what moved an asset of that symbol, fees that do not count included.

    The index tells which entries are fees, and so which must be asked.
    """
    ids = _ids(values, tables.assets, "symbol")
    every = Part(moved, "transaction_id", _of("asset_id"), ids, sole=False)
    no_fee = replace(every, only=lambda table: table.c.kind == PRINCIPAL)
    certain = Listing("asset_no_fee", (no_fee,), repeats=True)
    alone = tx.c.amount == NOTHING
    return Listing("asset", (every,), repeats=True, exact=False, certain=certain, doubt=[alone])


def by_label(values: Values) -> Listing:
    """Return what bears one of some labels."""
    ids = _ids(values, tables.labels, "name")
    part = Part(tagged, "transaction_id", _of("label_id"), ids, not values.many)
    return Listing("label", (part,), repeats=values.many)


def by_contact(values: Values) -> Listing:
    """Return what was given to some contacts by hand, and what has an address of theirs.

    The index on counterparties tells of which network an address is, and who was chosen by hand;
    to look that up for each entry takes longer than to read many, but not than to fetch some.
    """
    meant = once(_ids(values, tables.contacts, "name").cte("contact_ids"))
    ca, known = tables.contact_addresses, _known("contact_id")
    of_them = select(ca.c.network, ca.c.address).where(ca.c.contact_id.in_(select(meant.c.id)))
    theirs = once(of_them.cte("contact_addresses_meant"))
    by_hand = Part(tx, "id", _of("contact_id"), select(meant.c.id), not values.many, known)
    addresses = select(theirs.c.address).distinct()
    by_address = Part(
        tx, "id", _of("counterparty"), addresses, sole=False, only=_filled("counterparty")
    )

    def alone_theirs(table: FromClause) -> ColumnElement[bool]:
        address = tuple_(table.c.network, table.c.counterparty)
        whose = address.in_(select(theirs)).is_(true())  # asked of each entry, and never joined
        return and_(table.c.counterparty != EMPTY, table.c.contact_id.is_(None), whose)

    alone = Listing("contact", (by_hand, replace(by_address, only=alone_theirs)))
    return Listing("contact", (by_hand, by_address), repeats=True, exact=False, alone=alone)


def by_import(values: Values) -> Listing:
    """Return what some imports created, and what they added a movement to."""
    each, known = select(values.each()), _known("import_id")
    parts = [
        Part(table, row_id, _of("import_id"), each, not values.many, known)
        for table, row_id in ((tx, "id"), (moved, "transaction_id"))
    ]
    return Listing("import", tuple(parts), repeats=True)


def by_status(names: Sequence[str]) -> Listing | None:
    """Return what is not confirmed; nearly everything else is."""
    if "confirmed" in names:
        return None
    parts = [Part(tx, "id", only=_status(name)) for name in names]
    return Listing("status", tuple(parts))


def by_amount(ranges: Ranges) -> Listing | None:
    """Return what moved one of some amounts; a range of them has a set."""
    parts = [
        Part(
            moved, "transaction_id", lambda m: func.abs(m.c.amount), select(cast(value, Numeric()))
        )
        for value in ranges.equal()
    ]
    return Listing("amount", tuple(parts), repeats=True, exact=False) if parts else None


def by_words(values: Values) -> Listing:
    """Return what has a note, or everything if a name has the words; names are asked once."""
    anywhere = or_(*(exists(_like(values, *of)) for of in NAMES)).label("named")
    named = select(once(select(anywhere).cte("text_named")).c.named).scalar_subquery()
    parts = (
        Part(noted, "transaction_id", only=lambda _table: not_(named)),
        Part(tx, "id", only=lambda _table: named),
    )
    return Listing("text", parts, exact=False)


def by_having(names: Sequence[str]) -> Listing | None:
    """Return what has a label or a note; contacts have too many addresses to be merged."""
    found = {
        "label": Part(tagged, "transaction_id"),
        "note": Part(noted, "transaction_id"),
    }
    if not set(names) <= set(found):
        return None
    return Listing("has", tuple(found[name] for name in names), repeats=True)


def _plain(name: str, values: Values) -> Listing:
    return Listing(name, (Part(tx, "id", _of(name), select(values.each()), not values.many),))


def _ids(values: Values, table: Table, name: str) -> Select[Any]:
    return select(table.c.id).where(values.match(table.c[name]))


def _of(name: str) -> On:
    return lambda table: table.c[name]


def _filled(name: str) -> On:
    return lambda table: table.c[name] != EMPTY


def _known(name: str) -> On:
    return lambda table: table.c[name].is_not(None)


def _status(name: str) -> On:
    """Return a condition that implies what the index on the others than confirmed ones is of."""
    return lambda table: table.c.status == literal_column(f"'{name}'", tables.transaction_status)


# ── Sets ─────────────────────────────────────────────────────────────────────────────────────

#: How many amounts can be read for a page, which their index tells alone; and how many notes.
AMOUNTS, WORDED = 200_000, 200_000


def with_amount(ranges: Ranges) -> Heap | None:
    """Return what has a movement of such an amount; amounts that are named have a list."""
    if ranges.equal():
        return None
    m = moved.alias()
    meant = ranges.match(func.abs(m.c.amount))
    found = select(m.c.occurred_at.label("occurred_at"), m.c.transaction_id.label("id"))

    def moved_it(row_id: ColumnElement[int]) -> ColumnElement[bool]:
        one = select(m.c.key).where(m.c.transaction_id == row_id, meant)
        return exists(one.offset(literal_column("0")))  # asked of each, and never joined

    return Heap("amount", found.where(meant), AMOUNTS, moved_it)


def mentioning(values: Values) -> Heap:
    """Return what has some words in its note, or hangs on a name that has them."""
    n = noted.alias()
    entries = select(n.c.occurred_at.label("occurred_at"), n.c.transaction_id.label("id"))
    ca = tables.contact_addresses
    people = _like(values, tables.contacts, "name")
    addresses = select(ca.c.address).where(ca.c.contact_id.in_(people))
    found = [
        entries.where(values.match_folded(n.c.note)),
        _hanging(tagged, "transaction_id", "label_id", _like(values, tables.labels, "name")),
        _hanging(moved, "transaction_id", "asset_id", _like(values, tables.assets, "symbol")),
        _hanging(tx, "id", "contact_id", people),
        _hanging(tx, "id", "counterparty", addresses),
    ]
    columns = union_all(*found).subquery().c
    return Heap("text", select(columns.occurred_at, columns.id), WORDED)


def _hanging(table: Table, row_id: str, key: str, ids: Select[Any]) -> Select[Any]:
    t = table.alias()
    found = select(t.c.occurred_at.label("occurred_at"), t.c[row_id].label("id"))
    only = [t.c[key] != EMPTY] if key == "counterparty" else []
    return found.where(t.c[key].in_(ids), *only)


def _like(values: Values, table: Table, name: str) -> Select[Any]:
    return select(table.c.id).where(values.match_like(table.c[name]))
