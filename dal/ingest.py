"""A file into the ledger: staged by COPY, then sorted in by the steps of `sql/ingest/`.

All of it happens in the caller's transaction: a file comes in whole or not at all, and a trial is
an import in a block that is rolled back. The same file again adds nothing.

COPY: https://www.postgresql.org/docs/18/sql-copy.html
"""

from __future__ import annotations

import hashlib
from itertools import islice
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from dal import addresses, edits, named, tables
from dal.records import ImportReport, RowReason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

    from dal.importers import Source
    from dal.records import NewAsset, NewMovement, ParsedRow

#: Rows that are held in memory at once.
CHUNK = 10_000
STEPS = (
    "01_date",
    "02_skip_undated",
    "03_transactions",
    "04_find",
    "05_complete",
    "06_movements",
    "07_labels",
    "08_label",
    "09_types",
    "10_transfers",
    "11_rows",
)
ROWS = (
    "COPY staged_rows (line, raw, outcome, reason, occurred_at, type, source, source_id,"
    " source_type, status, network, tx_hash, address, counterparty, note, labels) FROM STDIN"
)
MOVEMENTS = (
    "COPY staged_movements (line, number, key, kind, asset_id, amount, address, counterparty)"
    " FROM STDIN"
)


def ingest(
    conn: Connection,
    source: Source,
    file: str,
    *,
    wallet: str | None = None,
    sample: bool = False,
    progress: Callable[[int], None] = lambda _rows: None,
) -> ImportReport:
    """Bring the rows of a file into a wallet, and account for each of them.

    Args:
        conn: a write block's. Roll it back, and nothing has happened.
        source: the opened file.
        file: its name, for the list of imports.
        wallet: whose it is, created if there is none of the name. Guessed where not given: the
            wallet of the address that stands in every row, else one named after the source.
        sample: whether it is part of the generated sample, which can be removed as a whole.
        progress: told the number of rows read so far, now and then.

    Raises:
        BadValue: the wallet's name cannot be stored.
    """
    wallet_id, name, own = _wallet(conn, source, wallet)
    values = {"file": file[:200], "format": source.format, "wallet": name, "sample": sample}
    statement = insert(tables.imports).values(values).returning(tables.imports.c.id)
    import_id = conn.execute(statement).scalar_one()
    _mark(conn, wallet_id, import_id)
    _stage(conn, source.rows(own), progress)
    here = {"wallet_id": wallet_id, "import_id": import_id}
    for step in STEPS:
        query = named.query(f"ingest/{step}")
        conn.execute(query, {key: here[key] for key in query.compile().params})
    counts = conn.execute(named.query("ingest/12_report"), {"import_id": import_id}).one()
    return ImportReport(
        file, source.format, name, *counts, import_id, _reasons(conn), tuple(source.warnings)
    )


def _reasons(conn: Connection) -> tuple[RowReason, ...]:
    rows = conn.exec_driver_sql(
        "SELECT line, outcome::text, reason FROM staged_rows"
        " WHERE outcome IN ('skipped', 'rejected') ORDER BY line"
    )
    return tuple(RowReason(*row) for row in rows)


# ── Whose it is ──────────────────────────────────────────────────────────────────────────────


def _wallet(
    conn: Connection, source: Source, asked: str | None
) -> tuple[int, str, frozenset[str]]:
    """Return the wallet's id and name, and its addresses on the file's network."""
    address = source.own_address()
    owner = _owner(conn, source.network, address) if address else None
    if asked is None and owner:
        wallet_id, name = owner
    else:
        name = edits.name("wallet", asked or (address and _short(address)) or source.default_wallet)
        wallet_id, name = _named(conn, name)
    if address:
        claim = {"network": source.network, "address": address, "wallet_id": wallet_id}
        conn.execute(upsert(tables.wallet_addresses).values(claim).on_conflict_do_nothing())
    places = tables.wallet_addresses.c
    own = conn.execute(
        select(places.address).where(
            places.wallet_id == wallet_id, places.network == source.network
        )
    ).scalars()
    return wallet_id, name, frozenset(own) | ({address} if address else set())


