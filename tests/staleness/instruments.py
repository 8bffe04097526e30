"""What `freshledger probe` and `freshledger audit` say of three sick builds, and of ourselves.

    python -m tests.staleness.instruments

The README shows what the last run printed; it is kept beside this file.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from tests.conftest import new_database
from tests.staleness.cells import home
from tests.staleness.matrix import bench, server
from tests.staleness.registry import BY_NAME, OURS

if TYPE_CHECKING:
    from tests.staleness.cells import Bench

ROOT = Path(__file__).parents[2]
KEPT = Path(__file__).parent / "instruments.json"
WORKERS = 3
CACHED = 2  # seconds that the cache and the browser may keep a page
SHOWN = ("captured_session", "cached_page", "max_age", OURS)
SOURCES = {OURS: "webapp"}
OTHER = ("--other-url", "{}/contacts/1", "--other-data", "name=Zoe")


def read() -> dict[str, dict[str, Any]]:
    """Return what was kept: {"captured_session": {"probe": "…", "audit": "…"}}."""
    found: dict[str, dict[str, Any]] = json.loads(KEPT.read_text())
    return found


def main() -> None:
    """Let both look at each application, and keep what they print."""
    with server(None) as url, bench(url) as found:
        kept = {name: {"probe": probed(found, name), "audit": audited(name)} for name in SHOWN}
    KEPT.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")


def probed(bench: Bench, name: str) -> str:
    """Return what the probe says of an application that is being served by several workers."""
    row = BY_NAME[name]
    with new_database(bench.server) as url, home() as folder:
        bench.house(row).fill(url)
        with bench.serving(row, url, folder, WORKERS, CACHED) as site:
            address = f"http://127.0.0.1:{site.port}"
            said = told("probe", "--database", url, *asked(name, url, address))
            return said.replace(address, "http://127.0.0.1:8000")


def asked(name: str, url: str, address: str) -> list[str]:
    """Return the probe's arguments: what to change, and which other function to use."""
    table, other = ("transactions", ()) if name == OURS else ("transaction", OTHER)
    with psycopg.connect(url) as conn:
        found = conn.execute(f"SELECT min(id) FROM {table} WHERE note = 'first'").fetchone()
    what = ["--table", table, "--key", f"id={found[0] if found else 0}", "--column", "note"]
    return ["--url", f"{address}/transactions", *what, *(each.format(address) for each in other)]


def audited(name: str) -> str:
    """Return what the audit says of an application's source."""
    return told("audit", SOURCES.get(name, f"tests/staleness/builds/{name}.py"))


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
