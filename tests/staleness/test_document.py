"""The diagnosis names only tests that exist, and gives only verdicts that a run gave."""

from __future__ import annotations

import ast
import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.freshness.mutants import MUTANTS
from tests.staleness import verdicts
from tests.staleness.claims import CLAIMS
from tests.staleness.shop import db
from webapp.causes import CAUSES, DOCUMENT

if TYPE_CHECKING:
    from flask import Flask

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


# ── What it tells the reader to do ───────────────────────────────────────────────────────────


def test_the_grep_finds_captured_sessions() -> None:
    grep = re.search(r"^grep .*$", text(DOCUMENT), re.MULTILINE)
    assert grep
    builds = ROOT / "tests/staleness/builds"
    done = subprocess.run(grep[0], cwd=builds, shell=True, capture_output=True, text=True)  # noqa: PLW1510 (the document's own words; grep's status says whether it found something)
    for sick in ("captured_session", "global_session", "module_query", "lru_cached", "max_age"):
        assert f"./{sick}.py:" in done.stdout
    assert "./correct.py:" not in done.stdout


@pytest.mark.parametrize("captured", [True, False])
def test_the_log_line_tells_a_captured_session(
    app: Flask, caplog: pytest.LogCaptureFixture, *, captured: bool
) -> None:
    line = re.search(r"app\.logger\.warning\(.*?\n\)\n", text(DOCUMENT), re.DOTALL)
    assert line
    with app.app_context():
        session: object = db.session()

    @app.get("/")
    def page() -> str:
        names = {"app": app, "os": os, "db": db, "session": session if captured else db.session()}
        exec(line[0], names)
        return ""

    for _ in range(3):
        app.test_client().get("/")
    said = [record.args[1:] for record in caplog.records if isinstance(record.args, tuple)]
    assert len(said) == 3
    assert all((pages == requests) is not captured for pages, requests in said)
    assert not captured or len({pages for pages, _ in said}) == 1


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
