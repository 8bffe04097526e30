"""The shapes that leave and enter the data layer: plain, frozen, slotted dataclasses.

Amounts are `Decimal` in whole units (1 BTC is `Decimal(1)`), exact, out < 0 < in.
Times are aware and in UTC. An empty string means "none" for text that identifies
(network, contract, address); `None` means "unknown" or "not chosen".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

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
Op = Literal["insert", "update", "delete"]
Colour = Literal[
    "grey", "red", "orange", "yellow", "green", "teal", "blue", "indigo", "purple", "pink"
]


# ── When something was true ──────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Which transactions of one PostgreSQL had ended when something was read from it.

    Numbers of transactions compare only within one incarnation: a server that recovers from a
    crash may give away again those of transactions that left no trace in its log.
    """

    system: str  # PostgreSQL's identifier of the whole cluster
    timeline: int  # goes up with every promotion
    incarnation: int  # microseconds; another after every recovery from a crash
    visible: str  # xmin:xmax:xip,xip,… as pg_current_snapshot() writes it
    as_of: datetime  # aware, UTC; by the database's clock, never later than it was true

    @property
    def _ended(self) -> tuple[int, frozenset[int]]:
        """Return the number that no transaction had reached yet, and those below still running."""
        _, limit, running = self.visible.split(":")
        return int(limit), frozenset(map(int, filter(None, running.split(","))))

    @property
    def lineage(self) -> tuple[str, int, int]:
        """Return what two snapshots must share to be compared."""
        return self.system, self.timeline, self.incarnation

    def includes(self, xid: int) -> bool:
        """Return whether that transaction had ended, however it did."""
        limit, running = self._ended
        return xid < limit and xid not in running

    def includes_all_to(self, xid: int) -> bool:
        """Return whether that transaction and all before it had ended."""
        return xid < int(self.visible.split(":")[0])

    def dominates(self, other: Snapshot) -> bool:
        """Return whether all that `other` includes is included here; never across lineages."""
        if self.lineage != other.lineage:
            return False
        limit, running = self._ended
        return limit >= other._ended[0] and not any(map(other.includes, running))


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the change log: what one writer did to one row."""

    seq: int  # grows, but not in the order of commits
    xid: int  # of the writing transaction; what one save did has one
    at: datetime  # aware, UTC
    who: str  # whom the application named, else the database role
    relation: str  # the table
    op: Op
    id: int  # of the row, or of the transaction, wallet, contact or import that it is a part of
    part: str  # the rest of its key; "" where the id is the whole
    before: Mapping[str, Any] | None  # of an update what it changed, of a delete the whole row
    after: Mapping[str, Any] | None  # of an update; an inserted row stands in its table


@dataclass(frozen=True, slots=True)
class Move:
    """A transaction that crossed the reader's position while the list was being read."""

    id: int
    occurred_at: datetime  # as it is now
    type: TransactionType
    missed: bool  # it lies on the side that was read already; else it may be shown twice


@dataclass(frozen=True, slots=True)
class Deed:
    """What one save made of one row; images as the log has them, numbers exact."""

    relation: str  # the table
    part: str  # the rest of the row's key; "" where it is the transaction itself
    before: Mapping[str, Any] | None  # the whole row; None: it was not there
    after: Mapping[str, Any] | None  # None: it is gone


@dataclass(frozen=True, slots=True)
class Save:
    """All that one transaction of the database did to a row and its parts."""

    xid: int
    at: datetime  # aware, UTC; of the last change
    who: str  # whom the application named, else the database role
    by_role: bool  # whether it is a role
    deeds: tuple[Deed, ...]


@dataclass(frozen=True, slots=True)
class History:
    """What happened to a row and its parts, the newest save first."""

    saves: tuple[Save, ...]
    more: bool  # there are older ones
    names: Mapping[tuple[str, int], str]  # of what images refer to, by table and id


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
class Choice:
    """Something that a filter can name."""

    id: int
    name: str


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


# ── What importers hand over ─────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class NewAsset:
    """An asset as a file names it. Identity: (network, contract), else (network, symbol)."""

    symbol: str
    network: str = ""  # "" for what an exchange holds
    contract: str = ""  # canonical; "" for a native coin or an exchange's asset
    name: str = ""
    decimals: int | None = None


@dataclass(frozen=True, slots=True)
class NewMovement:
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


@dataclass(frozen=True, slots=True)
class NewTransaction:
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


@dataclass(frozen=True, slots=True)
class ParsedRow:
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
