"""Files to import: small CSV texts for the real importers, and sources made of records."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from dal.imported import NewAsset, NewMovement, NewTransaction, ParsedRow
from dal.importers import open_file
from dal.ingest import ingest
from tests.support.rows import NOON

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from sqlalchemy import Connection

    from dal.imported import ImportReport
    from dal.importers import Source

HEADER = (
    "Date,Type,Status,Network,Hash,ID,Address,Counterparty,Sent Amount,Sent Asset,"
    "Received Amount,Received Asset,Fee Amount,Fee Asset,Note,Labels"
)
COLUMNS = HEADER.split(",")
OWN, OTHER = "0x" + "1" * 40, "0x" + "a" * 40
HASH = "0x" + "0" * 63


def line(day: int = 1, **cells: str) -> str:
    """Return a row of the generic layout; keywords are column names with underscores."""
    named = {"Date": f"2024-01-{day:02} 12:00:00"}
    named |= {name.replace("_", " "): text for name, text in cells.items()}
    assert named.keys() <= set(COLUMNS), named
    return ",".join(named.get(column, "") for column in COLUMNS)


def received(day: int, amount: str = "1", **cells: str) -> str:
    return line(day, Received_Amount=amount, Received_Asset="EUR", **cells)


def generic(*lines: str) -> Source:
    return open_file("\n".join((HEADER, *lines)).encode(), "books.csv")


def bring(conn: Connection, *lines: str, wallet: str | None = "Main") -> ImportReport:
    """Import rows of the generic layout."""
    return ingest(conn, generic(*lines), "books.csv", wallet=wallet)


@dataclass
class Stub:
    """A source made of records, for what no file says so plainly."""

    told: Iterable[NewTransaction | ParsedRow]
    network: str = "ethereum"
    own: str | None = OWN
    format: str = "stub"
    title: str = "Stub"
    source: str = "stub"
    dated: bool = True
    default_wallet: str = "Stubbed"
    warnings: tuple[str, ...] = field(default=())

    def own_address(self) -> str | None:
        return self.own

    def rows(self, _own: frozenset[str]) -> Iterator[ParsedRow]:
        for number, each in enumerate(self.told, 2):
            if isinstance(each, ParsedRow):
                yield each
            else:
                yield ParsedRow(number, f"row {number}", each)


def told(
    tx_hash: str = HASH,
    moved: Iterable[tuple[str, str, str]] = (),
    when: datetime | None = NOON,
    **values: Any,
) -> NewTransaction:
    """Return what a row tells of an on-chain transaction that moved (key, amount, symbol)."""
    movements = tuple(
        NewMovement(key, "fee" if key == "fee" else "principal",
                    NewAsset(symbol, "ethereum"), Decimal(amount))
        for key, amount, symbol in moved
    )  # fmt: skip
    plain = {"type": "send", "source": "stub", "network": "ethereum", "address": OWN}
    return NewTransaction(when, tx_hash=tx_hash, movements=movements, **(plain | values))


def bring_stub(conn: Connection, *rows: NewTransaction | ParsedRow, **values: Any) -> ImportReport:
    """Import rows made of records."""
    wallet = values.pop("wallet", None)
    return ingest(conn, Stub(rows, **values), "stub.csv", wallet=wallet)  # type: ignore[arg-type]  # has what ingest asks for
