"""What was found, as a compiler would say it: the place, the line, why, what to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from webapp.audit.findings import Sure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from webapp.audit.auditing import Report
    from webapp.audit.findings import Finding

STYLES = {Sure.CERTAIN: "bold red", Sure.LIKELY: "bold yellow", Sure.LOOK: "bold cyan"}
HEADING = "Worth a look, where only a human can tell:"


def as_json(report: Report) -> str:
    """Return a report as one JSON object."""
    record = {
        "files": report.files,
        "findings": [each.record() for each in report.findings],
        "unparsed": [each.record() for each in report.unparsed],
    }
    return json.dumps(record, indent=2, ensure_ascii=False)


def lines(report: Report) -> Iterator[Text]:
    """Yield the lines of a report: the surest first, what is only worth a look in brief."""
    for bad in report.unparsed:
        yield Text(f"{_shown(bad.path)}:{bad.line}: cannot be parsed: {bad.reason}", "red")
    for each in report.findings:
        if each.sure < Sure.LOOK:
            yield from _whole(each)
            yield Text()
    looks = [each for each in report.findings if each.sure is Sure.LOOK]
    if looks:
        yield Text(HEADING, "bold")
        yield from map(_brief, looks)
        yield Text()
    yield Text(summary(report), "bold")


def _whole(found: Finding) -> Iterator[Text]:
    style = STYLES[found.sure]
    place = f"{_shown(found.path)}:{found.line}"
    yield Text.assemble((place, "bold"), ": ", (found.sure.word, style), f" [{found.rule}]")
    yield Text.assemble("    ", (found.source, "dim"))
    yield Text.assemble(("  why   ", "bold"), f"{found.why[:1].upper()}{found.why[1:]}.")
    yield Text.assemble(("  cure  ", "bold"), found.cure or found.about.cure)
    yield Text.assemble(("  more  ", "bold"), f"{_claims(found)}; {found.about.section}")


def _brief(found: Finding) -> Text:
    place = f"{_shown(found.path)}:{found.line}"
    rule = (f" [{found.rule}]", STYLES[found.sure])
    return Text.assemble("  ", (place, "bold"), rule, f" {found.why} ({_claims(found)})")


def _claims(found: Finding) -> str:
    """Return the numbers of the claims: claim 53, claims 57 and 58."""
    numbers = [f"{each:02}" for each in found.about.claims]
    if len(numbers) == 1:
        return f"claim {numbers[0]}"
    return f"claims {', '.join(numbers[:-1])} and {numbers[-1]}"


def _shown(path: Path) -> str:
    """Return a path from here, if it is below."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_absolute() and path.is_relative_to(here) else path)


def summary(report: Report) -> str:
    """Return how much was found in how much."""
    counts = [(sum(each.sure is sure for each in report.findings), sure.word) for sure in Sure]
    said = ", ".join(f"{count} {word}" for count, word in counts)
    files = _counted(report.files, "file")
    unread = f"; {_counted(len(report.unparsed), 'file')} not parsed" if report.unparsed else ""
    return f"{files}{unread}: {said}."


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def surer(findings: Iterable[Finding], least: Sure) -> tuple[Finding, ...]:
    """Return the findings that are at least so sure."""
    return tuple(each for each in findings if each.sure <= least)
