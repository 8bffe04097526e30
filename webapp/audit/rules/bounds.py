"""Bounds that were computed once, two databases for one, copies of what is asked for."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from webapp.audit.cases import Case, Found, Rule, options
from webapp.audit.findings import Sure
from webapp.audit.kinds import Kind
from webapp.audit.shapes import called_name, constant, defaults, empty, own_nodes

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = {"now", "today", "utcnow", "time"}
CLOCKS = {"datetime", "time", "pendulum", "arrow", "django"}


def frozen_bounds(case: Case) -> Iterator[Found]:
    """Find moments that were taken once, at import, and bound a query."""
    yield from _default_moments(case)
    yield from _module_moments(case)


def _moment(case: Case, expr: ast.AST | None) -> bool:
    """Return whether an expression asks Python's clock."""
    for each in ast.walk(expr) if expr is not None else ():
        if isinstance(each, ast.Call) and called_name(each.func) in NOW:
            package, _ = case.outside(each.func)
            if package in CLOCKS:
                return True
    return False


def _default_moments(case: Case) -> Iterator[Found]:
    for function in case.calling.functions:
        for parameter, expr in defaults(function):
            if isinstance(expr, ast.Lambda) or not _moment(case, expr):
                continue
            if not case.calling.reads(function) or not _bounds(function, parameter.arg):
                continue
            why = f"`{parameter.arg}` was computed when the function was defined, and stays that"
            served = function in case.calling.served and not case.served(function)
            yield Found(expr, Sure.CERTAIN if served else Sure.LIKELY, why)


def _bounds(function: ast.AST, name: str) -> bool:
    """Return whether a name is compared with, or handed on."""
    for node in own_nodes(function):
        parts: list[ast.AST] = []
        if isinstance(node, ast.Compare):
            parts = [node.left, *node.comparators]
        elif isinstance(node, ast.Call):
            parts = [*node.args, *node.keywords]
        if any(isinstance(each, ast.Name) and each.id == name
               for part in parts for each in ast.walk(part)):  # fmt: skip
            return True
    return False


def _module_moments(case: Case) -> Iterator[Found]:
    for module in case.program.audited():
        for name, bindings in module.scope.names.items():
            for each in bindings:
                if each.how != "value" or not case.program.at_import(each.node):
                    continue
                users = case.calling.using((module.scope, name))
                if each.expr is None or not users or not _moment(case, each.expr):
                    continue
                if case.kind(each.expr) in (Kind.STATEMENT, Kind.QUERY):
                    why = f"`{name}` is a statement with the moment of its import in it"
                    sure = Sure.CERTAIN if users & case.calling.served else Sure.LIKELY
                    yield Found(each.expr, sure, why, "Use func.now(), or build it in the request.")
                elif _compares(case, (module.scope, name)):
                    why = f"`{name}` was computed at import, and bounds what is read ever after"
                    yield Found(each.expr, Sure.LIKELY, why)


def _compares(case: Case, place: tuple[object, str]) -> bool:
    """Return whether a module's moment is compared with a column."""
    for use in case.calling.uses(place):  # type: ignore[arg-type]  # its scope
        above = case.program.parent(use)
        if isinstance(above, ast.Compare):
            other = above.left if above.left is not use else above.comparators[0]
            if isinstance(other, ast.Attribute) and case.kind(other.value) is Kind.MODEL:
                return True
    return False


# ── Two databases ────────────────────────────────────────────────────────────────────────────

RELATIVE = re.compile(r"^sqlite(?:\+\w+)?:///(?!/|:memory:)([^/?]\S*?)(?:\?.*)?$")
SETTING = "SQLALCHEMY_DATABASE_URI"


def two_databases(case: Case) -> Iterator[Found]:
    """Find relative SQLite paths, which mean another file wherever they are read."""
    found = [(node, path, where) for node, path, where in _relative(case)]
    wheres = {(path, where) for _, path, where in found}
    for node, path, where in found:
        if len({each for other, each in wheres if other == path}) > 1:
            why = (f"`{path}` is relative: Flask-SQLAlchemy looks in the instance folder, an"
                   " engine of one's own where the process was started")  # fmt: skip
            yield Found(node, Sure.LIKELY, why)
        elif where == "engine":
            why = f"`{path}` is relative to wherever the process was started"
            yield Found(node, Sure.LOOK, why)


