"""A page that reads a standby: it is as old as what the standby has replayed."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
import pytest
from flask import g
from sqlalchemy.orm import Session

from tests.staleness.applications import EVERY, application, connected, held_in, misses, paged
from tests.staleness.conftest import Shop
from tests.staleness.observing import observe, other_function
from tests.staleness.shop import fill
from tests.staleness.standby import catch_up, replicated
from tests.staleness.trial import RC, RR, TRUE_IF, Trial, claim
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

    from tests.staleness.shop import Transaction

READS = 400
SYNCHRONOUS = "ALTER SYSTEM SET synchronous_standby_names = '*'"


@dataclass(frozen=True, slots=True)
class Two:
    """The shop on a primary, and on its standby, with somebody at each."""

    primary: Shop
    standby: Shop

    def pause(self) -> None:
        """Let the standby replay nothing, as under a long query or a slow disk."""
        self.standby.outside.execute("SELECT pg_wal_replay_pause()")
        paused = "SELECT WHERE pg_get_wal_replay_pause_state() = 'paused'"
        eventually(lambda: self.standby.outside.execute(paused).fetchall())

    def resume(self) -> None:
        """Let it replay, and wait until it has."""
        self.standby.outside.execute("SELECT pg_wal_replay_resume()")
        catch_up(self.primary.outside, self.standby.outside)


@pytest.fixture
def two() -> Iterator[Two]:
    """Yield a filled shop on a primary, which its standby has too."""
    with ExitStack() as stack:
        servers = stack.enter_context(replicated())
        fill(servers[0].url)
        people = (psycopg.connect(server.url, autocommit=True) for server in servers)
        outside = [stack.enter_context(each) for each in people]
        catch_up(*outside)
        yield Two(*(Shop(server.url, conn) for server, conn in zip(servers, outside, strict=True)))


@contextmanager
def reading(two: Two, source: Shop, isolation: str = RC) -> Iterator[Flask]:
    """Yield an application that writes to the primary, and whose page reads where it is told."""
    with application(two.primary) as app, connected(source, isolation) as engine:

        def rows() -> list[Transaction]:
            g.reader = Session(engine)
            return list(g.reader.scalars(EVERY))

        @app.teardown_appcontext
        def closed(_error: BaseException | None) -> None:
            if "reader" in g:
                g.reader.close()

        other_function(app)
        yield paged(app, rows)


@pytest.mark.embedded
@pytest.mark.long
@claim(
    56,
    TRUE_IF,
    "the page reads a standby that has not replayed the writer's commit: the first read after a"
    " commit often comes too early, also where synchronous_commit=on waits for the standby's disk."
    " remote_apply, waiting for the commit's LSN, or reading the primary show it at once",
)
def test_a_standby_shows_what_it_has_replayed(trial: Trial, two: Two) -> None:
    two.pause()
    for isolation in (RC, RR):
        _paused(trial, two, "replay is held up", isolation)
    with reading(two, two.primary) as app:
        old = misses(app, two.primary.write, "read from the primary")
        trial.control("the page reads the primary", gone=not old, saw=_state(old=old))
    with reading(two, two.standby) as app:
        observe(app, two.primary.write).told(trial, "the standby stays behind for the whole visit")
    two.resume()
    _at_once(trial, two, "asynchronous, as it is by default")
    _synchronous(trial, two)
    assert held_in(trial) == [True] * 4 + [False]


def _state(*, old: bool) -> str:
    return "old on first load" if old else "right on first load"


def _paused(trial: Trial, two: Two, when: str, isolation: str = RC) -> None:
    with reading(two, two.standby, isolation) as app:
        old = misses(app, two.primary.write, f"{when}, {isolation}")
    trial.case(when, holds=old, saw=_state(old=old), isolation=isolation)


def _synchronous(trial: Trial, two: Two) -> None:
    """Let commits wait for the standby: first for its disk, then until it shows them."""
    writer = two.primary.outside
    writer.execute(SYNCHRONOUS)
    writer.execute("SELECT pg_reload_conf()")
    state = "SELECT FROM pg_stat_replication WHERE sync_state = 'sync'"
    eventually(lambda: writer.execute(state).fetchall())
    two.pause()
    _paused(trial, two, "replay is held up, synchronous_commit=on and a synchronous standby")
    two.resume()
    writer.execute("SET synchronous_commit = remote_apply")
    _at_once(trial, two, "synchronous_commit=remote_apply and a synchronous standby")
    writer.execute("SET synchronous_commit = local")
    missed = _missed(two, waiting=True)
    saw = f"{missed} of {READS} first reads old"
    trial.control("the reader waits for the commit's LSN", gone=not missed, saw=saw)


def _at_once(trial: Trial, two: Two, when: str) -> None:
    missed = _missed(two)
    trial.case(f"read at once after each commit, {when}", holds=missed > 0,
               saw=f"{missed} of {READS} first reads old")  # fmt: skip


def _missed(two: Two, *, waiting: bool = False) -> int:
    """Return how many reads did not see the commit that had been confirmed just before."""
    missed = 0
    for turn in range(READS):
        two.primary.write(f"turn {turn}")
        if waiting:
            catch_up(two.primary.outside, two.standby.outside)
        missed += two.standby.stored() != f"turn {turn}"
    return missed
