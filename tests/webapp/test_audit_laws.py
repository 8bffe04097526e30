"""What holds for any source: no certain fault in healthy code, no fault lost by rewriting it."""

from __future__ import annotations

import ast
import re
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings, strategies as st

from tests.webapp.audited import healthy
from tests.webapp.audited.samples import SICK
from tests.webapp.test_audit import expected, spots, written
from webapp.audit.auditing import audit
from webapp.audit.findings import Sure

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
#: Samples of one file, whose faults are at least likely.
SURE = [pytest.param(source, id=f"{rule}: {words}") for rule, words, source in SICK
        if "#:" not in source and re.search(r"#! \S+ (certain|likely)", source)]  # fmt: skip
Kinds = list[tuple[str, str]]


def kinds(folder: Path) -> Kinds:
    """Return rules and grades, whatever the lines."""
    return sorted((rule, grade) for _, _, rule, grade in spots(folder))


@pytest.mark.parametrize("folder", ["dal", "webapp", "sql", "migrations"])
def test_this_project_has_nothing_certain(folder: str) -> None:
    found = audit(ROOT / folder).findings
    assert not [each for each in found if each.sure is Sure.CERTAIN]


@pytest.mark.parametrize("name", healthy.APPS)
def test_an_ordinary_application_has_nothing_certain(name: str, tmp_path: Path) -> None:
    folder = written(tmp_path / "app", healthy.APPS[name])
    assert not [each for each in spots(folder) if each[3] != "look"]


def plain(source: str) -> str:
    return ast.unparse(ast.parse(source))


def renamed(source: str) -> str:
    """Return a source whose own names are others."""
    own = ("session", "db", "app", "Tx", "rows", "page", "engine", "Make", "cache", "CACHE",
           "ledger", "Ledger", "registry", "write", "row", "shown", "s")  # fmt: skip
    tree = ast.parse(source)
    bound = {each.id for each in ast.walk(tree)
             if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}  # fmt: skip
    bound |= {each.name for each in ast.walk(tree)
              if isinstance(each, ast.FunctionDef | ast.ClassDef)}  # fmt: skip
    imports = [each for each in ast.walk(tree) if isinstance(each, ast.Import | ast.ImportFrom)]
    imported = {alias.asname or alias.name for each in imports for alias in each.names}
    attributes = {each.attr for each in ast.walk(tree) if isinstance(each, ast.Attribute)}
    kept = imported | attributes
    chosen = {name: f"{name}_of_ours" for name in own if name in bound and name not in kept}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            node.id = chosen.get(node.id, node.id)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            node.name = chosen.get(node.name, node.name)
        elif isinstance(node, ast.Global):
            node.names = [chosen.get(each, each) for each in node.names]
        elif isinstance(node, ast.arg):
            node.arg = chosen.get(node.arg, node.arg)
        elif isinstance(node, ast.keyword) and node.arg in chosen:
            node.arg = chosen[node.arg] if _ours(tree, chosen[node.arg]) else node.arg
    return ast.unparse(tree)


def _ours(tree: ast.AST, name: str) -> bool:
    return any(isinstance(each, ast.arg) and each.arg == name for each in ast.walk(tree))


def aliased(source: str) -> str:
    """Return a source that imports packages whole, under other names."""
    source = source.replace(
        "from flask_sqlalchemy import SQLAlchemy", "import flask_sqlalchemy as fs"
    )
    source = re.sub(r"(?<!\w)SQLAlchemy\(", "fs.SQLAlchemy(", source)
    source = source.replace("from sqlalchemy import select\n", "import sqlalchemy as sa\n")
    return re.sub(r"(?<![\w.])select\(", "sa.select(" if "as sa" in source else "select(", source)


def wrapped(source: str) -> str:
    """Return a source whose contents stand in a block that is always entered."""
    body = ast.parse(source).body
    tree = ast.Module([ast.If(ast.Constant(value=True), body, [])], [])
    return ast.unparse(ast.fix_missing_locations(tree))


