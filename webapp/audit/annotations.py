"""What parameters are, by their annotations and defaults."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from webapp.audit.kinds import ANNOTATED, Kind
from webapp.audit.shapes import called_name, default
from webapp.audit.values import NOTHING, Value, known

if TYPE_CHECKING:
    from webapp.audit.meaning import Meaning
    from webapp.audit.modules import Scope


def parameter(meaning: Meaning, node: ast.arg) -> Value:
    """Return what a parameter is: its owner, what it is annotated with, or its default."""
    scope = meaning.program.scope(node)
    owner = _owner(meaning, scope, node)
    if owner is not None:
        return owner
    found = meaning.annotation(node.annotation)
    if found.kind is not Kind.UNKNOWN:
        return replace(found, given=True)
    return replace(meaning.value(default(scope.node, node)), given=True)


def _owner(meaning: Meaning, scope: Scope, node: ast.arg) -> Value | None:
    """Return the object or class that a method's first parameter is."""
    holder = scope.parent.node if scope.parent else None
    method = scope.node
    if not isinstance(holder, ast.ClassDef) or not isinstance(
        method, ast.FunctionDef | ast.AsyncFunctionDef
    ):
        return None
    first = (method.args.posonlyargs + method.args.args)[:1]
    if node not in first or any(
        called_name(each) == "staticmethod" for each in method.decorator_list
    ):
        return None
    kind = meaning.definition(holder).kind
    return Value(Kind.NEW if kind is Kind.MODEL else Kind.INSTANCE, node=holder)


def annotated(meaning: Meaning, node: ast.AST) -> Value:
    """Return what an annotation says that a value is."""
    match node:
        case ast.Constant(value=str() as words):
            return _quoted(meaning, node, words)
        case ast.BinOp():
            return known(map(meaning.annotation, (node.left, node.right)))
        case ast.Subscript():
            return _generic(meaning, node)
        case ast.Name() | ast.Attribute():
            return _instance(meaning.value(node))
    return NOTHING


def _generic(meaning: Meaning, node: ast.Subscript) -> Value:
    outer = meaning.value(node.value)
    if outer.last in {"Optional", "Annotated", "Union"}:
        inner = node.slice.elts[0] if isinstance(node.slice, ast.Tuple) else node.slice
        return meaning.annotation(inner)
    return _instance(outer)


def _quoted(meaning: Meaning, node: ast.AST, words: str) -> Value:
    name = words.split("|", maxsplit=1)[0].split("[", maxsplit=1)[0].strip()
    for each in meaning.program.scope(node).visible():
        if name in each.names:
            return _instance(known(meaning.binding(one) for one in each.names[name]))
    return NOTHING


def _instance(value: Value) -> Value:
    kinds = {Kind.MODEL: Kind.OBJECT, Kind.CLASS: Kind.INSTANCE}
    if value.kind in kinds:
        return value.turned(kinds[value.kind])
    kind = ANNOTATED.get((value.package, value.last), Kind.UNKNOWN)
    return Value(kind, given=True) if kind is not Kind.UNKNOWN else NOTHING
