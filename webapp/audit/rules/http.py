"""Answers that a browser or a proxy may keep, and ETags that do not see every change."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from webapp.audit.cases import Case, Found, Rule
from webapp.audit.findings import Sure
from webapp.audit.kinds import Kind
from webapp.audit.modules import FUNCTIONS
from webapp.audit.shapes import called_name, constant, names, own_nodes, targets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from webapp.audit.modules import Function

AGE = re.compile(r"(?:max-age|s-maxage)\s*=\s*(\d+)")
NEVER = re.compile(r"no-store|no-cache")
AGES = {"max_age", "s_maxage"}
GUARDS = {"no_store", "no_cache"}


def kept_answers(case: Case) -> Iterator[Found]:
    """Find pages of data that may be kept by whoever got them."""
    for node, function, age in _ages(case):
        if age == 0 or _is_guarded(function):
            continue
        if case.calling.entries.get(function) == "ending":
            if not _conditional(case, node):
                why = "every answer may be kept for a while, pages of data too"
                yield Found(node, Sure.LIKELY, why)
        elif case.calling.reads(function) and function in case.calling.viewed:
            why = "whoever got this page may show it again without asking"
            yield Found(node, _surely(function, age), why)


def _surely(function: Function, age: int | None) -> Sure:
    """Return how sure it is that an answer with an age is a page of data, and no file."""
    calls = {called_name(each.func) for each in own_nodes(function) if isinstance(each, ast.Call)}
    if calls & {"send_file", "send_from_directory"}:
        return Sure.LOOK
    return Sure.LIKELY if age is None else Sure.CERTAIN


def _ages(case: Case) -> Iterator[tuple[ast.AST, Function, int | None]]:
    """Yield what lets an answer be kept, with its function and for how long; None: unknown."""
    for function in case.calling.functions:
        for node in own_nodes(function):
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                for target in targets(node):
                    if (age := _assigned(case, target, node.value)) != 0:
                        yield node, function, age
            elif isinstance(node, ast.Dict):
                yield from ((each, function, age) for each, age in _headers(case, node))
            elif isinstance(node, ast.Call) and (value := _header_set(node)):
                yield node, function, _age_of(case, value)


def _header_set(call: ast.Call) -> ast.expr | None:
    """Return what `headers.set("Cache-Control", …)` sets."""
    if called_name(call.func) not in {"setdefault", "set", "add"} or len(call.args) < 2:  # noqa: PLR2004  # name and value
        return None
    return call.args[1] if str(constant(call.args[0])).lower() == "cache-control" else None


def _assigned(case: Case, target: ast.expr, value: ast.expr) -> int | None:
    """Return for how long an assignment lets an answer be kept; 0 if it does not."""
    if isinstance(target, ast.Attribute) and called_name(target.value) == "cache_control":
        return _seconds(case, value) if target.attr in AGES else 0
    if isinstance(target, ast.Attribute) and target.attr == "expires":
        return 0 if constant(value) in (0, -1, None) and isinstance(value, ast.Constant) else None
    if isinstance(target, ast.Subscript) and str(constant(target.slice)).lower() == "cache-control":
        return _age_of(case, value)
    return 0


def _seconds(case: Case, value: ast.expr) -> int | None:
    """Return a number of seconds, from a constant or the default of a setting."""
    found = case.constant(value)
    if found is None and isinstance(value, ast.Constant):
        return 0
    if isinstance(found, int):
        return found
    bound = _bound(case, value)
    texts = [each.value for each in ast.walk(bound) if isinstance(each, ast.Constant)]
    figures = [int(each) for each in map(str, texts) if each.isdecimal()]
    return figures[-1] if figures and isinstance(bound, ast.Call | ast.BinOp) else None


def _bound(case: Case, value: ast.expr) -> ast.expr:
    """Return what a name is bound to, if once."""
    if isinstance(value, ast.Name):
        for scope in case.program.scope(value).visible():
            bound = scope.names.get(value.id, [])
            if len(bound) == 1 and bound[0].expr is not None:
                return bound[0].expr
    return value


def _headers(case: Case, node: ast.Dict) -> Iterator[tuple[ast.AST, int | None]]:
    for key, value in zip(node.keys, node.values, strict=True):
        if str(constant(key)).lower() == "cache-control":
            yield value, _age_of(case, value)


def _age_of(case: Case, value: ast.expr) -> int | None:
    """Return the age in a header's words."""
    words = case.constant(value)
    if isinstance(value, ast.JoinedStr):
        parts = [str(each.value) for each in value.values if isinstance(each, ast.Constant)]
        return None if "max-age" in "".join(parts) and not NEVER.search("".join(parts)) else 0
    if not isinstance(words, str):
        return 0
    found = AGE.search(words)
    return int(found[1]) if found and not NEVER.search(words) else 0


