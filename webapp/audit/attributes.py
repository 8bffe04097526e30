"""What an attribute of a value is."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from webapp.audit.kinds import SQL, Kind, after
from webapp.audit.values import NOTHING, Value, known

if TYPE_CHECKING:
    from webapp.audit.meaning import Meaning


def attribute(meaning: Meaning, base: Value, attr: str) -> Value:  # noqa: PLR0911  # one a kind
    """Return an attribute of a value."""
    match base.kind:
        case Kind.OUTSIDE:
            return meaning.standing(replace(base, name=f"{base.name}.{attr}"))
        case Kind.MODULE:
            return _of_module(meaning, base, attr)
        case Kind.EXTENSION:
            return _of_extension(base, attr)
        case Kind.MODEL | Kind.BASE:
            return _of_model(meaning, base, attr)
        case Kind.CLASS | Kind.INSTANCE:
            return _of_class(meaning, base, attr)
        case Kind.REGISTRY if attr == "registry":
            return base.turned(Kind.MAKER)
    return NOTHING


def _of_module(meaning: Meaning, base: Value, attr: str) -> Value:
    if base.node is None:
        return NOTHING
    module = meaning.program.of(base.node)
    if attr in module.scope.names:
        return known(meaning.binding(each) for each in reversed(module.scope.names[attr]))
    found = meaning.program.imported(module, attr, 1) if module.path.name == "__init__.py" else None
    return Value(Kind.MODULE, node=found[0].tree) if found else NOTHING


def _of_extension(base: Value, attr: str) -> Value:
    parts = {"session": Kind.REGISTRY, "engine": Kind.ENGINE, "Model": Kind.BASE}
    if attr in parts:
        return base.turned(parts[attr])
    if after(Kind.EXTENSION, attr) is not Kind.UNKNOWN:
        return NOTHING
    return Value(Kind.OUTSIDE, f"{SQL[0]}.{attr}")


def _of_model(meaning: Meaning, base: Value, attr: str) -> Value:
    if attr == "query":
        return base.turned(Kind.QUERY)
    if attr == "__table__":
        return base.turned(Kind.TABLE)
    return _of_class(meaning, base, attr)


def _of_class(meaning: Meaning, base: Value, attr: str) -> Value:
    if not isinstance(base.node, ast.ClassDef):
        return NOTHING
    for each in lineage(meaning, base.node):
        names = meaning.program.surroundings.inner[each].names
        bound = [meaning.binding(one) for one in reversed(names.get(attr, ()))]
        set_on_self = map(meaning.value, meaning.set_on_self(each, attr))
        if (found := known([*set_on_self, *bound])).kind is not Kind.UNKNOWN:
            return found
    return NOTHING


def lineage(meaning: Meaning, node: ast.ClassDef) -> list[ast.ClassDef]:
    """Return a class and those of the program that it is derived from."""
    found = [node]
    for each in found:
        bases = [meaning.value(base).node for base in each.bases]
        found += [one for one in bases if isinstance(one, ast.ClassDef) and one not in found]
    return found


def holder(meaning: Meaning, node: ast.ClassDef, attr: str) -> ast.ClassDef:
    """Return the class, of one and its bases, that has an attribute; else the class itmeaning."""
    for each in lineage(meaning, node):
        names = meaning.program.surroundings.inner[each].names
        if attr in names or meaning.set_on_self(each, attr):
            return each
    return node
