"""What the bench found, as a page of Markdown."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import psycopg

from tests.bench.figures import ratio, table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.bench.contest import Place
    from tests.bench.figures import Times

#: The lines of both tables, and of the goals: what, of whom, against whom.
LAYERS = (
    "raw psycopg",
    "our dal",
    "sqlakeyset, Core",
    "sqlakeyset, ORM",
    "SQLAlchemy ORM, OFFSET",
    "Flask-SQLAlchemy, no count",
    "Flask-SQLAlchemy, count",
)
REQUESTS = ("by hand", "our request")
PAGES = (
    "our page",
    "Flask-SQLAlchemy, no count",
    "Flask-SQLAlchemy, count",
    "Flask-Admin, no count",
    "Flask-Admin, count",
    "Django admin, no count",
    "Django admin, count",
)
GOALS = (
    ("our dal", "raw psycopg", 1.35),
    ("our dal", "sqlakeyset, Core", 0.4),
    ("our dal", "Flask-SQLAlchemy, no count", 0.25),
    ("our request", "by hand", 1.5),
)
ABOUT = """
Raw psycopg runs the very statement of our page, prepared and binary, and reads its arrays. **Our
dal** makes records of them; the statement also brings the bounded count, what the filter's form
offers, and the token that says when it was true, which none of the peers' statements does.
**sqlakeyset, Core** runs one statement with the same joins, movements and labels as arrays;
**sqlakeyset, ORM** and the **ORM** load to-one relations by join and to-many by `selectinload`, and
read every attribute that a row of the page shows. All connect in autocommit, keep their statements,
and are asked in rounds of random order; all must find the same rows, else the bench refuses itself.
A cell is the ratio of the medians, then the median in milliseconds and the quartiles. There are 30
rounds, of five calls where a call is quick; whoever has taken three seconds is not asked on, and
nobody less than three times.
""".strip()
BY_HAND = """
**By hand** is raw psycopg and f-strings that write the same HTML as our page, value for value, each
escaped by `markupsafe.escape`, with everything that never changes kept from an earlier page; it
reads no cookie, checks no request and sets no header. **Our request** is the whole of ours, as a
bare WSGI call.
""".strip()
SERVED = """
Each under gunicorn (gthread, one worker of eight threads), asked through one kept connection; ours
by `freshledger serve`. **Flask-SQLAlchemy** fills a plain table of the same columns;
**Flask-Admin** and **Django admin** show their own list views of them (`selectinload`,
`select_related`, `prefetch_related`, the filters beside the list), open to everybody. *No count* is
each one's own way to leave the total out; ours counts to 1,000 in the page's statement and says
"more than" beyond.
""".strip()
NOT_CLAIMED = """
- Not that these tools are slow: each does what it promises, and most tables are small. OFFSET and
  an exact count cost what they cost in any language.
- Not how many requests a server bears: one is asked at a time, by one client on the same machine,
  which also runs PostgreSQL. All data is in memory.
- Not that milliseconds here are milliseconds elsewhere: the machine is shared and small; ratios
  within a table are what holds.
- Not every filter: three are shown. What is hard for an index is measured elsewhere.
- Not the same bytes: the peers' pages are plainer and smaller than ours, which favours them.
- Writing is not measured here, nor is a cold cache.
""".strip()


def facts(url: str, python: Path) -> list[str]:
    """Return where and with what was measured."""
    with psycopg.connect(url) as conn:
        version, rows = conn.execute(
            "SELECT current_setting('server_version'), count(*) FROM transactions"
        ).fetchone() or ("", 0)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    machine = (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors ({processor()})"
    )
    return [
        f"{rows:,} transactions, {datetime.now(UTC):%Y-%m-%d}. PostgreSQL {version}, Python",
        f"{platform.python_version()}, {machine}, {memory:.0f} GB.",
        f"Others' work on this machine and the bench's own: a load of {os.getloadavg()[2]:.1f}.",
        f"{', '.join(versions(python))}.",
    ]


def processor() -> str:
    """Return what the processor calls itself."""
    known = Path("/proc/cpuinfo")
    lines = known.read_text().splitlines() if known.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or "unknown")


def versions(python: Path) -> list[str]:
    """Return the peers' versions."""
    command = [str(python), "-m", "pip", "list", "--format", "json", "--disable-pip-version-check"]
    listed = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    asked = (Path(__file__).parent / "requirements.txt").read_text()
    wanted = re.findall(r"^[\w-]+", asked, re.MULTILINE)
    known = {each["name"].lower().replace("_", "-"): each["version"] for each in listed}
    return [f"{name} {known[name]}" for name in wanted]


@dataclass(frozen=True, slots=True)
class Found:
    """What the bench has found."""

    places: Sequence[Place]
    below: Times  # of the data layers and requests, in one process each
    above: Times  # of the pages, over HTTP
    sizes: Mapping[str, int]  # of the pages, in bytes
    minutes: float


def lines(known: Sequence[str], found: Found) -> list[str]:
    """Return the page, line by line."""
    places, below, sizes = found.places, found.below, found.sizes
    names = [place.name for place in places]
    depths = [name for name in names if ("by hand", name) in below]
    weights = ", ".join(f"{name} {sizes[name] / 1000:,.0f} kB" for name in PAGES if name in sizes)
    return [
        "# Beside other tools",
        "",
        *known,
        f"Written in {found.minutes:.1f} minutes by `make bench`; the figures are of that one run.",
        "",
        *(f"- **{place.name}**: {place.words}" for place in places),
        "",
        *("## A page of 50 rows, read", "", ABOUT, "", *table(below, LAYERS, names, LAYERS[0]), ""),
        *("## The request", "", BY_HAND, "", *table(below, REQUESTS, depths, REQUESTS[0]), ""),
        *(
            "## The page, over HTTP",
            "",
            SERVED,
            "",
            *table(found.above, PAGES, names, PAGES[0]),
            "",
        ),
        *(f"Bytes of the first page: {weights}.", ""),
        *("## What we aim at", "", *goals(below, names[0]), ""),
        *("## What is not claimed", "", NOT_CLAIMED, ""),
    ]


def goals(times: Times, place: str) -> list[str]:
    """Return what was aimed at and what was reached on the first page."""
    found = ["| | aim | reached |", "|---|---|---|"]
    for ours, theirs, aim in GOALS:
        reached = median(times[ours, place]) / median(times[theirs, place])
        met = "" if reached <= aim else ", missed"
        found.append(f"| {ours} ÷ {theirs} | ≤ {aim} | {ratio(reached, 1)}{met} |")
    return found
