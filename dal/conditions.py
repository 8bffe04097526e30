"""What each filter means in SQL, over `tables.transactions` and one of its movements.

A condition is TRUE for the transactions that it means and may be NULL or FALSE for the others;
whoever negates it writes `IS NOT TRUE`, so that "not label X" includes the unlabelled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from sqlalchemy import and_, any_, exists, func, literal_column, or_, select, tuple_

from dal import tables
from dal.records import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from sqlalchemy import Column, ColumnElement, Select

    from dal.kinds import Clause, Scene, Values

tx = tables.transactions

#: Constants of the statements are written out: a bound one would hide them from the planner.
PRINCIPAL: ColumnElement[str] = literal_column("'principal'")
EMPTY: ColumnElement[str] = literal_column("''")
NOTHING: ColumnElement[int] = literal_column("0")


def by_wallet(values: Values, _scene: Scene) -> Clause:
    """Match the name of the wallet."""
    return values.match_id(tx.c.wallet_id, tables.wallets.c.name)


def by_address(values: Values, _scene: Scene) -> Clause:
    """Match either side of the transaction or of any movement."""
    m = tables.movements.alias("am")
    beside = exists().where(
        m.c.transaction_id == tx.c.id,
        or_(values.match(m.c.counterparty), values.match(m.c.address)),
    )
    return or_(values.match(tx.c.counterparty), values.match(tx.c.address), beside)


def by_network(values: Values, _scene: Scene) -> Clause:
    """Match the network's name."""
    return values.match(tx.c.network)


def by_type(values: Values, _scene: Scene) -> Clause:
    """Match the type."""
    return values.match(tx.c.type)


def moved(scene: Scene, *conditions: Clause) -> Clause:
    """Match transactions of which one and the same movement meets all the conditions.

    A fee counts only where nothing else moved, else every gas payer would match ETH.
    """
    m = scene.movement
    return exists().where(
        m.c.transaction_id == tx.c.id,
        or_(m.c.kind == PRINCIPAL, tx.c.amount == NOTHING),
        *map(scene.asked, conditions),
    )


def by_asset(values: Values, scene: Scene) -> Clause:
    """Match the symbol of what moved."""
    return values.match_id(scene.movement.c.asset_id, tables.assets.c.symbol)


def moved_amount(scene: Scene) -> ColumnElement[Any]:
    """Return how much moved, without sign."""
    return func.abs(scene.movement.c.amount)


def by_label(values: Values, _scene: Scene) -> Clause:
    """Match the name of any of the labels."""
    tl = tables.transaction_labels
    return exists().where(
        tl.c.transaction_id == tx.c.id,
        values.match_id(tl.c.label_id, tables.labels.c.name),
    )


def by_contact(values: Values, _scene: Scene) -> Clause:
    """Match the name of the contact chosen by hand, else of the counterparty's."""
    name = tables.contacts.c.name
    chosen = values.match_id(tx.c.contact_id, name)
    ids = select(tables.contacts.c.id).where(values.match(name))
    return or_(chosen, and_(tx.c.contact_id.is_(None), _reached(ids)))


def _reached(contacts: Select[Any] | None = None) -> Clause:
    """Match a counterparty whose address is some contact's: they are few, and hashed once."""
    ca = tables.contact_addresses
    theirs = select(ca.c.network, ca.c.address)
    if contacts is not None:
        theirs = theirs.where(ca.c.contact_id.in_(contacts))
    return tuple_(tx.c.network, tx.c.counterparty).in_(theirs)


def by_import(values: Values, scene: Scene) -> Clause:
    """Match what the import created, and what it added a movement to."""
    m = tables.movements.alias("im")
    of_it = scene.asked(values.match(m.c.import_id))
    added = exists().where(m.c.transaction_id == tx.c.id, of_it)
    return or_(values.match(tx.c.import_id), added)


def by_hash(values: Values, _scene: Scene) -> Clause:
    """Match by the 64-bit hash, which is indexed, then by the text, which is exact."""
    asked = select(tables.hashed(values.each())).scalar_subquery()
    hashed = tables.hashed(tx.c.tx_hash)
    narrow = hashed == any_(func.array(asked)) if values.many else hashed == asked
    return and_(narrow, values.match(tx.c.tx_hash))


def by_text(values: Values, _scene: Scene) -> Clause:
    """Match words of the note, or of the name of a label, the contact or an asset.

    Most words are in no name: then no label, contact or movement is asked for.
    """
    tl, m = tables.transaction_labels, tables.movements.alias("wm")
    people, labels, symbols = (
        func.array(_like(values, name).scalar_subquery())
        for name in (tables.contacts.c.name, tables.labels.c.name, tables.assets.c.symbol)
    )
    by_hand = tx.c.contact_id == any_(people)
    reached = and_(tx.c.contact_id.is_(None), _reached(_like(values, tables.contacts.c.name)))
    labelled = exists().where(tl.c.transaction_id == tx.c.id, tl.c.label_id == any_(labels))
    moving = exists().where(m.c.transaction_id == tx.c.id, m.c.asset_id == any_(symbols))
    return or_(
        and_(tx.c.note != EMPTY, values.match_like(tx.c.note)),
        and_(_some(labels), labelled),
        and_(_some(people), or_(by_hand, reached)),
        and_(_some(symbols), moving),
    )


def _some(found: ColumnElement[Any]) -> Clause:
    return func.cardinality(found) > NOTHING


def _like(values: Values, name: Column[str]) -> Select[Any]:
    return select(name.table.c.id).where(values.match_like(name))


def _has_label(_scene: Scene) -> Clause:
    return exists().where(tables.transaction_labels.c.transaction_id == tx.c.id)


def _has_contact(_scene: Scene) -> Clause:
    return or_(tx.c.contact_id.is_not(None), _reached())


def _has_note(_scene: Scene) -> Clause:
    return tx.c.note != EMPTY


def _came_in(scene: Scene) -> Clause:
    m = scene.movement
    return and_(m.c.amount > 0, m.c.kind == PRINCIPAL)


def _went_out(scene: Scene) -> Clause:
    m = scene.movement
    return and_(m.c.amount < 0, m.c.kind == PRINCIPAL)


def _in_status(name: str) -> Callable[[Scene], Clause]:
    """Return a condition written out: the index leaves confirmed ones out, as the planner sees."""
    return lambda _scene: tx.c.status == literal_column(f"'{name}'", tables.transaction_status)


STATUSES: Mapping[str, Callable[[Scene], Clause]] = {
    name: _in_status(name) for name in get_args(Status)
}
HAS: Mapping[str, Callable[[Scene], Clause]] = {
    "label": _has_label,
    "contact": _has_contact,
    "note": _has_note,
}
DIRECTIONS: Mapping[str, Callable[[Scene], Clause]] = {"in": _came_in, "out": _went_out}
