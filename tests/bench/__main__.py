"""Run the bench and write what it found.

    python -m tests.bench [--rows 1000000] [--url postgresql://…] [--report docs/benchmarks.md]

It fills a database of its own on TEST_DATABASE_URL's server, else on an embedded one, and drops it;
with `--url` it asks a ledger that is there already and leaves it as it is. The peers get an
environment of their own, `.bench-venv`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from tests.bench import report
from tests.bench.contest import ROOT, Piped, contest, places
from tests.bench.contestants import layers, sites
from tests.bench.ground import filled
from tests.bench.served import Served

HERE = Path(__file__).parent
ENVIRONMENT = ROOT / ".bench-venv"


def main() -> None:
    """Ask everybody and print the tables."""
    asked = arguments()
    python = peers()
    began = time.monotonic()
    with ExitStack() as held:
        url = asked.url or held.enter_context(filled(asked.rows))
        home = Path(held.enter_context(tempfile.TemporaryDirectory()))
        where = places(url)
        piped = [held.enter_context(Piped(command)) for command in layers(url, python)]
        below = contest(piped, where)
        served = [held.enter_context(Served(site)) for site in sites(url, python, home)]
        above = contest(served, where)
        sizes = {name: size for each in served for name, size in each.sizes.items()}
        minutes = (time.monotonic() - began) / 60
        found = report.Found(where, below, above, sizes, minutes)
        lines = report.lines(report.facts(url, python), found)
    text = "\n".join(lines)
    print(text)
    if asked.report:
        asked.report.write_text(text)


def arguments() -> argparse.Namespace:
    """Return what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--url", default="")
    parser.add_argument("--report", type=Path)
    return parser.parse_args()


def peers() -> Path:
    """Return the peers' Python; make their environment where it is missing or out of date."""
    wanted = (HERE / "requirements.txt").read_text()
    python, stamp = ENVIRONMENT / "bin" / "python", ENVIRONMENT / "requirements.txt"
    if not stamp.exists() or stamp.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], check=True)
        install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([python, *install, "-r", str(HERE / "requirements.txt")], check=True)
        stamp.write_text(wanted)
    return python


if __name__ == "__main__":
    main()
