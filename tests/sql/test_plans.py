"""Plans are as they were reviewed, every index is needed, and no filter or order lacks one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dal.fields import FIELDS

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[2]
CURE = "if the new plans are better, or as good: make plans, review the diff, and commit it"


@pytest.fixture(scope="module")
def reviewed(server_url: str) -> dict[str, Any]:
    """Return what the review found on a generated ledger."""
    done = subprocess.run(
        [sys.executable, "sql/review.py"],
        cwd=ROOT,
        env={**os.environ, "TEST_DATABASE_URL": server_url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    if "skipped" in found:
        pytest.skip(found["skipped"])
    return found


@pytest.fixture
def plan(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "sql"))
    import plan as found

    return found


def test_the_plans_are_as_they_were_reviewed(reviewed: dict[str, Any]) -> None:
    assert not reviewed["diff"], f"{reviewed['diff']}\n\n{CURE}"


def test_every_index_is_needed_by_a_plan_or_keeps_rows_apart(reviewed: dict[str, Any]) -> None:
    assert not reviewed["useless"]


def test_no_equality_no_date_and_no_order_reads_a_whole_table(reviewed: dict[str, Any]) -> None:
    assert not reviewed["unserved"], "\n".join(reviewed["unserved"])


def test_the_book_tells_the_indexes_that_are_there(reviewed: dict[str, Any]) -> None:
    assert not reviewed["undescribed"], "run: make indexes"


def test_every_filter_has_its_cases(plan: ModuleType) -> None:
    import cases

    assert {field.key for field in FIELDS} == set(cases.CLASSES)
    assert {path.stem for path in plan.PLANS.glob("*.txt")} >= set(cases.CLASSES)


def test_a_changed_plan_is_told_line_by_line(
    plan: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(plan, "PLANS", tmp_path)
    node = "Index Scan · index name: {} (rows=3 buffers={})"
    plan.write({"wallet.txt": "## rare\n" + node.format("wallet_idx", 4), "gone.txt": "## old\n"})
    now = {"wallet.txt": "## rare\n" + node.format("wallet_idx", 5), "gone.txt": "## old\n"}
    assert not plan.differences(now)  # buffers are told, not compared
    now["wallet.txt"] = now["wallet.txt"].replace("wallet_idx", "time_key")
    told = plan.differences(now)
    assert "--- sql/plans/wallet.txt (reviewed)" in told
    assert "-Index Scan · index name: wallet_idx (rows=3)" in told
    assert "+Index Scan · index name: time_key (rows=3)" in told
    plan.write({"wallet.txt": now["wallet.txt"]})
    assert [path.name for path in tmp_path.iterdir()] == ["wallet.txt"]