@pytest.mark.parametrize(
    "rewrite", [plain, renamed, aliased, wrapped], ids=lambda each: each.__name__
)
@pytest.mark.parametrize("source", SURE)
def test_rewriting_loses_nothing(
    source: str, rewrite: Callable[[str], str], tmp_path: Path
) -> None:
    rewritten = written(tmp_path / "second", rewrite(source))
    first = written(tmp_path / "first", source)
    wanted = sorted((rule, grade) for _, _, rule, grade in expected(first))
    if rewrite is plain or rewrite is renamed:
        assert kinds(rewritten) == wanted
    else:
        assert set(wanted) <= set(kinds(rewritten))


LAST = "    contact = db.relationship(Contact)\n"  # of the models
SPLIT = [each for each in SURE if LAST in str(each.values[0])]


@pytest.mark.parametrize("how", ["from .base import {names}", "from base import *"])
@pytest.mark.parametrize("source", SPLIT)
def test_splitting_over_files_loses_nothing(source: str, how: str, tmp_path: Path) -> None:
    """Models in one file, what is done with them in another."""
    head, marker, tail = source.partition(LAST)
    names = "Contact, Flask, SQLAlchemy, Tx, app, db, request, select"
    folder = written(tmp_path / "app", "#: base.py\n" + head + marker)
    (folder / "__init__.py").touch()
    (folder / "views.py").write_text(how.format(names=names) + "\n" + tail)
    wanted = {(rule, grade) for _, _, rule, grade in expected(folder)}
    assert wanted <= set(kinds(folder))


def test_factory_closures_lose_nothing(tmp_path: Path) -> None:
    source = next(source for _, words, source in SICK if words == "in the factory's closure")
    for number, name in enumerate(("create_app", "make", "build")):
        folder = written(tmp_path / str(number), source.replace("create_app", name))
        assert kinds(folder) == [("captured-session", "certain")]


# ── The applications that the claims were tried on ───────────────────────────────────────────

BUILDS = ROOT / "tests" / "staleness" / "builds"
#: Build → the rule that names its illness, and how sure it is there.
ILL = {
    "background_writer": ("uncommitted-write", "likely"),
    "blind_etag": ("blind-etag", "certain"),
    "cache_deleted_by_writes": ("cached-function", "likely"),
    "cache_in_files": ("cached-function", "likely"),
    "cached_fragment": ("cached-fragment", "likely"),
    "cached_page": ("cached-function", "certain"),
    "captured_autocommit": ("captured-session", "certain"),
    "captured_back_references": ("captured-session", "certain"),
    "captured_for_reading": ("captured-session", "certain"),
    "captured_keeping_values": ("captured-session", "certain"),
    "captured_let_go": ("captured-session", "certain"),
    "captured_repeatable_read": ("pinned-snapshot", "certain"),
    "captured_session": ("captured-session", "certain"),
    "core_update": ("untold-update", "look"),
    "default_argument": ("captured-session", "certain"),
    "engine_before_fork": ("engine-before-fork", "look"),  # --preload is not in its source
    "frozen_bound": ("frozen-bound", "certain"),
    "global_session": ("captured-session", "certain"),
    "held_objects": ("held-objects", "certain"),
    "json_in_place": ("json-in-place", "certain"),
    "list_at_first_request": ("held-objects", "certain"),
    "lru_cached": ("remembered-function", "certain"),
    "materialised_view": ("stored-copy", "likely"),
    "max_age": ("http-cache", "certain"),
    "module_query": ("captured-query", "certain"),
    "module_query_let_go": ("captured-query", "certain"),
    "no_teardown": ("no-teardown", "certain"),
    "no_teardown_held": ("no-teardown", "certain"),
    "no_teardown_repeatable_read": ("pinned-snapshot", "certain"),
    "no_teardown_threads": ("no-teardown", "certain"),
    "pushed_context": ("pushed-context", "likely"),
    "repository_singleton": ("captured-session", "certain"),
    "rows_in_cookie": ("held-objects", "certain"),
    "scope_constant": ("wrong-scope", "certain"),
    "scope_process": ("wrong-scope", "certain"),
    "uncommitted_global": ("uncommitted-write", "likely"),
    "uncommitted_writer": ("uncommitted-write", "certain"),
}


