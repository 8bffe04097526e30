"""Changes that the identity map does not notice."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from webapp.audit.calling import commits_here
from webapp.audit.cases import Case, Found, Rule
from webapp.audit.findings import Sure
from webapp.audit.kinds import Kind
from webapp.audit.models import columns
from webapp.audit.modules import position
from webapp.audit.shapes import called_name, constant, keyword, own_nodes, same, targets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from webapp.audit.modules import Function

EDITS = {"add", "append", "clear", "discard", "extend", "insert", "pop", "popitem", "remove",
         "reverse", "setdefault", "sort", "update"}  # fmt: skip
NOTICED = {"flag_modified", "changed"}
CURE = (
    "Declare MutableList.as_mutable(JSON) or MutableDict.as_mutable(JSON), or assign a new value."
)


def edits_in_place(case: Case) -> Iterator[Found]:
    """Find JSON values of rows that are edited in place."""
    if any(called_name(each.func) == "associate_with" for each in case.program.each(ast.Call)):
        return  # every column of a type is tracked
    for function in case.calling.functions:
        nodes = list(own_nodes(function))
        if any(isinstance(each, ast.Call) and called_name(each.func) in NOTICED for each in nodes):
            continue
        for node in nodes:
            for edited in _edited(node):
                yield from _unnoticed(case, nodes, node, edited)


def _edited(node: ast.AST) -> Iterator[ast.Attribute]:
    """Yield the attributes that a node edits in place: row.labels of row.labels.append(x)."""
    places: list[ast.expr] = []
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        places = [node.func.value] if node.func.attr in EDITS else []
    elif isinstance(node, ast.Assign | ast.AugAssign | ast.Delete):
        found = node.targets if isinstance(node, ast.Delete) else targets(node)
        places = [each.value for each in found if isinstance(each, ast.Subscript)]
    for each in places:
        inner = each
        while isinstance(inner, ast.Subscript):
            inner = inner.value
        if isinstance(inner, ast.Attribute):
            yield inner


def _unnoticed(
    case: Case, nodes: list[ast.AST], node: ast.AST, edited: ast.Attribute
) -> Iterator[Found]:
    assigned = [target for each in nodes for target in targets(each)]
    if any(isinstance(each, ast.Attribute) and same(each, edited) for each in assigned):
        return
    row = case.value(edited.value)
    if row.kind is Kind.OBJECT:
        found = columns(case, row.node).get(edited.attr)
        if found is not None and found.editable:
            why = f"`{edited.attr}` is edited in place: no UPDATE is sent for it"
            meant = any(map(commits_here, nodes)) and not row.given and not _for_display(node)
            yield Found(node, Sure.CERTAIN if meant else Sure.LIKELY, why, CURE)
    elif row.kind is Kind.UNKNOWN and edited.attr in _editable_names(case):
        why = f"if this `{edited.attr}` is the column's, no UPDATE is sent for it"
        yield Found(node, Sure.LOOK, why, CURE)


def _for_display(node: ast.AST) -> bool:
    """Return whether an edit only brings values into an order, perhaps to show them."""
    return isinstance(node, ast.Call) and called_name(node.func) in {"sort", "reverse"}


def _editable_names(case: Case) -> set[str]:
    """Return the names of columns that can be edited in place, and are nothing else elsewhere."""
    every = [
        each
        for node in case.program.each(ast.ClassDef)
        if case.meaning.definition(node).kind is Kind.MODEL
        for each in columns(case, node).values()
    ]
    return {each.name for each in every if each.editable} - {
        each.name for each in every if not each.editable
    }


# ── Changes behind the session's back ────────────────────────────────────────────────────────

CHANGE = re.compile(r"^\s*(?:UPDATE|DELETE)\b", re.IGNORECASE)
TOLD = {"commit", "expire", "expire_all", "refresh", "rollback", "expunge_all", "populate_existing"}


def untold_updates(case: Case) -> Iterator[Found]:
    """Find UPDATEs of which the session is not told."""
    for call in case.program.each(ast.Call):
        function = case.function(call)
        if function is None or not isinstance(call.func, ast.Attribute):
            continue
        untold, by_text = _untold(call), _by_text(case, call)
        if not untold and not by_text:
            continue
        if _loaded_around(case, function, call):
            why = "objects that are loaded here keep their old values after this change"
            yield Found(call, Sure.LIKELY, why)
        elif untold:
            why = "what this session has loaded is not told of the change until the commit"
            yield Found(call, Sure.LOOK, why)


def _untold(call: ast.Call) -> bool:
    """Return whether a call says synchronize_session=False."""
    given = keyword(call, "synchronize_session")
    if given is not None:
        return constant(given) is False
    options = keyword(call, "execution_options")
    if not isinstance(options, ast.Dict):
        return False
    pairs = zip(options.keys, options.values, strict=True)
    return any(constant(k) == "synchronize_session" and constant(v) is False for k, v in pairs)


def _by_text(case: Case, call: ast.Call) -> bool:
    """Return whether a session executes an UPDATE or DELETE that is text."""
    if called_name(call.func) != "execute" or not call.args or not isinstance(
        call.func, ast.Attribute
    ):  # fmt: skip
        return False
    if case.kind(call.func.value) not in (Kind.SESSION, Kind.REGISTRY):
        return False
    inner = call.args[0]
    words = inner.args[0] if isinstance(inner, ast.Call) and inner.args else inner
    return bool(CHANGE.match(str(case.constant(words) or "")))


def _loaded_around(case: Case, function: Function, call: ast.Call) -> bool:
    """Return whether objects loaded before a change are read after it, and nothing told them."""
    nodes = list(own_nodes(function))
    after = [each for each in nodes if position(each) > position(call)]
    told = [position(each) for each in after
            if isinstance(each, ast.Call) and called_name(each.func) in TOLD]  # fmt: skip
    limit = min(told, default=(10**9, 0))
    inside = set(ast.walk(call))
    for each in after:
        if isinstance(each, ast.Name) and each not in inside and position(each) < limit:
            bound = case.program.scope(each).names.get(each.id, [])
            loaded = case.kind(each) in (Kind.OBJECT, Kind.ROWS)
            if loaded and bound and all(position(one.node) < position(call) for one in bound):
                return True
    return False


def untouched_relations(case: Case) -> Iterator[Found]:
    """Find foreign keys that are set while the relationship is read after it."""
    for function in case.calling.functions:
        nodes = list(own_nodes(function))
        for node in nodes:
            for target in targets(node):
                if isinstance(target, ast.Attribute) and target.attr.endswith("_id"):
                    yield from _read_after(case, nodes, node, target)


def _read_after(
    case: Case, nodes: list[ast.AST], node: ast.AST, target: ast.Attribute
) -> Iterator[Found]:
    row = case.value(target.value)
    relation = target.attr.removesuffix("_id")
    known = columns(case, row.node)
    if row.kind is not Kind.OBJECT or not (relation in known and known[relation].relation):
        return
    told = [position(each) for each in nodes if isinstance(each, ast.Call)
            and called_name(each.func) in TOLD and position(each) > position(node)]  # fmt: skip
    read = [position(each) for each in nodes if isinstance(each, ast.Attribute)
            and each.attr == relation and same(each.value, target.value)
            and isinstance(each.ctx, ast.Load)]  # fmt: skip
    later = [each for each in read if position(node) < each < min(told, default=(10**9, 0))]
    if later:
        why = f"`{relation}` goes on being what it was until it is expired or committed"
        yield Found(node, Sure.LIKELY, why, f"Assign the object: `.{relation} = …`.")


RULES = (
    Rule(key="json-in-place", cause="json-in-place", find=edits_in_place),
    Rule(key="untold-update", cause="core-update", find=untold_updates),
    Rule(key="untouched-relation", cause="core-update", find=untouched_relations),
)
