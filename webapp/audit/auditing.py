"""The audit of one path: every rule asked, what was silenced left out."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from webapp.audit.cases import Case
from webapp.audit.findings import Finding, Unparsed
from webapp.audit.program import Program
from webapp.audit.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from webapp.audit.cases import Found, Rule

SILENCE = re.compile(r"#\s*freshledger:\s*ignore(?:\[([\w\s,-]*)\])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the audit of a path found."""

    files: int  # Python files that were parsed
    findings: tuple[Finding, ...]  # the surest first
    unparsed: tuple[Unparsed, ...]


def audit(
    path: Path, rules: Iterable[Rule] = RULES, watch: Callable[[Path], object] = lambda _: None
) -> Report:
    """Look for places in the source under a path that can hold old data."""
    program = Program.load(path, watch)
    case = Case.of(program)
    found = {finding for rule in rules for finding in _findings(case, rule)}
    return Report(
        files=program.count - len(program.unparsed),
        findings=tuple(sorted(found)),
        unparsed=tuple(sorted(program.unparsed)),
    )


def _findings(case: Case, rule: Rule) -> Iterator[Finding]:
    for found in rule.find(case):
        path, line, words = _place(case, found)
        above = _line(case, found, line - 1)
        if not (_silenced(words, rule) or (_is_comment(above) and _silenced(above, rule))):
            yield Finding(sure=found.sure, path=path, line=line, rule=rule.key, cause=rule.cause,
                          why=found.why, cure=found.cure, source=words.strip())  # fmt: skip


def _place(case: Case, found: Found) -> tuple[Path, int, str]:
    if not isinstance(found.at, ast.AST):
        return found.at
    line = getattr(found.at, "lineno", 1)
    return case.program.of(found.at).path, line, _line(case, found, line)


def _line(case: Case, found: Found, number: int) -> str:
    """Return a line of the file that something was found in."""
    lines = case.program.of(found.at).lines if isinstance(found.at, ast.AST) else ()
    return lines[number - 1] if 0 < number <= len(lines) else ""


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def _silenced(line: str, rule: Rule) -> bool:
    """Return whether a comment silences a rule, or every one if it names none."""
    found = SILENCE.search(line)
    if found is None:
        return False
    return not found[1] or rule.key in {each.strip() for each in found[1].split(",")}
