"""What a campaign found, as a table to read and as a page to keep."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tests.freshness.mutants import MUTANTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.freshness.campaign import Result
    from tests.freshness.load import Load

RULES = {
    "stale": "a write acknowledged before the request is missing from its answer",
    "future": "a value, a row or a figure that nobody had written",
    "aborted": "a value of a write that was rolled back or refused",
    "intermediate": "a value that its own transaction overwrote before its end",
    "torn": "parts of one answer, or an answer and its token, are of different snapshots",
    "monotonic": "an answer older than one that the same client had before",
    "walk": "an untouched row not exactly once in a walk, or a row that crossed it unnamed",
    "stream": "a change that the live stream did not tell",
    "lost": "an edit made on an old version replaced a newer one",
    "error": "an answer that is neither the page nor an honest 503",
}
PAGE = """\
# Freshness, checked

{reads:,} answers over HTTP were held against what had been written. **{broken:,} broke a rule**;
the worst staleness was {worst:.1f} ms.

{day:%Y-%m-%d}, PostgreSQL {server}, Python {python}, {machine}. {workers} worker processes at
least, {minutes:,.1f} minutes, {rate:,.0f} reads a second. Written by

```sh
{command}
```

## Faults

Each alone, struck again and again while browsers read and others write, by SQL and by the product's
own forms. *Unknown*: writes of which nobody was told whether they happened. *503*: an honest
refusal, which breaks no rule. *Broken off*: connections that ended before an answer came. *Told*:
writes, and pairs of pages, that the live stream was held against. *Staleness*: the worst.

{faults}

## Rules

{rules}

What the checker knows: every write carries its own number, every row has one writer, all times are
of one clock. So for each row and each answer it is known which states may show: none that was over
before the request, none that had not begun at its end; and of those, by the answer's token, exactly
which. A write of which nobody knows the end may have happened or not, and is never held against an
answer.

## Mutants

The checker's own test: mistakes planted in the worker processes. `make test` fails unless every one
is caught, and prints by which rule and after how long.

{mutants}

## Against your own deployment

```sh
python -m tests.freshness --url http://127.0.0.1:8000 --database postgresql://… --reads 20000
```

It starts no process and harms none. It works in four wallets whose names begin with *freshness
check*, and removes them at the end; the change log keeps what it did. Faults that need processes of
its own are skipped and named; `--faults none` leaves out the others, too.

## Not claimed

- Nothing about standbys: every answer came from the primary.
- Nothing about what a browser shows once the bytes have left: that is tested in a browser.
- Writes through forms carry no transaction number that the checker could know; they are held
  against times alone, which is weaker than against the token.
- A run finds what its load meets. No violation in so many reads is a figure, not a proof; the
  mutants say what the rules are able to find.
- Crashes are crashes of PostgreSQL's processes. The machine itself was not switched off.
"""
HEADER = (
    "fault", "struck", "reads", "writes", "unknown", "503", "broken off", "told", "violations",
    "staleness",
)  # fmt: skip


def row(result: Result) -> tuple[str, ...]:
    """Return the figures of one fault."""
    load = result.load
    if load is None:
        return f"{result.fault} (skipped: {result.skipped})", *[""] * (len(HEADER) - 1)
    return (
        result.fault,
        "" if result.fault == "none" else f"{load.strikes:,}",
        f"{load.reads.total():,}",
        f"{_writes(load, 'ok'):,}",
        f"{_writes(load, 'info'):,}",
        f"{load.refusals:,}",
        f"{load.breaks:,}",
        f"{load.stream.checked if load.stream else 0:,}",
        f"{load.rules.total():,}",
        f"{load.worst_ns / 1e6:.1f} ms",
    )


def _writes(load: Load, outcome: str) -> int:
    return sum(number for (_, ended), number in load.ops.items() if ended == outcome)


def table(results: Sequence[Result]) -> str:
    """Return the figures of all faults, set in columns."""
    rows = [HEADER, *map(row, results)]
    wide = [max(len(each[place]) for each in rows) for place in range(len(HEADER))]
    lines = [
        "  ".join(
            text.rjust(width) if place else text.ljust(width)
            for place, (text, width) in enumerate(zip(each, wide, strict=True))
        ).rstrip()
        for each in rows
    ]
    return "\n".join(lines)


def loads(results: Sequence[Result]) -> list[Load]:
    """Return the loads that took place."""
    return [result.load for result in results if result.load]


def summary(results: Sequence[Result]) -> str:
    """Return reads, violations per rule, and the table."""
    ran = loads(results)
    broken = {rule: sum(load.rules[rule] for load in ran) for rule in RULES}
    reads = sum(load.reads.total() for load in ran)
    worst = max((load.worst_ns for load in ran), default=0) / 1e6
    kinds = sorted({kind for load in ran for kind in load.reads})
    by_kind = ", ".join(f"{kind} {sum(load.reads[kind] for load in ran):,}" for kind in kinds)
    lines = [
        f"{reads:,} reads checked ({by_kind})",
        f"violations: {sum(broken.values()):,} — "
        + ", ".join(f"{rule} {number:,}" for rule, number in broken.items()),
        f"worst staleness: {worst:.1f} ms",
        "",
        table(results),
    ]
    shown = [
        f"  {each.rule}: {' '.join(each.text.split())[:300]}"
        for load in ran
        for each in load.violations
    ]
    return "\n".join([*lines, *([""] if shown else []), *shown])


def page(results: Sequence[Result], server: str, seconds: float, command: str) -> str:
    """Return the report as Markdown."""
    ran = loads(results)
    broken = {rule: sum(load.rules[rule] for load in ran) for rule in RULES}
    reads = sum(load.reads.total() for load in ran)
    return PAGE.format(
        reads=reads,
        broken=sum(broken.values()),
        worst=max((load.worst_ns for load in ran), default=0) / 1e6,
        day=datetime.now(UTC),
        server=server,
        python=platform.python_version(),
        machine=f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
        workers=min((len(load.workers) for load in ran), default=0),
        minutes=seconds / 60,
        rate=reads / max(seconds, 1),
        command=command,
        faults=_cells(HEADER, map(row, results)),
        rules=_cells(
            ("rule", "what breaks it", "violations"),
            ((rule, RULES[rule], f"{number:,}") for rule, number in broken.items()),
        ),
        mutants=_cells(
            ("mutant", "the mistake"), ((each.name, each.about) for each in MUTANTS.values())
        ),
    )


def _cells(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
