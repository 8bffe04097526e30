"""Addresses of those who own some: wallets and contacts keep them in the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, exists, func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.types import NullType

from dal import addresses, edits, named
from dal.errors import BadAddress, Conflict, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection, Table


def known(places: Table, owned: ColumnElement[bool]) -> list[ColumnElement[Any]]:
    """Return two arrays, networks and addresses, of what is owned."""
    return [
        func.array(
            select(column)
            .where(owned)
            .order_by(places.c.network, places.c.address)
            .scalar_subquery(),
            type_=NullType(),
        )
        for column in (places.c.network, places.c.address)
    ]


def add(
    conn: Connection, owners: Table, places: Table, owner: tuple[int, int], place: tuple[str, str]
) -> tuple[int, tuple[str, str]]:
    """Give an owner one address more. That somebody else gave it already is no conflict.

    Args:
        conn: a write block's.
        owners: the table of wallets or of contacts.
        places: the table of their addresses.
        owner: id and version of the owner.
        place: network and address as typed.

    Returns:
        The owner's new version, and the place as it is stored.

    Raises:
        BadAddress: the network cannot have that address, or its checksum is wrong.
        NotFound, Conflict: as `edits.edit`; or the address is another owner's already.
    """
    network = addresses.network_name(place[0])
    stored = network, addresses.canonical(network, place[1])
    changed = edits.edit(conn, owners, *owner)
    kind = owners.name.removesuffix("s")
    values = {"network": stored[0], "address": stored[1], f"{kind}_id": owner[0]}
    new = upsert(places).values(values).on_conflict_do_nothing().returning(places.c.address)
    if conn.execute(new).first() is None and not _owns(conn, places, values):
        raise Conflict(f"there is a {kind} with this address already")
    return changed, stored


def _owns(conn: Connection, places: Table, values: Mapping[str, Any]) -> bool:
    """Return whether that owner has that address."""
    mine = (places.c[column] == value for column, value in values.items())
    return conn.execute(select(exists().where(*mine))).scalar_one()


def remove(
    conn: Connection, owners: Table, places: Table, owner: tuple[int, int], place: tuple[str, str]
) -> tuple[int, tuple[str, str]]:
    """Take an address away from an owner. Arguments and result are those of `add`.

    Raises:
        NotFound, Conflict: as `edits.edit`; or the address is not this owner's.
    """
    changed = edits.edit(conn, owners, *owner)
    stored = _stored(*place)
    gone = conn.execute(
        delete(places).where(
            places.c[f"{owners.name.removesuffix('s')}_id"] == owner[0],
            places.c.network == stored[0],
            places.c.address == stored[1],
        )
    )
    if not gone.rowcount:
        raise NotFound("address", place[1])
    return changed, stored


def _stored(network: str, address: str) -> tuple[str, str]:
    """Return a place in the form of the tables; one that no network can have stays as it is."""
    try:
        network = addresses.network_name(network)
    except BadAddress:
        return network, address
    return network, addresses.stored(network, address)


def untransfer(conn: Connection, gone: Sequence[Sequence[str]]) -> None:
    """Let what was sent to addresses that are nobody's own any more be no transfer any more.

    Args:
        conn: a write block's.
        gone: networks and addresses.
    """
    networks, places = [place[0] for place in gone], [place[1] for place in gone]
    conn.execute(named.query("undo/untransfer"), {"networks": networks, "addresses": places})
