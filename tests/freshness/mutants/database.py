"""Connections, snapshots and objects that live too long, and writes that promise too early."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import replace
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select, update

from dal import details, edits, tables, transactions
from dal.database import Ledger
from tests.freshness.mutants.seams import OLD, Mutant, patch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LAZY = 0.05  # seconds
OPEN = 0.15  # seconds for which a writer leaves its transaction lying about
PARTLY = OLD | {"torn"}
USES = 20  # of one snapshot


def identity_map() -> None:
    known: dict[int, Any] = {}

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def page(*args: Any, **options: Any) -> Any:
            found = original(*args, **options)
            return replace(found, rows=tuple(known.setdefault(r.id, r) for r in found.rows))

        return page

    patch(transactions, "page", make)


def pinned_snapshot() -> None:
    lock, held = Lock(), list[Connection]()
    uses = [0]

    @contextmanager
    def read(self: Ledger) -> Iterator[Connection]:
        with lock:
            if uses[0] % USES == 0:
                while held:
                    held.pop().close()
                engine = self._reading.execution_options(isolation_level="REPEATABLE READ")
                held.append(engine.connect())
            uses[0] += 1
            yield held[0]

    for block in ("read", "page"):
        patch(Ledger, block, lambda _: read)


def count_apart() -> None:
    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def page(*args: Any, **options: Any) -> Any:
            first = original(*args, **options)
            return replace(first, counted=original(*args, **options).counted)

        return page

    patch(transactions, "page", make)


def count_kept() -> None:
    known: dict[Any, tuple[float, int]] = {}

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def page(conn: Connection, where: Any, *args: Any, **options: Any) -> Any:
            found = original(conn, where, *args, **options)
            at, counted = known.get(where, (0.0, 0))
            if at < time.monotonic() - LAZY * 10:
                known[where] = time.monotonic(), found.counted
                return found
            return replace(found, counted=counted)

        return page

    patch(transactions, "page", make)


def detail_kept() -> None:
    known: dict[int, tuple[float, Any]] = {}

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def get(conn: Connection, row: int, *args: Any, **options: Any) -> Any:
            at, kept = known.get(row, (0.0, None))
            if at < time.monotonic() - LAZY * 10:
                kept = original(conn, row, *args, **options)
                known[row] = time.monotonic(), kept
            return kept

        return get

    patch(details, "get", make)


class Desk:
    """A writer's connection, lying open for every reader of its process."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.conn: Connection | None = None


def dirty_read() -> None:
    desk, tx = Desk(), tables.transactions

    def make_note(original: Callable[..., Any]) -> Callable[..., Any]:
        def set_note(
            conn: Connection, row: int, version: int, note: str, *args: Any, **options: Any
        ) -> Any:
            with conn.begin_nested() as nested:
                conn.execute(update(tx).where(tx.c.id == row).values(note=note))
                desk.conn = conn
                time.sleep(OPEN)
                with desk.lock:
                    desk.conn = None
                nested.rollback()
            return original(conn, row, version, note, *args, **options)

        return set_note

    def make_read(original: Callable[..., Any]) -> Callable[..., Any]:
        @contextmanager
        def read(self: Ledger) -> Iterator[Connection]:
            with desk.lock:
                if desk.conn is not None:
                    yield desk.conn
                    return
            with original(self) as conn:
                yield conn

        return read

    patch(details, "set_note", make_note)
    for block in ("read", "page"):
        patch(Ledger, block, make_read)


def early_answer() -> None:
    def late(conn: Connection, transaction: Any) -> None:
        time.sleep(LAZY)
        transaction.commit()
        conn.close()

    @contextmanager
    def write(self: Ledger, *_: Any, **__: Any) -> Iterator[Connection]:
        conn = self._writing.connect()
        transaction = conn.begin()
        try:
            yield conn
        except BaseException:
            transaction.rollback()
            conn.close()
            raise
        Thread(target=late, args=(conn, transaction)).start()

    patch(Ledger, "write", lambda _: write)


def lost_update() -> None:
    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def edit(conn: Connection, table: Any, row: int, _: int, *args: Any, **values: Any) -> Any:
            found = conn.execute(select(table.c.version).where(edits.is_row(table, row)))
            return original(conn, table, row, found.scalar() or 0, *args, **values)

        return edit

    patch(edits, "edit", make)


MUTANTS = (
    Mutant("identity_map", "a row that was read once is never read again", identity_map, PARTLY),
    Mutant("pinned_snapshot", "one snapshot serves 20 requests", pinned_snapshot, PARTLY),
    Mutant("detail_kept", "a row's own page is kept for half a second", detail_kept, OLD),
    Mutant("count_apart", "the count is a second statement", count_apart, PARTLY),
    Mutant("count_kept", "the count is kept for half a second", count_kept, PARTLY),
    Mutant(
        "dirty_read",
        "readers share the writer's open transaction",
        dirty_read,
        frozenset({"aborted", "torn"}) | OLD,
    ),
    Mutant("early_answer", "a write is answered before its COMMIT", early_answer, OLD),
    Mutant(
        "lost_update",
        "the version of an edit is not looked at",
        lost_update,
        frozenset({"lost", "aborted"}),
    ),
)
