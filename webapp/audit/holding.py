"""What outlives the request: names of modules and classes, defaults, singletons, closures."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from webapp.audit.kinds import Kind
from webapp.audit.modules import FUNCTIONS
from webapp.audit.shapes import called_name, defaults, names, own_nodes, root, targets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from webapp.audit.calling import Calling, Place
    from webapp.audit.meaning import Meaning
    from webapp.audit.modules import Binding, Function
    from webapp.audit.program import Program
    from webapp.audit.values import Value

#: Decorators that keep what a function returns.
MEMORY = {"lru_cache", "cache", "cached_property"}
CONTAINERS = (ast.List, ast.Tuple, ast.Set, ast.Dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Something that was made once and is there for every request."""

    expr: ast.expr  # what made it
    value: Value
    words: str  # what holds it
    users: frozenset[Function]  # who reads it
    place: Place | None = None


@dataclass(eq=False)
class Holding:
    """What a program holds for longer than a request."""

    program: Program
    meaning: Meaning
    calling: Calling

    @cached_property
    def held(self) -> tuple[Held, ...]:
        """Everything that is held and whose kind is known."""
        return tuple(
            each
            for each in (
                *self._names(), *self._defaults(), *self._attributes(), *self._arguments(),
                *self._closures(), *self._remembered(), *self._stored(),
            )
            if each.value.kind is not Kind.UNKNOWN
        )  # fmt: skip

    def _hold(self, expr: ast.expr, words: str, users: set[Function],
              place: Place | None = None) -> Iterator[Held]:  # fmt: skip
        for part in _parts(expr):
            if not isinstance(part, ast.Name):  # an alias: what it stands for is found itself
                yield Held(expr=part, value=self.meaning.value(part), words=words,
                           users=frozenset(users), place=place)  # fmt: skip

    # ── Ways of holding ──────────────────────────────────────────────────────────────────────

    def _names(self) -> Iterator[Held]:
        for place, binding in self._bindings():
            if binding.how == "value" and binding.expr is not None:
                if not self.program.at_import(binding.node) and not self._lazily(place, binding):
                    continue
                users = self.calling.using(place)
                yield from self._hold(binding.expr, _named(place), users, place)

    def _bindings(self) -> Iterator[tuple[Place, Binding]]:
        """Yield the bindings of names of modules and classes, by statement."""
        for kind in (ast.Module, ast.ClassDef):
            for node in self.program.each(kind):
                scope = self.program.surroundings.inner[node]
                for name, bindings in scope.names.items():
                    yield from (((scope, name), each) for each in bindings)

    def _lazily(self, place: Place, binding: Binding) -> bool:
        """Return whether a function makes a global's value, at the first call only."""
        return self.program.function(binding.node) is not None and self.guarded(
            binding.node, place[1]
        )

    def _defaults(self) -> Iterator[Held]:
        for function in self.calling.functions:
            for parameter, expr in defaults(function):
                at_import = self.program.at_import(function) or not self._served(function)
                if at_import:
                    words = f"the default argument `{parameter.arg}`"
                    yield from self._hold(expr, words, {function})

    def _served(self, function: Function) -> bool:
        around = self.program.function(function)
        return around in self.calling.served

    @cached_property
    def lasting(self) -> dict[ast.ClassDef, set[Function]]:
        """The classes of which an object lives as long as the process, and who uses it."""
        found: dict[ast.ClassDef, set[Function]] = {}
        for held in (*self._names(), *self._defaults(), *self._closures(), *self._remembered(),
                     *self._stored()):  # fmt: skip
            self._last(found, held.value, set(held.users))
        waiting = list(found)
        while waiting:
            node = waiting.pop()
            for exprs in self.meaning.attributes(node).values():
                for value in map(self.meaning.value, exprs):
                    if value.kind is Kind.INSTANCE and value.node not in found:
                        self._last(found, value, found[node])
                        waiting += [each for each in [value.node] if isinstance(each, ast.ClassDef)]
        return found

    def _last(self, found: dict[ast.ClassDef, set[Function]], value: Value,
              users: set[Function]) -> None:  # fmt: skip
        if value.kind is Kind.INSTANCE and isinstance(value.node, ast.ClassDef):
            for each in self.meaning.lineage(value.node):
                found.setdefault(each, set()).update(users)

    def _attributes(self) -> Iterator[Held]:
        for node, users in self.lasting.items():
            scope = self.program.surroundings.inner[node]
            for attr, exprs in self.meaning.attributes(node).items():
                place = (scope, attr)
                for expr in exprs:
                    words = f"the attribute `{attr}` of an object that is made once"
                    yield from self._hold(expr, words, self.calling.using(place) | users, place)

    def _arguments(self) -> Iterator[Held]:
        """Yield what is handed to objects of the program that are made at import."""
        for call in self.program.each(ast.Call):
            made = self.meaning.value(call)
            if made.kind is not Kind.INSTANCE or not isinstance(made.node, ast.ClassDef):
                continue
            if self.program.at_import(call) and made.node in self.lasting:
                for expr in (*call.args, *(each.value for each in call.keywords)):
                    words = f"an object of {made.node.name} that is made at import"
                    users = self.lasting[made.node] | self._methods(made.node)
                    yield from self._hold(expr, words, users)

    def _methods(self, node: ast.ClassDef) -> set[Function]:
        return {each for each in node.body if isinstance(each, FUNCTIONS)}

    def _closures(self) -> Iterator[Held]:
        """Yield what a factory's inner views see of its locals."""
        for function in self.calling.functions:
            if function in self.calling.served:
                continue
            scope = self.program.surroundings.inner[function]
            for name, bindings in scope.names.items():
                users = self.calling.using((scope, name)) - {function}
                if not users & self.calling.served:
                    continue
                for each in bindings:
                    if each.how == "value" and each.expr is not None:
                        words = f"`{name}` of the function that makes the views"
                        yield from self._hold(each.expr, words, users, (scope, name))

    def _remembered(self) -> Iterator[Held]:
        for function in self.calling.functions:
            if remembers(function) and not isinstance(function, ast.Lambda):
                for node in own_nodes(function):
                    if isinstance(node, ast.Return) and node.value is not None:
                        users = self.calling.callers.get(function, set()) | {function}
                        yield from self._hold(node.value, f"`@{remembers(function)}`", users)

    def _stored(self) -> Iterator[Held]:
        """Yield what is put on the application: app.repository = …, app.extensions["x"] = … ."""
        for node in self.program.each(ast.Assign):
            for target in targets(node):
                if isinstance(target, ast.Name) or self.program.function(node) in (
                    self.calling.served
                ):
                    continue
                if self.meaning.kind(root(target)) is Kind.APP:
                    yield from self._hold(node.value, "the application", set(self.calling.viewed))

    # ── Guards ───────────────────────────────────────────────────────────────────────────────

    def guarded(self, node: ast.AST, name: str) -> bool:
        """Return whether something happens only as long as a name holds nothing yet."""
        for each in self.program.around(node):
            if isinstance(each, ast.If | ast.IfExp | ast.While) and name in mentioned(each.test):
                return True
            if isinstance(each, ast.ExceptHandler) and _absence(each):
                return True
            if isinstance(each, FUNCTIONS):
                return any(_returns_early(one, name, node) for one in own_nodes(each))
        return False


