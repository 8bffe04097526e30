"""The pages of imports: the list, what an upload would do, and what one did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, get_args

from dal.records import Outcome as Word
from webapp.pages.moment import Moment
from webapp.pages.nouns import CHOICES, list_of
from webapp.template_filters import count

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import tzinfo

    from dal.imported import ImportReport
    from dal.records import Import, RawRow, Wallet
    from webapp.arrivals import Outcome

WORDS: tuple[Word, ...] = get_args(Word)
#: Reasons of a preview, and rows of an import, that are shown.
REASONS, ROWS = 20, 300


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of a file's rows."""

    read: int
    imported: int
    duplicate: int
    skipped: int
    rejected: int
    transactions: int

    @classmethod
    def of(cls, one: Import | ImportReport) -> Counts:
        """Return the counts of an import, or of what would be one."""
        return cls(
            one.read, one.imported, one.duplicate, one.skipped, one.rejected, one.transactions
        )


@dataclass(frozen=True, slots=True)
class ImportLine:
    """One import of the list."""

    id: int
    file: str
    format: str
    wallet: str
    at: Moment
    counts: Counts
    href: str  # its transactions

    @classmethod
    def of(cls, one: Import, zone: tzinfo) -> ImportLine:
        """Return the line of an import."""
        at, counts = Moment.of(one.imported_at, zone), Counts.of(one)
        href = list_of("import", str(one.id))
        return cls(one.id, one.file, one.format, one.wallet, at, counts, href)


@dataclass(frozen=True, slots=True)
class ImportsPage:
    """`imports/index.html`."""

    section: ClassVar[str] = "imports"
    title: ClassVar[str] = "Imports"
    networks: ClassVar[tuple[tuple[str, str], ...]] = CHOICES
    imports: tuple[ImportLine, ...]
    wallets: tuple[str, ...]

    @classmethod
    def of(cls, imports: Iterable[Import], wallets: Iterable[Wallet], zone: tzinfo) -> ImportsPage:
        """Return the page of the imports."""
        lines = tuple(ImportLine.of(one, zone) for one in imports)
        return cls(lines, tuple(wallet.name for wallet in wallets))


@dataclass(frozen=True, slots=True)
class FilePreview:
    """What importing one file would do."""

    file: str
    title: str
    wallet: str
    problem: str  # why it cannot be read; "" where it can
    counts: Counts | None
    warnings: tuple[str, ...]
    reasons: tuple[tuple[int, str, str], ...]  # line, outcome, reason
    more: str  # "… and 12 rows more"

    @classmethod
    def of(cls, one: Outcome) -> FilePreview:
        """Return the preview of a file."""
        report = one.report
        if report is None:
            return cls(one.file, "", "", one.problem, None, (), (), "")
        reasons = tuple((r.line, r.outcome, r.reason) for r in report.reasons[:REASONS])
        left = len(report.reasons) - len(reasons)
        more = f"… and {count(left, 'row')} more" if left else ""
        counts = Counts.of(report)
        return cls(one.file, one.title, report.wallet, "", counts, report.warnings, reasons, more)


@dataclass(frozen=True, slots=True)
class PreviewPage:
    """`imports/preview.html`."""

    section: ClassVar[str] = "imports"
    title: ClassVar[str] = "What is in it"
    token: str
    files: tuple[FilePreview, ...]
    importable: bool
    nothing_new: bool

    @classmethod
    def of(cls, token: str, outcomes: Iterable[Outcome]) -> PreviewPage:
        """Return the page of a trial."""
        files = tuple(map(FilePreview.of, outcomes))
        counts = [each.counts for each in files if each.counts]
        return cls(token, files, bool(counts), not any(each.imported for each in counts))


@dataclass(frozen=True, slots=True)
class Tab:
    """The rows of one outcome."""

    text: str
    href: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class ImportPage:
    """`imports/show.html`."""

    section: ClassVar[str] = "imports"
    title: str
    one: ImportLine
    tabs: tuple[Tab, ...]
    rows: tuple[RawRow, ...]
    more: bool
    download: str  # the rows that did not come in, as a file; "" where all did
    loses: str  # "3 transactions with a label or a note", "" for none

    @classmethod
    def of(
        cls, one: Import, rows: Sequence[RawRow], chosen: str, loses: int, zone: tzinfo
    ) -> ImportPage:
        """Return the page of an import.

        Args:
            one: the import.
            rows: of the chosen outcome, one more than are shown where there are more.
            chosen: the outcome; "" for all.
            loses: transactions whose label or note would go with it.
            zone: whose clock is shown.
        """
        return cls(
            title=one.file,
            one=ImportLine.of(one, zone),
            tabs=_tabs(one, chosen),
            rows=tuple(rows[:ROWS]),
            more=len(rows) > ROWS,
            download=f"/imports/{one.id}/rows.csv" if one.skipped + one.rejected else "",
            loses=count(loses, "transaction") if loses else "",
        )


def _tabs(one: Import, chosen: str) -> tuple[Tab, ...]:
    here = f"/imports/{one.id}"
    numbers: dict[str, int] = {word: getattr(one, word) for word in WORDS}
    every = Tab(f"all {one.read:,}", here, chosen=not chosen)
    return (
        every,
        *(
            Tab(f"{word} {number:,}", f"{here}?outcome={word}", word == chosen)
            for word, number in numbers.items()
        ),
    )
