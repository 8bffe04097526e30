"""What is not mutated keeps its promise under load, with workers killed and connections cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.freshness.campaign import one
from tests.freshness.faults import FAULTS
from tests.freshness.load import Plan
from tests.freshness.readers import KINDS

if TYPE_CHECKING:
    from tests.freshness.load import Load
    from tests.freshness.target import Nursery

WRITTEN = ("insert", "delete", "note", "amount", "fee", "move", "recategorise", "label", "twice")
WRITTEN_OTHERWISE = ("transfer", "bulk import", "web note", "web label", "web contact")
REFUSED = ("rollback", "web refused")
WANTED = {*((kind, "ok") for kind in (*WRITTEN, *WRITTEN_OTHERWISE)),
          *((kind, "fail") for kind in REFUSED)}  # fmt: skip
PLAN = Plan(reads=700, seconds=180, bulk=0.5, longest=1, wanted=frozenset(WANTED))


@pytest.mark.parametrize("fault", ["none", "kill -9 a worker", "terminate backends"])
def test_the_promise_is_kept(fault: str, nursery: Nursery, loaded_database: str) -> None:
    load = one(FAULTS[fault], PLAN, loaded_database, nursery)
    assert load.violations == []
    assert load.reads.total() >= PLAN.reads
    assert fault != "none" or load.events["reset"] == load.refusals == 0
    _was_no_empty_run(load)


def _was_no_empty_run(load: Load) -> None:
    assert KINDS.keys() <= load.reads.keys()
    assert len(load.workers) >= 4
    happened = {kind for kind, outcome in load.ops if outcome == "ok"}
    assert happened >= {*WRITTEN, *WRITTEN_OTHERWISE}
    refused = {kind for kind, outcome in load.ops if outcome == "fail"}
    assert refused >= {*REFUSED}
    assert any(kind.startswith("long ") for kind in happened)
    assert load.stream
    assert load.stream.checked > 0
