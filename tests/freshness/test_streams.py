"""The stream rule finds what was not told, and lets pass what need not be."""

from __future__ import annotations

import pytest

from tests.freshness.stories import answer, lane, look, op, snapshot
from tests.freshness.streams import Event, Pair, Stream


def told(token: str, *rows: int, placed: bool = False, everything: bool = False) -> Event:
    return Event(snapshot(token), frozenset(rows), placed, everything)


@pytest.fixture
def stream() -> Stream:
    return Stream(snapshot("5:5:"))


def test_the_first_event_that_holds_a_write_names_its_rows(stream: Stream) -> None:
    for xid in (6, 7):
        stream.wrote(op(xid, 0, 10, xid=xid, rows=(xid,)))
    assert stream.told(told("6:8:6", 7)) == []
    assert [each.rule for each in stream.told(told("8:8:", 9))] == ["stream"]
    assert stream.checked == 2


def test_a_write_is_waited_for_until_a_token_holds_it(stream: Stream) -> None:
    stream.wrote(op(7, 0, 10, xid=7, rows=(1,)))
    assert stream.told(told("7:8:7")) == stream.told(told("7:9:7")) == []
    assert stream.checked == 0
    assert stream.told(told("9:9:", 1)) == []


def test_too_many_to_name_is_as_good_as_naming_all(stream: Stream) -> None:
    stream.wrote(op(7, 0, 10, xid=7, rows=(1, 2)))
    assert stream.told(told("9:9:", everything=True)) == []


def test_what_the_first_page_held_need_not_be_told(stream: Stream) -> None:
    stream.wrote(op(3, 0, 10, xid=3, rows=(1,)))
    assert stream.told(told("9:9:")) == []


@pytest.mark.parametrize(
    ("events", "wrong"),
    [
        ([told("6:6:", 1), told("8:8:", 2)], 0),
        ([told("6:6:", 1), told("8:8:")], 1),
        ([told("6:6:", 1, 2), told("8:8:")], 1),  # told before the first of the two pages
        ([told("6:6:", 1), told("8:8:", placed=True)], 1),  # it came nowhere, it changed
        ([told("7:7:"), told("9:9:", 2)], 0),
    ],
)
def test_two_pages_differ_only_in_what_was_named_between_them(
    stream: Stream, events: list[Event], wrong: int
) -> None:
    books = lane()
    one = answer(books, (2, look(1)), token="6:6:")
    other = answer(books, (2, look(3)), token="8:8:")
    stream.read(Pair.of(one, other))
    found = [each for event in events for each in stream.told(event)]
    assert len(found) == wrong


def test_rows_that_came_or_went_are_named_or_placed(stream: Stream) -> None:
    books = lane()
    one, other = answer(books, token="5:5:"), answer(books, (2, look(3)), token="8:8:")
    stream.read(Pair.of(one, other))
    assert stream.told(told("8:8:", placed=True)) == []
    stream.read(Pair.of(other, answer(books, token="9:9:")))
    assert [each.rule for each in stream.told(told("9:9:", 1))] == ["stream"]
