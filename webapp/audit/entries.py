"""Where a program is entered from outside: views, hooks, tasks, commands."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from webapp.audit.kinds import Kind
from webapp.audit.modules import FUNCTIONS
from webapp.audit.shapes import called_name, constant

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from webapp.audit.meaning import Meaning
    from webapp.audit.modules import Function
    from webapp.audit.program import Program

#: Decorators with a path that make a function answer requests.
ROUTES = {"route", "get", "post", "put", "delete", "patch", "api_route", "websocket"}
HOOKS = {"before_request", "before_app_request", "after_request", "after_app_request",
         "errorhandler", "app_errorhandler", "context_processor", "app_context_processor",
         "teardown_request", "teardown_appcontext", "teardown_app_request",
         "url_value_preprocessor", "middleware", "user_loader"}  # fmt: skip
#: Hooks that run at a request's end.
ENDING = {"after_request", "after_app_request", "teardown_request", "teardown_appcontext",
          "teardown_app_request", "middleware"}  # fmt: skip
TASKS = {"task", "shared_task", "command", "job", "periodic_task", "actor", "scheduled_job"}
#: Base classes from elsewhere whose methods answer requests.
VIEWS = {"View", "MethodView", "Resource", "HTTPEndpoint", "ModelView", "BaseView"}


def entries(
    program: Program, meaning: Meaning, functions: Iterable[Function]
) -> dict[Function, str]:
    """Return the functions that are called from outside, each with its role."""
    found = {each: role for each in functions if (role := _role(each))}
    for node in program.each(ast.ClassDef):
        found |= dict.fromkeys(_answering(meaning, node), "view")
    for call in program.each(ast.Call):
        found |= _registered(meaning, call)
    return found


def _role(function: Function) -> str:
    """Return what a function's decorators make of it."""
    if isinstance(function, ast.Lambda):
        return ""
    found = (_given(called_name(each), each) for each in function.decorator_list)
    return next((role for role in found if role), "")


def _given(name: str, node: ast.expr) -> str:
    if name in ROUTES and isinstance(node, ast.Call) and _is_path(node):
        return "view"
    if name in ENDING:
        return "ending"
    if name in HOOKS:
        return "hook"
    return "task" if name in TASKS else ""


def _answering(meaning: Meaning, node: ast.ClassDef) -> Iterator[Function]:
    """Yield the methods of a class-based view."""
    bases = [called_name(base) for each in meaning.lineage(node) for base in each.bases]
    if VIEWS.intersection(bases):
        for each in node.body:
            if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef):
                yield each


def _registered(meaning: Meaning, call: ast.Call) -> dict[Function, str]:
    """Return the functions that a call registers: add_url_rule(), app.before_request(f)."""
    name = called_name(call.func)
    given = [*call.args, *(each.value for each in call.keywords)]
    if name in {"add_url_rule", "add_resource", "add_api_route"}:
        return dict.fromkeys(_functions(meaning, given), "view")
    if name == "Thread":
        return dict.fromkeys(_functions(meaning, given), "task")
    if name in HOOKS and isinstance(call.func, ast.Attribute):
        role = "ending" if name in ENDING else "hook"
        return dict.fromkeys(_functions(meaning, given), role)
    return {}


def _functions(meaning: Meaning, nodes: Iterable[ast.expr]) -> Iterator[Function]:
    for each in nodes:
        value = meaning.value(each)
        if isinstance(value.node, FUNCTIONS) and value.kind is Kind.FUNCTION:
            yield value.node


def _is_path(call: ast.Call) -> bool:
    """Return whether it is a route: `app.get("/…")`, and not `requests.get(url)`."""
    words = constant(call.args[0] if call.args else None)
    by_path = isinstance(words, str) and words[:1] in ("", "/")
    return called_name(call.func) == "route" or by_path
