"""A page's statement goes straight to the driver, and all that SQLAlchemy promised still holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import bindparam, func, literal, select, text
from sqlalchemy.exc import DBAPIError, OperationalError

from dal import driver, tables_log, transactions
from dal.database import Ledger
from dal.errors import TooSlow, Unavailable
from dal.filters import Filter
from dal.settings import DalSettings
from tests.support.statements import recorded

if TYPE_CHECKING:
    from sqlalchemy import Connection, Select

ASKED: Any = select(literal(1).label("one"), bindparam("two", type_=literal("").type).label("two"))
PID: Select[Any] = select(func.pg_backend_pid())


def test_the_rows_are_those_of_core(conn: Connection) -> None:
    assert driver.rows(conn, ASKED, {"two": "%s"}) == [(1, "%s")]
    assert driver.rows(conn, ASKED, {"two": "%s"}) == conn.execute(ASKED, {"two": "%s"}).all()


def test_a_statement_is_compiled_once(conn: Connection) -> None:
    where = Filter.parse("type=trade")
    before = driver.compiled.cache_info().misses
    for _ in range(3):
        transactions.page(conn, where)
    assert driver.compiled.cache_info().misses <= before + 1


def test_a_type_that_only_core_reads_is_refused(conn: Connection) -> None:
    with pytest.raises(TypeError, match="xid"):
        driver.rows(conn, select(tables_log.changes.c.xid), {})


def test_who_watches_the_engine_is_told(conn: Connection) -> None:
    with recorded(conn.engine) as sent:
        driver.rows(conn, PID, {})
    assert sent == ["SELECT pg_backend_pid() AS pg_backend_pid_1"]


def test_what_the_server_refuses_is_said_as_core_says_it(shared_ledger: Ledger) -> None:
    wrong = select(literal(1) / (func.length("") * 1))
    with pytest.raises(DBAPIError, match="division by zero"), shared_ledger.read() as conn:
        driver.rows(conn, wrong, {})
    with shared_ledger.read() as conn:
        assert driver.rows(conn, PID, {})


def test_what_takes_too_long_is_too_slow(shared_ledger: Ledger) -> None:
    url = shared_ledger.url.render_as_string(hide_password=False)
    with Ledger(url, DalSettings()) as ledger:
        with ledger.read() as conn:
            conn.execute(text("SET statement_timeout = 50"))
            first = conn.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with pytest.raises(TooSlow), ledger.read() as conn:
            driver.rows(conn, select(func.pg_sleep(5)), {})
        with ledger.read() as conn:
            conn.execute(text("RESET statement_timeout"))
            assert driver.rows(conn, PID, {})[0][0] == first


def test_a_connection_that_broke_leaves_the_pool(ledger: Ledger) -> None:
    ends = select(func.pg_terminate_backend(func.pg_backend_pid()))
    with ledger.read() as conn:
        broken = driver.rows(conn, PID, {})
    with pytest.raises(Unavailable), ledger.read() as conn:
        driver.rows(conn, ends, {})
    with ledger.read() as conn:
        assert driver.rows(conn, PID, {}) != broken


def test_it_runs_in_the_block_that_it_is_given(ledger: Ledger) -> None:
    with ledger.trial() as conn:
        conn.execute(text("INSERT INTO wallets (name) VALUES ('Main')"))
        assert transactions.page(conn).wallets == ("Main",)
    with ledger.read() as conn:
        assert not transactions.page(conn).wallets


def test_the_error_names_the_driver_s_own(ledger: Ledger) -> None:
    with ledger.trial() as conn:
        with pytest.raises(OperationalError) as raised:
            driver.rows(conn, select(func.pg_terminate_backend(func.pg_backend_pid())), {})
        assert raised.value.connection_invalidated
        assert raised.value.orig is not None
