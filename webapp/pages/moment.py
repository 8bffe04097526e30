"""When a page was true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from webapp.template_filters import utc

if TYPE_CHECKING:
    from datetime import datetime, tzinfo


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant, for machines and for people."""

    iso: str
    date: str
    clock: str

    @classmethod
    def of(cls, moment: datetime, zone: tzinfo) -> Moment:
        """Return an instant as the clock of a zone shows it."""
        local = moment.astimezone(zone).isoformat()
        return cls(utc(moment), local[:10], local[11:19])
