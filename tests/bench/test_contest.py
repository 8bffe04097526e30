"""The bench's own side on a small ledger: it asks fairly, and what it compares is the same."""

from __future__ import annotations

import re
import sys
from statistics import median
from typing import TYPE_CHECKING, Any

import pytest

from dal.filters import EVERYTHING
from dal.transactions import page
from tests.bench import report
from tests.bench.contest import LEAST, REPEATS, Answer, Piped, Place, agree, contest, places
from tests.bench.contestants import django_paged
from tests.bench.figures import table
from tests.bench.ground import seed
from tests.bench.ours import Ours, address, cursor_of
from tests.bench.served import paged
from tests.conftest import new_database

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


ROWS = 5_000
FIRST = Place("first page", "newest first", 0, None)
DEEP = Place("page 3", "deep", 100, ("2024-01-01T00:00:00+00:00", 7))
#: What differs between two answers to the same question.
FLEETING = (
    (r'cursor=[^"&]*', "cursor="),
    (r'(data-token|name="back" value)="[^"]*"', r"\1"),
    (r'(csrf_token|once)" value="[^"]*"', r"\1"),
    (r"true at [0-9T:.Z+-]*", "true at"),
    (r'<time datetime="[^"]*">\d\d:\d\d:\d\d</time>', "<time>"),
    (r"\s+", " "),
    (r"> <", "><"),
)


@pytest.fixture(scope="module")
def generated_url(server_url: str, template: str) -> Iterator[str]:
    """Yield a ledger of some thousand generated transactions."""
    with new_database(server_url, template) as url:
        seed(url, ROWS)
        yield url


@pytest.fixture
def ours(generated_url: str, tmp_path: Path) -> Iterator[Ours]:
    found = Ours(generated_url, tmp_path)
    yield found
    found.raw.close()
    found.ledger.close()


def test_our_side_runs_in_rounds(generated_url: str) -> None:
    where = places(generated_url)
    with Piped([sys.executable, "-m", "tests.bench.ours", generated_url]) as piped:
        times = contest([piped], where, rounds=2)
    assert {name for name, _ in times} == {"raw psycopg", "our dal", "our request", "by hand"}
    names = [place.name for place in where]
    assert names == ["first page", "page 50", "last page", "one wallet", "one type", "one label"]
    # On a machine that is busy enough, nothing is quick.
    assert all(len(times["our dal", name]) in {2, 1 + REPEATS} for name in names)
    assert len(table(times, report.LAYERS[:2], names, "raw psycopg")) == 4


def test_what_is_written_by_hand_is_our_page(ours: Ours) -> None:
    with ours.ledger.read() as conn:
        following = page(conn, EVERYTHING).next
    assert following is not None
    assert following.key is not None
    for key in (None, (str(following.key[0]), following.key[1])):
        place: dict[str, Any] = {"key": key, "last": False, "named": {}}
        mine = ours.get(address(place, ours.state.cursor_key)).decode()
        assert steady(ours.by_hand.page(cursor_of(place)).decode()) == steady(mine)


def steady(text: str) -> str:
    for pattern, kept in FLEETING:
        text = re.sub(pattern, kept, text)
    return text


class Fixed:
    """A contestant that always takes as long."""

    def __init__(self, name: str, seconds: float, *ids: int) -> None:
        self.names = [name]
        self.seconds = seconds
        self.ids = ids
        self.asked = 0

    def ask(self, name: str, place: Place, calls: int) -> Answer:
        assert name in self.names
        assert place.skip == FIRST.skip or place.last
        self.asked += 1
        return Answer([self.seconds] * calls, self.ids)


def test_who_finds_other_rows_is_named() -> None:
    with pytest.raises(ValueError, match="wrong finds other rows at first page"):
        agree(cells(Fixed("right", 0.1, 3, 2), Fixed("wrong", 0.1, 3, 1), place=FIRST))


def test_who_finds_nothing_is_named() -> None:
    with pytest.raises(ValueError, match="none finds"):
        agree(cells(Fixed("none", 0.1), place=FIRST))


def test_a_last_page_may_be_counted_from_the_front() -> None:
    last = Place("last page", "", 50, None, last=True)
    agree(cells(Fixed("seeks", 0.1, 4, 3, 2, 1), Fixed("counts", 0.1, 2, 1), place=last))


def cells(*contestants: Fixed, place: Place) -> list[tuple[Fixed, str, Place]]:
    return [(each, each.names[0], place) for each in contestants]


def test_the_slow_are_not_asked_on() -> None:
    quick, slow = Fixed("quick", 0.001, 1), Fixed("slow", 3.0, 1)
    times = contest([quick, slow], [FIRST], rounds=10)
    assert len(times["quick", "first page"]) == 1 + 9 * REPEATS
    assert len(times["slow", "first page"]) == LEAST


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (paged("/page", "page"), ["/page", "/page?page=3", "/page?wallet=4"]),
        (paged("/p", "page", 0, filtered="f_{}"), ["/p", "/p?page=2", "/p?f_wallet=4"]),
        (django_paged("/a/"), ["/a/", "/a/?p=3", "/a/?wallet__id__exact=4"]),
    ],
)
def test_each_peer_is_asked_in_its_own_words(address: object, expected: Sequence[str]) -> None:
    wallet = Place("one wallet", "", 0, None, where={"wallet": 4}, named={"wallet": "Main"})
    assert callable(address)
    assert [address(place) for place in (FIRST, DEEP, wallet)] == expected


def test_the_report_says_what_was_reached() -> None:
    times = {(name, "first page"): [0.002, 0.003] for name in {*report.LAYERS, *report.REQUESTS}}
    times["our dal", "first page"] = [0.001]
    pages = {(name, "first page"): [0.01] for name in report.PAGES}
    found = report.Found([FIRST], times, pages, {"our page": 120_000}, 1.5)
    text = "\n".join(report.lines(["Here."], found))
    assert "| our dal ÷ raw psycopg | ≤ 1.35 | 0.40 |" in text
    assert f"| our dal ÷ sqlakeyset, Core | ≤ 0.4 | {0.001 / median([0.002, 0.003]):.2f} |" in text
    assert "| our request ÷ by hand | ≤ 1.5 | 1.00 |" in text
    assert "our page 120 kB" in text
    assert "Django admin, count" in text
