"""What a rule is, and what it may ask about a program."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from webapp.audit.calling import Calling
from webapp.audit.holding import Holding
from webapp.audit.meaning import Meaning
from webapp.audit.modules import FUNCTIONS
from webapp.audit.shapes import constant, keyword

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from webapp.audit.findings import Sure
    from webapp.audit.kinds import Kind
    from webapp.audit.modules import Function
    from webapp.audit.program import Program
    from webapp.audit.values import Value


@dataclass(frozen=True, slots=True)
class Found:
    """What a rule says about one place: a node, or a line of another file."""

    at: ast.AST | tuple[Path, int, str]  # a node; or path, line and its text
    sure: Sure
    why: str
    cure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One disease and how it is found."""

    key: str
    cause: str  # a key of webapp.causes
    find: Callable[[Case], Iterable[Found]]


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One program, and everything that is known about it."""

    program: Program
    meaning: Meaning
    calling: Calling
    holding: Holding

    @classmethod
    def of(cls, program: Program) -> Case:
        """Return the case of a program."""
        meaning = Meaning(program)
        calling = Calling(program, meaning)
        return cls(program, meaning, calling, Holding(program, meaning, calling))

    def value(self, expr: ast.AST | None) -> Value:
        """Return what an expression is."""
        return self.meaning.value(expr)

    def kind(self, expr: ast.AST | None) -> Kind:
        """Return the kind of an expression."""
        return self.meaning.kind(expr)

    def outside(self, expr: ast.AST | None) -> tuple[str, str]:
        """Return package and last name of what comes from elsewhere, else empty words."""
        name = self.value(expr).name
        return name.partition(".")[0], name.rpartition(".")[2]

    def served(self, node: ast.AST) -> bool:
        """Return whether a node is evaluated while a request or a task is served."""
        return self.program.function(node) in self.calling.served

    def viewed(self, node: ast.AST) -> bool:
        """Return whether a node is evaluated while a request is served."""
        return self.program.function(node) in self.calling.viewed

    def function(self, node: ast.AST) -> Function | None:
        """Return the function in which a node is evaluated."""
        return self.program.function(node)

    def called(self, expr: ast.AST) -> Function | None:
        """Return the program's function that an expression names."""
        node = self.value(expr).node
        return node if isinstance(node, FUNCTIONS) else None

    def constant(self, expr: ast.AST | None, depth: int = 4) -> object:
        """Return the constant that an expression comes to, None if that cannot be told."""
        if isinstance(expr, ast.Constant) or expr is None or not depth:
            return expr.value if isinstance(expr, ast.Constant) else None
        if isinstance(expr, ast.Name):
            for scope in self.program.scope(expr).visible():
                if expr.id in scope.names:
                    bound = scope.names[expr.id]
                    one = bound[0].expr if len(bound) == 1 and bound[0].how == "value" else None
                    return self.constant(one, depth - 1)
        return None


def options(case: Case, name: str) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yield where an option is given, as a keyword or under a key, with its value."""
    for call in case.program.each(ast.Call):
        if (value := keyword(call, name)) is not None:
            yield call, value
    for entry in case.program.each(ast.Dict):
        for key, value in zip(entry.keys, entry.values, strict=True):
            if constant(key) == name:
                yield value, value
