"""Who calls whom: what a request reaches, what reads the database, what commits."""

from __future__ import annotations

import ast
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from webapp.audit.attributes import holder as holding_class
from webapp.audit.entries import entries
from webapp.audit.kinds import READERS, READING, Kind
from webapp.audit.modules import FUNCTIONS
from webapp.audit.shapes import called_name, own_nodes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from webapp.audit.meaning import Meaning
    from webapp.audit.modules import Function, Scope
    from webapp.audit.program import Program

Place = tuple["Scope", str]


@dataclass(eq=False)
class Calling:
    """The functions of a program and what they reach."""

    program: Program
    meaning: Meaning

    @cached_property
    def functions(self) -> list[Function]:
        """Every function, methods and lambdas included."""
        program = self.program
        return [
            *program.each(ast.FunctionDef),
            *program.each(ast.AsyncFunctionDef),
            *program.each(ast.Lambda),
        ]

    @cached_property
    def methods(self) -> dict[str, list[Function]]:
        """The methods of the program's classes by their name."""
        found: dict[str, list[Function]] = defaultdict(list)
        for each in self.functions:
            if not isinstance(each, ast.Lambda) and isinstance(
                self.program.parent(each), ast.ClassDef
            ):
                found[each.name].append(each)
        return found

    @cached_property
    def entries(self) -> dict[Function, str]:
        """The functions that are called from outside: by requests, hooks, tasks, commands."""
        return entries(self.program, self.meaning, self.functions)

    @cached_property
    def roles(self) -> set[str]:
        """The roles that there are."""
        return set(self.entries.values())

    # ── Reach ────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def _edges(self) -> dict[Function, set[Function]]:
        return {}

    def reached(self, function: Function) -> set[Function]:
        """Return the functions that a function names, calls or contains."""
        if function not in self._edges:
            self._edges[function] = set(self._reached(function))
        return self._edges[function]

    def _reached(self, function: Function) -> Iterator[Function]:
        for node in own_nodes(function):
            if isinstance(node, FUNCTIONS):
                yield node
            elif isinstance(node, ast.Name | ast.Attribute):
                yield from self._named(node)
            elif isinstance(node, ast.Call):
                yield from self._constructed(node)

    def _named(self, node: ast.Name | ast.Attribute) -> Iterator[Function]:
        value = self.meaning.value(node)
        if value.kind is Kind.FUNCTION and isinstance(value.node, FUNCTIONS):
            yield value.node
        elif value.kind is Kind.UNKNOWN and isinstance(node, ast.Attribute):
            same = self.methods.get(node.attr, [])
            if len(same) == 1 and self.meaning.kind(node.value) is Kind.UNKNOWN:
                yield same[0]

    def _constructed(self, node: ast.Call) -> Iterator[Function]:
        value = self.meaning.value(node.func)
        if value.kind is Kind.CLASS and isinstance(value.node, ast.ClassDef):
            for each in value.node.body:
                if isinstance(each, ast.FunctionDef) and each.name in {"__init__", "__call__"}:
                    yield each

    @cached_property
    def served(self) -> set[Function]:
        """What a request, a hook or a task reaches."""
        return self.closure(self.entries)

    @cached_property
    def viewed(self) -> set[Function]:
        """What a request reaches."""
        return self.closure(each for each, role in self.entries.items() if role != "task")

    def closure(self, starts: Iterable[Function]) -> set[Function]:
        """Return what is reached from some functions, they included."""
        found = set(starts)
        waiting = list(found)
        while waiting:
            new = self.reached(waiting.pop()) - found
            found |= new
            waiting += new
        return found

    @cached_property
    def callers(self) -> dict[Function, set[Function]]:
        """Who names a function."""
        found: dict[Function, set[Function]] = defaultdict(set)
        for each in self.functions:
            for called in self.reached(each):
                found[called].add(each)
        return found

    def reads(self, function: Function) -> bool:
        """Return whether a function reads the database, itself or by what it calls."""
        return function in self._reading

    def writes_through(self, function: Function) -> bool:
        """Return whether a function commits, itself or by what it calls."""
        return function in self._committing

    @cached_property
    def _reading(self) -> set[Function]:
        return self._backwards(
            each for each in self.functions if any(map(self.reads_here, own_nodes(each)))
        )

    @cached_property
    def _committing(self) -> set[Function]:
        return self._backwards(
            each for each in self.functions if any(map(commits_here, own_nodes(each)))
        )

    def _backwards(self, starts: Iterable[Function]) -> set[Function]:
        """Return what reaches some functions, they included."""
        found = set(starts)
        waiting = list(found)
        while waiting:
            new = self.callers.get(waiting.pop(), set()) - found
            found |= new
            waiting += new
        return found

    def reads_here(self, node: ast.AST) -> bool:
        """Return whether a node itself reads the database."""
        if isinstance(node, ast.For | ast.comprehension):
            return self.meaning.kind(node.iter) is Kind.QUERY
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            return False
        if node.func.attr not in READING:
            return False
        return self.meaning.kind(node.func.value) in READERS

    def reads_in(self, expr: ast.AST) -> bool:
        """Return whether an expression reads the database, itself or by what it calls."""
        for node in ast.walk(expr):
            if self.reads_here(node):
                return True
            if isinstance(node, ast.Call):
                value = self.meaning.value(node.func)
                if isinstance(value.node, FUNCTIONS) and self.reads(value.node):
                    return True
        return False

    # ── Uses ─────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def _uses(self) -> dict[Place, list[ast.AST]]:
        found: dict[Place, list[ast.AST]] = defaultdict(list)
        for node in self.program.each(ast.Name):
            if isinstance(node.ctx, ast.Load) and (place := self.place(node)):
                found[place].append(node)
        for attr in self.program.each(ast.Attribute):
            if isinstance(attr.ctx, ast.Load) and (place := self.place(attr)):
                found[place].append(attr)
        return found

    def uses(self, place: Place) -> list[ast.AST]:
        """Return where a name is read, in whatever file."""
        return self._uses.get(place, [])

    def place(self, node: ast.AST) -> Place | None:
        """Return the scope and name that a name or attribute stands for."""
        if isinstance(node, ast.Name):
            for scope in self.program.scope(node).visible():
                if node.id in scope.names:
                    return self._origin(scope, node.id)
            there = self.program.starred(self.program.of(node), node.id)
            return self._origin(there, node.id) if there else None
        if isinstance(node, ast.Attribute):
            value = self.meaning.value(node.value)
            if value.kind in (Kind.MODULE, Kind.CLASS, Kind.INSTANCE) and value.node is not None:
                holder = value.node
                if isinstance(holder, ast.ClassDef):
                    holder = holding_class(self.meaning, holder, node.attr)
                inner = self.program.surroundings.inner[holder]
                return self._origin(inner, node.attr)
        return None

    def _origin(self, scope: Scope, name: str) -> Place:
        """Follow imports to where a name is bound, also where modules import each other."""
        seen = {(scope, name)}
        while (there := self._imported(scope, name)) and there not in seen:
            seen.add(there)
            scope, name = there
        return scope, name

    def _imported(self, scope: Scope, name: str) -> Place | None:
        for each in scope.names.get(name, []):
            if each.how == "import":
                module = self.program.of(each.node)
                found = self.program.imported(module, each.target, each.level)
                if found and len(found[1]) == 1:
                    return found[0].scope, found[1][0]
        return None

    def using(self, place: Place) -> set[Function]:
        """Return the functions in which a name is read."""
        found = (self.program.function(each) for each in self.uses(place))
        return {each for each in found if each is not None}


def commits_here(node: ast.AST) -> bool:
    """Return whether a node is a call of commit()."""
    return isinstance(node, ast.Call) and called_name(node.func) == "commit"
