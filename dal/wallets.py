"""Wallets: the accounts that the user owns, with their addresses and what they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Select, delete, exists, func, insert, select, update

from dal import edits, history, named, places, tables
from dal.errors import Conflict, NotFound
from dal.records import Balance, Wallet, WalletAddress

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from typing import Any

    from sqlalchemy import Connection

    from dal.moments import History

wallets, owned, tx = tables.wallets, tables.wallet_addresses, tables.transactions


def all(conn: Connection) -> tuple[Wallet, ...]:  # noqa: A001 (wallets.all reads as it should)
    """Return every wallet by name, with its addresses and the number of its transactions."""
    return tuple(map(_wallet, conn.execute(all_statement())))


def get(conn: Connection, wallet_id: int) -> Wallet:
    """Return one wallet.

    Raises:
        NotFound: there is none of that id.
    """
    row = conn.execute(all_statement().where(edits.is_row(wallets, wallet_id))).first()
    if row is None:
        raise NotFound("wallet", wallet_id)
    return _wallet(row)


def histories(conn: Connection) -> Mapping[int, History]:
    """Return what happened to each wallet, by id."""
    return history.of_all(conn, wallets, owned)


def all_statement() -> Select[Any]:
    """Return the statement of `all`."""
    count = select(func.count()).where(tx.c.wallet_id == wallets.c.id).scalar_subquery()
    return (
        select(
            wallets.c.id,
            wallets.c.name,
            wallets.c.version,
            count,
            *places.known(owned, owned.c.wallet_id == wallets.c.id),
        )
        .select_from(wallets)
        .order_by(func.lower(wallets.c.name))
    )


def _wallet(row: Sequence[Any]) -> Wallet:
    values = (*row[:4], tuple(map(WalletAddress, row[4], row[5])))
    return Wallet(*values)


def balances(conn: Connection, at: datetime | None = None) -> tuple[Balance, ...]:
    """Return what each wallet held of each asset at an instant, that instant included.

    Args:
        conn: a read, snapshot or write block's.
        at: aware; everything recorded so far where not given. Zero balances are left out.
    """
    rows = conn.execute(named.query("queries/wallet_balances"), {"at": at or "infinity"})
    return tuple(Balance(*row) for row in rows)


def add(conn: Connection, name: str) -> int:
    """Create a wallet and return its id.

    Raises:
        BadValue: the name cannot be stored.
        Conflict: there is one of that name, in whatever case.
    """
    name = edits.name("wallet", name)
    with edits.unique(f"a wallet {name!r}"):
        new = insert(wallets).values(name=name).returning(wallets.c.id)
        return int(conn.execute(new).scalar_one())


def rename(conn: Connection, wallet_id: int, version: int, name: str) -> int:
    """Rename a wallet. Returns its new version.

    Raises:
        BadValue, NotFound, Conflict: as `add` and `edits.edit`.
    """
    name = edits.name("wallet", name)
    with edits.unique(f"a wallet {name!r}"):
        return edits.edit(conn, wallets, wallet_id, version, name=name)


def remove(conn: Connection, wallet_id: int, version: int) -> None:
    """Remove a wallet that has no transactions; what others sent to it is a transfer no longer.

    Raises:
        NotFound, Conflict: as `edits.edit`; or it still has transactions.
    """
    edits.check(conn, wallets, wallet_id, version)
    if conn.execute(select(exists().where(tx.c.wallet_id == wallet_id))).scalar_one():
        raise Conflict("this wallet still has transactions; undo the imports that brought them")
    forsaken = delete(owned).where(owned.c.wallet_id == wallet_id)
    gone = conn.execute(forsaken.returning(owned.c.network, owned.c.address)).all()
    places.untransfer(conn, gone)
    conn.execute(delete(wallets).where(wallets.c.id == wallet_id))


def add_address(conn: Connection, wallet_id: int, version: int, network: str, address: str) -> int:
    """Give a wallet one address more; what was sent to it becomes a transfer. Returns the version.

    Raises:
        BadAddress: the network cannot have that address, or its checksum is wrong.
        NotFound, Conflict: as `edits.edit`; or the address is some wallet's already.
    """
    place = network, address
    changed, place = places.add(conn, wallets, owned, (wallet_id, version), place)
    conn.execute(
        update(tx)
        .where(
            tx.c.network == place[0],
            tx.c.counterparty == place[1],
            tx.c.type.in_(("send", "receive")),
        )
        .values(type="transfer")
    )
    return changed


def remove_address(
    conn: Connection, wallet_id: int, version: int, network: str, address: str
) -> int:
    """Take an address away from a wallet; its transactions stay. Returns the wallet's version.

    What other wallets sent to it is a transfer no longer.

    Raises:
        NotFound, Conflict: as `edits.edit`; or the address is not this wallet's.
    """
    place = network, address
    changed, place = places.remove(conn, wallets, owned, (wallet_id, version), place)
    places.untransfer(conn, [place])
    return changed
