"""The diagnosis names only tests that exist, and gives only verdicts that a run gave."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.freshness.mutants import MUTANTS
from tests.staleness import verdicts
from tests.staleness.claims import CLAIMS
from webapp.causes import CAUSES, DOCUMENT

ROOT = Path(__file__).parents[2]
DOCUMENTS = (DOCUMENT, "docs/trials.md", "README.md", "webapp/causes.py")
TEST = re.compile(r"\b(tests/[\w/]+\.py)(?:::(\w+))?|`(test_\w+\.py)::(\w+)`")


def text(path: str) -> str:
    return (ROOT / path).read_text()


def named(path: str) -> list[tuple[str, str]]:
    """Return the tests that a text names: the file, and the function or ""."""
    joined = re.sub(r'"\s*\n\s*"', "", text(path))  # a string of several lines is one
    return [
        (found[1] or f"tests/staleness/{found[3]}", found[2] or found[4] or "")
        for found in TEST.finditer(joined.replace(" · ", "::"))
    ]


def functions(path: str) -> set[str]:
    return {
        node.name for node in ast.walk(ast.parse(text(path))) if isinstance(node, ast.FunctionDef)
    }


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_test_that_is_named_exists(document: str) -> None:
    found = named(document)
    assert found
    for path, function in found:
        assert (ROOT / path).exists(), path
        assert not function or function in functions(path), f"{path}::{function}"


def test_each_claim_is_tried_once() -> None:
    assert set(verdicts.declared()) == {claim.nr for claim in CLAIMS} == set(range(1, 76))


def test_the_kept_run_gave_what_the_tests_declare() -> None:
    """A verdict that is changed in a test or in the file, but was not run, is seen here."""
    kept = {
        int(nr): (told["test"], told["verdict"], told["condition"])
        for nr, told in verdicts.read()["claims"].items()
    }
    declared = verdicts.declared()
    for nr, (test, verdict, condition) in declared.items():
        assert kept[nr][:2] == (test, verdict), "run: make diagnosis"
        assert kept[nr][2] == condition or not condition


def test_every_case_was_said_with_what_it_needs() -> None:
    for nr, told in verdicts.read()["claims"].items():
        assert told["cases"], nr
        assert told["controls"], nr
        assert all(case["saw"] and case["when"] for case in told["cases"]), nr


def test_links_lead_somewhere() -> None:
    document = text(DOCUMENT)
    headings = re.findall(r"^#+ (.+)$", document, re.MULTILINE)
    anchors = set(re.findall(r'<a id="([\w-]+)">', document)) | {slug(each) for each in headings}
    for anchor in re.findall(r"\]\(#([\w-]+)\)", document):
        assert anchor in anchors, anchor
    for target in re.findall(r"\]\(([\w/.-]+\.(?:md|svg))\)", document):
        assert (ROOT / "docs" / target).exists(), target


def slug(heading: str) -> str:
    """Return the anchor that a heading gets: lower case, hyphens, nothing else."""
    return re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-")


def test_each_cause_has_a_section_and_tests() -> None:
    document = text(DOCUMENT)
    for cause in CAUSES:
        assert f'<a id="{cause.key}"></a>' in document
        assert cause.claims


def test_each_mutant_that_is_named_exists() -> None:
    words = re.compile(r"[Mm]utants? ([\w, ]+?)(?: is caught| are caught|\))")
    for cause in CAUSES:
        for found in words.findall(cause.here):
            for name in re.split(r", | and ", found):
                assert name in MUTANTS, name
