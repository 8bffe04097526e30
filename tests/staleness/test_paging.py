"""Pages by OFFSET: rows that move between them, and orders that leave it open who comes where."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from flask import request
from sqlalchemy import select, tuple_

from tests.staleness.applications import application, held_in, opened, paged
from tests.staleness.observing import arrives, observe, other_function
from tests.staleness.shop import Transaction, db, drawn, reset
from tests.staleness.trial import RC, RR, SERIALIZABLE, TRUE_IF, Trial, claim

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask import Flask
    from flask.testing import FlaskClient
    from sqlalchemy import Select

    from tests.staleness.conftest import Shop

    Client = FlaskClient

SIZE = 10
ROWS = 100
NEWEST = select(Transaction).order_by(Transaction.occurred_at.desc(), Transaction.id.desc())
HERE = tuple_(Transaction.occurred_at, Transaction.id)
INSERT = (
    "INSERT INTO transaction (id, occurred_at, address, type, asset, amount, note, labels)"
    " SELECT n, '2026-01-01 12:00Z'::timestamptz + n * interval '1 min', '0xabc', 'receive', 'ETH',"
    " n, 'more', '[]' FROM generate_series({}, {}) n"
)


@pytest.fixture
def long(shop: Shop) -> Shop:
    """Return a shop of 100 transactions, one a minute, the highest id the newest."""
    shop.outside.execute("DELETE FROM transaction")
    shop.outside.execute(INSERT.format(1, ROWS).encode())
    return shop


# ── 57: OFFSET ───────────────────────────────────────────────────────────────────────────────

CHANGES = {
    "a newer row comes": INSERT.format(101, 101),
    "five newer rows come": INSERT.format(101, 105),
    "a row of page one goes": "DELETE FROM transaction WHERE id = 95",
    "a row of page three is dated newest": (
        "UPDATE transaction SET occurred_at = occurred_at + interval '1 day' WHERE id = 75"
    ),
    "an older row comes": INSERT.format(-1, -1),
    "a row of page one gets another note": "UPDATE transaction SET note = '' WHERE id = 95",
}


@claim(
    57,
    TRUE_IF,
    "between two pages a row comes, goes or moves before the place where the second page begins:"
    " what comes repeats a row, what goes hides one. The isolation level of the requests does not"
    " matter, only one REPEATABLE READ transaction for both pages would",
)
def test_pages_by_offset_drift(trial: Trial, long: Shop) -> None:
    long.outside.execute("CREATE TABLE as_it_was AS TABLE transaction")
    for change in CHANGES:
        _drifts(trial, long, change, RC)
    for isolation in (RR, SERIALIZABLE):
        _drifts(trial, long, "a newer row comes", isolation)
    _in_one_transaction(trial, long)
    assert held_in(trial) == [True] * 4 + [False] * 2 + [True] * 2 + [False]
    for change in CHANGES:
        wrong, saw = _two_pages(long, change, RC, by_key=True)
        trial.control(f"the second page seeks by the last row's key, {change}", gone=not wrong,
                      saw=saw)  # fmt: skip
    _observed(trial, long)


def _drifts(trial: Trial, shop: Shop, change: str, isolation: str) -> None:
    wrong, saw = _two_pages(shop, change, isolation)
    trial.case(f"{change} between page one and two", holds=wrong, saw=saw, isolation=isolation)


def _two_pages(
    shop: Shop, change: str, isolation: str, *, by_key: bool = False
) -> tuple[bool, str]:
    _as_it_was(shop)
    with application(shop, isolation) as app:
        client = _pages(app).test_client()
        first = _ids(client, "?page=1")
        shop.outside.execute(CHANGES[change].encode())
        second = _ids(client, f"?after={first[-1]}" if by_key else "?page=2")
    return _judged(first, second)


def _as_it_was(shop: Shop) -> None:
    shop.outside.execute("DELETE FROM transaction")
    shop.outside.execute("INSERT INTO transaction TABLE as_it_was")


def _pages(app: Flask) -> Flask:
    """Give an application its page, by Flask-SQLAlchemy's paginate() or by key."""

    @app.get("/transactions")
    def transactions() -> str:
        reset()
        if "after" not in request.args:
            return drawn(db.paginate(NEWEST, per_page=SIZE).items)
        last = db.session.get_one(Transaction, int(request.args["after"]))
        older = NEWEST.where((last.occurred_at, last.id) > HERE).limit(SIZE)
        return drawn(db.session.scalars(older))

    return app


def _ids(client: Client, query: str) -> list[int]:
    text = client.get(f"/transactions{query}").text
    return [int(nr) for nr in re.findall(r'id="t(-?\d+)"', text)]


