"""What two have changed: both values, who changed it and when, and how to insist."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from webapp.pages.moment import Moment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, tzinfo

    from dal.errors import Conflict, Contested


@dataclass(frozen=True, slots=True)
class Difference:
    """One field, as both want it."""

    field: str
    yours: str
    theirs: str
    who: str  # "" where nobody knows any more
    at: Moment | None
    when: str  # the clock's time, with the date unless it is today's; "" where nobody knows


@dataclass(frozen=True, slots=True)
class Clash:
    """An edit that somebody else's stands against."""

    version: int  # of the row with their values
    differences: tuple[Difference, ...]
    untouched: Mapping[str, str]  # fields of the form that are not contested, as they are to be

    @classmethod
    def of(cls, error: Conflict, zone: tzinfo, now: datetime) -> Clash | None:
        """Return what to show of a conflict; None where it is about no row's fields."""
        if error.version is None:
            return None
        contested = {each.field for each in error.contested}
        rest = {name: _text(value) for name, value in error.keep.items() if name not in contested}
        return cls(
            error.version, tuple(_difference(each, zone, now) for each in error.contested), rest
        )

    @property
    def shape(self) -> dict[str, object]:
        """Return what scripts are told.

        `version`: on which an edit is made that means to overwrite. `fields`: a list of `field`,
        `yours`, `theirs`, `who`, `at` (ISO 8601, in UTC) and `when` (as the reader's clock shows
        it); the last three are empty where the change log does not reach back. `keep`: what the
        fields that are not contested are to be sent as, so that nobody's change of them is lost.
        """
        fields = [
            {
                "field": each.field,
                "yours": each.yours,
                "theirs": each.theirs,
                "who": each.who,
                "at": each.at.iso if each.at else "",
                "when": each.when,
            }
            for each in self.differences
        ]
        return {"version": self.version, "fields": fields, "keep": dict(self.untouched)}


def _difference(each: Contested, zone: tzinfo, now: datetime) -> Difference:
    at = Moment.of(each.at, zone) if each.at else None
    today = Moment.of(now, zone).date
    when = "" if at is None else at.clock if at.date == today else f"{at.date} {at.clock}"
    author = person(each.who, by_role=each.by_role)
    return Difference(each.field, _text(each.mine), _text(each.theirs), author, at, when)


def person(who: str, *, by_role: bool) -> str:
    """Return whom to name; a role of the database wrote for itself, by SQL.

    >>> person("alice", by_role=True), person("browser at 127.0.0.1", by_role=False)
    ('alice (SQL)', 'browser at 127.0.0.1')
    """
    return f"{who} (SQL)" if by_role else who


def _text(value: object) -> str:
    return "" if value is None else str(value)
