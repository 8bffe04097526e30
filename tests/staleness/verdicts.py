"""The verdicts of a run, kept in a file and printed: as a table, as counts, as the full record."""

from __future__ import annotations

import ast
import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.staleness.claims import CLAIMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

HERE = Path(__file__).parent
KEPT = HERE / "verdicts.json"
ORDER = ("true", "true if", "false", "cannot be verified")

Run = dict[str, Any]


def read() -> Run:
    """Return the kept run: {"versions": …, "claims": {"18": {"verdict": …}}}."""
    found: Run = json.loads(KEPT.read_text())
    return found


def write(path: Path, versions: Mapping[str, str], settled: Mapping[int, Run]) -> None:
    """Keep a run; what it did not run stays as it was."""
    before: Run = json.loads(path.read_text())["claims"] if path.exists() else {}
    claims = before | {str(nr): told for nr, told in settled.items()}
    ordered = dict(sorted(claims.items(), key=lambda pair: int(pair[0])))
    kept = {"versions": dict(versions), "claims": ordered}
    path.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")


def compare(told: Run, nr: int) -> None:
    """Compare a trial with the kept one, case by case: "true if" would hide a single change.

    Raises:
        AssertionError: a case is new, holds that did not, or does not hold that did.
    """
    kept = {_gist(case) for case in read()["claims"].get(str(nr), {"cases": ()})["cases"]}
    for case in told["cases"]:
        assert not kept or _gist(case) in kept, (
            f"claim {nr}, {case['when']}: {case['saw']}; was it meant? Then: make diagnosis"
        )


def _gist(case: Run) -> tuple[object, ...]:
    return case["when"], case["isolation"], case["held"], case["workers"], case["holds"]


# ── What the tests declare ───────────────────────────────────────────────────────────────────


def declared() -> dict[int, tuple[str, str, str]]:
    """Return for each claim its test, verdict and condition, as its mark in the source says.

    Raises:
        ValueError: two tests try the same claim.
    """
    found: dict[int, tuple[str, str, str]] = {}
    for path in sorted(HERE.glob("test_*.py")):
        for test, nr, verdict, condition in _marks(path):
            if nr in found:
                raise ValueError(f"claim {nr} is tried by {found[nr][0]} and by {test}")
            found[nr] = (test, verdict, condition)
    return found


def _marks(path: Path) -> Iterator[tuple[str, int, str, str]]:
    words = dict(zip(("TRUE", "TRUE_IF", "FALSE", "UNKNOWABLE"), ORDER, strict=True))
    for node in ast.walk(ast.parse(path.read_text())):
        for mark in node.decorator_list if isinstance(node, ast.FunctionDef) else ():
            if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "claim":
                nr, verdict, *condition = mark.args
                text = ast.literal_eval(condition[0]) if condition else ""
                name = f"tests/staleness/{path.name}::{node.name}"  # type: ignore[attr-defined]  # a function, see above
                yield name, ast.literal_eval(nr), words[ast.unparse(verdict)], text


# ── Printing ─────────────────────────────────────────────────────────────────────────────────


def counts(claims: Mapping[str, Run]) -> str:
    """Return how many claims got which verdict, as a sentence."""
    found = Counter(told["verdict"] for told in claims.values())
    return ", ".join(f"{found[verdict]} *{verdict}*" for verdict in ORDER)


def rows(claims: Mapping[str, Run]) -> Iterator[tuple[str, ...]]:
    """Yield a row of the table for each claim: nr, who, claim, verdict, evidence, test."""
    for claim in CLAIMS:
        if told := claims.get(str(claim.nr)):
            test = told["test"].rpartition("/")[2].replace(".py::", " · ")
            yield (
                f"{claim.nr:02}",
                claim.who,
                claim.text,
                judged(told),
                evidence(told),
                f"`{test}`",
            )


def judged(told: Run) -> str:
    """Return the verdict with its condition."""
    verdict, condition = told["verdict"], told["condition"]
    joint = " " if verdict == "true if" else ": "
    return f"*{verdict}*{joint}{condition}" if condition else f"*{verdict}*"


def evidence(told: Run) -> str:
    """Return one line: a case where the claim held, and one where it did not."""
    held = next((case for case in told["cases"] if case["holds"]), None)
    not_held = next((case for case in told["cases"] if not case["holds"]), None)
    return "; ".join(f"{case['when']}: {case['saw']}" for case in (held, not_held) if case)


def gives_all(told: Run) -> bool:
    """Return whether a cause was seen to give all three observations."""
    seen = told.get("observations") or {}
    return all(seen.get(key) for key in ("first", "other_function", "reset_useless"))


def record(claims: Mapping[str, Run]) -> Iterator[str]:
    """Yield the full record in Markdown: every case with what it was run under, every control."""
    for claim in CLAIMS:
        told = claims.get(str(claim.nr))
        if not told:
            continue
        yield f"### {claim.nr:02} · {claim.text}\n\n"
        yield f"{judged(told)[0].upper()}{judged(told)[1:]}. `{told['test']}`\n\n"
        yield from (_case(case) for case in told["cases"])
        yield from (_control(control) for control in told["controls"])
        yield from _observations(told.get("observations") or {})
        yield "\n"


def _case(case: Run) -> str:
    word = "holds" if case["holds"] else "does not hold"
    return f"- {case['when']}: **{word}**, {case['saw']}{_under(_circumstances(case))}\n"


def _control(control: Run) -> str:
    return f"- control, {control['when']}: {control['saw']}\n"


def _observations(seen: Run) -> Iterator[str]:
    """Yield whether the cause gives the three observations, where it was asked."""
    words = ("first", "old on first load"), ("other_function", "right after another function"), (
        "reset_useless", "not cured by the reset")  # fmt: skip
    told = [f"{'' if seen[key] else 'not '}{word}" for key, word in words if key in seen]
    if told:
        when = f", {seen['when']}" if seen.get("when") else ""
        yield f"- of the three observations{when}: {', '.join(told)}\n"


def _circumstances(case: Run) -> Iterator[str]:
    if case["isolation"]:
        yield case["isolation"]
    if case["held"] is not None:
        yield "rows still referenced" if case["held"] else "no reference left"
    if case["selects"] is not None:
        yield f"{case['selects']} SELECT{'' if case['selects'] == 1 else 's'} sent"
    if case["workers"] != 1:
        yield f"{case['workers']} workers"


def _under(circumstances: Iterable[str]) -> str:
    told = ", ".join(circumstances)
    return f" ({told})" if told else ""
