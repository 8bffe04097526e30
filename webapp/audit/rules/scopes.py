"""Registries of sessions whose scope is not the request, or that nobody empties."""

from __future__ import annotations

import ast
from itertools import islice
from typing import TYPE_CHECKING

from webapp.audit.cases import Case, Found, Rule, options
from webapp.audit.findings import Sure
from webapp.audit.kinds import Kind
from webapp.audit.modules import FUNCTIONS
from webapp.audit.shapes import called_name, empty, own_nodes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from webapp.audit.modules import Function

#: Scopes that are the same for every request.
SAME = {"getpid", "gethostname", "getppid", "get_native_id_of_main_thread"}
EMPTYING = {"remove", "close"}


def wrong_scopes(case: Case) -> Iterator[Found]:
    """Find scope functions that give every request the same session."""
    for node, scope in _scopes(case):
        if _is_same(case, scope):
            why = "this scope is the same for every request, and so is the session"
            sure = Sure.CERTAIN if case.calling.roles else Sure.LIKELY
            yield Found(node, sure, why)
        elif called_name(scope) in {"get_ident", "current_thread"} and not empty(scope):
            yield Found(node, Sure.LOOK, "the scope is the thread, which serves many requests")


def _scopes(case: Case) -> Iterator[tuple[ast.AST, ast.expr]]:
    yield from options(case, "scopefunc")
    for call in case.program.each(ast.Call):
        if case.kind(call) is Kind.REGISTRY and len(call.args) > 1:
            yield call, call.args[1]


def _is_same(case: Case, scope: ast.expr) -> bool:
    """Return whether a scope function gives one value for ever."""
    if called_name(scope) in SAME and not isinstance(scope, ast.Call):
        return True
    function = case.called(scope)
    if function is None:
        return False
    given = _given(function)
    return bool(given) and all(_unchanging(case, each) for each in given)


def _given(function: Function) -> list[ast.expr]:
    """Return what a function returns."""
    if isinstance(function, ast.Lambda):
        return [function.body]
    returns = [each.value for each in own_nodes(function) if isinstance(each, ast.Return)]
    return [each for each in returns if each is not None]


def _unchanging(case: Case, expr: ast.expr) -> bool:
    if isinstance(expr, ast.Call):
        return called_name(expr.func) in SAME
    return isinstance(expr, ast.Constant) or (
        isinstance(expr, ast.Name) and case.constant(expr) is not None
    )


# ── Teardown ─────────────────────────────────────────────────────────────────────────────────


def missing_teardown(case: Case) -> Iterator[Found]:
    """Find registries of sessions that requests use and nobody empties after them."""
    for call in case.program.each(ast.Call):
        if case.kind(call) is not Kind.REGISTRY or case.outside(call.func)[1] not in (
            "scoped_session", "async_scoped_session",
        ):  # fmt: skip
            continue
        users = _users(case, call)
        if not users & case.calling.viewed:
            continue
        ends = list(_endings(case))
        if any(_always(case, each) for each in ends) or _handed_over(case):
            continue
        why = "nobody removes the session after the request: the thread keeps it for the next one"
        if ends:
            why += "; the remove() in this program runs only under a condition"
        yield Found(call, Sure.CERTAIN, why)


def _users(case: Case, call: ast.Call) -> set[Function]:
    statement = case.program.parent(call)
    if not isinstance(statement, ast.Assign | ast.AnnAssign):
        return set()
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    places = [case.calling.place(each) for each in targets if isinstance(each, ast.Name)]
    uses = [use for place in places if place for use in case.calling.uses(place)]
    found = {case.function(use) for use in uses if not _in_block(case, use)}
    return {each for each in found if each is not None}


def _in_block(case: Case, use: ast.AST) -> bool:
    """Return whether it is the registry of `with Session() as session`, which closes it."""
    around = [use, *islice(case.program.around(use), 3)]
    return any(isinstance(each, ast.withitem) for each in around)


def _endings(case: Case) -> Iterator[ast.Call]:
    """Yield the calls that may end a registry's session."""
    for call in case.program.each(ast.Call):
        if not isinstance(call.func, ast.Attribute):
            continue
        if call.func.attr in EMPTYING and not _foreign(case, call.func.value):
            yield call
    for module in list(case.program.modules.values()):
        if not module.audited:
            for call in module.each(ast.Call):
                if isinstance(call.func, ast.Attribute) and call.func.attr == "remove" and (
                    case.kind(call.func.value) is Kind.REGISTRY
                ):  # fmt: skip
                    yield call


def _handed_over(case: Case) -> bool:
    """Return whether somebody is given the remove of a registry, to call it later."""
    for each in case.program.each(ast.Attribute):
        if each.attr == "remove" and case.kind(each.value) is Kind.REGISTRY:
            above = case.program.parent(each)
            if not isinstance(above, ast.Call) or above.func is not each:
                return True
    return False


def _foreign(case: Case, node: ast.expr) -> bool:
    """Return whether what is closed is surely no registry of sessions."""
    value = case.value(node)
    if value.kind is Kind.UNKNOWN:
        return not any(part in called_name(node).lower() for part in ("session", "db", "scoped"))
    return value.kind is not Kind.REGISTRY and value.kind is not Kind.SESSION


def _always(case: Case, call: ast.Call) -> bool:
    """Return whether a call may run after each request, whatever the request asks for."""
    function = case.function(call)
    if function is None:
        return False
    if function not in case.calling.viewed or case.calling.entries.get(function) == "ending":
        return True
    for each in case.program.around(call):
        if isinstance(each, ast.If | ast.ExceptHandler):
            return False
        if isinstance(each, FUNCTIONS):
            return True
    return True


RULES = (
    Rule(key="wrong-scope", cause="wrong-scope", find=wrong_scopes),
    Rule(key="no-teardown", cause="no-teardown", find=missing_teardown),
)
