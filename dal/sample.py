"""The sample ledger: generated, plainly marked, removed by undoing its imports.

It goes the way of every file: CSV of the generic layout, opened by the importer, brought in by
`ingest`.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from sqlalchemy import insert, update
from sqlalchemy.dialects.postgresql import insert as upsert

from dal import tables
from dal.importers import open_file
from dal.importers.generic import COLUMNS
from dal.ingest import ingest
from dal.story import Story
from dal.story_cast import LABELS

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dal.story_rows import Row

#: How the names of its wallets end, so that nobody takes them for their own.
MARK = " (sample)"


def load(conn: Connection) -> int:
    """Bring the sample into an empty ledger. Returns the number of its transactions."""
    story, reports = Story(), []
    _own(conn, story)
    _paint(conn)
    for name, rows in story.rows.items():
        file = f"sample-{name.lower().replace(' ', '-')}.csv"
        source = open_file(_file(rows), file)
        reports.append(ingest(conn, source, file, wallet=name + MARK, sample=True))
        _came_with(conn, name, reports[-1].import_id)
    _know(conn, story, reports[0].import_id)
    return sum(report.transactions for report in reports)


def _file(rows: list[Row]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, [name for name, _ in COLUMNS], restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(sorted(rows, key=lambda row: row["Date"]))
    return text.getvalue().encode()


def _own(conn: Connection, story: Story) -> None:
    """Make the wallets with their addresses, so that what goes between them is a transfer."""
    wallets, places = tables.wallets, tables.wallet_addresses
    for name in story.rows:
        new = insert(wallets).values(name=name + MARK).returning(wallets.c.id)
        wallet_id = conn.execute(new).scalar_one()
        for network, address in story.addresses(name):
            place = {"network": network, "address": address, "wallet_id": wallet_id}
            conn.execute(upsert(places).values(place).on_conflict_do_nothing())


def _came_with(conn: Connection, name: str, import_id: int | None) -> None:
    """Let a wallet go with its import."""
    wallets = tables.wallets
    made = update(wallets).where(wallets.c.name == name + MARK)
    conn.execute(made.values(import_id=import_id))


def _know(conn: Connection, story: Story, import_id: int | None) -> None:
    """Name the people, who leave with the sample's first import as its labels do."""
    conn.execute(update(tables.labels).values(import_id=import_id))
    contacts, places = tables.contacts, tables.contact_addresses
    for party, reach in story.reach.items():
        new = insert(contacts).values(name=party, import_id=import_id).returning(contacts.c.id)
        contact_id = conn.execute(new).scalar_one()
        for network, address in reach.items():
            place = {"network": network, "address": address, "contact_id": contact_id}
            conn.execute(insert(places).values(place))


def _paint(conn: Connection) -> None:
    """Make the labels in their colours."""
    colours = [{"name": name, "colour": colour} for name, colour in LABELS.items()]
    conn.execute(insert(tables.labels).values(colours))
