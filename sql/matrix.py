"""Ask for every filter and every two of them, and hold our searches against the naive statement.

    python sql/matrix.py [ROWS] [CASES]

For each filter the generated ledger has a common value, one of a per cent, one that meets no other
of its kind (apart), one that is long past (old), a rare one and one that nothing has (never). Each
case is asked for at three depths and in both directions: our whole page, its rows alone, and the
bare conditions in order, as one would write them, planned for its values. All must find the same
rows. Where the naive one takes more than `PATIENCE`, it is given up and counts as that.

On DATABASE_URL, if that is a generated ledger (`make bench-data`), else in a database of its own.
CASES are drawn of each group; 0 asks all, which takes hours.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import combinations, product
from typing import TYPE_CHECKING, Any

import psycopg
from plan import generated
from sqlalchemy import literal_column, select

from dal import explain, keyset, slices, tables, transactions
from dal.database import driver_url
from dal.filters import Filter
from dal.keyset import NEWEST_FIRST, Cursor
from dal.shown import COLUMNS, gathered

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

tx = tables.transactions
BUDGET, PATIENCE = 250, 2_500  # ms, of our page and of the naive statement
SIZE = 50
VALUES: Mapping[str, Sequence[str]] = {
    "wallet": ("Wallet 1", "Wallet 15", "Apart", "Old", "Rare", "Never"),
    "type": ("receive", "other", "loan", "gift", "burn", "income"),
    "asset": ("ETH", "TOK13", "APART", "OLD", "RARE", "NEVER"),
    "label": ("label 1", "label 8", "apart", "old", "rare", "never"),
    "contact": ("Contact 1", "Contact 5", "Apart", "Old", "Rare", "Never"),
    "network": ("ethereum", "polygon", "arbitrum", "dogecoin", "tron", "xrp"),
    "status": ("confirmed", "failed", "pending"),
    "import": ("1", "11", "12", "13"),
    "date": ("2025-11", "2020-02", "2023-01-01"),
    "has": ("label", "note", "contact"),
    "amount": ("0.1..", "900..1000", "3333", "1984", "2000..2999", "9999"),
    "text": ("coffee", "invoice", "asunder", "bygone", "seldom", "unheard"),
}
SEARCHED = ("amount", "text")
EQUAL = tuple(key for key in VALUES if key not in SEARCHED)
#: Where the page begins: at an end, in the middle, in the great tie, long ago; and read back.
PLACES: Mapping[str, Cursor | None] = {
    "newest": None,
    "middle": Cursor.from_instant(NEWEST_FIRST, datetime(2023, 6, 1, tzinfo=UTC)),
    "tie": Cursor(NEWEST_FIRST, "after", (datetime(2023, 1, 1, tzinfo=UTC), 2**31)),
    "long ago": Cursor.from_instant(NEWEST_FIRST, datetime(2020, 9, 1, tzinfo=UTC)),
    "back": Cursor(NEWEST_FIRST, "before", (datetime(2022, 1, 1, tzinfo=UTC), 1)),
    "oldest": Cursor.last(NEWEST_FIRST),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What one case cost."""

    case: str
    ours: float  # ms, of the whole page
    rows: float  # ms, of its rows alone
    naive: float  # ms, of the bare rows
    buffers: int  # of the whole page
    touched: int  # buffers of its rows alone
    same: bool  # whether both found the same rows


def main(rows: int, cases: int) -> int:
    """Print the matrix; return 1 if an answer differs."""
    random.seed(7)
    wrong = 0
    with ledger(rows) as url, connected(url) as ours, connected(url) as naive:
        ours.execute("SET plan_cache_mode = force_generic_plan")
        ours.execute(f"SET statement_timeout = {BUDGET}")
        naive.execute(f"SET statement_timeout = {PATIENCE}")
        print(f"{'':24}{'cases':>6}  {'p50':>8} {'p90':>8} {'p99':>8} {'max':>8}")
        for name, queries in groups(cases):
            found = [asked(ours, naive, query, place) for query, place in queries]
            wrong += sum(not each.same for each in found)
            report(name, found)
    print(f"{wrong} answers differ" if wrong else "All answers are the naive statement's.")
    return min(wrong, 1)


