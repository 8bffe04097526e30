"""What `freshledger probe` and `freshledger audit` say of three sick builds, and of ourselves.

    python -m tests.staleness.instruments

The README shows what the last run printed; it is kept beside this file.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from tests.conftest import new_database
from tests.staleness.cells import home
from tests.staleness.matrix import bench, server
from tests.staleness.registry import BY_NAME, OURS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.staleness.cells import Bench

ROOT = Path(__file__).parents[2]
KEPT = Path(__file__).parent / "instruments.json"
WORKERS = 3
CACHED = 2  # seconds that the cache and the browser may keep a page
SHOWN = ("captured_session", "cached_page", "max_age", OURS)
SOURCES = {OURS: "webapp"}
#: What the README shows instead of this run's port and database.
ADDRESS, SHOP = "http://127.0.0.1:8000", "postgresql://localhost/shop"
OTHER = ("--other-url", f"{ADDRESS}/contacts/1", "--other-data", "name=Zoe")


def main() -> None:
    """Let both look at each application, and keep what they print."""
    with server(None) as url, bench(url) as found:
        kept = {name: looked(found, name) for name in SHOWN}
    KEPT.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")


def looked(bench: Bench, name: str) -> dict[str, str]:
    """Return what is wrong with an application, how both were asked, and what they said."""
    row, source = BY_NAME[name], SOURCES.get(name, f"tests/staleness/builds/{name}.py")
    with new_database(bench.server) as url, home() as folder:
        bench.house(row).fill(url)
        what = asked(name, url)
        with bench.serving(row, url, folder, WORKERS, CACHED) as site:
            here = {SHOP: url, ADDRESS: f"http://127.0.0.1:{site.port}"}
            probed = told("probe", *(replaced(each, here) for each in what))
    return {
        "sentence": row.sentence,
        "asked": shlex.join(what),
        "probe": replaced(probed, {there: name for name, there in here.items()}),
        "source": source,
        "audit": told("audit", source),
    }


def asked(name: str, url: str) -> list[str]:
    """Return the probe's arguments: what to change, and which other function to use."""
    table, other = ("transactions", ()) if name == OURS else ("transaction", OTHER)
    with psycopg.connect(url, autocommit=True) as conn:
        query = f"SELECT min(id) FROM {table} WHERE note = 'first'"
        ((nr,),) = conn.execute(query.encode())
        conn.execute(f"UPDATE {table} SET note = 'the first' WHERE id = {nr}".encode())
    what = ["--table", table, "--key", f"id={nr}", "--column", "note"]
    return ["--url", f"{ADDRESS}/transactions", "--database", SHOP, *what, *other]


def replaced(text: str, words: Mapping[str, str]) -> str:
    """Return a text with some words exchanged."""
    for word, other in words.items():
        text = text.replace(word, other)
    return text


def told(command: str, *arguments: str) -> str:
    """Return what a command of ours prints, in the width of a document."""
    done = subprocess.run(
        [Path(sys.executable).with_name("freshledger"), command, *arguments],
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "96", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in {0, 1}:
        raise RuntimeError(done.stderr)
    return done.stdout.strip() + "\n"


if __name__ == "__main__":
    main()
