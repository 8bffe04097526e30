"""Edits that take several steps in one transaction: naming a counterparty, hanging a label."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

from dal import contacts, details, labels
from dal.errors import Conflict, NotFound

if TYPE_CHECKING:
    from collections.abc import Collection

    from dal.database import Connection
    from dal.records import Label

PALETTE = labels.COLOURS[1:]  # grey is for those who want it


def name_party(
    conn: Connection, transaction_id: int, version: int, name: str, *, everywhere: bool
) -> None:
    """Name the other side of a transaction; "" goes back to what its address is called.

    Args:
        conn: a write block's.
        transaction_id: whose other side.
        version: of the transaction as it was read.
        name: of a contact, which is created if there is none.
        everywhere: give the contact the address, so that every transaction with it shows the name,
            instead of choosing it for this one alone.

    Raises:
        BadValue: the name cannot be stored.
        NotFound: the transaction is gone.
        Conflict: another contact was chosen since, or the address is somebody else's.
    """
    if not name.strip():
        details.choose_contact(conn, transaction_id, version, None)
        return
    contact_id = contacts.named(conn, name)
    if not everywhere:
        details.choose_contact(conn, transaction_id, version, contact_id)
        return
    _give_address(conn, contact_id, transaction_id)
    try:
        # The address now tells the name; a choice made by hand would hide it, and later changes.
        details.choose_contact(conn, transaction_id, version, None, meant=True)
    except Conflict as error:
        mine = (replace(each, mine=name.strip()) for each in error.contested)
        keep = {**error.keep, "contact": name.strip()}
        raise Conflict(str(error.args[0]), tuple(mine), error.version, keep) from error


def _give_address(conn: Connection, contact_id: int, transaction_id: int) -> None:
    """Give a contact the address of a transaction's other side, unless it has it."""
    tx = details.one(conn, transaction_id)
    contact = contacts.get(conn, contact_id)
    known = {(place.network, place.address) for place in contact.addresses}
    if (tx.network, tx.counterparty) not in known:
        contacts.add_address(conn, contact_id, contact.version, tx.network, tx.counterparty)


def hang(conn: Connection, name: str, transaction_ids: Collection[int]) -> int:
    """Hang a label on transactions, made if there is none. Returns how many newly bear it."""
    colour = PALETTE[zlib.crc32(name.strip().lower().encode()) % len(PALETTE)]
    label_id, version = labels.named(conn, name, colour)
    return labels.attach(conn, label_id, version, transaction_ids)


def take_off(conn: Connection, name: str, transaction_ids: Collection[int]) -> int:
    """Take a label off transactions. Returns how many bore it.

    Raises:
        NotFound: there is no label of that name.
    """
    label = _by_name(conn, name)
    return labels.detach(conn, label.id, label.version, transaction_ids)


def take_off_one(conn: Connection, label_id: int, name: str, transaction_id: int) -> int:
    """Take a label off a transaction, if it still is called what its reader saw.

    Raises:
        NotFound: the label is gone.
        Conflict: it has another name now.
    """
    label = labels.get(conn, label_id)
    if label.name != name:
        raise Conflict(f"the label {name!r} is now called {label.name!r}; look at it again")
    return labels.detach(conn, label_id, label.version, [transaction_id])


def _by_name(conn: Connection, name: str) -> Label:
    same = name.strip().lower()
    for label in labels.all(conn):
        if label.name.lower() == same:
            return label
    raise NotFound("label", name)
