"""What crossed the reader's position since the page before, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from webapp.template_filters import count, words

if TYPE_CHECKING:
    from datetime import tzinfo

    from dal.moves import Moves
    from dal.records import Move

MISSED, AGAIN = "now among those you have read", "now still to come, perhaps again"


@dataclass(frozen=True, slots=True)
class MovedRow:
    """One of them."""

    id: int
    href: str
    when: str
    type: str
    where: str


@dataclass(frozen=True, slots=True)
class MovedNote:
    """`transactions/_moved.html`."""

    words: str
    rows: tuple[MovedRow, ...] = ()

    @classmethod
    def of(cls, moved: Moves, zone: tzinfo) -> MovedNote | None:
        """Return what to say; None when nothing moved."""
        if moved.unknown:
            return cls(f"Whether transactions moved past you cannot be told: {moved.unknown}.")
        rows = tuple(_row(each, zone) for each in moved.named)
        past = f"{count(moved.count, 'transaction')} moved past you while you were reading"
        if moved.more:
            return cls(f"So much was moved that not all could be looked at; at least {past}.", rows)
        others = f"; {moved.count - len(rows):,} of them are not listed" * (moved.count > len(rows))
        return cls(f"{past}{others}.", rows) if rows else None


def _row(moved: Move, zone: tzinfo) -> MovedRow:
    return MovedRow(
        id=moved.id,
        href=f"/transactions/{moved.id}",
        when=f"{moved.occurred_at.astimezone(zone):%Y-%m-%d %H:%M}",
        type=words(moved.type),
        where=MISSED if moved.missed else AGAIN,
    )