def _judged(first: Sequence[int], second: Sequence[int]) -> tuple[bool, str]:
    """Return whether two pages repeat or hide rows, which had the ids 100 to 81."""
    repeated = len(set(first) & set(second))
    last = second[-1]
    hidden = len(set(range(last, ROWS + 1)) - set(first) - set(second))
    return bool(repeated or hidden), f"{repeated} rows shown again, {hidden} never"


def _in_one_transaction(trial: Trial, shop: Shop) -> None:
    _as_it_was(shop)
    pages = []
    with opened(shop, RR) as session:
        for offset in (0, SIZE):
            found = session.scalars(NEWEST.limit(SIZE).offset(offset))
            pages.append([row.id for row in found])
            shop.outside.execute(INSERT.format(101 + offset, 101 + offset).encode())
    wrong, saw = _judged(*pages)
    trial.case("a newer row comes, both pages are read in one transaction", holds=wrong, saw=saw,
               isolation=RR)  # fmt: skip


def _observed(trial: Trial, shop: Shop) -> None:
    """Look at page two, after a newer row came: as it is, with the reset, after a function."""
    with application(shop) as app:
        other_function(app)
        client = _pages(app).test_client()

        def wrong(query: str = "", *, other: bool = False) -> bool:
            _as_it_was(shop)
            first = _ids(client, "?page=1")
            shop.outside.execute(CHANGES["a newer row comes"].encode())
            if other:
                client.post("/contacts/2", data={"name": "Benedict"})
            return _judged(first, _ids(client, f"?page=2{query}"))[0]

        trial.observations(first=wrong(), other_function=not wrong(other=True),
                           reset_useless=wrong("&reset=1"), when="page two")  # fmt: skip


# ── 58: an order that is none ────────────────────────────────────────────────────────────────

NOTHING = "SELECT"
MOVING = "UPDATE transaction SET note = note || '.' WHERE id = 1"
ORDERS: dict[str, tuple[Any, ...]] = {
    "no ORDER BY": (),
    "ORDER BY a column of equal values": (Transaction.type,),
    "ORDER BY a column of equal values, then the id": (Transaction.type, Transaction.id),
    "ORDER BY a column of which no two values are equal": (Transaction.occurred_at,),
}


@claim(
    58,
    TRUE_IF,
    "rows tie in the order, and do not all fit on one page: ties are sorted anew for each page,"
    " so that rows come again or never though nobody writes, and one snapshot for all pages does"
    " not help; without ORDER BY, an UPDATE moves its row to another page, and a new row is not on"
    " the first one",
)
def test_pages_need_an_order_that_says_all(trial: Trial, long: Shop) -> None:
    for isolation in (RC, RR):
        _walked(trial, long, "ORDER BY a column of equal values", NOTHING, isolation)
    _walked(trial, long, "no ORDER BY", MOVING)
    _first_page(trial, long)
    _walked(trial, long, "no ORDER BY", NOTHING)
    _walked(trial, long, "ORDER BY a column of equal values", NOTHING, size=ROWS)
    for order in list(ORDERS)[2:]:
        _walked(trial, long, order, MOVING)
    assert held_in(trial) == [True] * 4 + [False] * 4
    wrong, saw = _walk(long, "ORDER BY a column of equal values, then the id", NOTHING, RC, SIZE)
    trial.control("the order ends with the id", gone=not wrong, saw=saw)


def _walked(
    trial: Trial, shop: Shop, order: str, change: str, isolation: str = RC, *, size: int = SIZE
) -> None:
    wrong, saw = _walk(shop, order, change, isolation, size)
    when = "nobody writes" if change is NOTHING else "a row is changed after page one"
    trial.case(f"{order}, {when}, {size} rows a page", holds=wrong, saw=saw, isolation=isolation)


def _walk(shop: Shop, order: str, change: str, isolation: str, size: int) -> tuple[bool, str]:
    """Turn all the pages, in one session that is one transaction."""
    statement = select(Transaction.id).order_by(*ORDERS[order])
    seen: Counter[int] = Counter()
    with opened(shop, isolation) as session:
        for offset in range(0, ROWS, size):
            seen.update(session.scalars(statement.limit(size).offset(offset)))
            if not offset:
                shop.outside.execute(change.encode())
    again = sum(times > 1 for times in seen.values())
    never = ROWS - len(seen)
    return bool(again or never), f"{again} of {ROWS} rows shown again, {never} never"


def _first_page(trial: Trial, shop: Shop) -> None:
    """Let a row come, where the first page has no order."""
    some: Select[tuple[Transaction]] = select(Transaction).limit(SIZE)
    with application(shop) as app:
        other_function(app)
        paged(app, lambda: list(db.session.scalars(some)))
        seen = observe(app, lambda word: arrives(shop, word))
    shop.outside.execute("DELETE FROM transaction WHERE id > %s", (ROWS,))
    seen.told(trial, "no ORDER BY, and the first page is looked at")
    trial.case("no ORDER BY, a row comes, page one", holds=seen.first, saw=seen.words)
