"""The book of indexes, printed from the database: what each is for, and what it costs.

    python sql/indexes.py [ROWS]    write docs/indexes.md

Definitions and sizes are the catalogue's. Whom an index serves is read from the plans of the
reviewed cases and of the deeds: nothing of it is typed. What it costs those who write is measured,
in WAL, by inserting the same rows with the index and without it.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import deeds
import label_cost
import plan
from cases import CLASSES, Case
from servers import QUIET, RARE, measured_at
from writing import written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from dal.database import Ledger

BOOK = Path(__file__).parents[1] / "docs" / "indexes.md"
ROWS = 100_000
#: Tables of which a ledger has many rows.
LONG = ("transactions", "movements", "transaction_labels", "transaction_notes")
#: Filters that one value of an index answers; the others weigh what several say.
EQUAL = frozenset(CLASSES) - {"direction", "amount", "text", "has"}
#: Filters that no index serves yet, and indexes that no plan reads before one does: who serves them
#: takes them out of here.
LACKING: frozenset[str] = frozenset()
IDLE: frozenset[str] = frozenset()
BY_TIME = ("time", "-time")
TOLD = re.compile(r"^\| `(\w+)`<br>`(.+?)` \|", re.MULTILINE)
CATALOGUE = """
SELECT t.relname, c.relname, pg_get_indexdef(i.indexrelid), i.indisunique,
       pg_relation_size(i.indexrelid)
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
 WHERE c.relnamespace = 'public'::regnamespace AND t.relname <> 'alembic_version'
 ORDER BY t.relname, c.relname
"""


@dataclass
class Index:
    """An index, and what is known of it."""

    table: str
    name: str
    definition: str
    unique: bool
    size: int  # bytes
    filters: dict[str, None] = field(default_factory=dict)
    orders: dict[str, None] = field(default_factory=dict)
    pages: dict[str, None] = field(default_factory=dict)  # groups of other cases
    deeds: set[str] = field(default_factory=set)
    cases: int = 0
    scans: int = 0

    @property
    def is_needed(self) -> bool:
        """Return whether anything needs it: a plan, or that no two rows are the same."""
        return bool(self.unique or self.cases or self.deeds)


def main(rows: int) -> None:
    """Write the book."""
    with measured_at(QUIET, rows) as ledger:
        lines = list(book(ledger, rows))
    with measured_at(RARE, rows) as ledger:
        lines += ["", RARELY, "", *label_cost.measured(ledger), ""]
    BOOK.write_text("\n".join(lines))
    print(f"{BOOK.name} is written")


def known(conn: Connection, found: plan.Answered, done: deeds.Uses) -> list[Index]:
    """Return every index with whom it serves."""
    book = {row[1]: Index(*row) for row in conn.exec_driver_sql(CATALOGUE)}
    for case, answer in found:
        for name, scans in scanned(answer).items():
            if index := book.get(name):
                _note(index, case, scans)
    for name, names in done.items():
        if name in book:
            book[name].deeds |= names
    return list(book.values())


def scanned(answer: Any) -> dict[str, int]:  # noqa: ANN401 (a plan)
    """Return how often a plan scanned each index."""
    scans: dict[str, int] = defaultdict(int)
    for node in answer.nodes:
        if node.index and node.loops:
            scans[node.index] += node.loops
    return scans


def _note(index: Index, case: Case, scans: int) -> None:
    index.cases += 1
    index.scans += scans
    if len(case.keys) == 1:
        index.filters[case.keys[0]] = None
    if case.group == "everything":
        index.orders[case.order] = None
    if not case.order:
        index.pages[case.group] = None


# ── Laws ─────────────────────────────────────────────────────────────────────────────────────


def useless(book: list[Index]) -> list[str]:
    """Return the indexes that nothing needs, and those that are said to be idle and are not."""
    found = {index.name for index in book if not index.is_needed}
    return sorted(found ^ IDLE)


def unserved(found: plan.Answered) -> list[str]:
    """Return each case of an equality or a date, and each order, that read a whole table.

    And the filters that are said to lack an index and do not.
    """
    cases = [case for case, plan in found if _is_served(case) and any(map(_reads_all, plan.nodes))]
    cured = LACKING - {case.group for case in cases}
    return [
        *(f"{case.group}: {case.title}" for case in cases if case.group not in LACKING),
        *(f"{key}: it lacks no index any more" for key in sorted(cured)),
    ]


def _is_served(case: Case) -> bool:
    """Return whether an index must serve it."""
    if case.group == "everything":
        return True
    alone = len(case.keys) == 1 and case.keys[0] in EQUAL
    return alone and case.order in BY_TIME and not case.title.startswith("not:")


def _reads_all(node: Any) -> bool:  # noqa: ANN401 (of a plan)
    whole = node.loops and node.text.startswith("Seq Scan")
    return bool(whole and any(f"relation name: {table}" in f"{node.text} " for table in LONG))


def undescribed(book: list[Index]) -> list[str]:
    """Return the indexes that docs/indexes.md does not tell as they are, or tells in vain."""
    kept = set(TOLD.findall(BOOK.read_text() if BOOK.exists() else ""))
    here = {(index.name, _columns(index.definition)) for index in book}
    return sorted({name for name, _ in kept ^ here})


# ── The book ─────────────────────────────────────────────────────────────────────────────────


def book(ledger: Ledger, rows: int) -> Iterator[str]:
    """Yield the lines of the book."""
    with ledger.read() as conn:
        found = plan.answered(conn)
        version = conn.exec_driver_sql("SHOW server_version").scalar_one()
        indexes = known(conn, found, deeds.uses(ledger))
    cost = written(ledger)
    yield from HEAD.format(version=version, rows=rows, cases=len(found)).splitlines()
    tables: dict[str, list[Index]] = defaultdict(list)
    for index in indexes:
        tables[index.table].append(index)
    for table in (*LONG, *(name for name in tables if name not in LONG)):
        yield from _section(table, tables[table], rows, cost)
    yield from ("", "## A label on one row", "", OFTEN, "", *label_cost.measured(ledger))


HEAD = """# The indexes

