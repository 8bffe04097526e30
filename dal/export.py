"""Transactions as a file: Freshledger's own CSV, or JSON; any number of them in constant memory.

A row of the CSV tells of up to three movements, what went out, what came in and a fee; a
transaction of more has more rows, with one ID. That is the generic layout, so what one wallet's
export says can be imported: all but a transaction that moved nothing, which has nothing to book.
Names behind it (`OURS`) are for the reader.

Text that a spreadsheet would run as a formula begins with an apostrophe; the importer takes it off.
"""

from __future__ import annotations

import csv
import io
import json
from itertools import islice, zip_longest
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlencode

from sqlalchemy import select

from dal import tables, transactions
from dal.filters import EVERYTHING
from dal.importers.fields import defused
from dal.importers.generic import COLUMNS
from dal.keyset import NEWEST_FIRST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from sqlalchemy import Connection

    from dal.filters import Filter
    from dal.keyset import Order
    from dal.records import Movement, Transaction

    Asset = Callable[[Movement], str]

Form = Literal["csv", "json"]
#: Columns that no import reads.
OURS = ("Wallet", "Contact")
HEADER = (*(name for name, _ in COLUMNS), *OURS)
#: Transactions that are handed on at once.
BATCH = 500


def export(
    conn: Connection,
    where: Filter = EVERYTHING,
    order: Order = NEWEST_FIRST,
    form: Form = "csv",
    *,
    as_of: datetime,
) -> Iterator[str]:
    """Return the transactions of a filter as the text of a file, piece by piece.

    Args:
        conn: a `snapshot` block's, so that all are true at one instant.
        where: the filter.
        order: in which they come.
        form: of the file.
        as_of: the instant, which JSON tells; the name of a CSV has to.

    Raises:
        NotFound: as `transactions.page`, at once and not at the first piece.
    """
    rows = transactions.iterate(conn, where, order)
    contracts = _contracts(conn)

    def asset(movement: Movement) -> str:
        contract = contracts.get(movement.asset_id)
        return f"{movement.symbol}@{contract}" if contract else movement.symbol

    if form == "csv":
        return _csv(rows, asset)
    head = {"as_of": as_of.isoformat(), "filter": urlencode(where.pairs())}
    return _json(rows, asset, head)


def name(as_of: datetime, form: Form) -> str:
    """Return what a file is called: when it was true is a part of it."""
    return f"transactions-{as_of:%Y%m%dT%H%M%SZ}.{form}"


def _contracts(conn: Connection) -> dict[int, str]:
    """Return the contract of each asset that has one."""
    assets = tables.assets.c
    return {
        row.id: row.contract
        for row in conn.execute(select(assets.id, assets.contract).where(assets.contract != ""))
    }


def _batches(rows: Iterator[Transaction]) -> Iterator[list[Transaction]]:
    while batch := list(islice(rows, BATCH)):
        yield batch


# ── CSV ──────────────────────────────────────────────────────────────────────────────────────


def _csv(rows: Iterator[Transaction], asset: Asset) -> Iterator[str]:
    yield _written([HEADER])
    for batch in _batches(rows):
        yield _written(line for row in batch for line in _lines(row, asset))


def _written(lines: Iterable[tuple[str, ...]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(lines)
    return text.getvalue()


def _lines(row: Transaction, asset: Asset) -> Iterator[tuple[str, ...]]:
    """Yield the rows of one transaction, three movements each."""
    before = (
        row.occurred_at.isoformat(),
        row.type,
        row.status,
        row.network,
        defused(row.tx_hash or ""),
        str(row.id),
        defused(row.address),
        defused(row.counterparty),
    )
    after = (
        defused(row.note),
        defused(";".join([label.name for label in row.labels])),
        defused(row.wallet),
        defused(row.contact or ""),
    )
    for moved in _threes(row.movements, asset):
        yield (*before, *moved, *after)


def _threes(movements: tuple[Movement, ...], asset: Asset) -> Iterator[tuple[str, ...]]:
    sides: tuple[list[Movement], ...] = ([], [], [])
    for each in movements:
        sides[2 if each.kind == "fee" else 0 if each.amount < 0 else 1].append(each)
    for out, into, fee in list(zip_longest(*sides)) or [(None, None, None)]:
        yield (
            *_cells(out, asset, turned=True),
            *_cells(into, asset),
            *_cells(fee, asset, turned=True),
        )


def _cells(movement: Movement | None, asset: Asset, *, turned: bool = False) -> tuple[str, str]:
    if movement is None:
        return "", ""
    amount = movement.amount.copy_negate() if turned else movement.amount
    return f"{amount:f}", defused(asset(movement))


# ── JSON ─────────────────────────────────────────────────────────────────────────────────────


def _json(rows: Iterator[Transaction], asset: Asset, head: dict[str, str]) -> Iterator[str]:
    """Yield one object, a transaction a line; without its end it is none."""
    yield json.dumps(head, ensure_ascii=False)[:-1] + ', "transactions": ['
    joint = "\n"
    for batch in _batches(rows):
        lines = (json.dumps(_shape(row, asset), ensure_ascii=False) for row in batch)
        yield joint + ",\n".join(lines)
        joint = ",\n"
    yield "\n]}\n"


def _shape(row: Transaction, asset: Asset) -> dict[str, Any]:
    return {
        "id": row.id,
        "occurred_at": row.occurred_at.isoformat(),
        "wallet": row.wallet,
        "type": row.type,
        "status": row.status,
        "network": row.network,
        "tx_hash": row.tx_hash,
        "address": row.address,
        "counterparty": row.counterparty,
        "contact": row.contact,
        "note": row.note,
        "labels": [label.name for label in row.labels],
        "movements": [
            {"kind": each.kind, "asset": asset(each), "amount": f"{each.amount:f}"}
            for each in row.movements
        ],
    }