def _is_guarded(function: Function) -> bool:
    """Return whether a function also says that nothing is to be kept, or to be asked for first."""
    for node in own_nodes(function):
        for target in targets(node):
            if isinstance(target, ast.Attribute) and target.attr in GUARDS:
                return constant(getattr(node, "value", None)) is not False
    return False


def _conditional(case: Case, node: ast.AST) -> bool:
    for each in case.program.around(node):
        if isinstance(each, ast.If):
            return True
        if isinstance(each, FUNCTIONS):
            return any(isinstance(one, ast.If) and any(isinstance(x, ast.Return) for x in one.body)
                       for one in own_nodes(each))  # fmt: skip
    return False


# ── ETags ────────────────────────────────────────────────────────────────────────────────────

COUNTS = {"count", "len"}
HIGHEST = {"max", "min"}
CHANGING = ("changed", "modified", "revision", "stamp", "updated", "version", "xmin")
HASHES = {"md5", "sha1", "sha256", "sha512", "blake2b", "generate_etag", "crc32", "add_etags"}


def blind_etags(case: Case) -> Iterator[Found]:
    """Find ETags that are not made of everything that is shown."""
    for function in case.calling.functions:
        if function not in case.calling.viewed or not case.calling.reads(function):
            continue
        for node, tag in _etags(function):
            seen = _made_of(case, tag)
            if _hashes(seen):
                continue
            if _counts_only(case, seen):
                why = "the ETag counts rows or knows the highest id: no edit of a row changes it"
                yield Found(node, Sure.CERTAIN, why)
            else:
                why = "does this ETag change with every row, name and label that the page shows?"
                yield Found(node, Sure.LOOK, why)


def _etags(function: Function) -> Iterator[tuple[ast.AST, ast.expr]]:
    for node in own_nodes(function):
        if isinstance(node, ast.Call) and called_name(node.func) == "set_etag" and node.args:
            yield node, node.args[0]
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Subscript) and str(
                    constant(target.slice)
                ).lower() == "etag":  # fmt: skip
                    yield node, node.value


def _made_of(case: Case, tag: ast.expr, depth: int = 3) -> list[ast.AST]:
    """Return the nodes that an expression is made of, names followed within the function."""
    found = list(ast.walk(tag))
    for node in list(found):
        if isinstance(node, ast.Name) and depth:
            for each in case.program.scope(node).names.get(node.id, []):
                if each.expr is not None and each.how in ("value", "part"):
                    found += _made_of(case, each.expr, depth - 1)
    return found


def _hashes(nodes: list[ast.AST]) -> bool:
    return any(isinstance(each, ast.Call) and called_name(each.func) in HASHES for each in nodes)


def _counts_only(case: Case, nodes: list[ast.AST]) -> bool:
    """Return whether a tag is made of counts and of highest ids alone."""
    calls = [each for each in nodes if isinstance(each, ast.Call)]
    counts = [each for each in calls if called_name(each.func) in COUNTS]
    highest = [each for each in calls if called_name(each.func) in HIGHEST]
    if not counts and not highest:
        return False
    if any(not (names(each) and _is_id(each)) for each in highest) or _versioned(nodes):
        return False
    inside = {one for each in (*counts, *highest) for one in ast.walk(each)}
    loose = [each for each in nodes if isinstance(each, ast.Attribute) and each not in inside]
    return not any(case.kind(each.value) in (Kind.MODEL, Kind.OBJECT) for each in loose)


def _versioned(nodes: list[ast.AST]) -> bool:
    """Return whether something that may change with every edit is among the nodes."""
    words = [str(getattr(each, "attr", getattr(each, "id", ""))).lower() for each in nodes]
    return any(part in word for word in words for part in CHANGING)


def _is_id(call: ast.Call) -> bool:
    attributes = [each.attr for each in ast.walk(call) if isinstance(each, ast.Attribute)]
    return bool({"id", "pk"} & set(attributes))


RULES = (
    Rule(key="http-cache", cause="http-cache", find=kept_answers),
    Rule(key="blind-etag", cause="blind-etag", find=blind_etags),
)
