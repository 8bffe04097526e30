"""Dates as people write them, turned into half-open spans of instants in their own time zone.

    2024            the year            2024-Q1         its first quarter
    2024-03         the month           2024-03-05      the day
    year  month  day                    the current one
    year-1  month-1  day-30             the one so many before: last year, last month, 30 days ago
    a..b            from the start of a to the end of b, both included
    a..             from the start of a on              ..b     up to the end of b

The words are those of Fava's filter (https://fava.pythonanywhere.com/example/help/filters).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, date, datetime, time, timedelta, tzinfo

Day = date


@dataclass(frozen=True, slots=True)
class Span:
    """The instants from `start` (included) to `end` (excluded); None is unbounded. Aware, UTC."""

    start: datetime | None
    end: datetime | None


CALENDAR = re.compile(
    r"(\d{4})(?:-(?:Q([1-4])|(\d{1,2})(?:-(\d{1,2}))?))?", re.ASCII | re.IGNORECASE
)
RELATIVE = re.compile(r"(year|month|day)(?:\s*-\s*(\d{1,5}))?", re.ASCII | re.IGNORECASE)


def span(text: str, today: date, zone: tzinfo) -> Span:
    """Return the instants that `text` names.

    Args:
        text: a period, or two of them joined by "..".
        today: the current day in `zone`; what "day", "month" and "year" count from.
        zone: where a day begins and ends.

    Raises:
        ValueError: it is no period, or its end lies before its start; says which and the cure.

    >>> span("2024-Q1", date(2026, 1, 1), UTC)
    Span(start=datetime.datetime(2024, 1, 1, 0, 0, tzinfo=datetime.timezone.utc),
         end=datetime.datetime(2024, 4, 1, 0, 0, tzinfo=datetime.timezone.utc))
    """
    first, dots, last = (part.strip() for part in text.partition(".."))
    if not dots:
        last = first
    if not first and not last:
        raise ValueError("name a day, a month, a quarter or a year")
    start = _period(first, today)[0] if first else None
    end = _period(last, today)[1] if last else None
    if start and end and end <= start:
        raise ValueError(f"{last} lies before {first}; write the earlier one first")
    return Span(*(None if day is None else _midnight(day, zone) for day in (start, end)))


def _period(text: str, today: date) -> tuple[Day, Day]:
    """Return a period's first day and the day after its last."""
    try:
        if found := RELATIVE.fullmatch(text):
            return _relative(found[1].lower(), int(found[2] or 0), today)
        if found := CALENDAR.fullmatch(text):
            return _calendar(*(int(part) if part else None for part in found.groups()))
    except (ValueError, OverflowError):
        raise ValueError(f"the calendar has no {text}") from None
    raise ValueError(f"{text!r} is no date; write 2024-03-05, 2024-03, 2024-Q1, 2024 or month-1")


def _calendar(
    year: int | None, quarter: int | None, month: int | None, day: int | None
) -> tuple[Day, Day]:
    assert year is not None  # noqa: S101 (the pattern requires it)
    if day is not None and month is not None:
        start = date(year, month, day)
        return start, start + timedelta(days=1)
    if month is not None:
        return date(year, month, 1), _month(year, month + 1)
    if quarter:
        return date(year, 3 * quarter - 2, 1), _month(year, 3 * quarter + 1)
    return date(year, 1, 1), date(year + 1, 1, 1)


def _relative(unit: str, back: int, today: date) -> tuple[Day, Day]:
    if unit == "day":
        start = today - timedelta(days=back)
        return start, start + timedelta(days=1)
    if unit == "month":
        return _month(today.year, today.month - back), _month(today.year, today.month - back + 1)
    return date(today.year - back, 1, 1), date(today.year - back + 1, 1, 1)


def _month(year: int, month: int) -> date:
    """Return the first day of the month that is `month` months from the start of `year`, from 1."""
    years, months = divmod(month - 1, 12)
    return date(year + years, months + 1, 1)


def _midnight(day: date, zone: tzinfo) -> datetime:
    """Return the instant at which `day` begins; where the clock skips midnight, the next one."""
    if day.year >= MAXYEAR or day.year <= 1:
        raise ValueError(f"the year {day.year} is out of reach")
    return datetime.combine(day, time(), zone).astimezone(UTC)
