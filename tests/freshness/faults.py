"""What can go wrong around a ledger while it is read and written; one at a time."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import psycopg

from tests.freshness import ground as sql

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.freshness.cluster import Cluster
    from tests.freshness.load import Load
    from tests.freshness.target import Served

Needs = Literal["nothing", "database", "processes", "proxy", "server"]
TERMINATE = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
 WHERE application_name = 'freshledger' AND datname = current_database()"""


@dataclass(frozen=True, slots=True)
class Scene:
    """What a fault may lay hands on."""

    load: Load
    served: Served | None = None
    cluster: Cluster | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault: what it needs, and how it strikes, again and again."""

    name: str
    needs: Needs
    strike: Callable[[Scene], None]
    settings: Mapping[str, str] = field(default_factory=dict)  # of the application


def nothing(scene: Scene) -> None:
    scene.load.pause(0.2)


def _worker(scene: Scene) -> int:
    """Return a worker that answered lately; 0 where none says who it is."""
    return int(scene.load.last_worker or 0)


def kill_worker(scene: Scene) -> None:
    if worker := _worker(scene):
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)
    scene.load.pause(2)


def stop_worker(scene: Scene) -> None:
    if worker := _worker(scene):
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGSTOP)
        scene.load.pause(5)
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGCONT)
    scene.load.pause(2)


def terminate_backends(scene: Scene) -> None:
    with suppress(psycopg.Error), sql.connect(scene.load.ground.database) as conn:
        conn.execute(TERMINATE)
    scene.load.pause(0.7)


def restart_server(scene: Scene) -> None:
    assert scene.cluster is not None
    scene.cluster.crash()
    scene.load.pause(4)


def idle_transaction(scene: Scene) -> None:
    ground = scene.load.ground
    with suppress(psycopg.Error), sql.connect(ground.database) as conn:
        conn.execute("BEGIN")
        name, wallet = ground.lanes["bulk"].wallet, ground.wallet_ids["bulk"]
        conn.execute("UPDATE wallets SET name = %s WHERE id = %s", [name, wallet])
        scene.load.pause(15)
        conn.execute("ROLLBACK")


def exhaust_pool(scene: Scene) -> None:
    with suppress(psycopg.Error), sql.connect(scene.load.ground.database) as conn:
        conn.execute("BEGIN")
        conn.execute("LOCK TABLE transactions IN ACCESS EXCLUSIVE MODE")
        scene.load.pause(7)  # the application waits 5 s for a connection
        conn.execute("ROLLBACK")
    scene.load.pause(3)


def truncate_elsewhere(scene: Scene) -> None:
    table = sql.ELSEWHERE
    with suppress(psycopg.Error), sql.connect(scene.load.ground.database) as conn:
        conn.execute(f"CREATE TABLE IF NOT EXISTS {table} (a int)".encode())
        conn.execute(f"INSERT INTO {table} SELECT generate_series(1, 100)".encode())
        conn.execute(f"TRUNCATE {table}".encode())
    scene.load.pause(0.2)


FAULTS: dict[str, Fault] = {
    fault.name: fault
    for fault in (
        Fault("none", "nothing", nothing),
        Fault("kill -9 a worker", "processes", kill_worker),
        Fault("stop a worker for 5 s", "processes", stop_worker),
        Fault("terminate backends", "database", terminate_backends),
        Fault("restart PostgreSQL -m immediate", "server", restart_server),
        Fault("leave a transaction idle", "database", idle_transaction),
        Fault("exhaust the pool", "database", exhaust_pool, {"POOL_SIZE": "2", "THREADS": "6"}),
        Fault("lose the answer to COMMIT", "proxy", nothing),
        Fault("TRUNCATE of another table", "database", truncate_elsewhere),
    )
}
