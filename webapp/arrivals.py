"""Several files into the ledger at once: for good, or only to see what would happen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dal.errors import UnreadableFile
from dal.importers import open_file
from dal.ingest import ingest

if TYPE_CHECKING:
    from dal.database import Connection, Ledger
    from dal.imported import ImportReport
    from dal.importers import Source
    from webapp.uploads import Upload


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became, or would become, of one file."""

    file: str
    title: str  # of its layout
    report: ImportReport | None  # None where it cannot be read
    problem: str = ""


def tried(ledger: Ledger, upload: Upload) -> tuple[Outcome, ...]:
    """Return what importing an upload would do; nothing is written."""
    with ledger.trial() as conn:
        return _all(conn, upload)


def done(conn: Connection, upload: Upload) -> tuple[ImportReport, ...]:
    """Import what can be read of an upload, in a write block.

    Raises:
        UnreadableFile: none of its files can be read.
    """
    outcomes = _all(conn, upload)
    reports = tuple(each.report for each in outcomes if each.report)
    if not reports:
        raise UnreadableFile(outcomes[0].file, outcomes[0].problem)
    return reports


def _all(conn: Connection, upload: Upload) -> tuple[Outcome, ...]:
    """Ingest the files, those that tell their times before those that rely on them."""
    opened = [(name, _opened(name, data, upload.network)) for name, data in upload.read()]
    outcomes: dict[int, Outcome] = {}
    for number in sorted(range(len(opened)), key=lambda number: _relies(opened[number][1])):
        outcomes[number] = _outcome(conn, *opened[number], upload.wallet)
    return tuple(outcomes[number] for number in range(len(opened)))


def _opened(name: str, data: bytes, network: str) -> Source | UnreadableFile:
    try:
        return open_file(data, name, network=network or None)
    except UnreadableFile as error:
        return error


def _relies(source: Source | UnreadableFile) -> bool:
    return not isinstance(source, UnreadableFile) and not source.dated


def _outcome(conn: Connection, name: str, source: Source | UnreadableFile, wallet: str) -> Outcome:
    if isinstance(source, UnreadableFile):
        return Outcome(name, "", None, source.problem)
    return Outcome(name, source.title, ingest(conn, source, name, wallet=wallet or None))
