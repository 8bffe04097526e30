"""What the probe says: a few lines for a reader, or one JSON object."""

from __future__ import annotations

from dataclasses import asdict
from itertools import groupby
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from rich.text import Text

from webapp.probe.caching import told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from dal.foreign.marking import Outcome
    from webapp.probe.judging import Findings
    from webapp.probe.suspects import Suspect
    from webapp.probe.verdicts import Verdict

FIRST = 13  # columns for the names of the figures
SHOWN = 4  # causes; --json has all
COLOURS = {"fresh": "bold green", "stale": "bold red", "unknown": "bold yellow"}
BACK = {"untouched", "back"}


def report(
    out: Console,
    verdict: Verdict,
    findings: Findings | None,
    causes: tuple[Suspect, ...],
    outcome: Outcome | None,
) -> None:
    """Print verdict, figures, causes, and what became of the old value."""
    _print(out, verdict.sentence, COLOURS[verdict.word])
    if findings and findings.good and (findings.shows or findings.keeps_showing_old):
        out.print()
        for name, words in _figures(findings):
            _print_row(out, name, words, FIRST)
    if causes:
        out.print("\nLikeliest causes, in order", style="bold")
        for place, each in enumerate(causes[:SHOWN], 1):
            _print_cause(out, place, each)
        if len(causes) > SHOWN:
            out.print(f" … and {len(causes) - SHOWN} less likely ones; --json has all")
    for note in verdict.notes:
        out.print()
        _print(out, note)
    if outcome and outcome.kind != "untouched":
        colour = "" if outcome.kind in BACK else "bold red"
        out.print()
        _print(out, f"{outcome.words[0].upper()}{outcome.words[1:]}.", colour)


def as_json(
    verdict: Verdict,
    findings: Findings | None,
    causes: tuple[Suspect, ...],
    outcome: Outcome | None,
) -> dict[str, Any]:
    """Return the report as one object."""
    return {
        "verdict": verdict.word,
        "sentence": verdict.sentence,
        "status": verdict.status,
        "patterns": list(findings.patterns) if findings else [],
        "figures": _numbers(findings) if findings else {},
        "causes": [
            {
                "key": each.cause.key,
                "title": each.cause.title,
                "why": each.why,
                "cure": each.cause.cure,
                "section": each.cause.section,
            }
            for each in causes
        ],
        "notes": list(verdict.notes),
        "old_value": {"outcome": outcome.kind, "words": outcome.words} if outcome else None,
    }


def _numbers(findings: Findings) -> dict[str, Any]:
    spread, lines = findings.spread, findings.lines
    return {
        "answers": len(findings.good),
        "stale": len(findings.stale),
        "failed": len(findings.troubled),
        "torn": len(findings.torn),
        "changes": len(findings.seen.marks),
        "changes_seen_late": len(findings.stale_marks),
        "stale_ms": {"p50": spread.p50, "p99": spread.p99, "max": spread.most,
                     "of_answers": spread.count},
        "connections": {
            "kept": lines.kept, "kept_stale": lines.kept_stale,
            "new": lines.fresh, "new_stale": lines.fresh_stale,
        },
        "workers": [asdict(each) for each in findings.workers],
        "headers": _headers(findings),
        "browser_may_keep_s": findings.browser.seconds,
        "proxy_may_keep_s": findings.browser.shared,
        "posts": [{"status": each.status, "trouble": each.trouble} for each in findings.seen.posts],
        "right_after_post": findings.helped,
    }  # fmt: skip


def _headers(findings: Findings) -> dict[str, str]:
    """Return what the last page said about caching."""
    return told(findings.good[-1].headers) if findings.good else {}


def _figures(findings: Findings) -> Iterator[tuple[str, str]]:
    old, answers = len(findings.stale), len(findings.good)
    failed = f"; {len(findings.troubled):,} requests got none" if findings.troubled else ""
    yield "answers", f"{answers:,}: {answers - old:,} right, {old:,} old{failed}"
    late, marks = len(findings.stale_marks), len(findings.seen.marks)
    yield (
        "changes",
        f"{marks:,}, of which {late:,} arrived late" if late else f"{marks:,}, none late",
    )
    if old:
        yield "old by", _spread(findings)
        yield "connections", _connections(findings)
    if findings.workers:
        yield "workers", _workers(findings)
    if headers := _headers(findings):
        yield "headers", "; ".join(f"{name.title()}: {value}" for name, value in headers.items())


def _spread(findings: Findings) -> str:
    spread = findings.spread
    return (
        f"p50 {spread.p50:,.0f} ms · p99 {spread.p99:,.0f} ms · max {spread.most:,.0f} ms"
        f" (of {spread.count:,} old answers)"
    )


def _connections(findings: Findings) -> str:
    lines = findings.lines
    return (
        f"{lines.kept_stale} of {lines.kept} visitors on kept connections met old values, and"
        f" {lines.fresh_stale} of {lines.fresh} on new ones"
    )


def _workers(findings: Findings) -> str:
    """Return which of them were right: `X-Pid 101, 103: always right; 102: always old`."""
    ordered = sorted(findings.workers, key=lambda each: (each.old, each.value))
    parts = []
    for old, found in groupby(ordered, key=lambda each: each.old):
        names = ", ".join(each.value for each in found)
        words = {0: "always right", 1: "always old"}.get(old, f"{old:.0%} old")
        parts.append(f"{names}: {words}")
    return f"{ordered[0].header.title()} {'; '.join(parts)}"


def _print_cause(out: Console, place: int, suspect: Suspect) -> None:
    cause = suspect.cause
    out.print(Text(f" {place}. {cause.title}", "bold"))
    for name, words in (("why", suspect.why), ("cure", cause.cure), ("more", cause.section)):
        _print_row(out, f"   {name}", words, FIRST)


def _print(out: Console, words: str, colour: str = "") -> None:
    for line in wrap(words, out.width - 1, break_on_hyphens=False):
        out.print(Text(line, colour))


def _print_row(out: Console, name: str, words: str, width: int) -> None:
    """Print words beside their name, folded where the line ends."""
    for number, line in enumerate(
        wrap(words, max(out.width - width - 1, 20), break_on_hyphens=False)
    ):
        out.print(Text.assemble((f" {name * (not number):<{width - 1}}", "dim"), line))
