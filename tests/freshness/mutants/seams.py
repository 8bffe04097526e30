"""Where mutants are planted: attributes of the product's modules and classes, and its answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from webapp import security

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

#: Rules that an answer from the past breaks, whichever is looked at first.
OLD = frozenset({"stale", "monotonic", "walk"})


@dataclass(frozen=True, slots=True)
class Mutant:
    """A mistake, how it is planted, and the rules that it breaks."""

    name: str
    about: str
    plant: Callable[[], None]
    rules: frozenset[str]
    fault: str = ""  # the fault under which it shows
    refused: str = ""  # what a form may be answered besides; "" where none is to be refused


def patch(owner: Any, name: str, make: Callable[[Any], Any]) -> None:
    """Replace an attribute by what is made of it."""
    setattr(owner, name, make(getattr(owner, name)))


def on_app(change: Callable[[Flask], None]) -> Callable[[], None]:
    """Return a planting that changes the application once it is made."""

    def plant() -> None:
        def make(original: Callable[[Flask], None]) -> Callable[[Flask], None]:
            def install(app: Flask) -> None:
                change(app)
                original(app)

            return install

        patch(security, "install", make)

    return plant
