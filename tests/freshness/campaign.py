"""A campaign: one load under each fault, on servers of its own or on somebody's deployment."""

from __future__ import annotations

import secrets
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from dal.database import Ledger
from tests.freshness.cluster import Cluster
from tests.freshness.faults import FAULTS, Scene
from tests.freshness.load import Load, loaded
from tests.freshness.proxy import Proxy
from tests.freshness.target import Nursery

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tests.freshness.faults import Fault
    from tests.freshness.load import Plan

    Progress = Callable[[str, Load], None]

POOL = "4"
THEIRS = ("nothing", "database")  # what a fault may need of somebody's deployment
EACH = 3  # of so many COMMITs one stays without an answer


@dataclass(frozen=True)
class Result:
    """What came of one fault."""

    fault: str
    load: Load | None  # None: it was skipped
    skipped: str = ""


def one(
    fault: Fault,
    plan: Plan,
    database: str,
    nursery: Nursery,
    *,
    cluster: Cluster | None = None,
    mutant: str = "",
    progress: Progress | None = None,
) -> Load:
    """Start the application on a database, load it under a fault, and return the load."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="freshness-home-")))
        address = database
        if fault.needs == "proxy":
            proxy = stack.enter_context(Proxy(database, EACH))
            address = proxy.url
        settings = {"POOL_SIZE": POOL, **fault.settings}
        served = stack.enter_context(nursery.start(address, home, mutant, **settings))
        load = stack.enter_context(loaded(served.url, database, secrets.token_hex(3), plan))
        scene = Scene(load, served, cluster)
        _run(load, fault, scene, progress)
        return load


def _run(load: Load, fault: Fault, scene: Scene, progress: Progress | None) -> None:
    def meanwhile() -> None:
        load.strikes += 1
        fault.strike(scene)
        if progress:
            progress(fault.name, load)

    load.run(meanwhile)


def own(faults: Iterable[Fault], plan: Plan, progress: Progress) -> Iterator[Result]:
    """Run each fault on a server of our own; yields as they end."""
    with Cluster() as cluster, Nursery() as nursery:
        with Ledger(cluster.url) as ledger:
            ledger.migrate()
        for fault in faults:
            seeded = replace(plan, seed=plan.seed + len(fault.name))
            load = one(fault, seeded, cluster.url, nursery, cluster=cluster, progress=progress)
            yield Result(fault.name, load)


def theirs(
    url: str, database: str, faults: Iterable[Fault], plan: Plan, progress: Progress
) -> Iterator[Result]:
    """Run what can be run against somebody's deployment; no process is started or harmed."""
    for fault in faults:
        if fault.needs not in THEIRS:
            yield Result(fault.name, None, f"needs {fault.needs} of our own")
            continue
        with loaded(url, database, secrets.token_hex(3), plan) as load:
            _run(load, fault, Scene(load), progress)
        yield Result(fault.name, load)


def chosen(names: str) -> list[Fault]:
    """Return the faults of names with commas between; all of them for "all".

    Raises:
        KeyError: there is none of that name.
    """
    if names == "all":
        return list(FAULTS.values())
    return [FAULTS[name.strip()] for name in names.split(",")]


def server_version(database: str) -> str:
    """Return the version of a server."""
    with psycopg.connect(database) as conn:
        return str(conn.info.parameter_status("server_version"))
