"""Who may import whom: the arrows never turn back."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
OURS = ("dal", "webapp", "sql", "migrations", "tests")
STANDARD = sys.stdlib_module_names
SCRIPTS = (path.stem for path in (ROOT / "sql").glob("*.py"))
#: The first pattern that a path begins with says what it may import; longer names of `dal` are its
#: modules. Everything else is refused.
RULES: tuple[tuple[str, frozenset[str]], ...] = (
    ("dal/records.py", frozenset({"dal.moments"})),
    ("dal/moments.py", frozenset()),
    ("dal/imported.py", frozenset({"dal.records"})),
    ("dal/errors.py", frozenset()),
    ("dal/checksums.py", frozenset()),
    ("dal/addresses.py", frozenset({"dal.errors", "dal.checksums"})),
    ("dal/importers/", frozenset({"dal.records", "dal.imported", "dal.errors", "dal.addresses",
                                 "dal.importers"})),
    ("dal/locks.py", frozenset({"dal.errors"})),
    ("dal/keeper.py", frozenset({"dal.errors", "dal.locks"})),
    ("dal/postgres.py", frozenset({"dal.errors", "dal.locks"})),
    ("dal/answering.py", frozenset({"dal.postgres", "psycopg"})),
    ("dal/embedded.py", frozenset({"dal.answering", "dal.errors", "dal.locks", "dal.keeper",
                                   "dal.postgres", "psycopg"})),
    ("dal/patience.py", frozenset({"sqlalchemy", "psycopg"})),
    ("dal/stopping.py", frozenset({"dal.errors", "dal.patience", "sqlalchemy", "psycopg"})),
    ("dal/migrate.py", frozenset({"dal", "sqlalchemy", "alembic"})),
    ("dal/", frozenset({"dal", "sqlalchemy"})),
    ("webapp/", frozenset({"dal", "webapp", "flask", "click", "rich", "gunicorn", "jinja2",
                           "markupsafe", "werkzeug"})),
    ("sql/", frozenset({"dal", "sqlalchemy", "psycopg", *SCRIPTS})),  # scripts: siblings by name
    ("migrations/env.py", frozenset({"dal", "sqlalchemy", "alembic"})),
    ("migrations/versions/", frozenset({"sqlalchemy", "alembic"})),
)  # fmt: skip
FILES = sorted(
    path
    for folder in OURS
    for path in (ROOT / folder).rglob("*.py")
    if "_carried" not in path.parts
)
PRODUCT = [path for path in FILES if path.relative_to(ROOT).parts[0] != "tests"]


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imported(path: Path) -> Iterator[str]:
    """Yield the full name of each module that a file imports, type-checking imports included."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            module = node.module or ""
            if module == "dal" or module.startswith("dal."):
                inner = [f"{module}.{alias.name}" for alias in node.names]
                yield from (each if is_module(each) else module for each in inner)
            else:
                yield module


def is_module(dotted: str) -> bool:
    path = ROOT.joinpath(*dotted.split("."))
    return path.is_dir() or path.with_suffix(".py").exists()


def allowed(path: Path) -> frozenset[str]:
    return next(names for start, names in RULES if name(path).startswith(start))


@pytest.mark.parametrize("path", PRODUCT, ids=name)
def test_imports_point_inward(path: Path) -> None:
    permitted = allowed(path)
    for module in imported(path):
        if module.split(".")[0] in STANDARD:
            continue
        starts = {".".join(module.split(".")[:n]) for n in range(1, module.count(".") + 2)}
        assert starts & permitted, f"{name(path)} must not import {module}"


@pytest.mark.parametrize("path", PRODUCT, ids=name)
def test_no_orm(path: Path) -> None:
    """Rows are read afresh: nobody keeps an identity map that could answer from memory."""
    for module in imported(path):
        assert not module.startswith(("sqlalchemy.orm", "sqlalchemy.ext"))
    assert "sqlalchemy.orm" not in path.read_text()


@pytest.mark.parametrize("path", FILES, ids=name)
def test_nobody_imports_sql(path: Path) -> None:
    assert not any(module.split(".")[0] == "sql" for module in imported(path))


def test_modules_are_nouns() -> None:
    assert not [
        path for path in FILES if path.stem in {"utils", "util", "helpers", "common", "misc"}
    ]


def test_every_rule_guards_something() -> None:
    for start, _ in RULES:
        if (ROOT / start).exists():
            assert any(name(path).startswith(start) for path in PRODUCT) or start == "webapp/"


@pytest.mark.parametrize("package", ["dal", "webapp"])
def test_packages_are_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").exists()


def test_the_layers_come_apart(tmp_path: Path) -> None:
    """A broken arrow is seen: the rules are not satisfied by whatever stands there."""
    wrong = tmp_path / "wrong.py"
    wrong.write_text("from flask import g\nimport sqlalchemy.orm\nfrom dal import tables\n")
    assert list(imported(wrong)) == ["flask", "sqlalchemy.orm", "dal.tables"]


# ── Sizes, words, figures ────────────────────────────────────────────────────────────────────

LONGEST = 300
#: Seconds to wait, milliseconds measured: figures that are no amounts.
TIMING = {"answering", "embedded", "explain", "keeper", "locks", "patience", "postgres", "stopping"}
DAL = [path for path in PRODUCT if name(path).startswith("dal/")]


@pytest.mark.parametrize("path", PRODUCT, ids=name)
def test_no_file_is_too_long(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST


@pytest.mark.parametrize("path", DAL, ids=name)
def test_no_float_touches_an_amount(path: Path) -> None:
    """Neither a float literal nor float(), but for times."""
    if path.stem in TIMING:
        return
    for node in ast.walk(ast.parse(path.read_text())):
        assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), node.lineno
        assert not (isinstance(node, ast.Name) and node.id in {"float", "Float", "Double"}), (
            node.lineno
        )


RECKONING = [path for path in DAL if "importers" not in path.parts and path.stem != "story"]


@pytest.mark.parametrize("path", RECKONING, ids=name)
def test_no_decimal_is_reckoned_with(path: Path) -> None:
    """PostgreSQL adds; Python's default context keeps 28 digits and would cut a sum silently."""
    tree = ast.parse(path.read_text())
    if not any(module == "decimal" for module in imported(path)):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called.split(".")[-1] not in {"quantize", "normalize", "sqrt", "getcontext"} or (
                called.startswith(("unicodedata.", "EXACT."))
            ), f"{called} in line {node.lineno}"
            assert called not in {"sum", "round"}, f"{called} in line {node.lineno}"


@pytest.mark.parametrize("path", DAL, ids=name)
def test_every_public_name_is_described(path: Path) -> None:
    """Ruff asks for docstrings; this asks for a module's own too, and for a sentence."""
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            words = ast.get_docstring(node)
            nested = any(node in ast.walk(outer) and node is not outer for outer in ast.walk(tree)
                         if isinstance(outer, ast.FunctionDef))  # fmt: skip
            assert words or nested, f"{name(path)}: {node.name}"


def test_records_are_frozen_and_slotted() -> None:
    import dataclasses

    from dal import filters, imported, keyset, moments, records, transactions

    found = [
        each
        for module in (records, moments, imported, filters, keyset, transactions)
        for each in vars(module).values()
        if dataclasses.is_dataclass(each) and isinstance(each, type)
    ]
    assert len(found) > 20
    for record in found:
        assert record.__dataclass_params__.frozen, record  # type: ignore[attr-defined]  # of every dataclass
        assert "__slots__" in vars(record), record
