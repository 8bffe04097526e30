"""One foreign value, changed and put back: on SQLite, PostgreSQL and MariaDB alike."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, strategies as st
from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    MetaData,
    Numeric,
    SmallInteger,
    String,
    Table,
    Text,
    create_engine,
    delete,
    insert,
    make_url,
    select,
    update,
)
from sqlalchemy.pool import NullPool

from dal.errors import BadInput, Unavailable
from dal.foreign import markers, marking, targets
from dal.foreign.marking import Spot, Statement
from tests.conftest import new_database
from tests.support.mariadb import mariadb_url

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from random import Random

    from sqlalchemy import Engine

__all__ = ["mariadb_url"]

ODD = 'it\'s 50% \\ of "<é>" :value\n?'
BOOKS = Table(
    "books",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("title", String(40)),
    Column("code", String(6)),
    Column("words", Text),
    Column("pages", Integer),
    Column("small", SmallInteger),
    Column("price", Numeric(10, 2)),
    Column("fine", Numeric(38, 18)),
    Column("tight", String(3)),
    Column("shelf", ForeignKey("books.id")),
    Column("lent", Boolean),
    Column("kind", String(20), CheckConstraint("kind IN ('novel', 'poem')")),
)
MARKED = ("title", "code", "words", "pages", "small", "price", "fine")
FIRST = {
    "id": 7, "title": ODD, "code": "", "words": None, "pages": -3, "small": 12,
    "price": Decimal("12.50"), "fine": Decimal("0.000000000000000001"), "tight": "abc",
    "shelf": None, "lent": False, "kind": "novel",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Library:
    """A database with two books, and somebody else at it."""

    url: str
    engine: Engine

    def value(self, column: str, key: int = 7) -> object:
        with self.engine.connect() as conn:
            return conn.execute(select(BOOKS.c[column]).where(BOOKS.c.id == key)).scalar()

    def rows(self) -> list[str]:
        """Return all that there is, as the driver has it: nothing is rounded in between."""
        with self.engine.connect() as conn:
            return [repr(row) for row in conn.exec_driver_sql("SELECT * FROM books ORDER BY id")]

    def set(self, column: str, value: object, key: int = 7) -> None:
        with self.engine.begin() as conn:
            conn.execute(update(BOOKS).where(BOOKS.c.id == key).values({column: value}))

    def run(self, statement: str) -> None:
        """Run a statement as somebody types it."""
        conn: Any = self.engine.raw_connection()
        conn.cursor().execute(statement)
        conn.commit()
        conn.close()


@pytest.fixture(scope="module")
def postgres_url(server_url: str) -> Iterator[str]:
    with new_database(server_url) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def library(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Library]:
    match request.param:
        case "sqlite":
            (tmp_path / "books.db").touch()
            url = f"sqlite:///{tmp_path / 'books.db'}"
        case "mariadb":
            url = request.getfixturevalue("mariadb_url")
        case _:
            url = request.getfixturevalue("postgres_url")
    yield from filled(url)


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[Library]:
    yield from filled(postgres_url)


def filled(url: str) -> Iterator[Library]:
    engine = create_engine(targets.parsed(url), poolclass=NullPool)
    BOOKS.metadata.create_all(engine)
    with engine.begin() as conn:
        conn.execute(delete(BOOKS))
        conn.execute(insert(BOOKS), [FIRST, FIRST | {"id": 8}])
    yield Library(url, engine)


def spot(column: str = "title", table: str = "books", **keys: object) -> Spot:
    named = keys or {"id": 7}
    pairs = tuple((name, str(value)) for name, value in named.items())
    return Spot(table=table, keys=pairs, column=column)


# ── There and back ───────────────────────────────────────────────────────────────────────────


def test_what_was_there_is_back_exactly(library: Library) -> None:
    before = library.rows()
    for column in MARKED:
        with marking.opened(library.url, spot(column)) as target:
            marks = [target.write(target.new()) for _ in range(2)]
            assert library.value(column) == marks[-1].value
            assert len({mark.value for mark in marks}) == 2
            assert all(mark.began < mark.acknowledged for mark in marks)
            assert library.value(column, key=8) == FIRST[column]
        assert target.outcome.kind == "back"
        assert library.rows() == before


def test_the_statement_to_repair_it_works(library: Library) -> None:
    before = library.rows()
    for column in MARKED:
        with marking.opened(library.url, spot(column)) as target:
            target.write(target.new())
            assert library.rows() != before
            library.run(target.repair)
            assert library.rows() == before
        assert target.outcome.kind == "back"


def test_an_error_puts_it_back(library: Library) -> None:
    def fail() -> None:
        with marking.opened(library.url, spot()) as target:
            target.write(target.new())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert library.value("title") == ODD


def test_who_only_looks_changes_nothing(library: Library) -> None:
    with marking.opened(library.url, spot()) as target:
        assert target.old == ODD
    assert target.outcome.kind == "untouched"


def test_somebody_elses_change_is_left(library: Library) -> None:
    with marking.opened(library.url, spot()) as target:
        target.write(target.new())
        assert target.is_ours()
        library.set("title", "theirs")
        assert not target.is_ours()
    assert target.outcome.kind == "foreign"
    assert "'theirs'" in target.outcome.words
    assert library.value("title") == "theirs"


def test_a_row_that_is_gone_stays_gone(library: Library) -> None:
    with marking.opened(library.url, spot()) as target:
        target.write(target.new())
        library.run("DELETE FROM books WHERE id = 7")
    assert target.outcome.kind == "gone"


def test_a_trigger_may_change_what_is_written(postgres: Library) -> None:
    postgres.run(
        "CREATE OR REPLACE FUNCTION loud() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN NEW.title = upper(NEW.title); RETURN NEW; END $$;"
        " CREATE TRIGGER loud BEFORE UPDATE ON books FOR EACH ROW EXECUTE FUNCTION loud()"
    )
    postgres.run("ALTER TABLE books DISABLE TRIGGER loud")
    postgres.set("title", "QUIET")
    postgres.run("ALTER TABLE books ENABLE TRIGGER loud")
    with marking.opened(postgres.url, spot()) as target:
        mark = target.write(target.new())
        assert mark.value == str(mark.value).upper() == postgres.value("title")
    assert postgres.value("title") == "QUIET"
    postgres.run("DROP FUNCTION loud() CASCADE")


# ── Whoever holds the row ────────────────────────────────────────────────────────────────────


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = {
        "postgresql": ("SET LOCAL lock_timeout = '50ms'",),
        "mariadb": ("SET SESSION innodb_lock_wait_timeout = 1",),
    }
    monkeypatch.setattr(targets, "LIMITS", limits)
    monkeypatch.setattr(targets, "LOCK_WAIT", 0.05)


@pytest.mark.usefixtures("hasty")
def test_a_writer_who_does_not_commit_is_named(library: Library) -> None:
    with marking.opened(library.url, spot()) as target, library.engine.connect() as writer:
        writer.execute(update(BOOKS).values(title="not yet"))
        with pytest.raises(targets.HeldRow, match="not committed"):
            target.write(target.new())
        writer.rollback()
    assert library.value("title") == ODD


@pytest.mark.usefixtures("hasty")
def test_it_is_tried_again_while_somebody_holds_the_row(
    postgres: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    with postgres.engine.connect() as writer:
        monkeypatch.setattr("dal.foreign.marking.time.sleep", lambda _: writer.rollback())
        with marking.opened(postgres.url, spot()) as target:
            target.write(target.new())
            writer.execute(update(BOOKS).values(small=1))
        assert target.outcome.kind == "back"
    assert postgres.value("title") == ODD


@pytest.mark.usefixtures("hasty")
def test_what_cannot_be_put_back_is_said(
    postgres: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marking, "PATIENCE", -1)
    with postgres.engine.connect() as writer:
        with marking.opened(postgres.url, spot()) as target:
            target.write(target.new())
            writer.execute(update(BOOKS).values(small=1))
        assert target.outcome.kind == "failed"
        assert "held" in target.outcome.words
    postgres.run(target.repair)
    assert postgres.value("title") == ODD


# ── What is refused, with what to try ────────────────────────────────────────────────────────


REFUSED: tuple[tuple[Spot | Statement, str, str], ...] = (
    (spot(table="book"), "table", "did you mean books"),
    (spot(table="nothing_like_it"), "table", "there are: books"),
    (spot("titel"), "column", "did you mean title"),
    (spot(idd=7), "key", "did you mean id"),
    (spot(id=9), "key", "no row where id = 9"),
    (spot(kind="novel"), "key", "more than one row"),
    (Spot(table="books", keys=(), column="title"), "key", "--key id=…"),
    (spot("id", small=12), "column", "finds the row"),
    (spot("shelf"), "column", "foreign key"),
    (spot("tight"), "column", "3 characters"),
    (Statement(sql="UPDATE books SET pages = 3"), "sql", "write :value"),
    (Statement(sql="UPDATE books SET title = :value WHERE id = :id"), "sql", ":id"),
    (
        Statement(sql="UPDATE books SET title = :value", old_sql="SELECT id FROM books"),
        "old-sql",
        "one row",
    ),
)


def test_what_cannot_be_marked_is_named(library: Library) -> None:
    for change, field, words in REFUSED:
        with pytest.raises(BadInput) as refused, marking.opened(library.url, change):
            pass
        assert (refused.value.field, words in refused.value.problem) == (field, True), change


def test_a_few_values_are_no_room_for_markers(library: Library) -> None:
    with pytest.raises(BadInput, match="cannot be marked"):
        marking.opened(library.url, spot("lent")).__enter__()
    with (
        pytest.raises(BadInput, match=r"column: a rule of the table .* choose"),
        marking.opened(library.url, spot("kind")) as target,
    ):
        target.write(target.new())
    assert library.value("kind") == "novel"


def test_two_parts_of_a_key_find_one_row(library: Library) -> None:
    with marking.opened(library.url, spot("title", id=8, small=12)) as target:
        target.write(target.new())
        assert library.value("title") == ODD
    assert library.value("title", key=8) == ODD


def test_a_statement_finds_what_a_key_cannot(library: Library) -> None:
    change = Statement(
        sql="UPDATE books SET pages = :value WHERE title IS NOT NULL AND id = 7",
        old_sql="SELECT pages FROM books WHERE id = 7",
    )
    with marking.opened(library.url, change) as target:
        target.write(target.new())
        assert library.value("pages") != FIRST["pages"]
        assert "-3" in target.repair
    assert library.value("pages") == FIRST["pages"]


def test_an_old_value_may_be_given(library: Library) -> None:
    for column, old in (("title", ODD), ("pages", "-3"), ("price", "12.50")):
        change = Statement(sql=f"UPDATE books SET {column} = :value WHERE id = 7", old=old)
        with marking.opened(library.url, change) as target:
            target.write(target.new())
            assert library.value(column) != FIRST[column]
        assert repr(library.value(column)) == repr(FIRST[column])


def test_a_statement_must_change_one_row(library: Library) -> None:
    for where, rows in (("id > 6", "2 rows"), ("id = 1", "no row")):
        change = Statement(sql=f"UPDATE books SET title = :value WHERE {where}", old="x")
        with (
            pytest.raises(BadInput, match=f"changes {rows}"),
            marking.opened(library.url, change) as target,
        ):
            target.write(target.new())
        assert library.value("title") == library.value("title", key=8) == ODD


# ── The database ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("no url", "write postgresql://"),
        ("oracle://me@here/x", "none of"),
        ("sqlite://", "give the file"),
        ("mysql+mysqldb://me@localhost/x", "pip install mysqlclient"),
        ("postgresql+asyncpg://me@localhost/x", "pip install asyncpg"),
        ("postgresql://me:SECRET@127.0.0.1:1/x", "nobody answers there"),
        ("postgresql://me@127.0.0.1:1/x?password=SECRET", "nobody answers there"),
        ("mysql://me:SECRET@127.0.0.1:1/x", "nobody answers there"),
        ("postgresql://me:SECRET@no-such-host.invalid/x", "no such host"),
    ],
)
def test_a_database_that_refuses_says_what_to_try(url: str, words: str) -> None:
    with pytest.raises(BadInput, match=words) as refused, marking.opened(url, spot()):
        pass
    assert refused.value.field == "database"
    assert "SECRET" not in str(refused.value)


def test_what_postgresql_refuses_is_said_plainly(postgres: Library) -> None:
    there = make_url(postgres.url)
    read_only = there.update_query_dict({"options": "-c default_transaction_read_only=on"})
    for url, words in (
        (there.set(database="nowhere"), "no database of this name"),
        (there.set(username="nobody-at-all"), "no such user"),
        (read_only, "only be read"),
        (there.update_query_dict({"options": "-c role=pg_read_all_data"}), "may not change"),
    ):
        with pytest.raises(BadInput, match=words) as refused:  # noqa: SIM117 (the first is of the second)
            with marking.opened(url.render_as_string(hide_password=False), spot()) as target:
                target.write(target.new())
        assert refused.value.field == "database"


def test_a_password_never_shows() -> None:
    url = targets.parsed("postgresql://me:hunter2@localhost/x?password=hunter3")
    engine = targets.engine(url)
    said = targets._line(RuntimeError("hunter2 and hunter3 are wrong\nmore"), engine)
    assert said == "*** and *** are wrong"


def test_a_file_that_is_not_there_is_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "instance").mkdir()
    (tmp_path / "instance" / "shop.db").touch()
    with pytest.raises(BadInput, match=r"there is instance/shop\.db"):
        targets.parsed("sqlite:///shop.db")
    assert not (tmp_path / "shop.db").exists()


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("sqlite:////tmp/x.db", True),
        ("postgresql:///x", True),
        ("postgresql://localhost/x", True),
        ("postgresql://127.8.9.1/x", True),
        ("postgresql://[::1]/x", True),
        ("postgresql:///x?host=/run/postgresql", True),
        ("postgresql:///x?host=localhost,db.example.com", False),
        ("postgresql://localhost/x?hostaddr=10.0.0.1", False),
        ("postgresql:///x?service=shop", False),
        ("postgresql://db/x", False),
        ("mysql:///x?unix_socket=/tmp/mysql.sock", True),
        ("mysql:///x?read_default_file=/etc/my.cnf", False),
        ("mysql://10.0.0.1/x", False),
        ("mysql:///x", True),
    ],
)
def test_which_databases_are_on_this_machine(url: str, *, local: bool) -> None:
    assert targets.is_local(make_url(url), {}) is local


def test_no_host_means_that_of_the_environment() -> None:
    assert not targets.is_local(make_url("postgresql:///x"), {"PGHOST": "db.example.com"})
    assert targets.is_local(make_url("postgresql:///x"), {"PGHOST": "/run/postgresql"})
    assert targets.is_local(make_url("postgresql://localhost/x"), {"PGHOST": "db.example.com"})


def test_the_server_may_go(postgres: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    with marking.opened(postgres.url, spot()) as target:
        target.write(target.new())
        with monkeypatch.context() as patch:
            patch.setattr(
                target, "_engine", targets.engine(make_url("postgresql+psycopg://127.0.0.1:1/x"))
            )
            with pytest.raises((BadInput, Unavailable)):
                target.write(target.new())
    assert target.outcome.kind == "back"


# ── Markers ──────────────────────────────────────────────────────────────────────────────────


@given(st.integers(1, 38), st.integers(0, 38), st.randoms(use_true_random=False))
def test_a_marker_fits_into_its_digits(precision: int, scale: int, dice: Random) -> None:
    scale = min(scale, precision)
    try:
        found = markers.marker(Numeric(precision, scale), dice)
    except BadInput:
        assert precision < 6
        return
    assert isinstance(found, Decimal)
    digits, exponent = found.as_tuple().digits, found.as_tuple().exponent
    assert isinstance(exponent, int)
    assert len(digits) >= markers.TELLING
    assert -exponent <= scale
    assert found.adjusted() + 1 <= precision - scale or not int(found)


@given(st.integers(1, 60), st.randoms(use_true_random=False))
def test_a_marker_fits_into_its_column(length: int, dice: Random) -> None:
    if length < markers.TELLING:
        with pytest.raises(BadInput, match="characters"):
            markers.marker(String(length), dice)
    else:
        found = str(markers.marker(String(length), dice))
        assert markers.TELLING <= len(found) <= length
        assert found.isalnum()
