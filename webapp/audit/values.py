"""What an expression turned out to be."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from webapp.audit.kinds import Kind

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Value:
    """What an expression is."""

    kind: Kind = Kind.UNKNOWN
    name: str = ""  # dotted, of something OUTSIDE
    node: ast.AST | None = None  # the class, function or module; of rows and queries: the model
    given: bool = False  # a parameter: the caller knows more
    guessed: bool = False  # by its name, for it comes from a file that is not there

    def turned(self, kind: Kind, node: ast.AST | None = None) -> Value:
        """Return what is made from it."""
        if kind is Kind.UNKNOWN:
            return NOTHING
        return replace(self, kind=kind, name="", node=node or self.node)

    @property
    def last(self) -> str:
        """Return the last name of what is OUTSIDE."""
        return self.name.rpartition(".")[2]

    @property
    def package(self) -> str:
        """Return the package that what is OUTSIDE comes from."""
        return self.name.partition(".")[0]


NOTHING = Value()


def known(found: Iterable[Value]) -> Value:
    """Return the first value that is known, else NOTHING."""
    return next((each for each in found if each.kind is not Kind.UNKNOWN), NOTHING)
