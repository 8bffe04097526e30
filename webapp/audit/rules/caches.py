"""Caches that stand before a query, whoever keeps them."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from webapp.audit.cases import Case, Found, Rule
from webapp.audit.findings import Sure
from webapp.audit.holding import remembers
from webapp.audit.kinds import Kind
from webapp.audit.shapes import called_name, own_nodes
from webapp.audit.stores import Stores

if TYPE_CHECKING:
    from collections.abc import Iterator

    from webapp.audit.modules import Function

#: Decorators that put a cache before a function; `cached` and `memoize` of anything.
DECORATORS = {"cached", "memoize", "cache_on_arguments", "cachedmethod", "cache_page"}
#: Calls that empty a cache, or take something out of it.
EMPTYING = {"cache_clear", "clear", "delete", "delete_many", "delete_memoized",
            "delete_memoized_verhash", "invalidate", "cache_delete", "pop", "expire"}  # fmt: skip
FRAGMENT = re.compile(r"\{%-?\s*cache\b")
NAMES = {"cache", "redis", "redis_client", "memcache", "region"}
CURE = ("Take the cache away; a page of the ledger costs one indexed statement. If it must stay,"
        " key it by something that every writer changes in the same transaction.")  # fmt: skip


def cached_functions(case: Case) -> Iterator[Found]:
    """Find functions that read the database behind a cache's decorator."""
    for function in case.calling.functions:
        for node, name in _caching(function):
            if not _is_cache(case, node, name):
                continue
            called = node.func if isinstance(node, ast.Call) else node
            emptied = isinstance(called, ast.Attribute) and _emptied(case, called.value)
            reads = case.calling.reads(function)
            if reads:
                sure = Sure.LIKELY if emptied else Sure.CERTAIN
                why = f"`@{name}` answers from memory what the database may have changed"
                yield Found(node, sure, _but(why, emptied=emptied), CURE)
            elif function in case.calling.entries:
                why = f"`@{name}` keeps an answer; does it show data?"
                yield Found(node, Sure.LOOK, why, CURE)


def _but(why: str, *, emptied: bool) -> str:
    return f"{why}; only writers of this process that empty it are seen" if emptied else why


def _caching(function: Function) -> Iterator[tuple[ast.expr, str]]:
    if not isinstance(function, ast.Lambda):
        for node in function.decorator_list:
            if (name := called_name(node)) in DECORATORS:
                yield node, name


def _is_cache(case: Case, node: ast.expr, name: str) -> bool:
    """Return whether a decorator is a cache's, and not a function of the program so called."""
    called = node.func if isinstance(node, ast.Call) else node
    if case.called(called) is not None:
        return False
    if isinstance(called, ast.Name):
        return case.outside(called)[0] not in ("", "builtins")
    base = called.value if isinstance(called, ast.Attribute) else None
    return name in DECORATORS and case.kind(base) in (
        Kind.CACHE, Kind.UNKNOWN, Kind.OUTSIDE)  # fmt: skip


def _emptied(case: Case, cache: ast.expr) -> bool:
    """Return whether the program takes anything out of a cache, or of a function that keeps."""
    place = case.calling.place(cache)
    for use in case.calling.uses(place) if place else []:
        above = case.program.parent(use)
        if isinstance(above, ast.Attribute) and above.attr in EMPTYING:
            return True
    return False


def remembered_functions(case: Case) -> Iterator[Found]:
    """Find functions that read the database behind functools.cache."""
    for function in case.calling.functions:
        name = remembers(function)
        if not name or isinstance(function, ast.Lambda) or not case.calling.reads(function):
            continue
        node = next(each for each in function.decorator_list if called_name(each) == name)
        emptied = _is_emptied(case, function)
        sure = _sure(case, function, name, emptied=emptied)
        if not _of_functools(case, node) or sure is None:
            continue
        why = f"`@{name}` keeps what `{function.name}` read, for as long as the process lives"
        yield Found(node, sure, _but(why, emptied=emptied), CURE)


