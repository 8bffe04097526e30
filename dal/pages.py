"""A page of transactions as the data layer returns it, and the places that lead on from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dal.keyset import Cursor

if TYPE_CHECKING:
    from dal.keyset import Order
    from dal.moments import Snapshot
    from dal.moves import Moves
    from dal.records import Tag, Transaction


@dataclass(frozen=True, slots=True)
class Page:
    """One page of transactions, true at one snapshot."""

    rows: tuple[Transaction, ...]
    order: Order
    size: int
    cursor: Cursor | None  # where it begins; None: at the first row
    has_previous: bool
    has_next: bool
    ahead: int  # rows known to lie ahead of the first: up to AHEAD if they were counted, else to 1
    counted: int  # of all that match, up to `countable` + 1
    countable: int  # beyond, counting would cost more than the page
    snapshot: Snapshot
    moved: Moves  # what crossed the reader's position since the page that the cursor comes from
    wallets: tuple[str, ...]  # the names of all there are, to choose from
    labels: tuple[Tag, ...]

    @property
    def count_is_exact(self) -> bool:
        """Return whether `counted` is all that match; else there are more."""
        return self.counted <= self.countable

    @property
    def previous(self) -> Cursor | None:
        """Return where the page before this one ends."""
        if not self.has_previous:
            return None
        if not self.rows:
            return self.last
        return Cursor.at(self.order, "before", self.rows[0], self.snapshot)

    @property
    def next(self) -> Cursor | None:
        """Return where the page behind this one begins."""
        if not self.has_next:
            return None
        if not self.rows:
            return self.first
        return Cursor.at(self.order, "after", self.rows[-1], self.snapshot)

    @property
    def here(self) -> Cursor | None:
        """Return where this page begins, whatever comes ahead of it; None: it has no rows."""
        return Cursor.holding(self.order, self.rows[0]) if self.rows else None

    @property
    def first(self) -> Cursor:
        """Return where the first page begins; no cursor at all means the same."""
        return Cursor.first(self.order)

    @property
    def last(self) -> Cursor:
        """Return where the last page ends."""
        return Cursor.last(self.order)
