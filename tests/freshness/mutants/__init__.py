"""Faults of design, planted in the workers of a server under test: the checker's own test.

Each is a mistake that systems like this one have made. None of them has a switch in the product:
they replace its parts from here, in the processes of `target` alone.
"""

from __future__ import annotations

from tests.freshness.mutants import answers, database, paging, stream
from tests.freshness.mutants.seams import Mutant

__all__ = ["MUTANTS", "Mutant", "plant"]

MUTANTS: dict[str, Mutant] = {
    each.name: each for part in (answers, database, paging, stream) for each in part.MUTANTS
}


def plant(name: str) -> None:
    """Plant a mutant in this process, before its application is made.

    Raises:
        KeyError: there is none of that name.
    """
    MUTANTS[name].plant()
