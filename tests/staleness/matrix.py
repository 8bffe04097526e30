"""The matrix: every build, changed by whom, with and without the reset, under 1 and 3 workers.

    python -m tests.staleness.matrix --url postgresql://… [--builds a,b] [--json FILE] [--jobs 3]

Each cell has a database and workers of its own (`cells.py` says what is done in it), so cells do
not know of each other; rows run beside each other, and are told in the registry's order. What is
measured besides, once for each build (`aftermath.py`): whether a transaction that somebody adds is
on the page at once; whether a stale page becomes right in time (three seconds, where a cache keeps
for one) or after a restart; whether many visitors at once get pages. How the three observations
follow from the cells is said in `matrix_table.py`.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from sqlalchemy import make_url

from tests.conftest import choice, container, embedded, new_database
from tests.staleness import aftermath, cells, matrix_table
from tests.staleness.registry import BY_NAME, ROWS
from tests.staleness.ward import Ward

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.staleness.cells import Bench, Cell
    from tests.staleness.registry import Row

JOBS = 3
PARTS = ("SQLAlchemy", "Flask", "Flask-SQLAlchemy", "Flask-Caching", "psycopg", "gunicorn")


@contextmanager
def bench(server: str) -> Iterator[Bench]:
    """Yield where cells are run on a PostgreSQL server."""
    with ExitStack() as stack:
        templates: dict[str, str] = {}
        for name, house in {"": cells.SHOP, **cells.HOUSES}.items():
            url = stack.enter_context(new_database(server))
            house.fill(url)
            templates[name] = make_url(url).database or ""
        yield cells.Bench(stack.enter_context(Ward()), server, templates)


def run(bench: Bench, row: Row) -> dict[str, Any]:
    """Return what the matrix keeps of a build."""
    found = [
        cells.cell(bench, row, change, reset=reset, workers=workers)
        for change, workers in matrix_table.PLACES
        for reset in (False, True)
    ]
    sick = next((cell for cell in found if cell.stale), None)
    return {
        "name": row.name,
        "kind": row.kind,
        "sentence": row.sentence,
        "options": list(row.options),
        "cells": [asdict(cell) for cell in found],
        "new_row": aftermath.shows_new_row(bench, row),
        **ends(bench, row, sick),
        "crowd": aftermath.serves_a_crowd(bench, row),
    }


def ends(bench: Bench, row: Row, sick: Cell | None) -> dict[str, bool | None]:
    """Return what ends a stale page without another function."""
    return {
        "in_time": aftermath.right_in_time(bench, row, sick) if sick else None,
        "after_restart": aftermath.right_after_restart(bench, row, sick) if sick else None,
    }


def matrix(server: str, rows: Iterable[Row] = ROWS, jobs: int = JOBS) -> dict[str, Any]:
    """Run it, and return what is kept."""
    began = time.monotonic()
    with bench(server) as found, ThreadPoolExecutor(jobs) as pool:
        done = list(pool.map(lambda row: run(found, row), rows))
    return {
        "versions": versions(server),
        "isolation": "READ COMMITTED, where a build does not say otherwise",
        "seconds": round(time.monotonic() - began),
        "rows": done,
    }


def versions(url: str) -> dict[str, str]:
    """Return what it was run with."""
    with psycopg.connect(url) as conn:
        number = conn.info.server_version
    ours = {
        "PostgreSQL": f"{number // 10000}.{number % 10000}",
        "Python": platform.python_version(),
    }
    return ours | {name: version(name) for name in PARTS}


@contextmanager
def server(given: str | None) -> Iterator[str]:
    """Yield the URL of a server: the given one, else the one that the tests would choose."""
    if given:
        yield given
        return
    with container() if choice() == "docker" else embedded() as url:
        yield url


def main(arguments: list[str] | None = None) -> None:
    """Run the matrix and print it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--url", help="a PostgreSQL server where databases may be made")
    parser.add_argument("--builds", default="", help="names, with commas between; all if not given")
    parser.add_argument("--json", type=Path, default=None, help=f"else {matrix_table.KEPT.name}")
    parser.add_argument("--jobs", type=int, default=JOBS, help="rows that run beside each other")
    given = parser.parse_args(arguments)
    wanted = given.builds.split(",") if given.builds else BY_NAME
    rows = [row for row in ROWS if row.name in wanted]
    with server(given.url) as url:
        found = matrix(url, rows, given.jobs)
    path = given.json or (None if given.builds else matrix_table.KEPT)
    if path:
        path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    sys.stdout.write(matrix_table.markdown(found["rows"]))
    sys.stdout.write(f"\nAll three together:\n{matrix_table.summary(found['rows'])}")
    sys.stdout.write(f"\n{found['seconds']} s; {matrix_table.made_with(found['versions'])}\n")


if __name__ == "__main__":
    main()
