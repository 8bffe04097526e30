"""The plan of every statement, in `sql/plans/`, to be reviewed as a diff.

It makes its own database on the embedded server (or on TEST_DATABASE_URL's), fills it with the
generated ledger of `sql/seed/`, and explains exactly the statements that the pages run.

    python sql/plan.py

`sql/review.py` says what differs from them.

A tree holds the steps that ran and did something, their indexes, conditions and rows: those are
compared. The buffers at their end are told and not compared. What the page of a filter has in
common with the page of everything is told once, and so is a tree that several cases of a file have.
What a plan depends on besides statement, ledger and statistics is set on the connection, so that it
does not depend on the server's settings.
"""

from __future__ import annotations

import difflib
import os
import re
import subprocess
import sys
import tempfile
import uuid
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from cases import Case, cases, place

from dal import explain
from dal.database import Ledger, driver_url
from dal.embedded import Embedded
from dal.postgres import Binaries
from dal.settings import DalSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Connection

    from dal.explain import Node, Plan

__all__ = ["generated", "place", "psql"]
HERE = Path(__file__).parent
PLANS = HERE / "plans"
#: Few enough for a test, and so many that a walk through all of them is never the shortest way.
ROWS = 60_000
MAJOR = 18  # the version of PostgreSQL whose plans these are
SETTINGS = {
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "work_mem": "16MB",
    "hash_mem_multiplier": "2",
    "effective_cache_size": "4GB",
    "seq_page_cost": "1",
    "random_page_cost": "1.1",
    "cpu_tuple_cost": "0.01",
    "cpu_index_tuple_cost": "0.005",
    "cpu_operator_cost": "0.0025",
    "effective_io_concurrency": "1",
    "cursor_tuple_fraction": "0.1",
    "geqo": "off",
}
PATIENT = DalSettings(slow_ms=0, statement_timeout_ms=0)
BUFFERS = re.compile(r" ?buffers=\d+")
LITERAL = re.compile(r"'(?:[^']|'')*'")
#: What finds transactions is told in every case.
OWN = re.compile(r"relation name: transactions\b")
NUMBERED = re.compile(r"\b(InitPlan |SubPlan |labels_|wallets_)\d+")

Answered = list[tuple[Case, "Plan"]]


def main() -> None:
    """Write the plans."""
    with generated(ROWS) as ledger, ledger.read() as conn:
        if other := unlike(conn):
            sys.exit(other)
        found = answered(conn)
    write(written(found))
    for case, plan in found:
        print(f"{plan.buffers:>8,} buffers  {case.group}: {case.title}")


def answered(conn: Connection) -> Answered:
    """Return how each case is answered."""
    for name, value in SETTINGS.items():
        conn.exec_driver_sql(f"SET {name} = '{value}'")
    asked = list(cases(conn))
    for case in asked[:10]:  # the first ones read the catalogue
        explain.explain(conn, case.statement, case.parameters)
    return [(case, explain.explain(conn, case.statement, case.parameters)) for case in asked]


def written(found: Answered) -> dict[str, str]:
    """Return the text of each file by its name."""
    known = frozenset(sub for _, sub in parts(found[0][1].nodes))
    files: dict[str, list[str]] = {}
    first: dict[tuple[str, str], str] = {}  # by file and shape of a tree: the case that has it
    for number, (case, plan) in enumerate(found):
        lines = files.setdefault(case.group, [f"PostgreSQL {MAJOR}, {ROWS:,} transactions"])
        lines += ["", f"## {case.title}"]
        same = first.setdefault((case.group, shape(plan.nodes)), case.title)
        if same == case.title:
            lines += told(plan.nodes, known if number else frozenset())
        else:
            lines += [f"as `{same}` (buffers={plan.buffers})"]
    return {f"{group}.txt": "\n".join([*lines, ""]) for group, lines in files.items()}


def shape(nodes: Sequence[Node]) -> str:
    """Return the steps of a tree without rows and values: what makes two trees the same."""
    return LITERAL.sub("…", "\n".join(f"{node.depth} {node.text}" for node in at_work(nodes)))


