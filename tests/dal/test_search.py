"""Every way of a search finds what plain Python finds, whichever way the values lead it."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import combinations, cycle, product
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from dal import (
    crossing,
    driver,
    facets,
    filters,
    ranking,
    search,
    slices,
    steps,
    transactions,
    ways,
)
from dal.database import Ledger
from dal.fields import BY_KEY
from dal.filters import Filter
from dal.keyset import ORDERS, Cursor
from tests.conftest import new_database
from tests.support import books
from tests.support.books import VIENNA, Books, texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Connection

    from dal.keyset import Order
    from tests.support.books import Known

NOW = datetime(2024, 3, 31, 22, 30, tzinfo=UTC)
#: A set is taken as soon as that can be.
SETTLED = {"PROBED": 2, "NEAR": 2, "WORTH": 0}
#: How much of a list is looked up in a set.
LOOKED_UP = {
    "not at all": {"FEW": 1_000},
    "at once": {"FEW": 0, "NEARBY": 1_000},
    "step by step": {"FEW": 1, "NEARBY": 3, "LONGER": 2, "FARTHEST": 5, "LONG": 12},
}
#: So small that a ledger of two hundred rows is a large one.
THRESHOLDS = {
    "two lists side by side": {"PROBED": 2, "SPARSER": 10_000, "FIRST": 3, "LARGEST": 7},
    "the sparsest list leads": {"PROBED": 2, "SPARSER": 0, "FIRST": 2, "LARGEST": 9},
    "all lists are short": {"PROBED": 1_000, "FIRST": 1, "GROWTH": 2},
    "sets are small": {**SETTLED, "FIRST": 2, "ENDING": 2},
    "sets are looked up": {**SETTLED, "FIRST": 2, "ENDING": 2, **LOOKED_UP["at once"]},
    "sets are looked up step by step": {
        **SETTLED,
        **LOOKED_UP["step by step"],
        "FIRST": 2,
        "ENDING": 2,
        "ASKING": 9,
    },
    "sets are large": {**SETTLED, "FIRST": 1, "AMOUNTS": 0, "WORDED": 0, "ASKING": 9},
    "the rest is met soon": {
        "PROBED": 2,
        "NEAR": 5,
        "WORTH": 1_000,
        "FIRST": 5,
    },
}
MODULES = (crossing, facets, search, ranking, slices, ways, steps)
CACHES = (
    transactions._page_statement,
    transactions._walk_statement,
    driver.compiled,
    filters.finders,
)


@pytest.fixture(scope="module")
def ledger_of_200(server_url: str, template: str) -> Iterator[tuple[Connection, Books]]:
    with new_database(server_url, template) as url, Ledger(url) as ledger, ledger.write() as conn:
        yield conn, Books(conn)


@contextmanager
def patched(limits: Mapping[str, int]) -> Iterator[pytest.MonkeyPatch]:
    """Let statements be made with other thresholds; none of them is kept."""
    with pytest.MonkeyPatch.context() as patch:
        for (name, value), module in product(limits.items(), MODULES):
            if hasattr(module, name):
                patch.setattr(module, name, value)
        for cache in CACHES:
            cache.cache_clear()
        yield patch
    for cache in CACHES:
        cache.cache_clear()


@pytest.fixture(params=THRESHOLDS)
def thresholds(request: pytest.FixtureRequest) -> Iterator[str]:
    limits = THRESHOLDS[request.param]
    with patched(limits) as patch:
        patch.setattr(slices, "WEIGHED", 3)
        if "WORDED" in limits or "PROBED" not in limits:
            patch.setattr(ranking, "SORTED", 0)
        yield request.param


def expected(ledger: Books, asked: list[tuple[str, str]], order: Order) -> list[int]:
    """Return the ids as Python filters and sorts them."""
    meant = [one for one in ledger.all if books.matches(one, asked)]

    def place(one: Known) -> tuple[object, int]:
        return (one.when if order.is_by_time else one.amount), one.id

    return [one.id for one in sorted(meant, key=place, reverse=order.descending)]


def walked(conn: Connection, where: Filter, order: Order, size: int, *, back: bool) -> list[int]:
    """Return all pages joined; each is as full as it can be.

    Its neighbours are told right, and how many there are, as far as they are counted.
    """
    found: list[int] = []
    counts = set()
    cursor = Cursor.last(order) if back else None
    while True:
        page = transactions.page(conn, where, order, cursor, size)
        ids = [row.id for row in page.rows]
        assert (page.has_next if back else page.has_previous) is bool(found)
        found = ids + found if back else found + ids
        counts.add((page.counted, page.countable + 1))
        if not (page.has_previous if back else page.has_next):
            assert all(counted == min(len(found), most) for counted, most in counts)
            return found
        assert len(ids) == size
        row = page.rows[0 if back else -1]
        cursor = Cursor.at(order, "before" if back else "after", row)


@settings(
    deadline=None,
    max_examples=12,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_any_way_finds_the_same(
    thresholds: str, ledger_of_200: tuple[Connection, Books], data: st.DataObject
) -> None:
    assert thresholds
    conn, ledger = ledger_of_200
    asked = []
    for key in data.draw(st.lists(st.sampled_from(sorted(BY_KEY)), min_size=1, max_size=4)):
        mark = data.draw(st.sampled_from(("", "", "", "!")))
        asked.append((key + mark, data.draw(st.sampled_from(texts(key, ledger)))))
    where = Filter.parse(asked, now=NOW, zone=VIENNA)
    order = data.draw(st.sampled_from(list(ORDERS.values())))
    size, back = data.draw(st.integers(3, 60)), data.draw(st.booleans())
    assert walked(conn, where, order, size, back=back) == expected(ledger, asked, order)


FINDABLE = [key for key, field in BY_KEY.items() if field.lists or field.found]


@pytest.mark.parametrize("keys", list(combinations(FINDABLE, 2)), ids="-".join)
def test_each_two_conditions(
    ledger_of_200: tuple[Connection, Books], keys: tuple[str, str]
) -> None:
    conn, ledger = ledger_of_200
    with patched({"PROBED": 2, "NEAR": 2}):
        asked = [(key, texts(key, ledger)[0]) for key in keys]
        where = Filter.parse(asked, now=NOW, zone=VIENNA)
        for order in ORDERS.values():
            assert walked(conn, where, order, 40, back=False) == expected(ledger, asked, order)


LISTED = [key for key in FINDABLE if key not in {"amount", "text", "date", "hash"}]
#: Beside a set and a list: nothing, some days, and another list.
MORE = ((), (("date", "2024-03-31..2024-04-01"),), (("type", "send"),))


@pytest.mark.parametrize("how", LOOKED_UP)
@pytest.mark.parametrize("key", LISTED)
def test_what_a_set_has_is_looked_up_in_a_list(
    ledger_of_200: tuple[Connection, Books], key: str, how: str
) -> None:
    conn, ledger = ledger_of_200
    with patched({**SETTLED, "FIRST": 2, "ENDING": -1, **LOOKED_UP[how], "ASKING": 9}):
        asked_for = product(("text", "amount"), texts(key, ledger)[:2])
        every = [
            ((one, value), (key, other)) for one, other in asked_for for value in texts(one, ledger)
        ]
        for number, (two, more) in enumerate(zip(every, cycle(MORE))):
            asked = [*two, *more]
            where = Filter.parse(asked, now=NOW, zone=VIENNA)
            order = ORDERS["-time" if number % 2 else "time"]
            found = walked(conn, where, order, 15, back=number // 2 % 2 == 0)
            assert found == expected(ledger, asked, order), asked


def test_a_place_outside_the_days_is_moved_into_them(
    ledger_of_200: tuple[Connection, Books],
) -> None:
    """Jumping to an instant beside the days that are shown shows what of them lies behind it."""
    conn, ledger = ledger_of_200
    asked = [("date", "2024-03-31..2024-04-01"), ("type", "send")]
    where = Filter.parse(asked, now=NOW, zone=VIENNA)
    for key in ("-time", "time"):
        meant = expected(ledger, asked, ORDERS[key])
        whole = {one.id: one.when for one in ledger.all}
        for year in (2000, 2024, 2030):
            instant = datetime(year, 3, 31, 12, tzinfo=UTC)
            cursor = Cursor.from_instant(ORDERS[key], instant)
            page = transactions.page(conn, where, ORDERS[key], cursor, 200)
            behind = [
                each
                for each in meant
                if (whole[each] <= instant if key == "-time" else whole[each] >= instant)
            ]
            assert [row.id for row in page.rows] == behind
            assert page.has_previous is (len(behind) < len(meant))
