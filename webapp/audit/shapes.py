"""Questions about syntax alone: what a piece of source looks like, whatever it means."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, TypeGuard

from webapp.audit.modules import FUNCTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from webapp.audit.modules import Function


def own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """Yield what a function does: not its decorators and defaults, nor what inner ones do."""
    stack: list[ast.AST] = _body(function)
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            stack.extend(reversed(list(ast.iter_child_nodes(node))))


def _body(function: ast.AST) -> list[ast.AST]:
    body = getattr(function, "body", [])
    return list(reversed(body)) if isinstance(body, list) else [body]


def default(function: ast.AST, parameter: ast.arg) -> ast.expr | None:
    """Return the default of a function's parameter."""
    return dict(defaults(function)).get(parameter) if isinstance(function, FUNCTIONS) else None


def defaults(function: Function) -> list[tuple[ast.arg, ast.expr]]:
    """Return the parameters of a function that have a default, with it."""
    args = function.args
    placed = args.posonlyargs + args.args
    found = list(zip(placed[len(placed) - len(args.defaults) :], args.defaults, strict=True))
    named = zip(args.kwonlyargs, args.kw_defaults, strict=True)
    return found + [(each, value) for each, value in named if value is not None]


def targets(node: ast.AST) -> list[ast.expr]:
    """Return what an assignment assigns to."""
    if isinstance(node, ast.Assign):
        return node.targets
    if isinstance(node, ast.AnnAssign | ast.AugAssign | ast.NamedExpr):
        return [node.target]
    return []


def empty(expr: ast.AST | None) -> bool:
    """Return whether it only says that there is nothing yet."""
    return isinstance(expr, ast.Constant) and expr.value is None


def called_name(node: ast.AST) -> str:
    """Return the last name of what is called or named: `cached` of `@cache.cached(60)`."""
    while isinstance(node, ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return str(getattr(node, "id", getattr(node, "attr", "")))


def constant(node: ast.AST | None) -> object:
    """Return what a constant is, also with a minus; None for everything else."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = constant(node.operand)
        return -value if isinstance(value, int | float) else None
    return None


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    """Return a keyword argument of a call."""
    return next((each.value for each in call.keywords if each.arg == name), None)


def root(node: ast.AST) -> ast.AST:
    """Return what a chain of attributes, calls and subscripts begins with."""
    while True:
        match node:
            case ast.Call():
                node = node.func
            case ast.Attribute() | ast.Subscript() | ast.Await():
                node = node.value
            case _:
                return node


def chain(node: ast.AST) -> Iterator[ast.Call]:
    """Yield the method calls of a chain, the last first: select().where().limit()."""
    while True:
        match node:
            case ast.Call():
                yield node
                node = node.func
            case ast.Attribute() | ast.Subscript() | ast.Await():
                node = node.value
            case _:
                return


def names(node: ast.AST) -> set[str]:
    """Return the plain names in an expression."""
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def same(left: ast.expr, right: ast.expr) -> bool:
    """Return whether two expressions are written alike."""
    return ast.dump(_loaded(left)) == ast.dump(_loaded(right))


def _loaded(node: ast.expr) -> ast.expr:
    """Return an expression as it is written where it is read."""
    if isinstance(node, ast.Attribute):
        return ast.Attribute(_loaded(node.value), node.attr, ast.Load())
    if isinstance(node, ast.Subscript):
        return ast.Subscript(_loaded(node.value), node.slice, ast.Load())
    return ast.Name(node.id, ast.Load()) if isinstance(node, ast.Name) else node


def set_on_self(node: ast.ClassDef) -> dict[str, list[ast.expr]]:
    """Return what the methods of a class assign to attributes of their object."""
    found: dict[str, list[ast.expr]] = {}
    for method in node.body:
        if not isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef) or not method.args.args:
            continue
        for each in ast.walk(method):
            for target in targets(each):
                value = getattr(each, "value", None)
                if value is not None and is_own(target, method.args.args[0].arg):
                    found.setdefault(target.attr, []).append(value)
    return found


def is_own(node: ast.AST, name: str) -> TypeGuard[ast.Attribute]:
    """Return whether it is an attribute of a name: `self.session`."""
    return (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == name
    )
