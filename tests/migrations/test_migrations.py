"""Revisions: there and back, the same as `dal.tables`, one process at a time, never a hang."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from dal import migrate, tables
from dal.database import Ledger
from dal.errors import Unavailable
from dal.settings import DalSettings
from tests.conftest import new_database
from tests.support import processes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

MIGRATE = """
import sys
from dal.database import Ledger
from dal.settings import DalSettings
with Ledger(sys.argv[1], DalSettings()) as ledger:
    print("there", flush=True)
    sys.stdin.readline()
    ledger.migrate()
"""
SCRIPTS = ScriptDirectory.from_config(migrate.configuration())
REVISIONS = list(SCRIPTS.walk_revisions())[::-1]


@pytest.fixture
def empty_url(server_url: str) -> Iterator[str]:
    with new_database(server_url) as url:
        yield url


@pytest.fixture
def empty(empty_url: str) -> Iterator[Ledger]:
    with Ledger(empty_url, DalSettings()) as ledger:
        yield ledger


#: All that makes a schema, as the catalogue tells it.
CATALOGUE = """
SELECT 'table', c.relname, a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
       || CASE WHEN a.attnotnull THEN ' not null ' ELSE ' ' END
       || a.attidentity::text || a.attgenerated::text
       || coalesce(' ' || pg_get_expr(d.adbin, d.adrelid), '')
  FROM pg_attribute a
  JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r'
  LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
 WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT 'constraint', conname, pg_get_constraintdef(oid) FROM pg_constraint
           WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
UNION ALL SELECT 'trigger', tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT 'function', proname, prosrc FROM pg_proc p
           WHERE pronamespace = 'public'::regnamespace AND NOT EXISTS (
             SELECT FROM pg_depend WHERE objid = p.oid AND deptype = 'e')
UNION ALL SELECT 'type', typname, (SELECT string_agg(enumlabel, ',' ORDER BY enumsortorder)
                                     FROM pg_enum WHERE enumtypid = t.oid)
            FROM pg_type t WHERE typtype = 'e'
UNION ALL SELECT 'options', relname, reloptions::text FROM pg_class
           WHERE relnamespace = 'public'::regnamespace AND reloptions IS NOT NULL
