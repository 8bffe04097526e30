"""Each rule finds its sick samples, at their lines and grades, and spares the healthy twins."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.webapp.audited.samples import HEALTHY, SICK
from webapp.audit.auditing import audit
from webapp.audit.findings import Sure
from webapp.audit.rules import RULES
from webapp.causes import BY_KEY

if TYPE_CHECKING:
    from pathlib import Path

    from webapp.audit.cases import Rule

MARK = re.compile(r"#!(.*)$")
Spot = tuple[str, int, str, str]  # file, line, rule, grade


def written(folder: Path, source: str) -> Path:
    """Write a sample; `#: name.py` begins another file."""
    folder.mkdir(exist_ok=True)
    name, *_ = re.findall(r"^#: (\S+)$", source, re.MULTILINE) or ["app.py"]
    parts = re.split(r"^#: (\S+)$", source, flags=re.MULTILINE)
    for file, text in zip(parts[1::2] or [name], parts[2::2] or parts[:1], strict=True):
        (folder / file).write_text(text)
    return folder


def expected(folder: Path) -> set[Spot]:
    return {
        (path.name, number, rule, grade)
        for path in folder.glob("*.py")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if (mark := MARK.search(line))
        for rule, grade in (each.split() for each in mark[1].split(","))
    }


def spots(folder: Path, rules: tuple[Rule, ...] = RULES) -> set[Spot]:
    found = audit(folder, rules).findings
    return {(each.path.name, each.line, each.rule, each.sure.word) for each in found}


@pytest.mark.parametrize(
    ("rule", "source"),
    [pytest.param(rule, source, id=f"{rule}: {words}") for rule, words, source in SICK],
)
def test_what_is_sick_is_found_and_nothing_else(rule: str, source: str, tmp_path: Path) -> None:
    folder = written(tmp_path / "app", source)
    wanted = expected(folder)
    assert any(each[2] == rule for each in wanted)
    assert spots(folder) == wanted


@pytest.mark.parametrize(
    ("rule", "source"),
    [pytest.param(rule, source, id=f"{rule}: {words}") for rule, words, source in HEALTHY],
)
def test_what_is_healthy_is_spared(rule: str, source: str, tmp_path: Path) -> None:
    found = spots(written(tmp_path / "app", source))
    assert not [each for each in found if each[2] == rule or each[3] != "look"]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.key)
def test_each_rule_is_needed(rule: Rule, tmp_path: Path) -> None:
    """Without it a sample goes unfound: no rule does another one's work."""
    others = tuple(each for each in RULES if each is not rule)
    source = next(source for key, _, source in SICK if key == rule.key)
    folder = written(tmp_path / "app", source)
    assert spots(folder, others) < expected(folder)


def test_each_rule_points_to_a_cause() -> None:
    assert {each.cause for each in RULES} <= set(BY_KEY)
    assert len({each.key for each in RULES}) == len(RULES)


def test_every_rule_that_can_be_certain_has_a_healthy_twin() -> None:
    certain = {rule for rule, _, source in SICK if re.search(rf"#! {rule} certain", source)}
    twins = {rule for rule, _, _ in HEALTHY}
    same = {"remembered-function": "cached-function", "pinned-snapshot": "captured-session"}
    assert {same.get(each, each) for each in certain} <= twins


def test_grades_are_ordered() -> None:
    assert Sure.CERTAIN < Sure.LIKELY < Sure.LOOK
