"""The ways through a function, and whether each write on them is committed.

The state of a way is the first write that is not committed yet, or None. Loops run once or never;
an exception can come after any statement of a `try`.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from webapp.audit.modules import FUNCTIONS, position
from webapp.audit.shapes import called_name, constant, names

if TYPE_CHECKING:
    from collections.abc import Iterable

State = ast.AST | None
States = frozenset[State]
NOWHERE: States = frozenset()
CLEAN: States = frozenset([None])
LEAVING = {"abort", "exit", "_exit"}


class Effects(Protocol):
    """What a function's nodes do to a transaction."""

    def writes(self, node: ast.AST) -> bool:
        """Return whether a node changes something that a commit is needed for."""

    def ends(self, node: ast.AST) -> bool:
        """Return whether a node commits or rolls back."""

    def commits_itself(self, expr: ast.expr) -> bool:
        """Return whether a `with` block commits at its end."""


@dataclass(slots=True)
class Paths:
    """The ways through one function."""

    effects: Effects
    exits: list[State] = field(default_factory=list)
    waits: list[State] = field(default_factory=list)  # at the end of a round of an endless loop
    _breaks: list[State] = field(default_factory=list)

    def through(self, function: ast.AST) -> Paths:
        """Follow every way; what is left at the end of each stands in `exits`."""
        body = getattr(function, "body", [])
        if isinstance(body, list):
            self.exits += self._all(body, CLEAN)
        return self

    def _all(self, body: Iterable[ast.stmt], states: States) -> States:
        for each in body:
            if states:
                states = self._one(each, states)
        return states

    def _one(self, node: ast.stmt, states: States) -> States:
        match node:
            case ast.If():
                states = self._effects(node.test, states)
                ways = self._all(node.body, states) | self._all(node.orelse, states)
                return CLEAN if ways and _asks_whether(node.test) else ways
            case ast.For() | ast.AsyncFor() | ast.While():
                return self._loop(node, states)
            case ast.Try():
                return self._try(node, states)
            case ast.With() | ast.AsyncWith():
                return self._with(node, states)
            case ast.Match():
                states = self._effects(node.subject, states)
                return states.union(*(self._all(each.body, states) for each in node.cases))
        return self._simple(node, states)

    def _simple(self, node: ast.stmt, states: States) -> States:
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            return states
        states = self._effects(node, states)
        if isinstance(node, ast.Return):
            self.exits += states
            return NOWHERE
        if isinstance(node, ast.Break | ast.Continue):
            self._breaks += states
            return NOWHERE
        left = isinstance(node, ast.Expr) and called_name(node.value) in LEAVING
        return NOWHERE if left or isinstance(node, ast.Raise) else states

    def _effects(self, node: ast.AST, states: States) -> States:
        """Return the states after a node, whose parts act in the order of the source."""
        inner = [node, *own_nodes_of(node)]
        for each in sorted(inner, key=_when):
            if self.effects.ends(each):
                states = CLEAN
            elif self.effects.writes(each):
                states = frozenset(state or each for state in states)
        return states

    def _loop(self, node: ast.For | ast.AsyncFor | ast.While, states: States) -> States:
        endless = isinstance(node, ast.While) and bool(constant(node.test))
        states = self._effects(node.test if isinstance(node, ast.While) else node.iter, states)
        outer, self._breaks = self._breaks, []
        after = self._all(node.body, states)
        if endless:
            self.waits += after
        left = frozenset(self._breaks)
        self._breaks = outer
        return left if endless else self._all(node.orelse, states | after) | left

    def _try(self, node: ast.Try, states: States) -> States:
        first = len(self.exits)
        before, within = states, states
        for each in node.body:
            states = self._one(each, states) if states else states
            within |= states
        after = self._all(node.orelse, states)
        tried = any(map(self.effects.ends, (each for part in node.body for each in ast.walk(part))))
        failed = CLEAN if tried else within | before  # what failed to commit is not forgotten
        for handler in node.handlers:
            after |= self._all(handler.body, failed)
        self._finally(node.finalbody, first)
        return self._all(node.finalbody, after)

    def _finally(self, body: list[ast.stmt], first: int) -> None:
        """Let what left a `try` by `return` pass through its `finally`."""
        if body:
            left = self.exits[first:]
            del self.exits[first:]
            for state in left:
                self.exits += self._all(body, frozenset([state]))

    def _with(self, node: ast.With | ast.AsyncWith, states: States) -> States:
        first = len(self.exits)
        for item in node.items:
            states = self._effects(item.context_expr, states)
        after = self._all(node.body, states)
        if any(self.effects.commits_itself(item.context_expr) for item in node.items):
            self.exits[first:] = [None for _ in self.exits[first:]]
            return CLEAN if after else NOWHERE
        return after


def _asks_whether(test: ast.expr) -> bool:
    """Return whether it is `if commit:`, by which the caller decides."""
    return any("commit" in name.lower() for name in names(test))


def own_nodes_of(node: ast.AST) -> Iterable[ast.AST]:
    """Yield the nodes within an expression or a simple statement."""
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, (*FUNCTIONS, ast.ClassDef)):
            yield from own_nodes_of(child)


def _when(node: ast.AST) -> tuple[tuple[int, int], int]:
    """Return when a node acts: a call after its arguments, which end before it does."""
    line, column = getattr(node, "end_lineno", 0) or 0, getattr(node, "end_col_offset", 0) or 0
    return (line, column), -position(node)[1]