def at_work(nodes: Sequence[Node]) -> Iterator[Node]:
    """Yield the steps that ran, without those that found nothing and touched nothing."""
    idle = -1  # the depth of the part that is being passed over; -1: none is
    for node in nodes:
        if 0 <= idle < node.depth:
            continue
        idle = node.depth if not node.loops or not (node.rows or node.buffers) else -1
        if idle < 0:
            yield node


def told(nodes: Sequence[Node], known: frozenset[str]) -> Iterator[str]:
    """Yield a line for each step at work, and one for known parts that stand side by side."""
    depth = -1  # of the known part that is being passed over; -1: none is
    for node, sub in parts(nodes):
        same = sub in known and not OWN.search(sub)
        if depth >= 0 and (node.depth > depth or (same and node.depth == depth)):
            continue
        depth = node.depth if same else -1
        yield f"{'  ' * depth}… as everywhere" if same else node.line


def parts(nodes: Sequence[Node]) -> Iterator[tuple[Node, str]]:
    """Yield each step at work, and the text of it with all below it, rows and numbers left out."""
    busy = list(at_work(nodes))
    for at, node in enumerate(busy):
        below = (f"{'  ' * (each.depth - node.depth)}{each.text}" for each in under(busy, at))
        yield node, NUMBERED.sub(r"\1", "\n".join(below))


def under(nodes: Sequence[Node], at: int) -> Iterator[Node]:
    """Yield a step and the steps below it."""
    yield nodes[at]
    for each in nodes[at + 1 :]:
        if each.depth <= nodes[at].depth:
            return
        yield each


def differences(files: Mapping[str, str]) -> str:
    """Return what differs from the reviewed plans, as a diff; "" where nothing does."""
    kept = {path.name: path.read_text() for path in sorted(PLANS.glob("*.txt"))}
    found: list[str] = []
    for name in sorted({*files, *kept}):
        old, new = (BUFFERS.sub("", each.get(name, "")).splitlines() for each in (kept, files))
        found += difflib.unified_diff(
            old, new, f"sql/plans/{name} (reviewed)", f"sql/plans/{name} (now)", lineterm="", n=8
        )
    return "\n".join(found)


def write(files: Mapping[str, str]) -> None:
    """Write the files, and take away those that are no more."""
    PLANS.mkdir(exist_ok=True)
    for path in PLANS.glob("*.txt"):
        if path.name not in files:
            path.unlink()
    for name, text in files.items():
        (PLANS / name).write_text(text)


def unlike(conn: Connection) -> str:
    """Return why a server's plans are not to be compared; "" where they are."""
    major = int(conn.exec_driver_sql("SHOW server_version_num").scalar_one()) // 10_000
    return "" if major == MAJOR else f"the plans are PostgreSQL {MAJOR}'s, this is {major}"


@contextmanager
def generated(rows: int, at: str = "") -> Iterator[Ledger]:
    """Yield a ledger of that many generated transactions, dropped afterwards.

    Args:
        rows: how many.
        at: the server's URL; the tests' own, or one that is started for it, where not given.
    """
    with nullcontext(at) if at else server() as url:
        name = f"plans_{uuid.uuid4().hex[:8]}"
        here = driver_url(url).set(database=name)
        psql(url, "-c", f"CREATE DATABASE {name}")
        try:
            full = here.render_as_string(hide_password=False)
            with Ledger(full, PATIENT) as ledger:
                ledger.migrate()
                plain = here.set(drivername="postgresql").render_as_string(hide_password=False)
                psql(plain, "-v", f"rows={rows}", "-f", str(HERE / "seed" / "ledger.sql"))
                yield ledger
        finally:
            psql(url, "-c", f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def server() -> Iterator[str]:
    """Yield the URL of TEST_DATABASE_URL, else of an embedded server."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield url
        return
    with tempfile.TemporaryDirectory() as home, Embedded(Path(home)) as url:
        yield url


def psql(url: str, *words: str) -> None:
    """Run the server's own psql."""
    program = Binaries.find().postgres.with_name("psql")
    command = [str(program), url, "-X", "-q", "-v", "ON_ERROR_STOP=1", *words]
    subprocess.run(command, check=True)  # noqa: S603 (our own words)


if __name__ == "__main__":
    main()
