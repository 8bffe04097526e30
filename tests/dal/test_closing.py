"""A ledger that is closed leaves no connection open, not even those that are still lent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dal.database import Ledger

if TYPE_CHECKING:
    import psycopg


def test_what_is_lent_is_closed_when_it_comes_back(database_url: str) -> None:
    ledger = Ledger(database_url)
    lent: list[psycopg.Connection] = []
    with ledger.read() as reading, ledger.page() as paging, ledger.write() as writing:
        lent += [each.connection.driver_connection for each in (reading, paging, writing)]  # type: ignore[misc]
        ledger.close()
        assert not any(each.closed for each in lent)
    assert all(each.closed for each in lent)