def test_every_sick_build_is_seen_through() -> None:
    files = {path.stem for path in BUILDS.glob("*.py")}
    assert set(ILL) == {name for name in files if not name.startswith(("__", "correct"))}
    found = spots(BUILDS)
    for name, (rule, grade) in ILL.items():
        assert any(
            (file, each, sure) == (f"{name}.py", rule, grade) for file, _, each, sure in found
        ), name


def test_the_correct_builds_are_spared() -> None:
    assert not [each for each in spots(BUILDS) if each[0].startswith("correct")]


# ── It never fails ───────────────────────────────────────────────────────────────────────────

STANDARD = Path(sysconfig.get_path("stdlib"))


@pytest.mark.parametrize("package", ["sqlite3", "concurrent", "wsgiref"])
def test_it_takes_the_standard_library(package: str) -> None:
    report = audit(STANDARD / package)
    assert report.files
    assert not [each for each in report.findings if each.sure is Sure.CERTAIN]


@pytest.mark.parametrize("package", ["flask_caching", "cachelib"])
def test_it_takes_the_frameworks(package: str) -> None:
    report = audit(Path(sysconfig.get_path("purelib")) / package)
    assert report.files
    assert not [each for each in report.findings if each.sure is Sure.CERTAIN]


EXPRESSIONS = st.sampled_from([
    "x", "db.session()", "f(x)", "x.query.all()", "[y for y in x]", "lambda: x", "x[0]", "x.y.z",
    "(yield)", "x if y else f", "not x", "{**x, 'a': y}", "Tx.query", "select(Tx).offset(1)",
    "session.get(Tx, 1)", "f(*x, **y)", "x := y",
])  # fmt: skip
STATEMENTS = st.sampled_from([
    "x = ({0})", "y.x = ({0})", "x[({0})] = y", "del x[0]", "x += ({0})", "import x as y",
    "from . import x", "from .x import y", "from x import *", "x, *y = ({0})", "({0})",
    "for x in ({0}): y = x", "while ({0}): break", "if ({0}): x = y",
    "with ({0}) as x: y = x", "try: x = ({0})\nexcept KeyError: y = 1\nfinally: x = 2",
    "def f(x=({0})):\n    global y\n    y = x\n    return ({0})",
    "class Tx(x, y):\n    z = ({0})", "match ({0}):\n    case [x, y]: pass",
    "@f\ndef x(self):\n    self.x = ({0})\n    return self.x",
    "async def y():\n    async with x as f:\n        await ({0})",
])  # fmt: skip


def rows(statement: str, expression: str) -> str:
    text = statement.format(expression)
    try:
        ast.parse(text)
    except SyntaxError:
        return "pass"
    return text


HEAD = "from flask_sqlalchemy import SQLAlchemy\nfrom sqlalchemy import select\ndb = SQLAlchemy()\n"


@settings(max_examples=100, deadline=None)
@given(st.lists(st.builds(rows, STATEMENTS, EXPRESSIONS), max_size=12))
def test_it_never_fails(tmp_path_factory: pytest.TempPathFactory, body: list[str]) -> None:
    folder = tmp_path_factory.mktemp("any")
    source = HEAD + "\n".join(body) + "\n"
    try:
        compile(source, "app.py", "exec", ast.PyCF_ONLY_AST)
    except SyntaxError:
        return
    (folder / "app.py").write_text(source)
    assert audit(folder).files == 1
