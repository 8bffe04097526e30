"""What the data layer refuses, and why.

    DalError
    ├── BadInput            something typed or sent cannot be understood; names the field
    │   ├── BadFilter       a filter's key or value
    │   ├── BadCursor       a page link that is not ours, or is damaged
    │   ├── ForeignCursor   a genuine page link of another filter or order
    │   ├── BadAddress      an address that its network cannot have
    │   ├── BadValue        a name, note or colour that cannot be stored
    │   └── UnreadableFile  a file that no importer can read
    ├── NotFound            the row, or the name in a filter, does not exist
    ├── Conflict            the row changed since it was read, or the name is taken; names fields
    └── Unavailable         PostgreSQL cannot answer now
        ├── TooSlow         a statement ran into its time limit
        ├── Busy            as many are counted exactly as may be at once
        ├── Stopped         whoever asked does not wait any more
        ├── Doubtful        nobody knows whether an edit was saved
        └── CannotServe     there is no server, and none can be started

The class is the meaning, its docstring the headline, its arguments the particulars.
Nothing here knows of HTTP.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime


class DalError(Exception):
    """The data layer refuses"""

    def __str__(self) -> str:
        """Return headline and particulars, joined by colons."""
        return ": ".join([self.__doc__ or "", *map(str, self.args)])


class BadInput(DalError):
    """This cannot be understood"""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(field, problem)
        self.field = field
        self.problem = problem


class BadFilter(BadInput):
    """This filter cannot be used"""


class BadCursor(BadInput):
    """This page link is not ours, or is damaged"""


class ForeignCursor(BadInput):
    """This page link belongs to another filter or order"""


class BadAddress(BadInput):
    """This is not an address"""


class BadValue(BadInput):
    """This cannot be stored"""


class UnreadableFile(BadInput):
    """This file cannot be read"""


class TooBroad(BadInput):
    """This page would take longer than a page may"""


class NotFound(DalError):
    """There is no such thing"""

    def __init__(self, kind: str, name: object) -> None:
        super().__init__(kind, name)
        self.kind = kind
        self.name = name


@dataclass(frozen=True, slots=True)
class Contested:
    """A field that two changed to different values."""

    field: str  # as BadValue names it: "note", "contact", "label"
    mine: object  # what this edit would have stored
    theirs: object  # what is stored
    who: str  # changed it last; "" where the change log does not reach back
    by_role: bool  # whether `who` is a database role instead of somebody whom a program named
    at: datetime | None  # aware, UTC


class Conflict(DalError):
    """Somebody was faster"""

    def __init__(
        self,
        problem: str,
        contested: Sequence[Contested] = (),
        version: int | None = None,
        keep: Mapping[str, object] | None = None,
    ) -> None:
        """Say what is contested.

        Args:
            problem: a sentence.
            contested: the fields; none where the row as a whole, or a name, is.
            version: the row's present one, which an edit that means it is made on.
            keep: what such an edit sends: mine where it is contested or only mine, else theirs.
        """
        super().__init__(problem)
        self.contested = tuple(contested)
        self.version = version
        self.keep = dict(keep or {})


class Unavailable(DalError):
    """PostgreSQL cannot answer now"""


class TooSlow(Unavailable):
    """The question ran into its time limit"""


class Busy(Unavailable):
    """Others are being counted just now"""


class Stopped(Unavailable):
    """Nobody waits for this any more"""


class Doubtful(Unavailable):
    """The connection broke while this was being saved"""


class CannotServe(Unavailable):
    """There is no PostgreSQL to serve from"""
