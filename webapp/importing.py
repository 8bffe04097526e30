"""`freshledger import`: files from the disk into the ledger, with a report for each."""

from __future__ import annotations

import getpass
import json
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from dal.errors import UnreadableFile
from dal.importers import open_file
from dal.ingest import ingest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rich.console import Console

    from dal.database import Ledger
    from dal.imported import ImportReport
    from dal.importers import Source

#: Exit statuses: every row accounted for; rows were rejected; a file could not be read.
ALL_WELL, REJECTED, UNREADABLE = 0, 1, 2
REASONS_SHOWN = 10


def operator() -> str:
    """Return whom the change log names for what a command writes."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have a number only
        name = "somebody"
    return f"{name} at the command line"


class Run:
    """One run of the command over some files."""

    def __init__(
        self, ledger: Ledger, out: Console, err: Console, *, trial: bool, as_json: bool
    ) -> None:
        self.ledger = ledger
        self.out = out
        self.err = err
        self.trial = trial
        self.as_json = as_json
        self.status = ALL_WELL

    def files(self, names: Iterable[str], wallet: str | None, network: str | None) -> int:
        """Bring in the files, those without times last, and return the exit status."""
        opened = [(name, source) for name in names if (source := self._open(name, network))]
        for name, source in sorted(opened, key=lambda pair: not pair[1].dated):
            report = self._bring(name, source, wallet)
            self._tell_json(report) if self.as_json else self._tell(report)
            if report.rejected:
                self.status = max(self.status, REJECTED)
        return self.status

    def _open(self, name: str, network: str | None) -> Source | None:
        try:
            return open_file(Path(name).read_bytes(), Path(name).name, network=network)
        except OSError as error:
            self._refuse(name, error.strerror or str(error))
        except UnreadableFile as error:
            self._refuse(name, error.problem)
        return None

    def _refuse(self, name: str, problem: str) -> None:
        self.status = UNREADABLE
        if self.as_json:
            self._print_json({"file": name, "error": problem})
        self.err.print(f"{name}: {problem}", style="red", markup=False)

    def _bring(self, name: str, source: Source, wallet: str | None) -> ImportReport:
        block = self.ledger.trial() if self.trial else self.ledger.write(operator())
        with block as conn, self._bar(name) as progress:
            report = ingest(conn, source, Path(name).name, wallet=wallet, progress=progress)
        return replace(report, import_id=None) if self.trial else report

    @contextmanager
    def _bar(self, name: str) -> Iterator[Callable[[int], None]]:
        """Show how far a file is."""
        lines = Path(name).read_bytes().count(b"\n")
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self.err, transient=True) as progress:
            task = progress.add_task(Path(name).name, total=lines)
            yield lambda rows: progress.update(task, completed=rows)

    def _tell(self, report: ImportReport) -> None:
        would = "to be " * self.trial
        accounts = (
            f"  {report.read:,} rows read = {report.imported:,} {would}imported"
            f" + {report.duplicate:,} duplicate + {report.skipped:,} skipped"
            f" + {report.rejected:,} rejected; {report.transactions:,} new transactions"
        )
        lines = [
            f"{report.file}: {report.format}, wallet {report.wallet}",
            accounts,
            *(f"  note: {warning}" for warning in report.warnings),
            *(f"  line {r.line}, {r.outcome}: {r.reason}" for r in report.reasons[:REASONS_SHOWN]),
        ]
        if len(report.reasons) > REASONS_SHOWN:
            lines.append(f"  … and {len(report.reasons) - REASONS_SHOWN:,} more; --json has all")
        self.out.print("\n".join(lines), markup=False)

    def _tell_json(self, report: ImportReport) -> None:
        self._print_json({"dry_run": self.trial, **asdict(report)})

    def _print_json(self, value: dict[str, Any]) -> None:
        """Print one object on one line."""
        self.out.print(json.dumps(value, ensure_ascii=False), markup=False)
