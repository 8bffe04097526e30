"""When something was true, and what happened since: snapshots, changes, and what they tell.

As in `records`: plain, frozen, slotted; times are aware and in UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

Op = Literal["insert", "update", "delete"]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Which transactions of one PostgreSQL had ended when something was read from it.

    Numbers of transactions compare only within one incarnation: a server that recovers from a
    crash may give away again those of transactions that left no trace in its log.
    """

    system: str  # PostgreSQL's identifier of the whole cluster
    timeline: int  # goes up with every promotion
    incarnation: int  # microseconds; another after every recovery from a crash
    visible: str  # xmin:xmax:xip,xip,… as pg_current_snapshot() writes it
    as_of: datetime  # aware, UTC; by the database's clock, never later than it was true

    @property
    def _ended(self) -> tuple[int, frozenset[int]]:
        """Return the number that no transaction had reached yet, and those below still running."""
        _, limit, running = self.visible.split(":")
        return int(limit), frozenset(map(int, filter(None, running.split(","))))

    @property
    def lineage(self) -> tuple[str, int, int]:
        """Return what two snapshots must share to be compared."""
        return self.system, self.timeline, self.incarnation

    def includes(self, xid: int) -> bool:
        """Return whether that transaction had ended, however it did."""
        limit, running = self._ended
        return xid < limit and xid not in running

    def includes_all_to(self, xid: int) -> bool:
        """Return whether that transaction and all before it had ended."""
        return xid < int(self.visible.split(":")[0])

    def dominates(self, other: Snapshot) -> bool:
        """Return whether all that `other` includes is included here; never across lineages."""
        if self.lineage != other.lineage:
            return False
        limit, running = self._ended
        return limit >= other._ended[0] and not any(map(other.includes, running))


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the change log: what one writer did to one row."""

    seq: int  # grows, but not in the order of commits
    xid: int  # of the writing transaction; what one save did has one
    at: datetime  # aware, UTC
    who: str  # whom the application named, else the database role
    relation: str  # the table
    op: Op
    id: int  # of the row, or of the transaction, wallet, contact or import that it is a part of
    part: str  # the rest of its key; "" where the id is the whole
    before: Mapping[str, Any] | None  # of an update what it changed, of a delete the whole row
    after: Mapping[str, Any] | None  # of an update; an inserted row stands in its table


@dataclass(frozen=True, slots=True)
class Deed:
    """What one save made of one row; images as the log has them, numbers exact."""

    relation: str  # the table
    part: str  # the rest of the row's key; "" where it is the transaction itself
    before: Mapping[str, Any] | None  # the whole row; None: it was not there
    after: Mapping[str, Any] | None  # None: it is gone


@dataclass(frozen=True, slots=True)
class Save:
    """All that one transaction of the database did to a row and its parts."""

    xid: int
    at: datetime  # aware, UTC; of the last change
    who: str  # whom the application named, else the database role
    by_role: bool  # whether it is a role
    deeds: tuple[Deed, ...]


@dataclass(frozen=True, slots=True)
class History:
    """What happened to a row and its parts, the newest save first."""

    saves: tuple[Save, ...]
    more: bool  # there are older ones
    names: Mapping[tuple[str, int], str]  # of what images refer to, by table and id
