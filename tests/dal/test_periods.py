"""Dates as people write them: whole days of a zone, also when its clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from dal.periods import span

TODAY = date(2024, 3, 31)
NEW_YORK, VIENNA = ZoneInfo("America/New_York"), ZoneInfo("Europe/Vienna")
ZONES = ("UTC", "Europe/Vienna", "America/New_York", "Asia/Kathmandu", "Pacific/Apia",
         "America/Sao_Paulo", "America/Havana", "Australia/Lord_Howe", "Asia/Beirut")  # fmt: skip


def days(text: str) -> tuple[str | None, str | None]:
    found = span(text, TODAY, UTC)
    first, end = (None if at is None else at.date().isoformat() for at in (found.start, found.end))
    return first, end


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2024", ("2024-01-01", "2025-01-01")),
        ("2024-03", ("2024-03-01", "2024-04-01")),
        ("2024-12", ("2024-12-01", "2025-01-01")),
        ("2024-3-5", ("2024-03-05", "2024-03-06")),
        ("2024-02-29", ("2024-02-29", "2024-03-01")),
        ("2024-Q1", ("2024-01-01", "2024-04-01")),
        ("2024-q4", ("2024-10-01", "2025-01-01")),
        ("day", ("2024-03-31", "2024-04-01")),
        ("day-30", ("2024-03-01", "2024-03-02")),
        ("day - 30 ..", ("2024-03-01", None)),
        ("month", ("2024-03-01", "2024-04-01")),
        ("month-1", ("2024-02-01", "2024-03-01")),
        ("MONTH-3", ("2023-12-01", "2024-01-01")),
        ("month-15", ("2022-12-01", "2023-01-01")),
        ("year-1", ("2023-01-01", "2024-01-01")),
        ("2024-01..2024-02", ("2024-01-01", "2024-03-01")),
        ("2023..2023-Q2", ("2023-01-01", "2023-07-01")),
        ("..2024-01-31", (None, "2024-02-01")),
        ("month-1..day", ("2024-02-01", "2024-04-01")),
    ],
)
def test_periods(text: str, meant: tuple[str | None, str | None]) -> None:
    assert days(text) == meant


@pytest.mark.parametrize(
    "text",
    [
        "", "..", "...", "2024-13", "2024-00", "2024-02-30", "2023-02-29", "2024-Q5", "2024-Q0",
        "24", "20240", "2024-1-1-1", "2024-01-01T00:00", "day+1", "week-1", "2024-01-00",
        "month-99999", "year-99999", "0001", "0001-01-01", "9999", "9998-12-31", "0000",
        "2024-02..2024-01", "2024-01-02..2024-01-01", "a..b..c", "\N{ARABIC-INDIC DIGIT TWO}024",
    ],
)  # fmt: skip
def test_what_is_no_period(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        span(text, TODAY, VIENNA)


@pytest.mark.parametrize(
    ("day", "hours"),
    [("2024-03-31", 23), ("2024-10-27", 25), ("2024-03-30", 24)],
)
def test_days_of_a_clock_change(day: str, hours: int) -> None:
    found = span(day, TODAY, VIENNA)
    assert found.start is not None
    assert found.end is not None
    assert found.end - found.start == timedelta(hours=hours)
    assert found.start.astimezone(VIENNA) == datetime.fromisoformat(day).replace(tzinfo=VIENNA)


@given(
    st.dates(date(1990, 1, 1), date(2090, 1, 1)),
    st.sampled_from(ZONES).map(ZoneInfo),
)
def test_days_leave_no_gap_and_do_not_overlap(day: date, zone: ZoneInfo) -> None:
    here, there = (span(str(each), TODAY, zone) for each in (day, day + timedelta(days=1)))
    assert here.end == there.start
    assert here.start is not None
    assert here.end is not None
    assert here.start <= here.end
    if here.start < here.end:  # Samoa had no 30 December 2011
        first, last = here.start, here.end - timedelta(microseconds=1)
        assert {at.astimezone(zone).date() for at in (first, last)} == {day}
        assert (first - timedelta(microseconds=1)).astimezone(zone).date() < day


@given(st.text(max_size=20))
def test_any_text_is_a_span_or_refused(text: str) -> None:
    try:
        found = span(text, TODAY, NEW_YORK)
    except ValueError as error:
        assert str(error)  # noqa: PT017 (or it is a span)
    else:
        assert found.start or found.end
