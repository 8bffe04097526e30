"""`freshledger audit PATH`."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from webapp.audit.auditing import audit as audited
from webapp.audit.findings import Sure
from webapp.audit.report import as_json, lines, surer

if TYPE_CHECKING:
    from webapp.audit.auditing import Report

#: A line of a report is never cut off, and folded by the terminal alone.
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False)

EXAMPLE = "\b\nfreshledger audit src/shop --sure likely"


@click.command(epilog=EXAMPLE)
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--sure", type=click.Choice([each.word for each in Sure]), default="look",
              show_default=True, help="Print only what is at least so sure.")  # fmt: skip
@click.option("--json", "json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def audit(context: click.Context, path: Path, sure: str, *, json: bool) -> None:
    """Look for what can hold old data in the source of a Flask and SQLAlchemy application.

    PATH is a directory or a Python file. It is parsed, never imported and never run. A comment
    `# freshledger: ignore[RULE]` on a line, or above it, silences a finding.

    Exit status: 0 when nothing certain or likely was found, 1 when something was, 2 when PATH could
    not be read or holds no Python.
    """
    if not path.exists():
        raise click.UsageError(f"{path} does not exist.")
    report = _watched(path)
    if not report.files and not report.unparsed:
        raise click.UsageError(f"There is no Python in {path}.")
    shown = replace(report, findings=surer(report.findings, Sure[sure.upper()]))
    if json:
        click.echo(as_json(shown))
    else:
        for line in lines(shown):
            out.print(line)
    context.exit(_status(shown))


def _watched(path: Path) -> Report:
    """Audit a path; a terminal is shown which file is at hand."""
    if not sys.stderr.isatty():
        return audited(path)
    with err.status("Reading") as status:
        return audited(path, watch=lambda each: status.update(f"Reading {each}"))


def _status(report: Report) -> int:
    """Return 2 if no file could be parsed, 1 if something certain or likely was found, else 0."""
    if not report.files:
        return 2
    return int(any(each.sure < Sure.LOOK for each in report.findings))