def remembers(function: Function) -> str:
    """Return the decorator of functools that keeps what a function returns, else ""."""
    if isinstance(function, ast.Lambda):
        return ""
    found = (called_name(each) for each in function.decorator_list)
    return next((name for name in found if name in MEMORY), "")


def mentioned(node: ast.AST) -> set[str]:
    """Return the names and attributes in an expression."""
    found = {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)}
    return found | names(node)


def _absence(handler: ast.ExceptHandler) -> bool:
    """Return whether a handler is for what is not there yet."""
    caught = mentioned(handler.type) if handler.type else set()
    return bool(caught & {"KeyError", "AttributeError", "NameError", "LookupError"})


def _returns_early(node: ast.AST, name: str, before: ast.AST) -> bool:
    return (
        isinstance(node, ast.If)
        and name in mentioned(node.test)
        and node.lineno < getattr(before, "lineno", 0)
        and any(isinstance(each, ast.Return) for each in node.body)
    )


def _parts(expr: ast.expr) -> Iterator[ast.expr]:
    """Yield an expression, or what stands in it if it is a list, a tuple, a set or a dict."""
    if isinstance(expr, CONTAINERS):
        elements = expr.values if isinstance(expr, ast.Dict) else expr.elts
        for each in elements:
            yield from _parts(each)
    else:
        yield expr


def _named(place: Place) -> str:
    scope, name = place
    if isinstance(scope.node, ast.ClassDef):
        return f"the class attribute `{scope.node.name}.{name}`"
    return f"the module's name `{name}`"
