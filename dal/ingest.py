"""A file into the ledger: staged by COPY, then sorted in by the steps of `sql/ingest/`.

All of it happens in the caller's transaction: a file comes in whole or not at all, and a trial is
an import in a block that is rolled back. The same file again adds nothing.

COPY: https://www.postgresql.org/docs/18/sql-copy.html
"""

from __future__ import annotations

import hashlib
import unicodedata
from itertools import islice
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from dal import addresses, edits, named, tables
from dal.imported import ImportReport, RowReason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

    from dal.imported import NewAsset, NewMovement, ParsedRow
    from dal.importers import Source

#: Any number that nobody else uses: the letters of INGEST as ASCII.
LOCK = 0x494E47455354
WAIT = "60s"
#: Rows that are held in memory at once.
CHUNK = 10_000
STEPS = (
    "01_date",
    "02_skip_undated",
    "03_transactions",
    "04_find",
    "analyze",
    "05_movements",
    "analyze",
    "06_complete",
    "07_labels",
    "08_label",
    "09_types",
    "10_transfers",
    "11_rows",
)
#: After these the large tables hold what they did not before.
FILLING = ("03_transactions", "05_movements")
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
    take_turn(conn)
    wallet_id, name, created = _wallet(conn, source, wallet)
    values = {"file": _clean(file), "format": source.format, "wallet": name, "sample": sample}
    statement = insert(tables.imports).values(values).returning(tables.imports.c.id)
    here = {"wallet_id": wallet_id, "import_id": conn.execute(statement).scalar_one()}
    _mark(conn, here, created=created)
    staged = _stage(conn, source.rows(_claim(conn, source, here)), progress)
    for step in STEPS:
        query = named.query(f"ingest/{step}")
        conn.execute(query, {key: here[key] for key in query.compile().params})
        if step in FILLING:
            know_sizes(conn, staged)
    counts = conn.execute(named.query("ingest/12_report"), {"import_id": here["import_id"]}).one()
    told = (*counts, here["import_id"], _reasons(conn), tuple(source.warnings))
    return ImportReport(file, source.format, name, *told)


def take_turn(conn: Connection) -> None:
    """Wait until nobody else imports or undoes, and take the time that it needs.

    Two files tell of the same transactions, assets and labels in whatever order: who imports them
    at once would wait for each other. The turn ends with the transaction.

    Raises:
        Unavailable: another import did not end within a minute; raised by the block.
    """
    conn.execute(text("SET LOCAL statement_timeout = 0"))
    conn.execute(text(f"SET LOCAL lock_timeout = '{WAIT}'"))
    conn.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})


def know_sizes(conn: Connection, rows: int) -> None:
    """Have the large tables looked at anew where statistics know of fewer than so many rows.

    After a trial, or in a new ledger, they call a table empty that has just been filled, and the
    planner would have it read whole for every row.
    """
    if conn.execute(named.query("ingest/stale"), {"rows": rows}).scalar_one():
        conn.exec_driver_sql("ANALYZE transactions, movements, import_rows")


def _clean(file: str) -> str:
    """Return the name of a file as it can be stored, whatever its system allows in names."""
    return file.encode(errors="replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")[:200]


def _reasons(conn: Connection) -> tuple[RowReason, ...]:
    rows = conn.exec_driver_sql(
        "SELECT line, outcome::text, reason FROM staged_rows"
        " WHERE outcome IN ('skipped', 'rejected') ORDER BY line"
    )
    return tuple(RowReason(*row) for row in rows)


# ── Whose it is ──────────────────────────────────────────────────────────────────────────────


def _wallet(conn: Connection, source: Source, asked: str | None) -> tuple[int, str, bool]:
    """Return the wallet's id and name, and whether it was made just now."""
    address = source.own_address()
    if address and asked is None and (owner := _owner(conn, source.network, address)):
        return *owner, False
    name = asked or (address and addresses.short(address)) or source.default_wallet
    row, created = edits.named(conn, tables.wallets, name=edits.name("wallet", name))
    return row.id, row.name, created


def _claim(conn: Connection, source: Source, here: dict[str, int]) -> frozenset[str]:
    """Give the wallet the file's address if nobody has it, and return all the wallet's there."""
    address, places = source.own_address(), tables.wallet_addresses
    if address:
        claim = {"network": source.network, "address": address, **here}
        conn.execute(upsert(places).values(claim).on_conflict_do_nothing())
    owned = places.c.wallet_id == here["wallet_id"], places.c.network == source.network
    own = conn.execute(select(places.c.address).where(*owned)).scalars()
    return frozenset(own) | ({address} if address else set())


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


def _mark(conn: Connection, here: dict[str, int], *, created: bool) -> None:
    """Let a wallet that was made for this file go with it when the import is undone."""
    wallets = tables.wallets
    if created:
        made = update(wallets).where(wallets.c.id == here["wallet_id"])
        conn.execute(made.values(import_id=here["import_id"]))


# ── Staging ──────────────────────────────────────────────────────────────────────────────────


def _stage(conn: Connection, rows: Iterator[ParsedRow], progress: Callable[[int], None]) -> int:
    """Copy the rows to where they wait, a chunk at a time. Returns their number."""
    conn.exec_driver_sql(named.text_of("ingest/00_stage"))
    cursor = conn.connection.cursor()
    known: dict[NewAsset, int] = {}
    done = 0
    while chunk := list(islice(rows, CHUNK)):
        for asset in dict.fromkeys(m.asset for row in chunk for m in _moved(row)):
            known[asset] = known.get(asset) or _asset(conn, asset)
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
    return done


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
        [unicodedata.normalize("NFC", name) for name in told.labels],
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


def movement_key(words: str) -> int:
    """Return the 64 bits by which a movement is known within its transaction.

    >>> movement_key("fee")
    -5184528627547362374
    """
    return int.from_bytes(hashlib.sha256(words.encode()).digest()[:8], "big", signed=True)


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
    return int(conn.execute(found).scalar_one())
