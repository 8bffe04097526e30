"""What is done to a ledger besides reading its pages, and which indexes that needed.

The product's own functions run in one transaction that is rolled back, with auto_explain telling
the plan of every statement, those of foreign keys and triggers among them.

auto_explain: https://www.postgresql.org/docs/18/auto-explain.html
"""

from __future__ import annotations

import json
import re
import uuid
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cases import tx_hash
from sqlalchemy import select

from dal import (
    changes,
    contacts,
    details,
    explain,
    imports,
    labels,
    snapshots,
    submissions,
    tables,
    transactions,
    wallets,
)
from dal.importers import open_file
from dal.ingest import ingest
from dal.keyset import NEWEST_FIRST, ORDERS, Cursor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sqlalchemy import Connection, Table

    from dal.database import Ledger
    from dal.moments import Snapshot

HEAD = (
    "Date,Type,Network,Hash,Counterparty,Sent Amount,Sent Asset,Received Amount,Received Asset,"
    "ID,Labels,Note\n"
)
ROWS = (
    f"2024-03-05,send,ethereum,{tx_hash(4711)},0x{'cd' * 20},1,ETH,,,,label 1;new,known\n"
    f"2024-03-06,receive,ethereum,0x{'ab' * 32},0x{'cd' * 20},,,2,USDX@0x{'ef' * 20},,,coin\n"
    + "".join(f"2024-03-{day:02},receive,,,,,,{day},EUR,own-{day},,x\n" for day in range(1, 29))
)
LATELY = "9000000:9000000:"  # of a snapshot that nothing came after
#: Rows enough that the log is worth an index.
BUSY = (
    "UPDATE transactions SET note = note || '.', occurred_at = occurred_at + interval '1 us'"
    " WHERE id <= 20000 AND mod(id, 4) = 0"
)
WATCH = ("LOAD 'auto_explain'", "SET auto_explain.log_min_duration = 0",
         "SET auto_explain.log_analyze = on", "SET auto_explain.log_nested_statements = on",
         "SET auto_explain.log_format = json", "SET auto_explain.log_level = notice",
         "SET client_min_messages = notice")  # fmt: skip
ARBITERS = re.compile(r'"Conflict Arbiter Indexes": \[([^\]]*)\]')

Uses = dict[str, set[str]]  # by index: the deeds


def uses(ledger: Ledger) -> Uses:
    """Return which deeds needed each index."""
    found: Uses = defaultdict(set)
    with ledger.trial() as conn:
        seen = busy(conn)
        for name, deed in deeds(seen).items():
            with watched(conn) as needed:
                deed(conn)
            for index in needed:
                found[index].add(name)
    return found


def busy(conn: Connection) -> Snapshot:
    """Fill the change log, and return the snapshot from before."""
    seen = snapshots.taken(conn)
    conn.exec_driver_sql(BUSY)
    conn.exec_driver_sql("ANALYZE changes, transactions, movements, transaction_labels")
    return seen


def deeds(seen: Snapshot) -> Mapping[str, Callable[[Connection], object]]:
    """Return what is done, by name."""
    came = Cursor(NEWEST_FIRST, "after", (datetime(2024, 3, 5, tzinfo=UTC), 1), seen)
    by_amount = Cursor(ORDERS["-amount"], "after", (5, 1), seen)  # type: ignore[arg-type]
    return {
        "a page, with what moved past its reader": lambda conn: (
            transactions.page(conn, cursor=came),
            transactions.page(conn, order=ORDERS["-amount"], cursor=by_amount),
        ),
        "the feed": lambda conn: changes.since(conn, replace(seen, visible=LATELY)),
        "one transaction, with its history": lambda conn: details.get(conn, 4_711),
        "one noun": one_noun,
        "an import": bring,
        "the same import again": bring,
        "an import undone": undo,
        "an edit of one row": edit,
        "labels on and off": tag,
        "a submission": submit,
        "a label merged into another, and removed": unlabel,
        "a contact removed": forget,
        "wallets and addresses": own,
        "a time changed at the SQL prompt": sql(
            "UPDATE transactions SET occurred_at = occurred_at + interval '1 s' WHERE id = 4713"
        ),
        "a transaction removed at the SQL prompt": sql("DELETE FROM transactions WHERE id = 4714"),
        "an asset removed at the SQL prompt": sql("DELETE FROM assets WHERE id = 304"),
        "a wallet removed": lambda conn: wallets.remove(conn, wallets.add(conn, "Empty"), 1),
        "old changes forgotten": lambda conn: changes.prune(
            conn, datetime.now(UTC) - timedelta(days=99)
        ),
    }


