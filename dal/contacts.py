"""Contacts: people and services, known by their addresses on any networks.

A transaction shows the contact of its counterparty's address as soon as there is one, old rows
included, because the name is looked up when the page is read. A choice made by hand wins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Select, delete, func, insert, select

from dal import edits, history, places, tables
from dal.errors import NotFound
from dal.records import Contact, WalletAddress

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from sqlalchemy import Connection

    from dal.moments import History

contacts, owned = tables.contacts, tables.contact_addresses


def all(conn: Connection) -> tuple[Contact, ...]:  # noqa: A001 (contacts.all reads as it should)
    """Return every contact by name, with its addresses."""
    return tuple(map(_contact, conn.execute(all_statement())))


def get(conn: Connection, contact_id: int) -> Contact:
    """Return one contact.

    Raises:
        NotFound: there is none of that id.
    """
    which = edits.is_row(contacts, contact_id)
    row = conn.execute(all_statement().where(which)).first()
    if row is None:
        raise NotFound("contact", contact_id)
    return _contact(row)


def histories(conn: Connection) -> Mapping[int, History]:
    """Return what happened to each contact, by id."""
    return history.of_all(conn, contacts, owned)


def all_statement() -> Select[Any]:
    """Return the statement of `all`."""
    return (
        select(
            contacts.c.id,
            contacts.c.name,
            contacts.c.note,
            contacts.c.version,
            *places.known(owned, owned.c.contact_id == contacts.c.id),
        )
        .select_from(contacts)
        .order_by(func.lower(contacts.c.name))
    )


def _contact(row: Sequence[Any]) -> Contact:
    values = (*row[:4], tuple(map(WalletAddress, row[4], row[5])))
    return Contact(*values)


def names(conn: Connection, beginning: str = "", most: int = 50) -> tuple[str, ...]:
    """Return the names of contacts that begin so, in any case, by name."""
    start = contacts.c.name.istartswith(beginning, autoescape=True)
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
        new = insert(contacts).values(values).returning(contacts.c.id)
        return int(conn.execute(new).scalar_one())


def named(conn: Connection, name: str) -> int:
    """Return the id of the contact of that name, in any case, which is created if there is none.

    Raises:
        BadValue: the name cannot be stored.
    """
    name = edits.name("contact", name)
    found: int = edits.named(conn, contacts, name=name)[0].id
    return found


def rename(conn: Connection, contact_id: int, version: int, name: str, note: str = "") -> int:
    """Change name and note of a contact, those of the two that are others. Returns its new version.

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


def add_address(conn: Connection, contact_id: int, version: int, network: str, address: str) -> int:
    """Give a contact one address more. Returns its new version.

    Raises:
        BadAddress: the network cannot have that address, or its checksum is wrong.
        NotFound, Conflict: as `edits.edit`; or the address is some contact's already.
    """
    place = network, address
    return places.add(conn, contacts, owned, (contact_id, version), place)[0]


def remove_address(
    conn: Connection, contact_id: int, version: int, network: str, address: str
) -> int:
    """Take an address away from a contact. Returns the contact's new version.

    Raises:
        NotFound, Conflict: as `edits.edit`; or the address is not this contact's.
    """
    place = network, address
    return places.remove(conn, contacts, owned, (contact_id, version), place)[0]
