"""Every planted mistake is found, and by a rule that it breaks; what is not mutated passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.freshness.campaign import one
from tests.freshness.faults import FAULTS
from tests.freshness.load import Plan
from tests.freshness.mutants import MUTANTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.freshness.mutants import Mutant
    from tests.freshness.target import Nursery

PLAN = Plan(reads=1_000_000, seconds=120, first=True, pace=0.01, bulk=0.4, longest=0.3)
FORBIDDEN = " answered 403: "


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_is_caught(
    name: str,
    nursery: Nursery,
    loaded_database: str,
    killed: Callable[[str, str, float, int], None],
) -> None:
    mutant = MUTANTS[name]
    fault = FAULTS[mutant.fault or "none"]
    load = one(fault, PLAN, loaded_database, nursery, mutant=name)
    rules = ", ".join(load.rules)
    killed(name, rules or "SURVIVED", (load.first_at or 0) * 1000, load.reads.total())
    assert load.rules, f"{mutant.about}: nobody noticed in {load.reads.total()} reads"
    assert mutant.rules & load.rules.keys(), load.violations
    errors = [each.text for each in load.violations if each.rule == "error"]
    assert [text for text in errors if not _is_expected(mutant, text)] == []


def _is_expected(mutant: Mutant, error: str) -> bool:
    """Return whether it is the refusal that follows from a mutant, and no other."""
    return bool(mutant.refused) and FORBIDDEN in error and mutant.refused in error