ORDER BY 1, 2, 3
"""


def catalogue(conn: Connection) -> list[tuple[Any, ...]]:
    rows = conn.execute(text(CATALOGUE.replace("::", "\\:\\:")))
    return [tuple(row) for row in rows if "alembic_version" not in row[1]]


def state(ledger: Ledger) -> list[tuple[Any, ...]]:
    with ledger.read() as conn:
        return catalogue(conn)


def test_up_down_up(empty: Ledger) -> None:
    bare = state(empty)
    assert bare == []
    heights = [bare]
    for revision in REVISIONS:
        empty.migrate(revision.revision)
        heights.append(state(empty))
        assert heights[-1] != heights[-2] or revision.revision == "0003"
    for lower in (*(each.revision for each in REVISIONS[-2::-1]), "base"):
        migrate.downgrade(empty._writing, lower)
        heights.pop()
        assert state(empty) == heights[-1], f"down to {lower}"
    empty.migrate()
    empty.migrate()
    assert state(empty) != bare


def test_notes_that_are_there_are_copied(empty: Ledger) -> None:
    empty.migrate()
    migrate.downgrade(empty._writing, "0006")
    with empty.write() as conn:
        conn.execute(text("INSERT INTO wallets (name) VALUES ('Main')"))
        conn.execute(
            text(
                "INSERT INTO transactions (occurred_at, wallet_id, type, note)"
                " SELECT '2024-03-31Z', id, 'fee', note"
                " FROM wallets, unnest(ARRAY['Rent, ÄPFEL', '']) AS note"
            )
        )
    empty.migrate()
    with empty.read() as conn:
        copies = conn.execute(
            text("SELECT note, occurred_at = '2024-03-31Z' FROM transaction_notes")
        )
        assert [tuple(row) for row in copies] == [("rent, äpfel", True)]


def test_tables_and_migrations_are_the_same(ledger: Ledger, empty: Ledger) -> None:
    """The database that `dal.tables` would create is the one that the revisions make."""
    with ledger.read() as conn:
        context = MigrationContext.configure(
            conn, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, tables.metadata) == []
    with empty.write() as conn:
        conn.execute(text("CREATE EXTENSION pg_trgm"))
        for kind in (
            tables.transaction_type, tables.transaction_status, tables.movement_kind,
            tables.row_outcome, tables.colour, tables.change_op,
        ):  # fmt: skip
            kind.create(conn, checkfirst=False)
        tables.metadata.create_all(conn)
    drawn, built = (
        [row for row in state(each) if row[0] not in {"trigger", "function"}]
        for each in (empty, ledger)
    )
    assert sorted(built) == sorted(drawn)


def test_every_table_has_its_triggers(ledger: Ledger) -> None:
    """A table that is not logged could be changed without a trace."""
    with ledger.read() as conn:
        found = conn.exec_driver_sql(
            "SELECT tgrelid::regclass::text, tgname, tgenabled FROM pg_trigger"
            " WHERE NOT tgisinternal"
        )
        rows = [tuple(row) for row in found]
        assert set(inspect(conn).get_table_names()) == {*tables.metadata.tables, "alembic_version"}
    logged = {table.name for table in tables.metadata.sorted_tables} - UNLOGGED
    always = {(table, name) for table, name, enabled in rows if enabled == "A"}
    assert always == {
        *((table, f"log_{word}") for table in logged for word in LOGGED),
        *((table, f"{table}_version") for table in logged if "version" in columns_of(table)),
        ("changes", "changes_are_kept"),
    }
    others = {name for table, name, enabled in rows if enabled != "A"}
    assert others == {
        *(f"transaction_amount_{word}" for word in ("insert", "update", "delete")),
        *(f"transaction_note_{word}" for word in ("insert", "update")),
    }


#: The log itself, bookkeeping, and a copy of what is logged elsewhere.
UNLOGGED = {"changes", "prunings", "submissions", "transaction_notes"}
LOGGED = ("insert", "update", "delete", "truncate")


def columns_of(table: str) -> set[str]:
    return set(tables.metadata.tables[table].columns.keys())


def test_one_head_in_one_numbered_row() -> None:
    assert len(SCRIPTS.get_heads()) == 1
    numbers = [revision.revision for revision in REVISIONS]
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]
    assert migrate.head() == numbers[-1]


@pytest.mark.parametrize("revision", REVISIONS, ids=lambda revision: revision.revision)
def test_each_revision_answers_three_questions(revision: Any) -> None:
    asked = r"^Locks: .*^Running code: .*^Undo: "
    assert re.search(asked, revision.longdoc, re.DOTALL | re.MULTILINE)
    assert revision.path.rsplit("/", 1)[1].startswith(f"{revision.revision}_")


def test_a_pool_of_one_is_enough(empty_url: str) -> None:
    with Ledger(empty_url, DalSettings(pool_size=1)) as ledger:
        ledger.migrate()
        assert state(ledger)


def test_two_processes_migrate_one_empty_database(empty: Ledger, empty_url: str) -> None:
    rivals = [processes.start(MIGRATE, empty_url) for _ in range(3)]
    for rival in rivals:
        processes.wait_for(rival, "there")
    for rival in rivals:
        assert rival.stdin is not None
        rival.stdin.write("\n")
        rival.stdin.flush()
    assert [processes.finish(rival) for rival in rivals] == [0, 0, 0]
    with empty.read() as conn:
        assert conn.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == [
            migrate.head()
        ]


def test_a_lock_held_elsewhere_is_said_and_not_waited_for(
    empty: Ledger, empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "WAIT_FOR_TABLE", "300ms")
    empty.migrate("0001")
    before = state(empty)
    with psycopg.connect(empty_url) as holder:
        holder.execute("SET idle_in_transaction_session_timeout = '60s'")  # whoever waits, hangs
        holder.execute("LOCK TABLE imports IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(Unavailable, match="holds a lock"):
            empty.migrate()
        holder.execute("SELECT")  # whom nobody has outwaited
    assert state(empty) == before
    empty.migrate()


def test_whoever_migrates_is_waited_for(
    empty: Ledger, empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "WAIT_FOR_TURN", "300ms")
    with psycopg.connect(empty_url) as holder:
        holder.execute("SELECT pg_advisory_xact_lock(%s)", (migrate.LOCK,))
        with pytest.raises(Unavailable, match="holds a lock"):
            empty.migrate()
    empty.migrate()


LONGER = """SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'
      AND clock_timestamp() - query_start > '1 s'"""


def test_a_statement_may_take_as_long_as_it_takes(
    empty: Ledger, empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A revision waits for a table for longer than a question may take."""
    monkeypatch.setattr(migrate, "WAIT_FOR_TABLE", "60s")
    empty.migrate("0001")
    with (
        psycopg.connect(empty_url) as holder,
        psycopg.connect(empty_url, autocommit=True) as watch,
        Ledger(empty_url, DalSettings(statement_timeout_ms=500)) as ledger,
        ThreadPoolExecutor(1) as pool,
    ):
        holder.execute("LOCK TABLE imports IN ACCESS EXCLUSIVE MODE")
        migrating = pool.submit(ledger.migrate)
        while not migrating.done() and watch.execute(LONGER).fetchone() == (0,):
            time.sleep(0.01)
        holder.rollback()
        migrating.result()
        found = watch.execute("SELECT version_num FROM alembic_version").fetchone()
    assert found == (migrate.head(),)


def test_a_killed_migrator_leaves_what_migrates(empty: Ledger, empty_url: str) -> None:
    """It dies in the middle of the second revision, waiting for a lock."""
    empty.migrate("0001")
    with psycopg.connect(empty_url) as holder:
        holder.execute("LOCK TABLE imports IN ACCESS EXCLUSIVE MODE")
        dying = processes.start(MIGRATE, empty_url)
        processes.wait_for(dying, "there")
        assert dying.stdin is not None
        dying.stdin.write("\n")
        dying.stdin.flush()
        waiting = (
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'imports'::regclass"
        )
        with psycopg.connect(empty_url, autocommit=True) as watch:
            while watch.execute(waiting).fetchone() == (0,):
                time.sleep(0.02)
        processes.kill(dying)
    empty.migrate()
    with empty.read() as conn:
        assert (
            conn.execute(text("SELECT version_num FROM alembic_version")).scalar() == migrate.head()
        )
