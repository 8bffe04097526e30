"""What is read goes again: neither a stream of all rows nor a long life makes a process grow."""

from __future__ import annotations

import gc
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from dal import transactions
from dal.filters import Filter
from tests.bench.ground import seed
from webapp import create_app
from webapp.serve import OBJECTS, Server, spare_collections

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dal.database import Ledger
    from webapp.settings import WebSettings

ROWS = 4_000
MEGABYTE = 1_000_000
ASKED = ("", "?order=time", "?wallet=Wallet+1", "?type=trade&size=100", "?text=coffee", "?no=key")


@pytest.fixture
def traced() -> Iterator[Callable[[], tuple[int, int]]]:
    """Yield what tells the bytes in use, and the most since it was asked last."""

    def told() -> tuple[int, int]:
        gc.collect()
        found = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        return found

    tracemalloc.start()
    yield told
    tracemalloc.stop()


def test_a_stream_needs_no_more_for_more_rows(
    ledger: Ledger, database_url: str, traced: Callable[[], tuple[int, int]]
) -> None:
    seed(database_url, 6 * ROWS)
    found = []
    with ledger.snapshot() as conn:
        for query in ("date=..2022", "date=..2022", ""):  # once for what is made once
            traced()
            count = sum(1 for _ in transactions.iterate(conn, Filter.parse(query)))
            found.append((count, traced()[1]))
    _, (some, early), (every, late) = found
    assert every == 6 * ROWS
    assert some < every / 1.5
    assert late < early + MEGABYTE, found
    assert late < 20 * MEGABYTE


def test_a_worker_s_memory_is_what_it_was(
    ledger: Ledger, database_url: str, settings: WebSettings, traced: Callable[[], tuple[int, int]]
) -> None:
    seed(database_url, ROWS)
    client = create_app(settings, ledger).test_client()

    def answer(times: int) -> int:
        for _ in range(times):
            for query in ASKED:
                client.get(f"/transactions{query}").close()
        return traced()[0]

    answer(3)
    early = answer(5)
    assert answer(25) < early + MEGABYTE / 4


def test_a_worker_looks_for_cycles_less_often(settings: WebSettings) -> None:
    known = gc.get_threshold()
    try:
        Server(settings).load()
        assert gc.get_threshold()[0] == OBJECTS
        assert gc.get_freeze_count() > OBJECTS
        spare_collections()
    finally:
        gc.unfreeze()
        gc.set_threshold(*known)
