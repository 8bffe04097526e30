"""A small ledger for the pages: a file of ours, and what stands in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dal.importers import open_file
from dal.ingest import ingest

if TYPE_CHECKING:
    from dal.database import Ledger
    from dal.imported import ImportReport

HEADER = (
    "Date,Type,Status,Network,Hash,ID,Counterparty,Sent Amount,Sent Asset,"
    "Received Amount,Received Asset,Fee Amount,Fee Asset,Note,Labels"
)
ANNA = "0xd8da6bf26964af9d7eed9e03e53415d37aa96045"
ANNA_SHOWN = "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045"
HASH = "0x" + "5c" * 32
PAID, RENT = "1.234567890123456789", "rent for <march>"
ROWS = (
    f"2024-03-05 23:30:00,send,,ethereum,{HASH},,{ANNA},{PAID},ETH,,,0.0021,ETH,{RENT},rent",
    "2024-03-04 10:00:00,trade,,,,k1,,100,EUR,0.002,BTC,0.5,EUR,,",
    f"2024-03-03 09:00:00,receive,failed,ethereum,0x{'ab' * 32},,{ANNA},,,5,USDC,,,,",
    "2024-03-02 08:00:00,reward,,,,k2,,,,0.00000000000000012345,BTC,,,,",
)
#: Further rows, so that a page is not all there is: one a day before the others.
MANY = tuple(
    f"2023-{1 + n // 28:02}-{1 + n % 28:02} 12:00:00,deposit,,,,d{n},,,,{n + 1},EUR,,,,"
    for n in range(60)
)


def file(*rows: str) -> bytes:
    return "\n".join([HEADER, *rows, ""]).encode()


def fill(ledger: Ledger, *rows: str, wallet: str = "Main", sample: bool = False) -> ImportReport:
    """Import rows into a ledger."""
    with ledger.write() as conn:
        source = open_file(file(*(rows or ROWS)), "small.csv")
        return ingest(conn, source, "small.csv", wallet=wallet, sample=sample)