def _owner(conn: Connection, network: str, address: str) -> tuple[int, str] | None:
    """Return the wallet of an address, on that network before any other."""
    places, wallets = tables.wallet_addresses, tables.wallets
    row = conn.execute(
        select(wallets.c.id, wallets.c.name)
        .join(places, places.c.wallet_id == wallets.c.id)
        .where(places.c.address == address)
        .order_by((places.c.network == network).desc(), wallets.c.id)
    ).first()
    return None if row is None else (row.id, row.name)


def _named(conn: Connection, name: str) -> tuple[int, str]:
    wallets = tables.wallets
    conn.execute(upsert(wallets).values(name=name).on_conflict_do_nothing())
    row = conn.execute(
        select(wallets.c.id, wallets.c.name).where(func.lower(wallets.c.name) == name.lower())
    ).one()
    return row.id, row.name


def _short(address: str) -> str:
    return addresses.short(address)


def _mark(conn: Connection, wallet_id: int, import_id: int) -> None:
    """Let a wallet that was made just now, for this file, go with it when the import is undone."""
    conn.exec_driver_sql(
        "UPDATE wallets SET import_id = %s WHERE id = %s AND xmin = pg_current_xact_id()::xid",
        (import_id, wallet_id),
    )


# ── Staging ──────────────────────────────────────────────────────────────────────────────────


def _stage(conn: Connection, rows: Iterator[ParsedRow], progress: Callable[[int], None]) -> None:
    """Copy the rows to where they wait, a chunk at a time."""
    conn.exec_driver_sql(named.text_of("ingest/00_stage"))
    cursor = conn.connection.cursor()
    known: dict[NewAsset, int] = {}
    done = 0
    while chunk := list(islice(rows, CHUNK)):
        for asset in {m.asset for row in chunk for m in _moved(row)} - known.keys():
            known[asset] = _asset(conn, asset)
        with cursor.copy(ROWS) as copy:
            for row in chunk:
                copy.write_row(_row(row))
        with cursor.copy(MOVEMENTS) as copy:
            for row in chunk:
                for number, movement in enumerate(_moved(row)):
                    copy.write_row(_movement(row.line, number, movement, known))
        done += len(chunk)
        progress(done)
    cursor.execute("ANALYZE staged_rows, staged_movements")
    cursor.close()


def _moved(row: ParsedRow) -> tuple[NewMovement, ...]:
    return row.transaction.movements if row.transaction else ()


def _row(row: ParsedRow) -> tuple[Any, ...]:
    told = row.transaction
    if told is None:
        return (row.line, row.raw, row.outcome, row.reason, *[None] * 12)
    return (
        row.line,
        row.raw,
        None,
        None,
        told.occurred_at,
        told.type,
        told.source,
        told.source_id,
        told.source_type,
        told.status,
        told.network,
        told.tx_hash,
        told.address,
        told.counterparty,
        told.note,
        list(told.labels),
    )


def _movement(
    line: int, number: int, movement: NewMovement, known: dict[NewAsset, int]
) -> tuple[Any, ...]:
    return (
        line,
        number,
        movement_key(movement.key),
        movement.kind,
        known[movement.asset],
        movement.amount,
        movement.address,
        movement.counterparty,
    )


def movement_key(text: str) -> int:
    """Return the 64 bits by which a movement is known within its transaction.

    >>> movement_key("fee")
    -7060463218886432146
    """
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big", signed=True)


def _asset(conn: Connection, new: NewAsset) -> int:
    """Return the id of an asset, which is created if the ledger does not know it."""
    assets = tables.assets.c
    values = {
        "symbol": new.symbol,
        "network": new.network,
        "contract": new.contract,
        "name": new.name,
        "decimals": new.decimals,
    }
    conn.execute(upsert(tables.assets).values(values).on_conflict_do_nothing())
    same = (
        assets.contract == new.contract
        if new.contract
        else (assets.contract == "") & (assets.symbol == new.symbol)
    )
    found = select(assets.id).where(assets.network == new.network, same)
    return conn.execute(found).scalar_one()
