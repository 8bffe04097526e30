"""What one file binds where: scopes, names and the parents of nodes."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from webapp.audit.sources import Source

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
N = TypeVar("N", bound=ast.AST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """One way in which a name gets its value."""

    how: str  # value, element, enter, import, parameter, definition, part
    node: ast.AST  # the statement, the argument or the alias that binds
    expr: ast.expr | None = None  # what it is bound to, its element, or what it enters
    target: str = ""  # of an import: the dotted name
    level: int = 0  # of an import: how many packages up


@dataclass(slots=True, eq=False)
class Scope:
    """The names of a module, a class or a function."""

    node: ast.AST
    module: Module
    parent: Scope | None = None
    names: dict[str, list[Binding]] = field(default_factory=dict)
    outer: set[str] = field(default_factory=set)  # declared global or nonlocal

    @property
    def function(self) -> Function | None:
        """Return the innermost function that it stands in, itself included."""
        scope: Scope | None = self
        while scope is not None:
            if isinstance(scope.node, FUNCTIONS):
                return scope.node
            scope = scope.parent
        return None

    def visible(self) -> Iterator[Scope]:
        """Yield it and the scopes that it sees: a function does not see the class around it."""
        yield self
        scope = self.parent
        while scope is not None:
            if not isinstance(scope.node, ast.ClassDef):
                yield scope
            scope = scope.parent

    def bind(self, name: str, binding: Binding) -> None:
        """Note a binding, in the module where the name was declared global."""
        scope = self
        if name in self.outer:
            outer = [each for each in self.visible() if each is not self]
            scope = next((each for each in outer if name in each.names), outer[-1])
        scope.names.setdefault(name, []).append(binding)


@dataclass(slots=True, eq=False)
class Surroundings:
    """What is around each node of a program."""

    parents: dict[ast.AST, ast.AST] = field(default_factory=dict)
    scopes: dict[ast.AST, Scope] = field(default_factory=dict)  # where each node is evaluated
    inner: dict[ast.AST, Scope] = field(default_factory=dict)  # what modules, functions, … open


@dataclass(slots=True, eq=False)
class Module:
    """One file: its tree, its scopes, its nodes by type."""

    path: Path
    file: str  # the same, absolute and without links
    tree: ast.Module
    lines: tuple[str, ...]
    audited: bool  # whether findings in it are wanted; else it only explains names
    around: Surroundings
    nodes: dict[type, list[ast.AST]] = field(default_factory=dict)

    @classmethod
    def of(cls, source: Source, surroundings: Surroundings, *, audited: bool) -> Module:
        """Return the module of a file, with every name in its place."""
        module = cls(
            source.path,
            str(source.path.resolve()),
            source.tree,
            source.lines,
            audited,
            surroundings,
        )
        surroundings.inner[source.tree] = Scope(source.tree, module)
        module._fill()  # its own
        return module

    @property
    def scope(self) -> Scope:
        """Return the scope of the module itself."""
        return self.around.inner[self.tree]

    def each(self, kind: type[N]) -> Iterator[N]:
        """Yield the nodes of one type, in the order of the source."""
        for node in self.nodes.get(kind, ()):
            if isinstance(node, kind):
                yield node

    def _fill(self) -> None:
        stack: list[tuple[ast.AST, Scope]] = [(self.tree, self.scope)]
        while stack:
            node, scope = stack.pop()
            self.around.scopes[node] = scope
            self.nodes.setdefault(type(node), []).append(node)
            _bind(node, scope)
            own = self._opened(node, scope)
            outside = _outside(node)
            children = []
            for child in ast.iter_child_nodes(node):
                if not isinstance(child, ast.expr_context | ast.operator | ast.cmpop | ast.unaryop):
                    self.around.parents[child] = node
                    above = own.parent or own
                    children.append((child, above if child in outside else own))
            stack.extend(reversed(children))

    def _opened(self, node: ast.AST, scope: Scope) -> Scope:
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            self.around.inner[node] = Scope(node, self, scope)
            return self.around.inner[node]
        return scope


def _outside(node: ast.AST) -> set[ast.AST]:
    """Return the children that are evaluated where a function or class stands, not in it."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return {*node.decorator_list, *([node.returns] if node.returns else [])}
        case ast.ClassDef():
            return {*node.decorator_list, *node.bases, *node.keywords}
        case ast.arguments():
            return {*node.defaults, *(each for each in node.kw_defaults if each is not None)}
    return set()


def _bind(node: ast.AST, scope: Scope) -> None:  # noqa: C901  # one case for each way of binding
    """Note what a node binds in its scope."""
    match node:
        case ast.Global() | ast.Nonlocal():
            scope.outer.update(node.names)
        case ast.Import() | ast.ImportFrom():
            _bind_imports(node, scope)
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            scope.bind(node.name, Binding(how="definition", node=node))
        case ast.arg():
            scope.bind(node.arg, Binding(how="parameter", node=node, expr=node.annotation))
        case ast.Assign():
            for target in node.targets:
                _bind_target(target, node, node.value, "value", scope)
        case ast.AnnAssign():
            _bind_target(node.target, node, node.value or node.annotation,
                         "value" if node.value else "annotation", scope)  # fmt: skip
        case ast.NamedExpr():
            _bind_target(node.target, node, node.value, "value", scope)
        case ast.For() | ast.AsyncFor() | ast.comprehension():
            _bind_target(node.target, node, node.iter, "element", scope)
        case ast.withitem(optional_vars=ast.expr() as target):
            _bind_target(target, node.context_expr, node.context_expr, "enter", scope)


def _bind_target(
    target: ast.expr, node: ast.AST, expr: ast.expr | None, how: str, scope: Scope
) -> None:
    if isinstance(target, ast.Name):
        scope.bind(target.id, Binding(how=how, node=node, expr=expr))
    elif isinstance(target, ast.Tuple | ast.List):
        for part in target.elts:
            _bind_target(part, node, expr, "part", scope)
    elif isinstance(target, ast.Starred):
        _bind_target(target.value, node, expr, "part", scope)


def _bind_imports(node: ast.Import | ast.ImportFrom, scope: Scope) -> None:
    for alias in node.names:
        if isinstance(node, ast.ImportFrom):
            target = f"{node.module or ''}.{alias.name}".strip(".")
            bound = Binding(how="import", node=node, target=target, level=node.level)
            scope.bind(alias.asname or alias.name, bound)
        else:
            whole = alias.name if alias.asname else alias.name.split(".")[0]
            bound = Binding(how="import", node=node, target=whole)
            scope.bind(alias.asname or whole, bound)


def position(node: ast.AST) -> tuple[int, int]:
    """Return where a node begins."""
    return getattr(node, "lineno", 0), getattr(node, "col_offset", 0)


def end(node: ast.AST) -> tuple[int, int]:
    """Return where a node ends."""
    return getattr(node, "end_lineno", 0) or 0, getattr(node, "end_col_offset", 0) or 0
