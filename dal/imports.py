"""Imports: which files arrived, what became of their rows, and how to undo one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Select, Text, cast, delete, exists, select

from dal import edits, named, places, tables
from dal.errors import NotFound
from dal.ingest import know_sizes, take_turn
from dal.records import Import, RawRow

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from sqlalchemy import Connection

    from dal.records import Outcome

imports, rows_ = tables.imports, tables.import_rows
COLUMNS = (
    imports.c.id,
    imports.c.file,
    imports.c.format,
    imports.c.wallet,
    imports.c.imported_at,
    imports.c.read,
    imports.c.imported,
    imports.c.duplicate,
    imports.c.skipped,
    imports.c.rejected,
    imports.c.transactions,
)
UNDO = (
    "01_movements",
    "02_inherit",
    "03_types",
    "04_rows",
    "05_transactions",
    "06_hand_over",
    "07_labels",
    "08_contacts",
)


def all(conn: Connection) -> tuple[Import, ...]:  # noqa: A001 (imports.all reads as it should)
    """Return every import, the newest first."""
    return tuple(Import(*row) for row in conn.execute(all_statement()))


def all_statement() -> Select[Any]:
    """Return the statement of `all`."""
    return select(*COLUMNS).order_by(imports.c.id.desc())


def get(conn: Connection, import_id: int) -> Import:
    """Return one import.

    Raises:
        NotFound: there is none of that number.
    """
    row = conn.execute(select(*COLUMNS).where(edits.is_row(imports, import_id))).first()
    if row is None:
        raise NotFound("import", import_id)
    return Import(*row)


def rows(
    conn: Connection, import_id: int, outcome: Outcome | None = None, most: int = 1_000
) -> Iterator[RawRow]:
    """Yield the rows of an import by line, those of one outcome or all, `most` at most."""
    asked = (
        select(
            rows_.c.import_id,
            imports.c.file,
            rows_.c.line,
            rows_.c.raw,
            cast(rows_.c.outcome, Text),
            rows_.c.reason,
        )
        .join(imports, imports.c.id == rows_.c.import_id)
        .where(edits.is_row(imports, import_id))
        .order_by(rows_.c.line)
        .limit(most)
    )
    if outcome:
        asked = asked.where(rows_.c.outcome == outcome)
    return (RawRow(*row) for row in conn.execute(asked))


def undo(conn: Connection, import_id: int) -> None:
    """Take back all that an import brought, notes and labels on its transactions included.

    What another import brought to the same transactions stays; what it only repeated was not
    brought by it. Wallet, addresses, labels and contacts that came with it go too where nothing
    else uses them and nobody has edited them.

    Raises:
        NotFound: there is no such import.
    """
    take_turn(conn)
    know_sizes(conn, get(conn, import_id).read)
    this = {"import_id": import_id}
    for step in UNDO:
        conn.execute(named.query(f"undo/{step}"), this)
    places.untransfer(conn, conn.execute(named.query("undo/09_addresses"), this).all())
    conn.execute(named.query("undo/10_wallets"), this)
    conn.execute(delete(imports).where(imports.c.id == import_id))


def has_sample(conn: Connection) -> bool:
    """Return whether the generated sample is in the ledger."""
    return conn.execute(select(exists().where(imports.c.sample))).scalar_one()


def remove_sample(conn: Connection) -> int:
    """Undo every import of the generated sample. Returns their number."""
    ids = (
        conn.execute(select(imports.c.id).where(imports.c.sample).order_by(imports.c.id.desc()))
        .scalars()
        .all()
    )
    for import_id in ids:
        undo(conn, import_id)
    return len(ids)


def is_empty(conn: Connection) -> bool:
    """Return whether the ledger has neither wallets nor imports."""
    some = exists().where(tables.wallets.c.id > 0)
    return not conn.execute(select(some | exists().where(imports.c.id > 0))).scalar_one()