def groups(cases: int) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield the cases of each group: a query and a place."""
    single = [f"{key}={value}" for key in EQUAL for value in VALUES[key]]
    yield "one, by value", drawn(single, 0)
    yield "one, searched", drawn([f"{k}={v}" for k in SEARCHED for v in VALUES[k]], 0)
    pairs = [pair for keys in combinations(EQUAL[:6], 2) for pair in both(*keys)]
    yield "two, by value", drawn(pairs, cases)
    more = [pair for keys in product(EQUAL[:6], EQUAL[6:]) for pair in both(*keys)]
    yield "two, of a narrow one", drawn(more, cases)
    searched = [pair for keys in product(SEARCHED, EQUAL) for pair in both(*keys)]
    yield "two, one searched", drawn(searched, cases)
    threes = [f"{two}&{key}={value}" for two in pairs for key in EQUAL[:6] for value in VALUES[key]
              if f"{key}=" not in two]  # fmt: skip
    yield "three, by value", drawn(threes, cases // 3)


def both(first: str, second: str) -> list[str]:
    """Return all pairs of their values."""
    return [f"{first}={one}&{second}={two}" for one in VALUES[first] for two in VALUES[second]]


def drawn(queries: Sequence[str], cases: int) -> list[tuple[str, str]]:
    """Return queries at all places, or so many of them."""
    found = list(product(queries, PLACES))
    return random.sample(found, cases) if 0 < cases < len(found) else found


def asked(ours: psycopg.Connection, naive: psycopg.Connection, query: str, name: str) -> Asked:
    """Return what one case costs either way."""
    where, cursor = Filter.parse(query), PLACES[name]
    bound = transactions.page_parameters(where, cursor)
    statement = transactions.page_statement(where, NEWEST_FIRST, cursor, SIZE)
    text, parameters = explain.compiled(statement, bound)
    found = explain.compiled(found_statement(where, cursor), bound)
    page, took = timed(ours, text, parameters)
    alone, found_in = timed(ours, *found)
    bare, waited = timed(naive, *explain.compiled(bare_statement(where, cursor), bound))
    answers = [ids(page)] if page else []
    answers += [sorted(row[0] for row in each) for each in (alone, bare) if each is not None]
    return Asked(
        f"{query} ({name})",
        took,
        found_in,
        waited,
        buffers(ours, text, parameters),
        buffers(ours, *found),
        all(each == answers[0] for each in answers),
    )


def found_statement(where: Filter, cursor: Cursor | None) -> Any:  # noqa: ANN401 (a Select)
    """Return our statement of the rows alone."""
    placed, backward = (
        cursor is not None and cursor.key is not None,
        bool(cursor and cursor.backward),
    )
    return select(
        slices.rows(where.shape, NEWEST_FIRST, SIZE + 1, placed=placed, backward=backward)
    )


def bare_statement(where: Filter, cursor: Cursor | None) -> Any:  # noqa: ANN401 (a Select)
    """Return the conditions in order, as one would write them."""
    backward = cursor is not None and cursor.backward
    place = []
    if cursor is not None and cursor.key is not None:
        place = [keyset.beside(NEWEST_FIRST, NEWEST_FIRST.columns, backward=backward)]
    found = select(tx.c.id, tx).where(*where.clauses(), *place)
    return found.order_by(*NEWEST_FIRST.by(backward=backward)).limit(literal_column(str(SIZE + 1)))


def ids(page: list[tuple[Any, ...]]) -> list[int]:
    """Return the ids that a page's row of arrays holds, one more than it shows."""
    return sorted(row.id for row in gathered(page[0][:COLUMNS]).rows)


def timed(
    conn: psycopg.Connection, text: str, parameters: Mapping[str, Any]
) -> tuple[list[tuple[Any, ...]] | None, float]:
    """Return what a statement finds, and the median of three times; None if it takes too long."""
    times = []
    for _ in range(3):
        begin = time.perf_counter()
        try:
            found = conn.execute(text.encode(), parameters).fetchall()
        except psycopg.errors.QueryCanceled:
            return None, (time.perf_counter() - begin) * 1000
        times.append((time.perf_counter() - begin) * 1000)
        if times[-1] > PATIENCE / 10:
            break
    return found, statistics.median(times)


def buffers(conn: psycopg.Connection, text: str, parameters: Mapping[str, Any]) -> int:
    """Return the 8 kB pages that a statement touches."""
    whole = f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {text}"
    try:
        row = conn.execute(whole.encode(), parameters).fetchone()
    except psycopg.errors.QueryCanceled:
        return 0
    assert row is not None  # noqa: S101 (EXPLAIN gives one)
    plan = row[0][0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def report(name: str, found: list[Asked]) -> None:
    """Print a group, and its worst cases."""
    line(name, "ours, ms", [each.ours for each in found], len(found))
    line("", "rows, ms", [each.rows for each in found])
    line("", "naive, ms", [each.naive for each in found])
    line("", "buffers", [float(each.buffers) for each in found])
    line("", "of the rows", [float(each.touched) for each in found])
    told = sum(each.ours >= BUDGET for each in found)
    print(f"{told:>24} told to narrow after {BUDGET} ms") if told else None
    for each in sorted(found, key=lambda each: -each.ours)[:3]:
        print(f"    {each.ours:8.1f} ms, naive {each.naive:8.1f} ms  {each.case}")
    for each in found:
        if not each.same:
            print(f"    DIFFERS: {each.case}")


def line(name: str, what: str, figures: list[float], count: int | None = None) -> None:
    """Print percentiles."""
    figures = sorted(figures)
    at = [figures[min(len(figures) - 1, int(len(figures) * p))] for p in (0.5, 0.9, 0.99, 1)]
    told = " ".join(f"{each:8,.1f}" if what.endswith("ms") else f"{each:8,.0f}" for each in at)
    print(f"{name:<14.14}{what:>10}{count or '':>6}  {told}")


@contextmanager
def ledger(rows: int) -> Iterator[str]:
    """Yield the URL of a generated ledger."""
    if url := os.environ.get("DATABASE_URL"):
        yield driver_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        return
    with generated(rows) as made:
        plain = made.url.set(drivername="postgresql")
        yield plain.render_as_string(hide_password=False)


@contextmanager
def connected(url: str) -> Iterator[psycopg.Connection]:
    """Yield a connection that prepares what it is asked."""
    with psycopg.connect(url, autocommit=True, prepare_threshold=0) as conn:
        conn.execute("SET jit = off")
        yield conn


if __name__ == "__main__":
    given = [int(each) for each in sys.argv[1:]]
    sys.exit(main(*(given + [1_000_000, 200][len(given) :])))