def _relative(case: Case) -> Iterator[tuple[ast.AST, str, str]]:
    for node in case.program.each(ast.Constant):
        if isinstance(node.value, str) and (match := RELATIVE.match(node.value)):
            yield node, match[1], _where(case, node)
    for call in case.program.each(ast.Call):
        if case.outside(call.func) == ("sqlite3", "connect") and call.args:
            path = case.constant(call.args[0])
            if isinstance(path, str) and not path.startswith(("/", ":", "file:")):
                yield call, path, "engine"


def _where(case: Case, node: ast.AST) -> str:
    """Return who opens a URL: the extension or an engine of one's own."""
    for each in case.program.around(node):
        if isinstance(each, ast.Call) and called_name(each.func) == "create_engine":
            return "engine"
        if isinstance(each, ast.stmt):
            words = [str(constant(one)) for one in ast.walk(each)]
            return "extension" if SETTING in words or _sets(each) else _used(case, each)
    return ""


def _sets(node: ast.AST) -> bool:
    named = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    keywords = {each.arg for each in ast.walk(node) if isinstance(each, ast.keyword)}
    return SETTING in named | keywords


def _used(case: Case, node: ast.AST) -> str:
    """Return what a URL's name is used for, where it is assigned to one."""
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        place = case.calling.place(node.targets[0])
        for use in case.calling.uses(place) if place else []:
            return _where(case, use)
    return ""


# ── Copies, replicas, raw connections ────────────────────────────────────────────────────────

COPY = re.compile(r"\b(?:REFRESH|CREATE)\s+MATERIALI[SZ]ED\s+VIEW\s+(?:CONCURRENTLY\s+)?"
                  r"(?:IF\s+NOT\s+EXISTS\s+)?([\w.]+)", re.IGNORECASE)  # fmt: skip


def stored_copies(case: Case) -> Iterator[Found]:
    """Find materialized views, which are as old as their last REFRESH."""
    for node in case.program.each(ast.Constant):
        match = COPY.search(node.value) if isinstance(node.value, str) else None
        if match and _is_sql(case, node):
            why = f"`{match[1]}` is as old as its last REFRESH, whoever wrote since"
            yield Found(node, Sure.LIKELY if _is_read(case, match[1]) else Sure.LOOK, why)


def _is_read(case: Case, view: str) -> bool:
    """Return whether a request reads a materialized view."""
    reads = re.compile(rf"\b(?:FROM|JOIN)\s+{re.escape(view)}\b", re.IGNORECASE)
    return any(
        isinstance(each.value, str) and reads.search(each.value) and case.viewed(each)
        for each in case.program.each(ast.Constant)
    )


def _is_sql(case: Case, node: ast.AST) -> bool:
    """Return whether a text is used, and is no docstring."""
    return not isinstance(case.program.parent(node), ast.Expr)


STANDBY = re.compile(r"replica|standby|slave|read_?only|reader", re.IGNORECASE)


def replicas(case: Case) -> Iterator[Found]:
    """Find engines and binds whose name says that they read a copy of the database."""
    why = "its name says that it is a replica, which answers from its own, older moment"
    for node in case.program.each(ast.Assign):
        target = node.targets[0]
        if isinstance(target, ast.Name) and STANDBY.search(target.id):
            if case.kind(node.value) is Kind.ENGINE:
                yield Found(node, Sure.LOOK, why)
        elif "SQLALCHEMY_BINDS" in {getattr(each, "value", "") for each in ast.walk(target)}:
            keys = node.value.keys if isinstance(node.value, ast.Dict) else []
            named = [key for key in keys if key and STANDBY.search(str(constant(key)))]
            yield from (Found(key, Sure.LOOK, why) for key in named)


def raw_connections(case: Case) -> Iterator[Found]:
    """Find pools that do not reset what comes back."""
    why = "a connection comes back with its transaction open, and its next user sees old rows"
    for node, value in options(case, "pool_reset_on_return"):
        if empty(value):
            yield Found(node, Sure.LIKELY, why)


RULES = (
    Rule(key="frozen-bound", cause="frozen-bound", find=frozen_bounds),
    Rule(key="two-databases", cause="two-databases", find=two_databases),
    Rule(key="stored-copy", cause="stored-copy", find=stored_copies),
    Rule(key="replica", cause="replica-lag", find=replicas),
    Rule(key="raw-connection", cause="raw-connection", find=raw_connections),
)
