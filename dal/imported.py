"""What importers hand over, row by row, and what became of a file.

As in `records`: plain and frozen; amounts are exact, out < 0 < in. What a file has by the thousand
is a tuple, which is made in a third of the time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    from dal.records import MovementKind, Outcome, Status, TransactionType


class NewAsset(NamedTuple):
    """An asset as a file names it. Identity: (network, contract), else (network, symbol)."""

    symbol: str
    network: str = ""  # "" for what an exchange holds
    contract: str = ""  # canonical; "" for a native coin or an exchange's asset
    name: str = ""
    decimals: int | None = None


class NewMovement(NamedTuple):
    """One signed amount of one asset.

    `key` names the movement within its transaction, the same in every file that tells of it
    ("value", "fee", "token:0x…:0x…:0x…:5:0"), so that a second file adds only what is new.
    """

    key: str
    kind: MovementKind
    asset: NewAsset
    amount: Decimal  # whole units, signed, finite, never zero
    address: str = ""  # the wallet's own side, canonical
    counterparty: str = ""  # the other side, canonical


class NewTransaction(NamedTuple):
    """What one row of a file tells of one transaction; rows with one identity become one.

    Identity within a wallet: (network, tx_hash) where there is a hash, else (source, source_id).
    """

    occurred_at: datetime | None  # aware, UTC; None: the row does not say, the hash must be known
    type: TransactionType
    source: str  # the importer's name: "kraken", "etherscan", "generic", …
    source_id: str | None = None  # the source's own id, or a fingerprint with its occurrence
    source_type: str = ""  # the source's own word
    status: Status = "confirmed"
    network: str = ""
    tx_hash: str | None = None
    address: str = ""
    counterparty: str = ""
    note: str = ""
    labels: tuple[str, ...] = ()
    movements: tuple[NewMovement, ...] = ()


class ParsedRow(NamedTuple):
    """One data row of a file: a transaction, or the reason why there is none."""

    line: int  # of the file, from 1; the first line where a quoted cell spans several
    raw: str  # as it stands in the file, without its line end
    transaction: NewTransaction | None = None
    outcome: Literal["skipped", "rejected"] | None = None  # None when there is a transaction
    reason: str = ""  # names the column and the cure when there is none


@dataclass(frozen=True, slots=True)
class RowReason:
    """Why a row did not come in."""

    line: int
    outcome: Outcome
    reason: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of a file: `read == imported + duplicate + skipped + rejected`."""

    file: str
    format: str
    wallet: str
    read: int
    imported: int
    duplicate: int
    skipped: int
    rejected: int
    transactions: int  # created
    import_id: int | None = None  # None for a dry run
    reasons: tuple[RowReason, ...] = field(default=())  # of each skipped or rejected row
    warnings: tuple[str, ...] = ()  # of the whole file: a guessed network, an unnamed asset
