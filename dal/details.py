"""One transaction: all that the ledger knows of it, and the edits of its note and contact."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import Select, Text, and_, cast, select

from dal import edits, history, tables
from dal.errors import Conflict, NotFound
from dal.records import MovementDetail, RawRow, TransactionDetail
from dal.shown import gathered, shown_statement

if TYPE_CHECKING:
    from typing import Any

    from sqlalchemy import Connection

    from dal.records import Transaction

tx = tables.transactions


def one(conn: Connection, transaction_id: int) -> Transaction:
    """Return one transaction as the list shows it.

    Raises:
        NotFound: there is none of that id.
    """
    found = _shown(conn, edits.is_row(tx, transaction_id))
    if not found:
        raise NotFound("transaction", transaction_id)
    return found[0]


def get(conn: Connection, transaction_id: int, changes: int = history.USUAL) -> TransactionDetail:
    """Return one transaction with its movements, raw rows, other sides and history.

    Ask for it in a `snapshot` block: it takes six statements.

    Args:
        conn: the block's.
        transaction_id: which one.
        changes: of its history, the newest; at most so many.

    Raises:
        NotFound: there is none of that id.
    """
    shown = one(conn, transaction_id)
    origin = conn.execute(
        select(tx.c.source, tx.c.source_id, tx.c.source_type).where(tx.c.id == transaction_id)
    ).one()
    return TransactionDetail(
        shown,
        *origin,
        tuple(MovementDetail(*row) for row in conn.execute(movements_statement(transaction_id))),
        tuple(RawRow(*row) for row in conn.execute(raw_rows_statement(transaction_id))),
        _other_sides(conn, shown),
        history.of_transaction(conn, transaction_id, changes),
    )


def _other_sides(conn: Connection, one: Transaction) -> tuple[Transaction, ...]:
    """Return what other own wallets saw of the same hash."""
    if one.tx_hash is None:
        return ()
    same = and_(
        tables.hashed(tx.c.tx_hash) == tables.hashed(one.tx_hash),
        tx.c.tx_hash == one.tx_hash,
        tx.c.network == one.network,
        tx.c.id != one.id,
    )
    return _shown(conn, same)


def _shown(conn: Connection, which: Any) -> tuple[Transaction, ...]:  # noqa: ANN401 (a clause)
    return gathered(conn.execute(shown_statement(which)).one()).rows


def movements_statement(transaction_id: int) -> Select[Any]:
    """Return the statement of a transaction's movements, in order."""
    m, a = tables.movements, tables.assets
    return (
        select(
            m.c.position,
            cast(m.c.kind, Text),
            m.c.asset_id,
            a.c.symbol,
            m.c.amount,
            a.c.name,
            a.c.network,
            a.c.contract,
            m.c.address,
            m.c.counterparty,
            m.c.import_id,
        )
        .join(a, a.c.id == m.c.asset_id)
        .where(m.c.transaction_id == transaction_id)
        .order_by(m.c.position, m.c.key)
    )


def raw_rows_statement(transaction_id: int) -> Select[Any]:
    """Return the statement of the rows that told of a transaction, oldest import first."""
    r, i = tables.import_rows, tables.imports
    return (
        select(r.c.import_id, i.c.file, r.c.line, r.c.raw, cast(r.c.outcome, Text), r.c.reason)
        .join(i, i.c.id == r.c.import_id)
        .where(r.c.transaction_id == transaction_id)
        .order_by(r.c.import_id, r.c.line)
    )


def set_note(conn: Connection, transaction_id: int, version: int, note: str) -> int:
    """Write the note of a transaction; "" removes it. Returns its new version.

    Raises:
        BadValue: it is longer than 10,000 characters.
        NotFound, Conflict: as `edits.edit`.
    """
    return edits.edit(conn, tx, transaction_id, version, note=edits.note("note", note))


def choose_contact(
    conn: Connection,
    transaction_id: int,
    version: int,
    contact_id: int | None,
    *,
    meant: bool = False,
) -> int:
    """Name the counterparty by hand; None goes back to the address's contact. Returns the version.

    Args:
        conn: a write block's.
        transaction_id: whose counterparty.
        version: of the transaction as it was read.
        contact_id: of the contact.
        meant: whether it matters that nobody chose another one meanwhile, even if this choice is
            the one that was read.

    Raises:
        NotFound: the transaction is gone, or there is no such contact.
        Conflict: another contact was chosen since `version`; it names both.
    """
    contacts = tables.contacts
    if contact_id is not None:
        which = edits.is_row(contacts, contact_id)
        known = select(contacts.c.id).where(which).with_for_update(read=True, key_share=True)
        if conn.execute(known).first() is None:
            raise NotFound("contact", contact_id)
    insists = ("contact_id",) if meant else ()
    try:
        return edits.edit(conn, tx, transaction_id, version, insists, contact_id=contact_id)
    except Conflict as error:
        raise _named(conn, error) from error


def _named(conn: Connection, error: Conflict) -> Conflict:
    """Return a conflict about contacts with their names instead of their numbers."""
    contacts = tables.contacts
    ids = [number for each in error.contested for number in (each.mine, each.theirs)]
    found = conn.execute(select(contacts.c.id, contacts.c.name).where(contacts.c.id.in_(ids)))
    names = {row.id: row.name for row in found}
    contested = tuple(
        replace(each, mine=names.get(each.mine, ""), theirs=names.get(each.theirs, ""))
        for each in error.contested
    )
    keep = {field: names.get(number, "") for field, number in error.keep.items()}
    return Conflict(str(error.args[0]), contested, error.version, keep)
