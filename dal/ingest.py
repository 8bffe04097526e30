"""A file into the ledger: staged by COPY, a part at a time, and sorted in by `sql/ingest/`.

All of it happens in the caller's transaction: a file comes in whole or not at all, and a trial is
an import in a block that is rolled back. The same file again adds nothing.

COPY: https://www.postgresql.org/docs/18/sql-copy.html
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from dal import addresses, edits, named, naming, staging, tables
from dal.imported import ImportReport, RowReason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection, CursorResult, TextClause

    from dal.importers import Source
    from dal.staging import Part

#: Any number that nobody else uses: the letters of INGEST as ASCII.
LOCK = 0x494E47455354
WAIT = "60s"
#: What is done with each part of a file; the rest when all of it is in.
STEPS = (
    "01_date",
    "02_skip_undated",
    "03_transactions",
    "04_find",
    "05_movements",
    "06_labels",
    "07_label",
    "08_complete",
    "09_types",
    "10_rows",
)
#: After these a large table holds what it did not before.
FILLING = {"03_transactions": "transactions", "05_movements": "movements"}
LARGE = ("transactions", "movements", "import_rows")


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
    rows = source.rows(_claim(conn, source, here))
    read = _sort_in(conn, staging.parts(rows, dated=source.dated), here, progress)
    know_sizes(conn, read)
    _do(conn, "11_transfers", here)
    counts: tuple[int, ...] = tuple(_do(conn, "12_report", here).one())
    told = (*counts, here["import_id"], _reasons(conn, here), tuple(source.warnings))
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


def know_sizes(conn: Connection, rows: int, *names: str) -> None:
    """Have large tables looked at anew where statistics know of less than half of so many rows.

    After a trial, or in a new ledger, they call a table empty that has just been filled, and the
    planner would have it read whole for every row.
    """
    asked = {"rows": rows, "tables": list(names or LARGE)}
    for table in conn.execute(named.query("ingest/stale"), asked).scalars():
        conn.exec_driver_sql(f"ANALYZE {table}")


def _clean(file: str) -> str:
    """Return the name of a file as it can be stored, whatever its system allows in names."""
    return file.encode(errors="replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")[:200]


def _reasons(conn: Connection, here: dict[str, int]) -> tuple[RowReason, ...]:
    rows = tables.import_rows.c
    mine = rows.import_id == here["import_id"], rows.outcome.in_(("skipped", "rejected"))
    found = select(rows.line, rows.outcome, rows.reason).where(*mine).order_by(rows.line)
    return tuple(RowReason(*row) for row in conn.execute(found))


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


# ── Part by part ─────────────────────────────────────────────────────────────────────────────


def _sort_in(
    conn: Connection,
    parts: Iterator[Part],
    here: dict[str, int],
    progress: Callable[[int], None],
) -> int:
    """Bring in a file part by part, each as one that tells more. Returns the number of rows.

    A part is read while the server sorts in the one before, and not while that is copied to it: two
    threads that have much to do here wait for each other.
    """
    conn.exec_driver_sql(named.text_of("ingest/00_stage"))
    done, part = 0, next(parts, None)
    with ThreadPoolExecutor(1, "ahead") as reader:
        while part is not None:
            _stage(conn, part)
            coming = reader.submit(next, parts, None)
            _take(conn, here, done, part.length)
            done += part.length
            progress(done)
            part = coming.result()
    return done


def _stage(conn: Connection, part: Part) -> None:
    """Copy a part to where it waits."""
    cursor = conn.connection.cursor()
    for statement, lines in (
        (staging.ROWS, part.rows),
        (staging.MOVEMENTS, part.movements),
        (staging.ASSETS, part.assets),
    ):
        if lines:
            with cursor.copy(statement) as copy:
                copy.write(lines)
    cursor.close()
    if part.assets:
        conn.exec_driver_sql(_script(("00_assets", "00_known_assets"), {}))


def _take(conn: Connection, here: dict[str, int], done: int, length: int) -> None:
    """Sort in what waits; the first part step by step, for the tables may have been empty."""
    if done:
        conn.exec_driver_sql(_script((*STEPS, "empty"), here))
        know_sizes(conn, done + length, *FILLING.values())
        return
    conn.execute(named.query("ingest/analyze"))  # no part looks much different
    for step in (*STEPS, "empty"):
        _do(conn, step, here)
        if step in FILLING:
            know_sizes(conn, length, FILLING[step])


def _do(conn: Connection, step: str, here: dict[str, int]) -> CursorResult[Any]:
    """Run a step of `sql/ingest/`."""
    query = named.query(f"ingest/{step}")
    return conn.execute(query, {key: here[key] for key in query.compile().params})


def _script(steps: tuple[str, ...], here: dict[str, int]) -> str:
    """Return steps as one text, whose statements are sent and answered at once."""
    return "\n".join(_written(named.query(f"ingest/{step}"), here) for step in steps)


def _written(query: TextClause, here: dict[str, int]) -> str:
    values = {key: here[key] for key in query.compile().params}
    made = query.bindparams(**values).compile(compile_kwargs={"literal_binds": True})
    return naming.marked(str(made))
