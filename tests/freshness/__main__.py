"""Check a ledger's freshness under load and faults.

python -m tests.freshness --reads 1000000 --report docs/freshness.md
python -m tests.freshness --url http://127.0.0.1:8000 --database postgresql://… --reads 20000
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.freshness import report
from tests.freshness.campaign import THEIRS, chosen, own, server_version, theirs
from tests.freshness.cluster import Cluster
from tests.freshness.faults import FAULTS
from tests.freshness.load import Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.freshness.load import Load


def main(words: Sequence[str]) -> int:
    """Run the campaign that is asked for; return 1 if a rule was broken."""
    asked = _parser().parse_args(words)
    try:
        faults = chosen(asked.faults)
    except KeyError as error:
        sys.exit(f"there is no fault {error}; there are: {', '.join(FAULTS)}")
    if bool(asked.url) != bool(asked.database):
        sys.exit("--url and --database belong together")
    run = [fault for fault in faults if not asked.url or fault.needs in THEIRS]
    reads = -(-asked.reads // max(len(run), 1))
    plan = Plan(reads=reads, readers=asked.readers, seed=asked.seed)
    begun, say = time.monotonic(), _progress(plan)
    runs = (
        theirs(asked.url, asked.database, faults, plan, say)
        if asked.url
        else own(faults, plan, say)
    )
    results = []
    for result in runs:
        results.append(result)
        sys.stderr.write("\r\x1b[K" + report.table([result]).splitlines()[-1] + "\n")
    sys.stdout.write(report.summary(results) + "\n")
    if asked.report:
        version = server_version(asked.database) if asked.database else Cluster.version()
        where = f" --url {asked.url} --database postgresql://…" if asked.url else ""
        which = "" if asked.faults == "all" else f" --faults '{asked.faults}'"
        command = f"python -m tests.freshness{where} --reads {asked.reads}{which}"
        text = report.page(results, version, time.monotonic() - begun, command)
        asked.report.write_text(text)
    return int(any(load.rules for load in report.loads(results)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.freshness", description=__doc__)
    parser.add_argument("--reads", type=int, default=20_000, help="answers to check, over all")
    parser.add_argument("--faults", default="all", help="names with commas between; none; all")
    parser.add_argument("--readers", type=int, default=6, help="browsers that read at once")
    parser.add_argument("--seed", type=int, default=7, help="of the load's dice")
    parser.add_argument("--url", default="", help="of a running ledger")
    parser.add_argument("--database", default="", help="that it stands on, as libpq writes it")
    parser.add_argument("--report", type=Path, help="write the figures there, as Markdown")
    return parser


def _progress(plan: Plan) -> Callable[[str, Load], None]:
    """Return what says on standard error how far a load is."""

    def say(fault: str, load: Load) -> None:
        reads, took = load.reads.total(), time.monotonic() - load.began
        text = f"{fault}: {reads:,} of {plan.reads:,} reads, {reads / max(took, 0.1):.0f} a second"
        sys.stderr.write(f"\r\x1b[K{text}, {load.rules.total()} violations")
        sys.stderr.flush()

    return say


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
