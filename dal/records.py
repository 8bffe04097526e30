"""The shapes that leave and enter the data layer: plain, frozen, slotted dataclasses.

Amounts are `Decimal` in whole units (1 BTC is `Decimal(1)`), exact, out < 0 < in.
Times are aware and in UTC. An empty string means "none" for text that identifies
(network, contract, address); `None` means "unknown" or "not chosen".
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import datetime

    from dal.moments import History, Snapshot

#: Arithmetic on money: wide enough for 2^256 with any scale, and an error instead of a rounding.
#: The default context keeps 28 digits and would cut a balance silently.
EXACT = Context(prec=1000, traps=[Inexact, InvalidOperation])

TransactionType = Literal[
    "receive",
    "send",
    "transfer",
    "trade",
    "deposit",
    "withdrawal",
    "fee",
    "reward",
    "airdrop",
    "gift",
    "payment",
    "income",
    "loan",
    "mint",
    "burn",
    "approval",
    "contract_call",
    "other",
]
Status = Literal["confirmed", "pending", "failed"]
MovementKind = Literal["principal", "fee"]
Outcome = Literal["imported", "duplicate", "skipped", "rejected"]
Colour = Literal[
    "grey", "red", "orange", "yellow", "green", "teal", "blue", "indigo", "purple", "pink"
]


# ── What a page shows ────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Movement:
    """One asset amount of a transaction, as a page shows it."""

    position: int  # order of display within its transaction, from 0
    kind: MovementKind
    asset_id: int
    symbol: str  # a name, not an identity: many contracts share one
    amount: Decimal  # whole units, signed: out < 0 < in


@dataclass(frozen=True, slots=True)
class Tag:
    """A label as it hangs on a transaction."""

    id: int
    name: str
    colour: Colour


@dataclass(frozen=True, slots=True)
class Transaction:
    """One event as one wallet saw it, with all that a row of the page shows."""

    id: int
    occurred_at: datetime  # aware, UTC
    wallet_id: int
    wallet: str
    type: TransactionType
    status: Status
    network: str  # "" for an exchange
    tx_hash: str | None
    address: str  # the wallet's own side, canonical; "" when unknown
    counterparty: str  # the other side, canonical; "" when unknown
    contact_id: int | None  # by the counterparty's address, or the choice made by hand
    contact: str | None
    contact_by_hand: bool
    note: str
    amount: Decimal  # the largest principal amount, unsigned; 0 when nothing but a fee moved
    version: int  # goes up by one with every edit
    movements: tuple[Movement, ...]
    labels: tuple[Tag, ...]


@dataclass(frozen=True, slots=True)
class Move:
    """A transaction that crossed the reader's position while the list was being read."""

    id: int
    occurred_at: datetime  # as it is now
    type: TransactionType
    missed: bool  # it lies on the side that was read already; else it may be shown twice


@dataclass(frozen=True, slots=True)
class MovementDetail:
    """One movement with all that the ledger knows of it."""

    position: int
    kind: MovementKind
    asset_id: int
    symbol: str
    amount: Decimal
    asset_name: str
    network: str
    contract: str
    address: str
    counterparty: str
    import_id: int | None


@dataclass(frozen=True, slots=True)
class RawRow:
    """A row of a file as it arrived, beside what became of it."""

    import_id: int
    file: str
    line: int  # of the file, from 1; where a quoted cell spans lines, the first of them
    raw: str
    outcome: Outcome
    reason: str


@dataclass(frozen=True, slots=True)
class TransactionDetail:
    """A transaction on its own page."""

    transaction: Transaction
    source: str  # the format that it came by, or "manual"
    source_id: str | None  # its id there
    source_type: str  # the source's own word for its type
    movements: tuple[MovementDetail, ...]
    raw_rows: tuple[RawRow, ...]
    other_sides: tuple[Transaction, ...]  # the same hash as other own wallets saw it
    history: History


@dataclass(frozen=True, slots=True)
class AssetSum:
    """What moved of one asset over a set of transactions; whole units."""

    asset_id: int
    symbol: str
    network: str
    contract: str
    received: Decimal  # principal, >= 0
    sent: Decimal  # principal, <= 0
    fees: Decimal  # <= 0, or a rebate above 0
    net: Decimal  # the sum of the three


@dataclass(frozen=True, slots=True)
class Totals:
    """Exact figures of a filter, true at one snapshot."""

    transactions: int
    sums: tuple[AssetSum, ...]
    snapshot: Snapshot


@dataclass(frozen=True, slots=True)
class Estimate:
    """About how many transactions a filter lets through, at one snapshot."""

    transactions: int
    snapshot: Snapshot


@dataclass(frozen=True, slots=True)
class Balance:
    """What a wallet holds of one asset at an instant; whole units."""

    wallet_id: int
    wallet: str
    asset_id: int
    symbol: str
    network: str
    contract: str
    amount: Decimal


# ── What the other pages show ────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class WalletAddress:
    """One address of a wallet or of a contact."""

    network: str
    address: str  # canonical


@dataclass(frozen=True, slots=True)
class Wallet:
    """An account that the user owns, on chain or at an exchange."""

    id: int
    name: str
    version: int
    transactions: int
    addresses: tuple[WalletAddress, ...]


@dataclass(frozen=True, slots=True)
class Contact:
    """A person or service with addresses on any networks."""

    id: int
    name: str
    note: str
    version: int
    addresses: tuple[WalletAddress, ...]


@dataclass(frozen=True, slots=True)
class Label:
    """A coloured word that can hang on any transaction."""

    id: int
    name: str
    colour: Colour
    version: int
    transactions: int


@dataclass(frozen=True, slots=True)
class Import:
    """One file's arrival. `read` is the sum of the four outcomes."""

    id: int
    file: str
    format: str
    wallet: str
    imported_at: datetime
    read: int
    imported: int
    duplicate: int
    skipped: int
    rejected: int
    transactions: int  # created by this import
