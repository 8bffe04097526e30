"""Contacts: people and services, known by their addresses on any networks.

A transaction shows the contact of its counterparty's address as soon as there is one, old rows
included, because the name is looked up when the page is read. A choice made by hand wins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Select, delete, func, insert, select
from sqlalchemy.types import NullType

from dal import addresses, edits, tables
from dal.errors import NotFound
from dal.records import Contact, WalletAddress

if TYPE_CHECKING:
    from typing import Any

    from sqlalchemy import Connection, Row

contacts, places = tables.contacts, tables.contact_addresses


def all(conn: Connection) -> tuple[Contact, ...]:  # noqa: A001 (contacts.all reads as it should)
    """Return every contact by name, with its addresses."""
    return tuple(map(_contact, conn.execute(all_statement())))


def get(conn: Connection, contact_id: int) -> Contact:
    """Return one contact.

    Raises:
        NotFound: there is none of that id.
    """
    row = conn.execute(all_statement().where(contacts.c.id == contact_id)).first()
    if row is None:
        raise NotFound("contact", contact_id)
    return _contact(row)


def all_statement() -> Select[Any]:
    """Return the statement of `all`."""
    return (
        select(
            contacts.c.id,
            contacts.c.name,
            contacts.c.note,
            contacts.c.version,
            *known_places(places, places.c.contact_id == contacts.c.id),
        )
        .select_from(contacts)
        .order_by(func.lower(contacts.c.name))
    )


def known_places(table: Any, owned: Any) -> list[Any]:  # noqa: ANN401 (Core constructs)
    """Return two arrays, networks and addresses, of what is owned."""
    return [
        func.array(
            select(column)
            .where(owned)
            .order_by(table.c.network, table.c.address)
            .scalar_subquery(),
            type_=NullType(),
        )
        for column in (table.c.network, table.c.address)
    ]


def _contact(row: Row[Any]) -> Contact:
    return Contact(*row[:4], addresses=tuple(map(WalletAddress, row[4], row[5])))


def names(conn: Connection, beginning: str = "", most: int = 50) -> tuple[str, ...]:
    """Return the names of contacts that begin so, in any case, by name."""
    start = func.lower(contacts.c.name).startswith(beginning.lower(), autoescape=True)
    found = select(contacts.c.name).where(start).order_by(func.lower(contacts.c.name)).limit(most)
    return tuple(conn.execute(found).scalars())


def add(conn: Connection, name: str, note: str = "") -> int:
    """Create a contact and return its id.

    Raises:
        BadValue: the name or the note cannot be stored.
        Conflict: there is one of that name, in whatever case.
    """
    values = {"name": edits.name("contact", name), "note": edits.note("note", note)}
    with edits.unique(f"a contact {values['name']!r}"):
        return conn.execute(insert(contacts).values(values).returning(contacts.c.id)).scalar_one()


def named(conn: Connection, name: str) -> int:
    """Return the id of the contact of that name, in any case, which is created if there is none."""
    same = func.lower(contacts.c.name) == edits.name("contact", name).lower()
    found = conn.execute(select(contacts.c.id).where(same)).scalar()
    return add(conn, name) if found is None else found


def rename(conn: Connection, contact_id: int, version: int, name: str, note: str = "") -> int:
    """Change name and note of a contact. Returns its new version.

    Raises:
        BadValue, NotFound, Conflict: as `add` and `edits.edit`.
    """
    values = {"name": edits.name("contact", name), "note": edits.note("note", note)}
    with edits.unique(f"a contact {values['name']!r}"):
        return edits.edit(conn, contacts, contact_id, version, **values)


def remove(conn: Connection, contact_id: int, version: int) -> None:
    """Remove a contact with its addresses; its transactions show their addresses again.

    Raises:
        NotFound, Conflict: as `edits.edit`.
    """
    edits.check(conn, contacts, contact_id, version)
    conn.execute(delete(contacts).where(contacts.c.id == contact_id))


def add_address(
    conn: Connection, contact_id: int, version: int, network: str, address: str
) -> int:
    """Give a contact one address more. Returns its new version.

    Raises:
        BadAddress: the network cannot have that address, or its checksum is wrong.
        NotFound, Conflict: as `edits.edit`; or the address is some contact's already.
    """
    values = {"network": network, "address": addresses.canonical(network, address)}
    changed = edits.edit(conn, contacts, contact_id, version)
    with edits.unique("a contact with this address"):
        conn.execute(insert(places).values(**values, contact_id=contact_id))
    return changed


def remove_address(
    conn: Connection, contact_id: int, version: int, network: str, address: str
) -> int:
    """Take an address away from a contact. Returns the contact's new version.

    Raises:
        NotFound, Conflict: as `edits.edit`; or the address is not this contact's.
    """
    changed = edits.edit(conn, contacts, contact_id, version)
    gone = conn.execute(
        delete(places).where(
            places.c.contact_id == contact_id,
            places.c.network == network,
            places.c.address == address,
        )
    )
    if not gone.rowcount:
        raise NotFound("address", address)
    return changed
