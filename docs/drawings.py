"""Draw the pictures of docs/diagnosis.md, from what is said here.

`python docs/drawings.py --write` draws them into docs/diagnosis/; `--check` fails if they differ.
They are narrow and high, so that a phone shows their words large enough to be read.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from svg import (
    GAP,
    MARGIN,
    WIDE,
    Drawn,
    Note,
    Send,
    arrow,
    box,
    figure,
    foot,
    heading,
    lanes,
    stacked,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FOLDER = Path(__file__).parent / "diagnosis"


# ── Two memories ─────────────────────────────────────────────────────────────────────────────

WHO = (
    ("page's session", "in the process"),
    ("database", "PostgreSQL"),
    ("somebody else", "another process"),
)
IDENTITY_MAP = (
    (Note(0, ("its object:", "note = old")), Send(2, 1, "UPDATE, COMMIT")),
    Note(1, ("row: new",), "new"),
    Send(0, 1, "SELECT, is sent"),
    Send(1, 0, "new row arrives", "new"),
    Note(0, ("the same object,", "kept: note = old"), "old"),
)
SNAPSHOT = (
    (Note(0, ("transaction", "is left open")), Send(2, 1, "UPDATE, COMMIT")),
    Note(1, ("row: new", "its snapshot: old"), "old"),
    Send(0, 1, "SELECT, is sent"),
    Send(1, 0, "old row arrives", "old"),
    Note(0, ("even a new object:", "note = old"), "old"),
)


def two_memories() -> str:
    """The identity map and the snapshot, each old by itself."""
    return figure(
        "Two memories that can be old",
        "Above, under READ COMMITTED: the SELECT is sent and the new row arrives, but the session"
        " hands out the object that it already has, with the old note. Below, under REPEATABLE"
        " READ: the open transaction sees the database as it was, so the row itself is old.",
        stacked(
            lambda y: heading(y, "Memory 1: the identity map, in the process",
                              "READ COMMITTED, and something still refers to the object"),
            lambda y: lanes(y, WHO, IDENTITY_MAP),
            lambda y: foot(y, ("Cure: commit(), rollback() or expire_all() on this session,",
                               "or let go of the object.")),
            lambda y: heading(y + 6, "Memory 2: the snapshot, in the database",
                              "REPEATABLE READ; nothing needs to refer to the object"),
            lambda y: lanes(y - GAP, ((), (), ()), SNAPSHOT),
            lambda y: foot(y, ("Cure: commit() or rollback(), the end of the transaction.",
                               "expire_all() reads again, and gets the same old row.")),
        ),
    )  # fmt: skip


# ── Three observations ───────────────────────────────────────────────────────────────────────

SESSIONS = (
    ("db.session", "of this request"),
    ("captured session", "since the import"),
    ("database", "PostgreSQL"),
)
OBSERVED = (
    (Note(1, ("its object:", "note = old")), Note(2, ("somebody else", "made it: new"), "new")),
    Send(1, 2, "page: SELECT"),
    Send(2, 1, "new row arrives", "new"),
    Note(1, ("*1: page is old", "the object is kept"), "old"),
    (
        Note(0, ("`remove()", "`expire_all()", "empty this one")),
        Note(1, ("*3: still old", "nobody has", "touched this one"), "old"),
    ),
    Send(1, 2, "other function"),
    Note(1, ("`commit()", "expires each object"), "ask"),
    Send(1, 2, "page: SELECT"),
    Note(1, ("*2: page is right", "read again: new"), "new"),
)
WORKERS = (("worker 1", "right", "new"), ("worker 2", "old", "old"), ("worker 3", "old", "old"))


def three_observations() -> str:
    """Why the reset is useless and another function cures, with a captured session."""
    return figure(
        "Three observations, one cause",
        "The page reads through a captured session, which keeps its old object (1). The reset"
        " empties db.session, which is another session (3). Another function commits on the"
        " captured session, which expires each object, so the next page is right (2). The captured"
        " sessions of the other workers are still old.",
        stacked(
            lambda y: heading(y, "One cause, three observations",
                              "numbered as in the request; the last page's rows are still held"),
            lambda y: lanes(y, SESSIONS, OBSERVED),
            lambda y: heading(y, "And the other workers?",
                              "each process has captured a session of its own"),
            _workers,
        ),
    )  # fmt: skip


def _workers(y: float) -> Drawn:
    wide = (WIDE - 2 * MARGIN - 2 * GAP) / 3
    found, bottom = list[str](), y
    for nr, (name, said, kind) in enumerate(WORKERS):
        drawn, bottom = box(MARGIN + nr * (wide + GAP), y, wide, (f"*{name}", said), kind)
        found += drawn
    return Drawn(found, bottom + MARGIN)


# ── Our way ──────────────────────────────────────────────────────────────────────────────────

WAY = (
    ("ask", ("*GET /transactions?asset=ETH", "a request")),
    ("plain", ("*filter, order, cursor", "plain values, made for this request")),
    ("plain", ("*one SELECT", "rows, count, names and token together")),
    ("new", ("*a fresh snapshot", "autocommit: begins and ends with the statement")),
    ("plain", ("*frozen dataclasses", "plain rows, which no session knows")),
    ("ask", ("*the page", "with the moment at which it was true")),
    ("quiet", ("*nothing is left", "no session, no identity map,",
               "no open transaction, no cache of rows")),
)  # fmt: skip


def our_way() -> str:
    """The way of a request here, at whose end nothing is left."""
    return figure(
        "The way of a request in this project",
        "A request becomes a filter, an order and a cursor; one SELECT in autocommit reads a fresh"
        " snapshot; its rows become frozen dataclasses; the page is drawn; nothing is left.",
        stacked(
            lambda y: heading(y, "From the request to the page", "and what is left behind"), _way
        ),
    )


def _way(y: float) -> Drawn:
    found = list[str]()
    for nr, (kind, lines) in enumerate(WAY):
        if nr:
            found += arrow(WIDE / 2, y, WIDE / 2, y + 24, "quiet")
            y += 26
        drawn, y = box(70, y, WIDE - 140, lines, kind)
        found += drawn
    return Drawn(found, y + MARGIN)


# ── Which one is it? ─────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Probe:
    """One step of the search: a question, what each answer means, and the way on."""

    question: Sequence[str]
    answers: Sequence[Sequence[str]]  # what was seen, and what it is
    onward: str = ""


PROBES = (
    Probe(
        ("*1. psql against", "*the page"),
        (
            ("*psql is old as well:", "not committed,", "or another database"),
            ("*the row is missing:", "a filter, a bound,", "the paging"),
        ),
        "psql is right, the page old",
    ),
    Probe(
        ("*2. curl against", "*the browser"),
        (("*only the browser is old:", "HTTP cache, ETag,", "Back, two fetches"),),
        "curl is old as well",
    ),
    Probe(
        ("*3. curl,", "*twenty times"),
        (("*right later, by itself:", "a cache with a time-out,", "a replica that lags"),),
        "old, or now old and now right",
    ),
    Probe(
        ("*4. pg_stat_activity",),
        (("*idle in transaction:", "a pinned snapshot,", "or a writer without commit"),),
        "no snapshot is pinned",
    ),
    Probe(
        ("*5. session id and", "*pid in a log line"),
        (("*one id in all requests:", "captured session, wrong", "scope, no teardown"),),
        "a new one each time",
    ),
    Probe(
        ("*6. one grep",),
        (("*a global, a list, a cache:", "objects that outlive", "their request"),),
    ),
)


def decision_tree() -> str:
    """The cheapest probe first."""
    return figure(
        "The decision tree",
        "Compare psql with the page, then curl with the browser, then curl twenty times, then look"
        " into pg_stat_activity, then log the session's id and the process id, then search the"
        " source with one grep. Beside each step stands what its answer gives away.",
        stacked(
            lambda y: heading(y, "Which one is it?", "cheapest first; each step takes a minute"),
            *((lambda y, probe=probe: _probe(y, probe)) for probe in PROBES),
        ),
    )


def _probe(y: float, probe: Probe) -> Drawn:
    """Draw a question at the left, its answers at the right, and the way on below."""
    left, right = 234, 326
    begin = WIDE - MARGIN - right
    found, bottom = list[str](), y
    for lines in probe.answers:
        drawn, end = box(begin, bottom, right, lines, "old", centred=False)
        middle = (bottom + end) / 2
        found += [*drawn, *arrow(MARGIN + left, middle, begin - 2, middle, "quiet")]
        bottom = end + 8
    bottom -= 8
    found += box(MARGIN, y, left, probe.question, "ask", tall=bottom - y).elements
    if not probe.onward:
        return Drawn(found, bottom + MARGIN)
    found += arrow(MARGIN + 24, bottom, MARGIN + 24, bottom + 29, "quiet")
    found.append(text(MARGIN + 42, bottom + 21, probe.onward, "quiet"))
    return Drawn(found, bottom + 31)


PICTURES: dict[str, Callable[[], str]] = {
    "two-memories": two_memories,
    "three-observations": three_observations,
    "our-way": our_way,
    "decision-tree": decision_tree,
}


def main() -> None:
    """Draw the pictures, or say which is another one."""
    for name, draw in PICTURES.items():
        path = FOLDER / f"{name}.svg"
        if "--write" in sys.argv:
            FOLDER.mkdir(exist_ok=True)
            path.write_text(draw())
        elif not path.is_file() or path.read_text() != draw():
            sys.exit(f"docs/diagnosis/{name}.svg is another one; run: docs/drawings.py --write")


if __name__ == "__main__":
    main()
