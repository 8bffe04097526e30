"""Import real exports and check the accounts: every row accounted for, a second time adds nothing.

    python tests/import_shared.py FOLDER

FOLDER holds one folder per source. Files of layouts that no importer knows yet are named as such.
Exit status 1 when the accounts of a file are wrong.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from dal.database import Ledger, open_ledger
from dal.errors import UnreadableFile
from dal.importers import open_file
from dal.ingest import ingest
from dal.settings import DalSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dal.imported import ImportReport
    from dal.importers import Source

SOURCES = ("etherscan", "kraken", "coinbase", "koinly", "ethereum_etl")
HEAD = ("file", "format", "wallet", "read", "imported", "duplicate", "skipped", "rejected", "new")
ROW = "{:<46} {:<24} {:<16} {:>6} {:>8} {:>9} {:>7} {:>8} {:>6}"


def main(folder: Path) -> int:
    """Import all files twice. Returns the number of wrong accounts."""
    wrong = 0
    print(ROW.format(*HEAD))
    with tempfile.TemporaryDirectory(prefix="freshledger-") as home:
        url = os.environ.get("TEST_LEDGER_URL", "")
        with open_ledger(DalSettings(database_url=url, home=Path(home))) as ledger:
            files = list(opened(folder))
            for name, source, data in files:
                report = bring(ledger, name, source)
                print(ROW.format(name, report.format, report.wallet, *figures(report)))
                wrong += faulty(name, report, len(data.splitlines()))
            for name, source, _ in files:
                again = bring(ledger, name, source)
                if again.imported or again.transactions:
                    print(f"WRONG: {name} came in twice: {again.imported} rows")
                    wrong += 1
    print(f"{len(files)} files, twice each, {wrong} with wrong accounts")
    return wrong


def opened(folder: Path) -> Iterator[tuple[str, Source, bytes]]:
    """Yield the files that can be read, those without times last."""
    undated = []
    for path in sorted(path for source in SOURCES for path in (folder / source).glob("*.*")):
        name, data = f"{path.parent.name}/{path.name}", path.read_bytes()
        try:
            source = open_file(data, path.name)
        except UnreadableFile as error:
            print(f"{name:<46} not read: {error.problem[:60]}…")
            continue
        if source.dated:
            yield name, source, data
        else:
            undated.append((name, source, data))
    yield from undated


def bring(ledger: Ledger, name: str, source: Source) -> ImportReport:
    """Import one file."""
    with ledger.write() as conn:
        return ingest(conn, source, name)


def figures(report: ImportReport) -> tuple[int, ...]:
    """Return the counts, in the order of the table."""
    outcomes = (report.imported, report.duplicate, report.skipped, report.rejected)
    return (report.read, *outcomes, report.transactions)


def faulty(name: str, report: ImportReport, lines: int) -> bool:
    """Return, and say, whether rows are unaccounted for, unexplained, or more than the file has."""
    accounted = report.imported + report.duplicate + report.skipped + report.rejected
    explained = len(report.reasons) == report.skipped + report.rejected
    if report.read == accounted and explained and 0 < report.read < lines + 1:
        return False
    print(f"WRONG: {name}: {report.read} rows of {lines} lines, {accounted} accounted for")
    return True


if __name__ == "__main__":
    sys.exit(bool(main(Path(sys.argv[1]))))
