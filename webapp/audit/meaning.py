"""What an expression is: a session, a query, a row, a function of the program.

Names are followed through assignments, imports, attributes, calls and returns. What cannot be
followed is UNKNOWN, and no rule says anything about it.
"""

from __future__ import annotations

import ast
import builtins
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from webapp.audit.annotations import annotated, parameter
from webapp.audit.attributes import attribute, lineage
from webapp.audit.kinds import BASES, CALLED, DATA, STANDING, Kind, after
from webapp.audit.modules import FUNCTIONS, end, position
from webapp.audit.shapes import empty, own_nodes, set_on_self
from webapp.audit.values import NOTHING, Value, known

if TYPE_CHECKING:
    from collections.abc import Callable

    from webapp.audit.modules import Binding, Function
    from webapp.audit.program import Program

A = TypeVar("A", bound=ast.AST)
DEEPEST = 40  # expressions within expressions that are followed
#: What a name is taken for whose file is not among those that were read.
GUESSES = {"db": Kind.EXTENSION}
#: Kinds that give rows when they are looped over.
LOOPED = (*DATA, Kind.QUERY)
LISTED = {"dict", "enumerate", "frozenset", "iter", "list", "reversed", "set", "sorted", "tuple"}


@dataclass(slots=True, eq=False)
class Meaning:
    """The values of a program's expressions, worked out when asked for."""

    program: Program
    _memo: dict[tuple[ast.AST, str], Value] = field(default_factory=dict)
    _attributes: dict[ast.ClassDef, dict[str, list[ast.expr]]] = field(default_factory=dict)
    _busy: set[tuple[ast.AST, str]] = field(default_factory=set)

    def value(self, expr: ast.AST | None) -> Value:
        """Return what an expression is."""
        return self._once(expr, "value", self._value_of) if expr is not None else NOTHING

    def kind(self, expr: ast.AST | None) -> Kind:
        """Return the kind of an expression."""
        return self.value(expr).kind

    def _once(self, node: A, what: str, ask: Callable[[A], Value]) -> Value:
        """Ask what a node is, once; nothing is known of what is defined by itself."""
        key = (node, what)
        if key in self._memo:
            return self._memo[key]
        if key in self._busy or len(self._busy) > DEEPEST:
            return NOTHING
        self._busy.add(key)
        try:
            found = ask(node)
        finally:
            self._busy.discard(key)
        if not self._busy or found is not NOTHING:  # inside a circle nothing is known for good
            self._memo[key] = found
        return found

    # ── Expressions ──────────────────────────────────────────────────────────────────────────

    def _value_of(self, node: ast.AST) -> Value:
        match node:
            case ast.Name():
                return self._name(node)
            case ast.Attribute():
                return attribute(self, self.value(node.value), node.attr)
            case ast.Call():
                return self._call(node)
            case ast.Subscript():
                return self._subscript(node)
            case ast.Lambda():
                return Value(Kind.FUNCTION, node=node)
        return self._wrapped(node)

    def _wrapped(self, node: ast.AST) -> Value:
        """Return the value of what only wraps others."""
        match node:
            case ast.Await() | ast.NamedExpr() | ast.Starred():
                return self.value(node.value)
            case ast.IfExp():
                return known(map(self.value, (node.body, node.orelse)))
            case ast.BoolOp():
                return known(map(self.value, node.values))
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                source = self.value(node.generators[0].iter)
                return source.turned(Kind.ROWS) if source.kind in LOOPED else NOTHING
        return NOTHING

    def _name(self, node: ast.Name) -> Value:
        scope = self.program.scope(node)
        for each in scope.visible():
            if node.id in each.names:
                return self._bound(each.names[node.id], node, each is scope)
        if (found := self.program.starred(scope.module, node.id)) is not None:
            return known(self.binding(each) for each in reversed(found.names[node.id]))
        built_in = hasattr(builtins, node.id)
        return Value(Kind.OUTSIDE, f"builtins.{node.id}") if built_in else NOTHING

    def _bound(self, bindings: list[Binding], use: ast.AST, here: bool) -> Value:  # noqa: FBT001  # inner
        """Return the value of a name: the latest binding above, else any that is known."""
        above = [each for each in bindings if (here and end(each.node) <= position(use))
                 or (here and each.how in ("element", "enter", "definition", "parameter")
                 and position(each.node) <= position(use))]  # fmt: skip
        for each in reversed(above):
            if (found := self.binding(each)).kind is not Kind.UNKNOWN:
                return found
            if each.how == "value" and not empty(each.expr):
                break
        else:
            return known(self.binding(each) for each in bindings if each not in above)
        return NOTHING

    def binding(self, binding: Binding) -> Value:  # noqa: PLR0911  # one for each way of binding
        """Return what a binding binds."""
        match binding.how:
            case "value":
                return self.value(binding.expr)
            case "definition":
                return self.definition(binding.node)
            case "import":
                return self._once(binding.node, binding.target, lambda _: self._imported(binding))
            case "parameter":
                return self._parameter(binding.node)
            case "element":
                return self._element(self.value(binding.expr))
            case "enter":
                return self._entered(binding.expr)
            case "annotation":
                return self.annotation(binding.expr)
        return NOTHING

    def _parameter(self, node: ast.AST) -> Value:
        if not isinstance(node, ast.arg):
            return NOTHING
        return self._once(node, "parameter", lambda each: parameter(self, each))

    def annotation(self, node: ast.AST | None) -> Value:
        """Return what an annotation says that a value is."""
        if node is None:
            return NOTHING
        return self._once(node, "annotation", lambda each: annotated(self, each))

    def definition(self, node: ast.AST) -> Value:
        """Return what a `class` or `def` defines."""
        return self._once(node, "definition", self._definition_of)

    def _definition_of(self, node: ast.AST) -> Value:
        if isinstance(node, ast.ClassDef):
            return Value(self._class_kind(node), node=node)
        return Value(Kind.FUNCTION, node=node)

    def _class_kind(self, node: ast.ClassDef) -> Kind:
        bases = [self.value(base) for base in node.bases]
        kinds = {base.kind for base in bases}
        if kinds & {Kind.BASE, Kind.MODEL}:
            return Kind.MODEL
        return Kind.BASE if any(each.last in BASES for each in bases) else Kind.CLASS

    def _element(self, source: Value) -> Value:
        return source.turned(Kind.OBJECT) if source.kind in LOOPED else NOTHING

    def _entered(self, expr: ast.expr | None) -> Value:
        value = self.value(expr)
        if isinstance(expr, ast.Call):
            made = self.value(expr.func)
            if isinstance(made.node, FUNCTIONS) and made.kind is Kind.FUNCTION:
                return self.yielded(made.node) if self.is_generator(made.node) else value
        return value

    def _imported(self, binding: Binding) -> Value:
        module = self.program.of(binding.node)
        found = self.program.imported(module, binding.target, binding.level)
        if found is None:
            name = "." * binding.level + binding.target
            return self.standing(Value(Kind.OUTSIDE, name))
        value = Value(Kind.MODULE, node=found[0].tree)
        for attr in found[1]:
            value = attribute(self, value, attr)
        return value

    def standing(self, value: Value) -> Value:
        """Return what a name of another package is without being called."""
        kind = STANDING.get((value.package, value.last))
        if kind is None and "." in value.name and value.last in GUESSES:
            return Value(GUESSES[value.last], guessed=True)
        return Value(kind) if kind else value

    def lineage(self, node: ast.ClassDef) -> list[ast.ClassDef]:
        """Return a class and those of the program that it is derived from."""
        return lineage(self, node)

    def set_on_self(self, node: ast.ClassDef, attr: str) -> list[ast.expr]:
        """Return what methods of a class assign to an attribute of their object."""
        return self.attributes(node).get(attr, [])

    def attributes(self, node: ast.ClassDef) -> dict[str, list[ast.expr]]:
        """Return what methods of a class assign to attributes of their object."""
        if node not in self._attributes:
            self._attributes[node] = set_on_self(node)
        return self._attributes[node]

    # ── Calls ────────────────────────────────────────────────────────────────────────────────

    def _call(self, node: ast.Call) -> Value:
        called = self.value(node.func)
        if called.kind is not Kind.UNKNOWN:
            return self._called(node, called)
        if isinstance(node.func, ast.Attribute):
            return self._method(node, self.value(node.func.value), node.func.attr)
        return NOTHING

    def _called(self, node: ast.Call, called: Value) -> Value:
        match called.kind:
            case Kind.OUTSIDE:
                return self._outside(node, called)
            case Kind.MAKER | Kind.REGISTRY:
                return called.turned(Kind.SESSION)
            case Kind.MODEL:
                return called.turned(Kind.NEW)
            case Kind.CLASS:
                return called.turned(Kind.INSTANCE)
            case Kind.FUNCTION:
                return self.returned(called.node)
        return NOTHING

    def _outside(self, node: ast.Call, called: Value) -> Value:
        key = (called.package, called.last)
        if key in CALLED:
            kind = CALLED[key]
            model = self._model(node) if kind in (Kind.STATEMENT, Kind.QUERY, Kind.CHANGE) else node
            return Value(kind, node=model)
        if key[0] == "builtins" and node.args:
            source = self.value(node.args[0])
            if key[1] == "next":
                return self._element(source)
            if key[1] in LISTED and source.kind in LOOPED:
                return source.turned(Kind.ROWS)
        return NOTHING

    def _method(self, node: ast.Call, base: Value, method: str) -> Value:
        kind = after(base.kind, method)
        if base.kind in (Kind.SESSION, Kind.REGISTRY, Kind.CONNECTION, Kind.ENGINE, Kind.EXTENSION):
            model = self._model(node)
            return replace(base, kind=kind, node=model) if kind is not Kind.UNKNOWN else NOTHING
        return base.turned(kind)

    def _model(self, node: ast.Call) -> ast.AST | None:
        """Return the model that a statement, a query or session.get() asks for."""
        first = self.value(node.args[0]) if node.args else NOTHING
        asked = (Kind.MODEL, Kind.STATEMENT, Kind.CHANGE, Kind.QUERY)
        return first.node if first.kind in asked else None

    def returned(self, node: ast.AST | None) -> Value:
        """Return what a function of the program returns."""
        return self._once(node, "returned", self._returned_of) if node else NOTHING

    def _returned_of(self, node: ast.AST) -> Value:
        if isinstance(node, ast.Lambda):
            return self.value(node.body)
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            return NOTHING
        found = known(
            self.value(each.value) for each in own_nodes(node) if isinstance(each, ast.Return)
        )
        return found if found.kind is not Kind.UNKNOWN else self.annotation(node.returns)

    def is_generator(self, node: Function) -> bool:
        """Return whether a function yields."""
        return any(isinstance(each, ast.Yield | ast.YieldFrom) for each in own_nodes(node))

    def yielded(self, node: Function) -> Value:
        """Return what a generator yields."""
        yields = (each for each in own_nodes(node) if isinstance(each, ast.Yield))
        return known(self.value(each.value) for each in yields)

    def _subscript(self, node: ast.Subscript) -> Value:
        base = self.value(node.value)
        sliced = isinstance(node.slice, ast.Slice)
        if base.kind in (Kind.ROWS, Kind.QUERY):
            return base.turned(Kind.ROWS if sliced else Kind.OBJECT)
        if base.kind is Kind.OUTSIDE:  # Mapped[int], sessionmaker[Session]
            return base
        return base if base.kind in (Kind.MAKER, Kind.REGISTRY) else NOTHING
