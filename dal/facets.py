"""What finds the transactions of each condition: a list in order of time, or else a set.

A condition with neither (a direction, whatever is negated) is only asked of what others find.
"""

from __future__ import annotations

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
    union_all,
)

from dal import tables
from dal.lists import Listing, Part

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import FromClause, Table

    from dal.kinds import Ranges, Values

    On = Callable[[FromClause], Any]

tx, moved, tagged = tables.transactions, tables.movements, tables.transaction_labels
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
    """Return what moved an asset of that symbol, fees that do not count included."""
    ids = _ids(values, tables.assets, "symbol")
    part = Part(moved, "transaction_id", _of("asset_id"), ids, sole=False)
    return Listing("asset", (part,), repeats=True, exact=False)


def by_label(values: Values) -> Listing:
    """Return what bears one of some labels."""
    ids = _ids(values, tables.labels, "name")
    part = Part(tagged, "transaction_id", _of("label_id"), ids, not values.many)
    return Listing("label", (part,), repeats=values.many)


def by_contact(values: Values) -> Listing:
    """Return what was given to some contacts by hand, and what has an address of theirs."""
    ids, known = _ids(values, tables.contacts, "name"), _known("contact_id")
    by_hand = Part(tx, "id", _of("contact_id"), ids, not values.many, known)
    ca = tables.contact_addresses
    addresses = select(ca.c.address).where(ca.c.contact_id.in_(ids)).distinct()
    reached = Part(
        tx, "id", _of("counterparty"), addresses, sole=False, only=_filled("counterparty")
    )
    return Listing("contact", (by_hand, reached), repeats=True, exact=False)


def by_import(values: Values) -> Listing:
    """Return what some imports created, and what they added a movement to."""
    each, known = select(values.each()), _known("import_id")
    parts = [
        Part(table, row_id, _of("import_id"), each, not values.many, known)
        for table, row_id in ((tx, "id"), (moved, "transaction_id"))
    ]
    return Listing("import", tuple(parts), repeats=True, exact=False)


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
    """Return what has a note, or everything if a name has the words."""
    named = or_(*(exists(_like(values, *of)) for of in NAMES))

    def noted(table: FromClause) -> ColumnElement[bool]:
        return and_(table.c.note != EMPTY, not_(named))

    parts = Part(tx, "id", only=noted), Part(tx, "id", only=lambda _table: named)
    return Listing("text", parts, exact=False)


def by_having(names: Sequence[str]) -> Listing | None:
    """Return what has a label or a note; contacts have too many addresses to be merged."""
    found = {
        "label": Part(tagged, "transaction_id"),
        "note": Part(tx, "id", only=_filled("note")),
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


def with_amount(ranges: Ranges) -> Select[Any] | None:
    """Return what has a movement of such an amount; amounts that are named have a list."""
    if ranges.equal():
        return None
    m = moved.alias()
    found = select(m.c.occurred_at.label("occurred_at"), m.c.transaction_id.label("id"))
    return found.where(ranges.match(func.abs(m.c.amount)))


def mentioning(values: Values) -> Select[Any]:
    """Return what has some words in its note, or hangs on a name that has them."""
    t = tx.alias()
    noted = select(t.c.occurred_at.label("occurred_at"), t.c.id.label("id"))
    noted = noted.where(t.c.note != EMPTY, values.match_like(t.c.note))
    ca = tables.contact_addresses
    people = _like(values, tables.contacts, "name")
    addresses = select(ca.c.address).where(ca.c.contact_id.in_(people))
    found = [
        noted,
        _hanging(tagged, "transaction_id", "label_id", _like(values, tables.labels, "name")),
        _hanging(moved, "transaction_id", "asset_id", _like(values, tables.assets, "symbol")),
        _hanging(tx, "id", "contact_id", people),
        _hanging(tx, "id", "counterparty", addresses),
    ]
    columns = union_all(*found).subquery().c
    return select(columns.occurred_at, columns.id)


def _hanging(table: Table, row_id: str, key: str, ids: Select[Any]) -> Select[Any]:
    t = table.alias()
    found = select(t.c.occurred_at.label("occurred_at"), t.c[row_id].label("id"))
    only = [t.c[key] != EMPTY] if key == "counterparty" else []
    return found.where(t.c[key].in_(ids), *only)


def _like(values: Values, table: Table, name: str) -> Select[Any]:
    return select(table.c.id).where(values.match_like(table.c[name]))
