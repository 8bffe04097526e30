"""The faults themselves do what they say, and what cannot be done is named."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.freshness.campaign import chosen, theirs
from tests.freshness.load import Load, Plan
from tests.freshness.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_lost_answer_belongs_to_a_commit_that_happened(loaded_database: str) -> None:
    def count() -> int:
        with psycopg.connect(loaded_database) as conn:
            row = conn.execute("SELECT count(*) FROM labels WHERE name = 'kept'").fetchone()
            assert row is not None
            return int(row[0])

    with Proxy(loaded_database, each=2) as proxy:
        insert = "INSERT INTO labels (name) VALUES ('kept') ON CONFLICT DO NOTHING"
        with closing(psycopg.connect(proxy.url)) as conn:
            conn.commit()
            conn.execute("SELECT 1")
            conn.commit()  # the first COMMIT is answered
            conn.execute(insert)
            with pytest.raises(psycopg.OperationalError):
                conn.commit()
        assert proxy.lost == count() == 1
    with psycopg.connect(loaded_database) as conn:
        conn.execute("DELETE FROM labels WHERE name = 'kept'")


def test_what_needs_processes_is_skipped_by_name_elsewhere() -> None:
    def silent(_fault: str, _load: Load) -> None: ...

    say: Callable[[str, Load], None] = silent
    faults = chosen("kill -9 a worker, lose the answer to COMMIT")
    results = list(theirs("http://127.0.0.1:1", "postgresql://nobody@/none", faults, Plan(), say))
    assert [(each.fault, bool(each.skipped), each.load) for each in results] == [
        ("kill -9 a worker", True, None),
        ("lose the answer to COMMIT", True, None),
    ]


def test_an_unknown_fault_is_refused() -> None:
    with pytest.raises(KeyError, match="earthquake"):
        chosen("earthquake")