Printed by `make indexes` from PostgreSQL {version} with {rows:,} generated transactions and the
plans of {cases} reviewed cases (`sql/plans/`): nothing here is typed by hand.

*Serves* are the filters of whose pages some plan reads the index, then the orders, then what else
is done with it. *Bytes* are those of a fresh index, *WAL* what it adds to the log when rows are
inserted (read from the log itself; no copies of whole pages), each per transaction of the ledger.
*Cases* are the reviewed ones that read it, *scans* how often they did.
"""
OFTEN = """One label, by its own row, beside one in an `int[]` column with a GIN index (in a copy of
`transactions` with all of its indexes). Many edits, soon after each other:"""
RARELY = """Rare edits: the first change to a page after a checkpoint writes all of the page, and
these meet pages that nobody has changed since:"""


def _section(table: str, indexes: list[Index], rows: int, cost: dict[str, float]) -> Iterator[str]:
    yield from ("", f"## {table}", "", "| index | serves | bytes | WAL | cases | scans |")
    yield "| --- | --- | --: | --: | --: | --: |"
    for index in indexes:
        size = f"{index.size / rows:.1f}" if index.table in (*LONG, "import_rows") else "·"
        wal = f"{cost[index.name]:,.0f}" if index.name in cost else "·"
        told = f"`{index.name}`<br>`{_columns(index.definition)}`"
        counted = f"{index.cases} | {index.scans:,}"
        yield f"| {told} | {_served(index)} | {size} | {wal} | {counted} |"
    if table in LONG:
        total = sum(index.size for index in indexes) / rows
        more = sum(cost.get(index.name, 0) for index in indexes)
        yield f"| the table itself | | | {cost[table]:,.0f} | | |"
        yield f"| its indexes | | {total:.1f} | {more:,.0f} | | |"


def _columns(definition: str) -> str:
    """Return what an index is made of."""
    return definition.partition(" USING ")[2].replace("|", "\\|")


def _served(index: Index) -> str:
    filters = ", ".join(f"`{key}`" for key in CLASSES if {key, f"{key}!"} & index.filters.keys())
    parts = (
        "every filter" if {*CLASSES} <= index.filters.keys() else filters,
        index.orders and f"order {', '.join(index.orders)}",
        index.unique and "no two alike",
        index.pages and "cases of " + ", ".join(index.pages),
        index.deeds and "; ".join(sorted(index.deeds)),
    )
    return "<br>".join(part for part in parts if part) or "nothing yet"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS)
