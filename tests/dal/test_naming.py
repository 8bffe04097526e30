"""Whoever looks at the server knows what is running: each statement carries its name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import psycopg
import pytest
from sqlalchemy import event, literal_column, select, text

from dal import (
    changes,
    contacts,
    details,
    imports,
    labels,
    naming,
    snapshots,
    statements,
    transactions,
    wallets,
)
from dal.database import Ledger
from dal.embedded import Embedded
from dal.fields import FIELDS
from dal.filters import Filter
from dal.importers import open_file
from dal.ingest import ingest
from dal.keyset import NEWEST_FIRST, ORDERS, Cursor
from dal.settings import DalSettings
from tests.support.statements import recorded

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

ROWS = b"Date,Received Amount,Received Asset,Note\n2024-01-01,2,ETH,x\n2024-01-02,5,ETH,y\n"
SECRET = "Zanzibar's */ 100%"


def bring(ledger: Ledger) -> int:
    with ledger.write() as conn:
        found = ingest(conn, open_file(ROWS, "a.csv"), "a.csv", wallet="Mine").import_id
    assert found is not None
    return found


def everything(ledger: Ledger) -> None:
    """Read and write a bit of all that there is."""
    imported = bring(ledger)
    with ledger.write(who="Ada") as conn:
        label, version = labels.named(conn, "big")
        first = transactions.page(conn).rows[0]
        labels.attach(conn, label, version, [first.id])
        contacts.add(conn, "Anna")
    with ledger.snapshot() as conn:
        seen = snapshots.taken(conn)
        transactions.totals(conn, Filter.parse("type=receive"))
        details.one(conn, first.id)
        list(transactions.iterate(conn))
        for nouns in (wallets, contacts, labels, imports):
            nouns.all(conn)
        wallets.balances(conn)
        changes.since(conn, seen)
    with ledger.write() as conn:
        imports.undo(conn, imported)


def both(ledger: Ledger) -> tuple[Engine, Engine]:
    return ledger._reading, ledger._writing


def test_every_statement_that_is_sent_has_a_name(ledger: Ledger) -> None:
    reading, writing = both(ledger)
    with recorded(reading) as read, recorded(writing) as wrote:
        everything(ledger)
    sent = [*read, *wrote]
    assert len(sent) > 40
    nameless = [each for each in sent if not naming.name_of(each)]
    assert not nameless
    names = {naming.name_of(each) for each in sent}
    assert {"transactions page: everything; newest first; first page", "totals: type",
            "dal.labels.attach", "dal.ingest.ingest", "dal.database.Ledger.write",
            } <= names  # fmt: skip


def test_every_page_tells_its_filter_order_and_place() -> None:
    where = Filter.parse("wallet=a&wallet=b&type!=fee&has=note&amount=3..5")
    cursor = Cursor(NEWEST_FIRST, "before", None)
    named = transactions.page_statement(where, ORDERS["time"], cursor, 25)
    name = naming.name_of(naming.marked("SELECT 1", named))
    assert name == (
        "transactions page: wallet[], type!, amount, has=note; oldest first; last page; 25 rows"
    )


def test_names_of_pages_tell_them_apart() -> None:
    names = [naming.marked("SELECT 1", each.statement) for each in statements.pages()]
    assert len(names) == len(set(names)) == len(FIELDS) * 2 + 4 * len(ORDERS)


@pytest.mark.parametrize("key", ["text", "wallet", "label", "contact", "asset", "hash"])
def test_a_name_holds_nothing_that_somebody_typed(key: str) -> None:
    where = Filter.parse([(key, SECRET), (f"{key}!", SECRET)])
    sent = naming.marked("SELECT 1", transactions.page_statement(where))
    assert sent.startswith(f"SELECT /* transactions page: {key}, {key}!; newest")
    assert "anzibar" not in sent
    assert sent.count("*/") == 1


def test_a_strange_name_ends_no_comment() -> None:
    sent = naming.marked("SELECT 1", naming.named(select(literal_column("1")), "a */ b%s ' \n c"))
    assert sent == "SELECT /* a ?? b?s ? ? c */ 1"


def test_a_name_is_given_once_and_behind_the_first_word() -> None:
    written = "-- of a file\n\n  -- more\nWITH a AS (SELECT 1) TABLE a"
    asked = naming.named(text(written), "what it is")
    once = naming.marked(written, asked)
    assert once == written.replace("WITH", "WITH /* what it is */")
    assert naming.marked(once, asked) == once
    assert naming.marked(once, naming.named(text(written), "another name")) == once
    assert naming.name_of(once) == "what it is"


def test_the_server_shows_it(shared_ledger: Ledger) -> None:
    asked = naming.named(
        select(text("query FROM pg_stat_activity WHERE pid = pg_backend_pid()")), "who is there"
    )
    with shared_ledger.read() as conn:
        assert str(conn.execute(asked).scalar_one()).startswith("SELECT /* who is there */ query")


def test_equal_shapes_are_equal_texts(ledger: Ledger) -> None:
    """Names cost no plan: values make no other text, so what is prepared is used again."""
    sent: list[str] = []
    event.listen(ledger._reading, "before_cursor_execute", lambda *told: sent.append(told[2]))
    with ledger.read() as conn:
        for words in ("coffee", "tea"):
            transactions.page(conn, Filter.parse([("text", words)]))
    assert sent[0] == sent[1]


@pytest.mark.embedded
def test_pg_stat_statements_lists_pages_by_name(tmp_path: Path) -> None:
    settings = {"shared_preload_libraries": "pg_stat_statements", "fsync": "off"}
    server = Embedded(tmp_path / "home", settings=settings)
    try:
        with Ledger(server.start(), DalSettings()) as ledger:
            ledger.migrate()
            plain = ledger.url.set(drivername="postgresql").render_as_string(hide_password=False)
            with psycopg.connect(plain, autocommit=True) as raw:
                raw.execute("CREATE EXTENSION pg_stat_statements")
                with ledger.read() as conn:
                    for query in ("type=trade", "type=gift", "has=note"):
                        transactions.page(conn, Filter.parse(query))
                found = raw.execute("SELECT query, calls FROM pg_stat_statements").fetchall()
        called = {naming.name_of(query): calls for query, calls in found}
        assert called["transactions page: type; newest first; first page"] == 2
        assert called["transactions page: has=note; newest first; first page"] == 1
    finally:
        server.stop()


def test_modules_of_the_product_are_named_by_their_functions() -> None:
    assert naming.sender() == ""  # a test is no part of it
    assert re.fullmatch(r"dal\.snapshots\.taken", _taken())


def _taken() -> str:
    """Return who `snapshots.taken` says that it is."""
    told: list[str] = []

    class Connection:
        def execute(self, *_: object) -> None:
            told.append(naming.sender())
            raise LookupError

    with pytest.raises(LookupError):
        snapshots.taken(Connection())  # type: ignore[arg-type]  # it is asked once
    return told[0]
