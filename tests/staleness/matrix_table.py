"""What the matrix says, from its file: which observations each build gives, as tables.

Nothing of the applications is imported here: documents are printed with it.

The three observations, for a build, a kind of change and a number of workers:

1. *stale*: the page as it stands, first load after the change: some worker does not show it.
2. *cured by another function*: in that same deployment, the load of some worker was stale directly
   before another function wrote to another table, and right directly after it. Where several
   workers are stale, each is given that function to do in turn.
3. *not cured by the reset*: with session.remove() and expire_all() at the beginning of the page, in
   a deployment of its own in which every load does so, some first load is stale all the same.

A build gives *all three together* if its page with the reset in it is stale on first load and
becomes right after another function, and so does its page without.
"""

from __future__ import annotations

import json
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

KEPT = Path(__file__).parent / "matrix.json"
OUTSIDE, ITSELF = "another process", "the app itself"
#: Kinds of change and numbers of workers, in the order of the columns.
PLACES = tuple((change, workers) for change in (OUTSIDE, ITSELF) for workers in (1, 3))
HEAD = (
    "build",
    "what is wrong",
    *(f"{change}, {workers} worker{'s' if workers > 1 else ''}" for change, workers in PLACES),
    "cured by another function",
    "SELECT sent",
    "new row shows",
    "right in time",
    "right after a restart",
    "several at once",
)

LEGEND = """\
**1** stale: the first load after the change does not show it. **2** cured by another function: a
worker's page, stale directly before another function wrote to another table, was right directly
after it. **3** not cured by the reset: with `session.remove()` and `session.expire_all()` at the
beginning of the page it is stale all the same. Bold: all three together. A dash: never stale.
"""

Row = dict[str, Any]
Place = tuple[str, int]


def read(path: Path = KEPT) -> Row:
    """Return a kept matrix: {"versions": …, "seconds": …, "rows": […]}."""
    found: Row = json.loads(path.read_text())
    return found


# ── What was observed ────────────────────────────────────────────────────────────────────────


def cells(row: Row) -> dict[tuple[str, int, bool], Row]:
    """Return the cells of a row by change, workers, and whether the page resets the session."""
    return {(cell["change"], cell["workers"], cell["reset"]): cell for cell in row["cells"]}


def observations(row: Row, place: Place) -> str:
    """Return which of the three are seen: "123", "13", "1" or ""."""
    found = cells(row)
    plain, reset = found[*place, False], found[*place, True]
    seen = (plain["stale"], cured(plain), plain["stale"] and reset["stale"])
    return "".join(str(nr) for nr, each in enumerate(seen, 1) if each)


def together(row: Row, place: Place) -> bool:
    """Return whether a build gives all three together."""
    return observations(row, place) == "123" and cured(cells(row)[*place, True])


def cured(cell: Row) -> bool:
    """Return whether another function made something right."""
    return bool(cell["cured_there"] or cell["cured_elsewhere"])


def giving_all(rows: Iterable[Row]) -> dict[str, list[Place]]:
    """Return the builds that give all three together, and under which change and workers."""
    found = {row["name"]: [place for place in PLACES if together(row, place)] for row in rows}
    return {name: places for name, places in found.items() if places}


def decided(row: Row) -> Row:
    """Return what a row says without its figures: what another run must give, too."""
    kept = ("stale", "asked", "cured_there", "cured_elsewhere", "broken")
    found = {key: {name: cell[name] for name in kept} for key, cell in cells(row).items()}
    for cell in found.values():
        cell["stale"] = bool(cell["stale"])
    return {
        "name": row["name"],
        "cells": found,
        **{key: row[key] for key in ("new_row", "in_time", "after_restart", "crowd")},
    }


# ── Printing ─────────────────────────────────────────────────────────────────────────────────


def markdown(rows: Sequence[Row]) -> str:
    """Return the table for a document, with a line before each kind of build."""
    lines = [HEAD, ("---",) * len(HEAD)]
    kind = ""
    for row in rows:
        if row["kind"] != kind:
            kind = row["kind"]
            lines.append((f"*{kind}*", *[""] * (len(HEAD) - 1)))
        lines.append(tuple(line(row)))
    return "".join(f"| {' | '.join(each)} |\n" for each in lines)


def line(row: Row) -> Iterator[str]:
    """Yield the cells of a row."""
    everywhere = any(together(row, place) for place in PLACES)
    yield f"**`{row['name']}`**" if everywhere else f"`{row['name']}`"
    yield row["sentence"] + (f" (`{' '.join(row['options'])}`)" if row["options"] else "")
    for place in PLACES:
        seen = " ".join(observations(row, place))
        yield f"**{seen}**" if together(row, place) else seen or "-"
    yield where(row)
    yield asked(row)
    yield word(row["new_row"])
    yield word(row["in_time"])
    yield word(row["after_restart"])
    yield "pages" if row["crowd"] else "**errors**"


def word(answer: bool | None) -> str:
    """Return yes or no; a dash where nothing was stale."""
    return "-" if answer is None else "yes" if answer else "no"


def where(row: Row) -> str:
    """Return where another function's write makes the page right."""
    stale = [cell for cell in row["cells"] if cell["stale"]]
    there = any(cell["cured_there"] for cell in stale)
    elsewhere = any(cell["cured_elsewhere"] for cell in stale)
    if not stale:
        return "-"
    if there and elsewhere:
        return "in every worker"
    if elsewhere:
        return "in the other workers"
    return "in the worker that ran it" if there else "no"


def asked(row: Row) -> str:
    """Return whether the database was asked for a stale page."""
    return word(next((cell["asked"] for cell in row["cells"] if cell["stale"]), None))


def summary(rows: Iterable[Row]) -> str:
    """Return the builds that give all three, one to a line, and when."""
    return "".join(
        f"- `{name}`: changed by {'; by '.join(told(places))}\n"
        for name, places in giving_all(rows).items()
    )


def told(places: Iterable[Place]) -> Iterator[str]:
    """Yield each kind of change with its numbers of workers."""
    for change, group in groupby(places, key=itemgetter(0)):
        counts = [workers for _, workers in group]
        plural = "s" if counts != [1] else ""
        yield f"{change}, {' and '.join(map(str, counts))} worker{plural}"


def made_with(versions: Mapping[str, str]) -> str:
    """Return what the run was made with, as a sentence."""
    return ", ".join(f"{name} {version}" for name, version in versions.items())
