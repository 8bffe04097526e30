"""Print what a page and an import cost, as ratios to references measured in the same run.

    python sql/measure.py [ROWS]

Buffers of a page at every depth; the data layer's page against raw psycopg running the same SQL,
prepared and binary; one statement against a transaction of REPEATABLE READ; the import of a file
against its rows inserted on the server alone (`import_cost.py`). On TEST_DATABASE_URL's server,
else an embedded one, in a database of its own.
"""

from __future__ import annotations

import statistics
import sys
import time
from typing import TYPE_CHECKING

import psycopg
from import_cost import imports
from plan import generated, place

from dal import explain, transactions
from dal.filters import Filter
from dal.keyset import NEWEST_FIRST, ORDERS, Cursor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from dal.database import Connection, Ledger

    Block = Callable[[], AbstractContextManager[Connection]]

CALLS = 300


def main(rows: int) -> None:
    """Measure on a generated ledger of that many transactions."""
    with generated(rows) as ledger:
        buffers(ledger)
        pages(ledger)
        snapshots(ledger)
        imports(ledger)


def places(ledger: Ledger) -> Iterator[tuple[str, Cursor | None, str]]:
    """Yield places at all depths, in every order."""
    for key, order in ORDERS.items():
        yield key, None, "first page"
        with ledger.read() as conn:
            middle = place(conn, key)
        yield key, middle, "in the middle"
        yield key, Cursor.last(order), "last page"


def buffers(ledger: Ledger) -> None:
    """Print the buffers of a page at all depths; those of the first page are 1.00."""
    first = 1
    for key, cursor, name in places(ledger):
        statement = transactions.page_statement(Filter(), ORDERS[key], cursor)
        parameters = transactions.page_parameters(Filter(), cursor)
        with ledger.read() as conn:
            explain.explain(conn, statement, parameters)
            touched = explain.explain(conn, statement, parameters).buffers
        first = touched if cursor is None else first
        print(f"buffers   {key:>8} {name:<14} {touched:>6}  {touched / first:.2f}")


def pages(ledger: Ledger) -> None:
    """Print the data layer's time per page against raw psycopg's, call by call in turn."""
    url = ledger.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True, prepare_threshold=0) as raw:
        for name, query, cursor in (
            ("first page", "", None),
            ("last page", "", Cursor.last(NEWEST_FIRST)),
            ("one wallet", "wallet=Wallet 2", None),
        ):
            ours, theirs = in_turn(ledger, raw, Filter.parse(query), cursor)
            ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
            print(
                f"page      {name:<14} dal {statistics.median(ours) * 1e6:>6.0f} us,"
                f" raw psycopg {statistics.median(theirs) * 1e6:>6.0f} us, ratio {ratio:.2f}"
            )


def in_turn(
    ledger: Ledger, raw: psycopg.Connection, where: Filter, cursor: Cursor | None
) -> tuple[list[float], list[float]]:
    """Return the seconds of each call, ours and theirs."""
    statement = transactions.page_statement(where, NEWEST_FIRST, cursor)
    bound = transactions.page_parameters(where, cursor)
    text, parameters = explain.compiled(statement, bound)
    binary = raw.cursor(binary=True)

    def theirs() -> None:
        binary.execute(text.encode(), parameters)
        binary.fetchall()

    return pairs(lambda: ask(ledger.read, where, cursor), theirs)


def ask(block: Block, where: Filter, cursor: Cursor | None = None) -> None:
    """Read one page."""
    with block() as conn:
        transactions.page(conn, where, NEWEST_FIRST, cursor)


def pairs(ours: Callable[[], None], theirs: Callable[[], None]) -> tuple[list[float], list[float]]:
    """Return the seconds of many calls of each, made in turn."""
    found = [(seconds(ours), seconds(theirs)) for _ in range(CALLS)][CALLS // 10 :]
    return [pair[0] for pair in found], [pair[1] for pair in found]


def snapshots(ledger: Ledger) -> None:
    """Print one statement against the same statement in a REPEATABLE READ transaction.

    That is what a page of several statements would need at least; both show one snapshot.
    """
    where = Filter()
    one, block = pairs(lambda: ask(ledger.read, where), lambda: ask(ledger.snapshot, where))
    ratio = statistics.median(b / a for a, b in zip(one, block, strict=True))
    print(
        f"snapshot  one statement {statistics.median(one) * 1e6:>6.0f} us, in REPEATABLE READ READ"
        f" ONLY {statistics.median(block) * 1e6:>6.0f} us, ratio {ratio:.2f}"
    )


def seconds(work: Callable[[], None]) -> float:
    """Return how long some work takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
