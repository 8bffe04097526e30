"""A claim on trial: cases that were run, what they showed, and the verdict that follows.

A test says beforehand which verdict it expects, as the document prints it; at its end the verdict
that its cases give must be the same.

    @claim(18, TRUE_IF, "the row is still referenced and its transaction goes on")
    def test_a_loaded_row_sends_no_query(trial: Trial, shop: Shop) -> None:
        ...
        trial.case("held", holds=selects == 0, saw="0 SELECTs in 5 reads", held=True, selects=0)
        trial.case("let go", holds=..., saw="…", held=False, selects=1)
        trial.control("refresh() was called", gone=fresh, saw="the new note")

A *case* runs the claim under one condition: `holds` says whether it was so. A *control* takes the
cause away (or, where the claim is false, does what would make it so): `gone` says that the symptom
went with it, which shows that the test can see both.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import pytest

from tests.staleness.claims import BY_NR

TRUE, TRUE_IF, FALSE, UNKNOWABLE = "true", "true if", "false", "cannot be verified"
RC, RR, SERIALIZABLE = "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The claim under one condition."""

    when: str
    holds: bool
    saw: str
    isolation: str  # RC, RR, …; "" where no database is asked
    held: bool | None  # whether somebody still referenced the rows; None: it does not matter
    selects: int | None  # SELECTs sent by what was watched; None: not counted
    workers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """The cause taken away."""

    when: str
    gone: bool
    saw: str


@dataclass(slots=True)
class Trial:
    """What a test saw of one claim."""

    nr: int
    expected: str
    condition: str
    cases: list[Case] = field(default_factory=list)
    controls: list[Control] = field(default_factory=list)
    observed: dict[str, Any] | None = None
    reason: str = ""

    def case(
        self,
        when: str,
        *,
        holds: bool,
        saw: str,
        isolation: str = RC,
        held: bool | None = None,
        selects: int | None = None,
        workers: int = 1,
    ) -> None:
        """Note whether the claim held under a condition, and what was seen, in a few words."""
        self.cases.append(
            Case(when=when, holds=holds, saw=saw, isolation=isolation, held=held,
                 selects=selects, workers=workers)
        )  # fmt: skip

    def control(self, when: str, *, gone: bool, saw: str) -> None:
        """Note that the symptom went away with its cause."""
        self.controls.append(Control(when=when, gone=gone, saw=saw))

    def observations(
        self, *, first: bool, other_function: bool, reset_useless: bool, when: str = ""
    ) -> None:
        """Note which of the request's three observations a cause gives by itself.

        Args:
            first: the page is old, or wrong, when it is loaded.
            other_function: it is right after another function of the application wrote something
                to another table, and was not so before.
            reset_useless: `db.session.remove(); db.session.expire_all()` in the page cures nothing.
            when: under which condition, where the cause has several.
        """
        self.observed = {
            "first": first,
            "other_function": other_function,
            "reset_useless": reset_useless,
            "when": when,
        }

    def unknowable(self, reason: str) -> None:
        """Say why no run can decide; what can be run of it stands in the cases all the same."""
        self.reason = reason

    @property
    def verdict(self) -> str:
        """Return what the cases give."""
        if self.reason:
            return UNKNOWABLE
        held = [case.holds for case in self.cases]
        return TRUE if all(held) else TRUE_IF if any(held) else FALSE

    def settle(self) -> None:
        """Compare the verdict with the expected one.

        Raises:
            AssertionError: it is another one, or nothing was controlled.
        """
        assert self.cases, f"claim {self.nr}: nothing was run"
        assert self.controls, f"claim {self.nr}: no control"
        for control in self.controls:
            assert control.gone, f"claim {self.nr}: the symptom stayed when {control.when}"
        seen = "\n".join(f"  {case.when}: {case.holds} ({case.saw})" for case in self.cases)
        assert self.verdict == self.expected, f"claim {self.nr} is {self.verdict}:\n{seen}"

    def told(self, test: str) -> dict[str, Any]:
        """Return what a report keeps."""
        return {
            "test": test,
            "verdict": self.verdict,
            "condition": self.condition or self.reason,
            "cases": [asdict(case) for case in self.cases],
            "controls": [asdict(control) for control in self.controls],
            "observations": self.observed,
        }


def claim(nr: int, verdict: str, condition: str = "") -> pytest.MarkDecorator:
    """Return the mark of a test that puts a claim on trial.

    Args:
        nr: the claim's number.
        verdict: TRUE, TRUE_IF, FALSE or UNKNOWABLE.
        condition: what follows "true if", or after another verdict what should be known with it.
    """
    assert nr in BY_NR
    assert bool(condition) or verdict != TRUE_IF
    return pytest.mark.claim(nr, verdict, condition)