def sql(text: str) -> Callable[[Connection], object]:
    """Return the deed of somebody at the SQL prompt."""
    return lambda conn: conn.exec_driver_sql(text)


def bring(conn: Connection) -> None:
    """Import a file with a known transaction and unknown ones."""
    ingest(conn, open_file((HEAD + ROWS).encode(), "deeds.csv"), "deeds.csv", wallet="Wallet 1")


def undo(conn: Connection) -> None:
    """Undo the last import."""
    imports.undo(conn, max(each.id for each in imports.all(conn)))


def edit(conn: Connection) -> None:
    """Write a note, and choose a contact by hand."""
    version = number(conn, tables.transactions, 4_711)
    version = details.set_note(conn, 4_711, version, "a note")
    details.choose_contact(conn, 4_711, version, 7)


def tag(conn: Connection) -> None:
    """Hang a label on a row, and take it off again."""
    label, version = labels.named(conn, "label 8")
    labels.attach(conn, label, version, [4_711, 4_712])
    labels.detach(conn, label, version, [4_711])


def submit(conn: Connection) -> None:
    """Answer a form that is sent twice."""
    once = uuid.UUID(int=4_711)
    submissions.claim(conn, "Ada", once)
    submissions.answer(conn, once, "done")
    submissions.claim(conn, "Ada", once)


def unlabel(conn: Connection) -> None:
    """Merge a label into another one, and remove that."""
    labels.merge(conn, 8, number(conn, tables.labels, 8), 9)
    labels.remove(conn, 9, number(conn, tables.labels, 9))


def forget(conn: Connection) -> None:
    """Remove a contact."""
    contacts.remove(conn, 5, number(conn, tables.contacts, 5))


def own(conn: Connection) -> None:
    """Name a wallet, and give it an address."""
    wallets.add(conn, "Another")
    version = number(conn, tables.wallets, 3)
    wallets.add_address(conn, 3, version, "ethereum", "0x" + "cd" * 20)


def one_noun(conn: Connection) -> None:
    """Look at one wallet, one contact, one label and one import."""
    for nouns in (wallets, contacts, labels, imports):
        nouns.get(conn, 7)
    wallets.histories(conn)
    contacts.names(conn, "Contact 1")
    list(imports.rows(conn, 12))


def number(conn: Connection, table: Table, row: int) -> int:
    """Return the version of a row."""
    return int(conn.execute(select(table.c.version).where(table.c.id == row)).scalar_one())


@contextmanager
def watched(conn: Connection) -> Iterator[set[str]]:
    """Yield a set that holds, after the block, the indexes that its statements needed."""
    needed: set[str] = set()
    raw: Any = conn.connection.dbapi_connection

    def told(diagnostic: Any) -> None:  # noqa: ANN401 (of the driver)
        needed.update(indexes(diagnostic.message_primary or ""))

    for each in WATCH:
        conn.exec_driver_sql(each)
    raw.add_notice_handler(told)
    try:
        yield needed
        # A plan is told when its portal is closed, which the next statement does.
        conn.exec_driver_sql("SET auto_explain.log_min_duration = -1")
    finally:
        raw.remove_notice_handler(told)


def indexes(message: str) -> set[str]:
    """Return the indexes that a plan told by auto_explain needed."""
    if "plan:\n" not in message:
        return set()
    text = message.partition("plan:\n")[2]
    plan = json.loads(text)["Plan"]
    used = {node.index for node in explain.nodes(plan) if node.loops and node.index}
    arbiters = (name.strip(' "\n') for found in ARBITERS.findall(text) for name in found.split(","))
    return used | set(arbiters)