def _is_emptied(case: Case, function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Return whether somebody calls cache_clear() of a function."""
    scope = case.program.scope(function)
    return any(
        isinstance(above, ast.Attribute) and above.attr == "cache_clear"
        for use in case.calling.uses((scope, function.name))
        if (above := case.program.parent(use))
    )


def _of_functools(case: Case, node: ast.expr) -> bool:
    called = node.func if isinstance(node, ast.Call) else node
    package, _ = case.outside(called)
    return package in {"functools", "werkzeug", "django"}


def _sure(case: Case, function: Function, name: str, *, emptied: bool) -> Sure | None:
    """Return how sure it is; a property kept by an object is old only if the object lives on."""
    holder = case.program.parent(function)
    if name == "cached_property":
        lasting = isinstance(holder, ast.ClassDef) and holder in case.holding.lasting
        return Sure.CERTAIN if lasting else None
    if emptied or function not in case.calling.viewed:
        return Sure.LIKELY
    return Sure.CERTAIN


def hand_made_caches(case: Case) -> Iterator[Found]:
    """Find dicts that are filled from the database, one key at a time."""
    stores = Stores(case)
    for store in stores.all:
        if not (store.keyed and store.guarded and store.kind is Kind.UNKNOWN):
            continue
        if stores.from_database(store.value):
            cleared = stores.cleared(store.place)
            certain = case.viewed(store.node) and not cleared
            why = f"{store.words} is a cache by hand: what a key has once read, it keeps"
            yield Found(store.node, Sure.CERTAIN if certain else Sure.LIKELY,
                        _but(why, emptied=cleared), CURE)  # fmt: skip


def kept_elsewhere(case: Case) -> Iterator[Found]:
    """Find cache.get() and cache.set() around a query."""
    for function in case.calling.functions:
        if not case.calling.reads(function):
            continue
        asked = _asked(case, function, {"get", "get_many", "get_or_create", "hget"})
        put = _asked(case, function, {"set", "setex", "add", "get_or_create", "hset", "set_many"})
        if asked and put:
            why = "what was read is kept in a cache, and asked for there first"
            yield Found(put[0], Sure.LIKELY, why, CURE)


def _asked(case: Case, function: Function, methods: set[str]) -> list[ast.Call]:
    """Return a function's calls of these methods of a cache."""
    return [
        node
        for node in own_nodes(function)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in methods
        and _stands_for_cache(case, node.func.value)
    ]


def _stands_for_cache(case: Case, node: ast.expr) -> bool:
    kind = case.kind(node)
    return kind is Kind.CACHE or (
        kind in (Kind.UNKNOWN, Kind.OUTSIDE) and called_name(node).lower() in NAMES
    )


def cached_fragments(case: Case) -> Iterator[Found]:
    """Find parts of templates that are cached, whatever rows they are given."""
    why = "this part of the template is drawn once and kept, whatever rows it is given"
    for node in case.program.each(ast.Constant):
        if isinstance(node.value, str) and FRAGMENT.search(node.value) and _drawn(case, node):
            yield Found(node, Sure.LIKELY, why, CURE)
    for path, words in case.program.texts(case.program.templates):
        for number, line in enumerate(words.splitlines(), 1):
            if FRAGMENT.search(line):
                yield Found((path, number, line), Sure.LIKELY, why, CURE)


def _drawn(case: Case, node: ast.AST) -> bool:
    """Return whether a text is a template, not a pattern or a sentence about one."""
    statement = case.program.statement(node)
    return isinstance(statement, ast.Assign | ast.AnnAssign | ast.Return) and "endcache" in str(
        getattr(node, "value", "")
    )


RULES = (
    Rule(key="cached-function", cause="cache", find=cached_functions),
    Rule(key="remembered-function", cause="cache", find=remembered_functions),
    Rule(key="hand-made-cache", cause="cache", find=hand_made_caches),
    Rule(key="cache-around-query", cause="cache", find=kept_elsewhere),
    Rule(key="cached-fragment", cause="cache", find=cached_fragments),
)
