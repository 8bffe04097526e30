"""Writes that are not committed on every way through a function."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from webapp.audit.calling import commits_here
from webapp.audit.cases import Case, Found, Rule, options
from webapp.audit.findings import Sure
from webapp.audit.kinds import SESSIONS, WRITTEN, Kind
from webapp.audit.models import columns
from webapp.audit.modules import FUNCTIONS
from webapp.audit.paths import Paths
from webapp.audit.shapes import called_name, constant, own_nodes, targets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from webapp.audit.modules import Function, Module

ADDING = {"add", "add_all", "delete", "merge", "bulk_save_objects", "bulk_insert_mappings",
          "bulk_update_mappings"}  # fmt: skip
TEARDOWN = "SQLALCHEMY_COMMIT_ON_TEARDOWN"  # of Flask-SQLAlchemy before 2.0
CHANGE = re.compile(r"^\s*(?:INSERT|UPDATE|DELETE|MERGE)\b", re.IGNORECASE)
#: Decorators that neither commit nor hide what a view does.
PLAIN = {"route", "get", "post", "put", "delete", "patch", "login_required", "jwt_required",
         "cross_origin", "task", "shared_task", "command", "option", "argument", "pass_context",
         "staticmethod", "classmethod", "with_appcontext", "csrf_exempt", "exempt", "limit",
         "roles_required", "admin_required", "api_route"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Transaction:
    """What the nodes of a program do to its transactions."""

    case: Case

    def writes(self, node: ast.AST) -> bool:
        """Return whether a node changes something that a commit is needed for."""
        if isinstance(node, ast.Call):
            return self._adds(node)
        return any(isinstance(each, ast.Attribute) and self._sets(each) for each in targets(node))

    def _adds(self, call: ast.Call) -> bool:
        if not isinstance(call.func, ast.Attribute):
            return False
        base, name = self.case.value(call.func.value), call.func.attr
        if base.given:
            return False
        if base.kind is Kind.QUERY:
            return name in WRITTEN
        if base.kind in SESSIONS and name in ADDING:
            return True
        executes = base.kind in (*SESSIONS, Kind.CONNECTION) and name in {"execute", "exec"}
        return executes and bool(call.args) and self._changes(call.args[0])

    def _changes(self, statement: ast.expr) -> bool:
        if self.case.kind(statement) is Kind.CHANGE:
            return True
        text = isinstance(statement, ast.Call) and statement.args
        words = self.case.constant(statement.args[0] if text else statement)  # type: ignore[attr-defined]  # a call
        return isinstance(words, str) and bool(CHANGE.match(words))

    def _sets(self, target: ast.Attribute) -> bool:
        row = self.case.value(target.value)
        if row.kind is not Kind.OBJECT or row.given:
            return False
        known = columns(self.case, row.node)
        return target.attr in known

    def ends(self, node: ast.AST) -> bool:
        """Return whether a node commits or rolls back, itself or by what it calls."""
        if not isinstance(node, ast.Call):
            return False
        name = called_name(node.func).lower()
        if "commit" in name or "rollback" in name or name in {"save", "expunge"}:
            return True
        called = self.case.called(node.func)
        return called is not None and self.case.calling.writes_through(called)

    def commits_itself(self, expr: ast.expr) -> bool:
        """Return whether a `with` block commits at its end."""
        if called_name(expr) in {"begin", "transaction", "atomic", "auto_commit"}:
            return True
        if not isinstance(expr, ast.Call):
            return False
        called = self.case.called(expr.func)
        return called is not None and self.case.calling.writes_through(called)


def uncommitted_writes(case: Case) -> Iterator[Found]:
    """Find functions that write and may end without a commit."""
    if _committed_elsewhere(case):
        return
    effects = Transaction(case)
    for function in case.calling.functions:
        if isinstance(function, ast.Lambda) or case.meaning.is_generator(function):
            continue
        if not any(effects.writes(each) for each in own_nodes(function)):
            continue
        paths = Paths(effects).through(function)
        left = {each for each in paths.exits if each is not None}
        if left:
            yield from _judged(case, function, left)
        for write in {each for each in paths.waits if each is not None}:
            why = "the loop goes on and waits with this change uncommitted: nobody else sees it"
            yield Found(write, Sure.LIKELY, why)


def _committed_elsewhere(case: Case) -> bool:
    """Return whether hooks of the program commit."""
    for function, role in case.calling.entries.items():
        if role in ("ending", "hook") and case.calling.writes_through(function):
            return True
    named = {each.id for each in case.program.each(ast.Name)}
    return TEARDOWN in named | _words(case.program.audited())


def _committed_somehow(case: Case) -> bool:
    """Return whether something commits what others wrote, called by whom the source does not say.

    A middleware, a signal's receiver; or the sessions commit each statement by themselves.
    """
    effects = Transaction(case)
    return any(constant(value) is True for _, value in options(case, "autocommit")) or any(
        any(map(commits_here, nodes)) and not any(map(effects.writes, nodes))
        for each in case.calling.functions
        if each not in case.calling.entries and not case.calling.callers.get(each)
        for nodes in [list(own_nodes(each))]
    )


def _words(modules: Iterable[Module]) -> set[str]:
    """Return the texts that stand in some modules, by themselves."""
    return {each.value for module in modules for each in module.each(ast.Constant)
            if isinstance(each.value, str)}  # fmt: skip


def _judged(case: Case, function: Function, left: set[ast.AST]) -> Iterator[Found]:
    sure = None if _decorated(case, function) else _sure(case, function)
    if sure is None:
        return
    never = not case.calling.writes_through(function)
    flushes = any(isinstance(each, ast.Call) and called_name(each.func) == "flush"
                  for each in own_nodes(function))  # fmt: skip
    for write in sorted(left, key=lambda each: getattr(each, "lineno", 0)):
        why = "nothing commits this change" if never else "on one way this change is not committed"
        why += ": flush() sends it, and only commit() keeps it" if flushes and never else ""
        yield Found(write, sure, why)
        if never:
            return


def _sure(case: Case, function: Function) -> Sure | None:
    role = case.calling.entries.get(function)
    if role in ("view", "task"):
        never = not case.calling.writes_through(function)
        automatic = "AUTOCOMMIT" in _words([case.program.of(function)])
        certain = never and not automatic and _is_plain(case, function)
        certain = certain and not _committed_somehow(case)
        return Sure.CERTAIN if certain else Sure.LIKELY
    callers = case.calling.callers.get(function, set()) - {function}
    above = _above(case, callers)
    if any(case.calling.writes_through(each) for each in above):
        return None
    if function in case.calling.served and role is None:
        return Sure.LIKELY
    return None if _is_test(case, function) else Sure.LOOK


def _decorated(case: Case, function: Function) -> bool:
    """Return whether a decorator of the program commits what a function writes."""
    found = [] if isinstance(function, ast.Lambda) else function.decorator_list
    named = (case.called(each.func if isinstance(each, ast.Call) else each) for each in found)
    return any(each is not None and case.calling.writes_through(each) for each in named)


def _above(case: Case, functions: set[Function]) -> set[Function]:
    found, waiting = set(functions), list(functions)
    while waiting:
        new = case.calling.callers.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found


def _is_plain(case: Case, function: Function) -> bool:
    """Return whether no decorator of a function could commit for it."""
    if isinstance(function, ast.Lambda):
        return True
    holder = case.program.parent(function)
    decorators = list(function.decorator_list)
    if isinstance(holder, ast.ClassDef):
        return not decorators and not holder.decorator_list
    return all(called_name(each) in PLAIN for each in decorators)


def _is_test(case: Case, function: Function) -> bool:
    path = case.program.of(function).path
    return "tests" in path.parts or path.name.startswith(("test_", "conftest"))


# ── Errors that are swallowed ────────────────────────────────────────────────────────────────


def swallowed_errors(case: Case) -> Iterator[Found]:
    """Find handlers that go on after a failed write without a rollback."""
    for node in case.program.each(ast.Try):
        if not any(_commits(case, each) for part in node.body for each in ast.walk(part)):
            continue
        if _rolls_back(node.finalbody):
            continue
        for handler in node.handlers:
            if not _rolls_back(handler.body) and not _caught_elsewhere(handler):
                why = "after a failed write the session is unusable until somebody rolls back"
                yield Found(handler, Sure.LOOK, why, "Roll back, and raise again.")


def _commits(case: Case, node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"commit", "flush"}
        and case.kind(node.func.value) in SESSIONS
    )


def _rolls_back(body: list[ast.stmt]) -> bool:
    """Return whether a handler rolls back, closes, or lets the error go on."""
    for part in body:
        for node in ast.walk(part):
            if isinstance(node, ast.Raise) and not isinstance(part, FUNCTIONS):
                return True
            if isinstance(node, ast.Call) and called_name(node.func) in {
                "rollback", "remove", "close", "abort", "exit"}:  # fmt: skip
                return True
    return False


def _caught_elsewhere(handler: ast.ExceptHandler) -> bool:
    """Return whether a handler is for errors that no database raises."""
    names = {called_name(each) for each in ast.walk(handler.type)} if handler.type else set()
    broad = {"Exception", "BaseException", "SQLAlchemyError", "IntegrityError", "DBAPIError",
             "OperationalError", "DataError", "StatementError", "exc"}  # fmt: skip
    return handler.type is not None and not names & broad and constant(handler.type) is None


RULES = (
    Rule(key="uncommitted-write", cause="uncommitted-write", find=uncommitted_writes),
    Rule(key="swallowed-error", cause="uncommitted-write", find=swallowed_errors),
)
