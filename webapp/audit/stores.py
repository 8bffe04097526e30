"""What functions put where it outlives them: globals, classes, the user's session."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from webapp.audit.holding import CONTAINERS
from webapp.audit.kinds import DATA, Kind
from webapp.audit.meaning import LISTED
from webapp.audit.modules import FUNCTIONS
from webapp.audit.shapes import called_name, names, root, targets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from webapp.audit.calling import Place
    from webapp.audit.cases import Case

#: Methods of lists, sets and dicts that put something into them.
PUTS = {"add", "append", "appendleft", "extend", "insert", "setdefault", "update"}
CLEARING = {"clear", "pop", "popitem", "remove", "discard"}
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """A value put into something that lives on."""

    node: ast.AST
    value: ast.expr
    name: str  # of what holds it
    kind: Kind  # BROWSER, LOCAL, APP, … of what holds it
    words: str
    keyed: bool  # under a key that varies
    guarded: bool  # only if there is nothing yet
    place: Place | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What holds a stored value."""

    name: str
    kind: Kind
    words: str
    place: Place | None = None


@dataclass(eq=False)
class Stores:
    """The stores of a program's functions."""

    case: Case

    @cached_property
    def all(self) -> tuple[Store, ...]:
        """Return every store of a function into what outlives it."""
        return (*self._assigned(), *self._put())

    def _assigned(self) -> Iterator[Store]:
        for kind in (ast.Assign, ast.AnnAssign, ast.AugAssign):
            for node in self.case.program.each(kind):
                value = getattr(node, "value", None)
                if value is None or self.case.function(node) is None:
                    continue
                for target in targets(node):
                    if found := self._target(target):
                        keyed = isinstance(target, ast.Subscript) and not isinstance(
                            target.slice, ast.Slice | ast.Constant
                        )
                        yield self._store(node, value, found, keyed=keyed)

    def _put(self) -> Iterator[Store]:
        for call in self.case.program.each(ast.Call):
            if not isinstance(call.func, ast.Attribute) or call.func.attr not in PUTS:
                continue
            if not call.args or self.case.function(call) is None:
                continue
            if found := self._holder(call.func.value):
                keyed = call.func.attr == "setdefault"
                yield self._store(call, call.args[-1], found, keyed=keyed)

    def _store(self, node: ast.AST, value: ast.expr, target: Target, *, keyed: bool) -> Store:
        guarded = keyed and isinstance(node, ast.Call)  # setdefault()
        guarded = guarded or self.case.holding.guarded(node, target.name)
        return Store(node=node, value=value, name=target.name, kind=target.kind,
                     words=target.words, keyed=keyed, guarded=guarded,
                     place=target.place)  # fmt: skip

    def _target(self, target: ast.expr) -> Target | None:
        """Return what an assignment in a function puts its value into."""
        if isinstance(target, ast.Subscript):
            return self._holder(target.value)
        if isinstance(target, ast.Attribute):
            return self._attribute(target)
        if isinstance(target, ast.Name):
            scope = self.case.program.scope(target)
            if target.id in scope.outer:
                return self._name(target)
        return None

    def _holder(self, node: ast.expr) -> Target | None:
        """Return what a container is, if it outlives the function."""
        if any(isinstance(each, ast.Call) for each in ast.walk(node)):
            return None
        if self.case.kind(node) in (Kind.BROWSER, Kind.CACHE):
            kind = self.case.kind(node)
            return Target(name=_name_of(node), kind=kind, words="the user's session")
        if isinstance(node, ast.Name):
            return self._name(node)
        if isinstance(node, ast.Attribute):
            return self._attribute(node)
        return self._holder(node.value) if isinstance(node, ast.Subscript) else None

    def _name(self, node: ast.Name) -> Target | None:
        place = self.case.calling.place(node)
        if place is None or not self._lives(place, node):
            return None
        kind = self.case.kind(node)
        if kind not in (Kind.UNKNOWN, Kind.LOCAL, *DATA):
            return None
        return Target(name=node.id, kind=kind, words=f"the global `{node.id}`", place=place)

    def _lives(self, place: Place, node: ast.AST) -> bool:
        """Return whether a name is a module's, or a factory's that its views use."""
        scope, name = place
        if isinstance(scope.node, ast.Module):
            return any(each.how in ("value", "annotation") for each in scope.names.get(name, ()))
        own = self.case.function(node)
        factory = scope.node
        return (
            isinstance(factory, FUNCTIONS)
            and factory is not own
            and factory not in self.case.calling.served
            and own in self.case.calling.served
        )

    def _attribute(self, node: ast.Attribute) -> Target | None:
        base = self.case.value(node.value)
        place = self.case.calling.place(node)
        if base.kind in (Kind.APP, Kind.LOCAL):
            whose = "the application" if base.kind is Kind.APP else "the thread"
            return Target(name=node.attr, kind=base.kind, words=f"`{node.attr}` of {whose}")
        if base.kind is Kind.MODULE:
            return Target(name=node.attr, kind=Kind.UNKNOWN, words=f"the global `{node.attr}`",
                          place=place)  # fmt: skip
        lasting = base.kind is Kind.INSTANCE and base.node in self.case.holding.lasting
        if base.kind is Kind.CLASS or lasting:
            words = f"the attribute `{node.attr}` of a class or of an object that is made once"
            return Target(name=node.attr, kind=Kind.UNKNOWN, words=words, place=place)
        if isinstance(node.value, ast.Attribute):  # app.config.x, app.extensions
            return self._holder(node.value)
        return None

    # ── What is stored ───────────────────────────────────────────────────────────────────────

    def carries(self, expr: ast.AST | None, *, looped: bool = False) -> bool:
        """Return whether an expression is, or contains, rows or objects."""
        kind = self.case.kind(expr)
        if kind in DATA or (looped and kind is Kind.QUERY):
            return True
        if isinstance(expr, CONTAINERS):
            parts = expr.values if isinstance(expr, ast.Dict) else expr.elts
            return any(map(self.carries, parts))
        if isinstance(expr, COMPREHENSIONS):
            return self.carries(expr.generators[0].iter, looped=True)
        if isinstance(expr, ast.Call):
            return self._handed_on(expr)
        return False

    def _handed_on(self, call: ast.Call) -> bool:
        """Return whether a function is given rows that its result may contain."""
        builtin = self.case.outside(call.func) if call.args else ("", "")
        listed = builtin[0] == "builtins" and builtin[1] in LISTED
        ours = self.case.called(call.func) is not None
        return (listed or ours) and any(self.carries(each, looped=True) for each in call.args)

    def from_database(self, expr: ast.AST, depth: int = 3) -> bool:
        """Return whether an expression is what the database was asked for."""
        if self.carries(expr, looped=True) or self.case.calling.reads_in(expr):
            return True
        if not isinstance(expr, ast.Name) or not depth:
            return False
        bound = self.case.program.scope(expr).names.get(expr.id, [])
        return any(self.from_database(each.expr, depth - 1) for each in bound if each.expr)

    def cleared(self, place: Place | None) -> bool:
        """Return whether somebody takes things out again."""
        if place is None:
            return False
        for use in self.case.calling.uses(place):
            above = self.case.program.parent(use)
            if isinstance(above, ast.Attribute) and above.attr in CLEARING:
                return True
            if isinstance(above, ast.Subscript) and isinstance(above.ctx, ast.Del):
                return True
        return False


def _name_of(node: ast.AST) -> str:
    return called_name(node) or next(iter(names(root(node))), "")
