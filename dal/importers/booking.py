"""From an absolute row of a chain (from, to, value, fee) to what it did to one wallet.

Keys of movements name what happened on chain and nothing of the file: a second file, another
layout or a later export of the same transaction gives the same keys, so that the ledger adds only
what is new. The ending says the side: ":out" for what left an address, ":in" for what arrived.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from dal.imported import NewAsset, NewMovement, NewTransaction
from dal.importers.fields import LONGEST_NAME, ZERO, NotBookable, Unusable, fingerprint, plain

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    from dal.records import Status, TransactionType

NOBODY: Final = "0x0000000000000000000000000000000000000000"  # what mints come from and burns go to
APPROVING: Final = ("approve", "set approval for all", "increase allowance", "permit")


class Runs:
    """Counts equal things within a contiguous run of rows of one transaction.

    Two equal transfers in one transaction stand together in an export and are both real. Rows that
    come back after other transactions are the export's repetition: they start from 0 again, get
    the same keys, and add nothing.
    """

    def __init__(self) -> None:
        self._run = ""
        self._seen: dict[str, int] = {}

    def number(self, run: str, key: str) -> int:
        """How many equal ones came before in this run."""
        if run != self._run:
            self.restart()
            self._run = run
        number = self._seen.get(key, 0)
        self._seen[key] = number + 1
        return number

    def restart(self) -> None:
        """Begin again, even within the same transaction."""
        self._seen = {}


class Fingerprints:
    """Ids of rows that have none: a fingerprint and, for the n-th equal row of a file, its n."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def of(self, cells: list[str]) -> str:
        """The id of the next row."""
        mark = fingerprint(cells)
        number = self._seen.get(mark, 0)
        self._seen[mark] = number + 1
        return f"{mark}:{number}"


class Event(NamedTuple):
    """A row of a chain, absolute: who sent what to whom."""

    tx_hash: str  # canonical
    at: datetime | None  # None: the file does not say
    sender: str  # canonical; pays the fee
    receiver: str  # canonical; on contract creation the contract
    value: tuple[str, NewAsset, Decimal]  # the movement's key without its side; the amount is >= 0
    fee: Decimal = ZERO  # >= 0, in the native coin
    status: Status = "confirmed"  # a failed transaction moves no value, but costs its fee
    hint: TransactionType | None = None  # where the row tells more than a direction
    word: str = ""  # the source's own word for its type
    note: str = ""


class Chain:
    """Books rows of one network for one wallet.

    Args:
        source: the importer's name.
        network: a name of the known networks.
        symbol: of the native coin, which also pays the fees.
        own: the wallet's addresses, canonical. Empty: a file that nobody's address stands in is
            only watched; both sides of each row are booked and cancel out.
    """

    def __init__(self, source: str, network: str, symbol: str, own: frozenset[str]) -> None:
        self.source = source
        self.network = network
        self.coin = NewAsset(symbol, network)
        self.own = own

    def book(self, event: Event) -> NewTransaction:
        """What a row tells of its transaction.

        Raises:
            NotBookable: neither side is the wallet's.
            Unusable: the row names no side.
        """
        tx_hash, at, sender, receiver, value, fee, status, hint, word, note = event
        out, into = self.sides(sender, receiver)
        moved = () if status == "failed" else moves(value, sender, receiver, out=out, into=into)
        if fee and out:
            moved += (NewMovement("fee", "fee", self.coin, fee.copy_negate(), sender, receiver),)
        direction: TransactionType = "transfer" if out and into else "send" if out else "receive"
        sides = (sender, receiver) if out else (receiver, sender)
        return NewTransaction(
            at, hint or direction, self.source, None, word, status, self.network, tx_hash,
            *sides, note, (), moved,
        )  # fmt: skip

    def sides(self, sender: str, receiver: str) -> tuple[bool, bool]:
        """Whether the row is booked as leaving and as arriving. Raises as `book`."""
        if not 0 < len(sender) + len(receiver) < 2 * LONGEST_NAME:
            raise Unusable("From and To are empty, or too long to be addresses; export again")
        if not self.own:
            return True, True
        out, into = sender in self.own, receiver in self.own
        if not out and not into:
            raise NotBookable("neither From nor To is an address of this wallet")
        return out, into


def moves(
    value: tuple[str, NewAsset, Decimal], sender: str, receiver: str, *, out: bool, into: bool
) -> tuple[NewMovement, ...]:
    """The principal movements of a row, none for an amount of 0."""
    key, asset, amount = value
    if not amount:
        return ()
    leaving: tuple[NewMovement, ...] = ()
    if out:
        lost = amount.copy_negate()
        leaving = (NewMovement(key + ":out", "principal", asset, lost, sender, receiver),)
    if not into:
        return leaving
    return (*leaving, NewMovement(key + ":in", "principal", asset, amount, receiver, sender))


def token_key(asset: NewAsset, sender: str, receiver: str, amount: Decimal) -> str:
    """What a transfer of a token is called within its transaction, without its number."""
    return f"token:{asset.contract or asset.symbol}:{sender}:{receiver}:{plain(amount)}"


def token_hint(sender: str, receiver: str) -> TransactionType | None:
    """A transfer from nobody makes tokens, one to nobody destroys them."""
    return "mint" if sender == NOBODY else "burn" if receiver == NOBODY else None


def call_hint(method: str, amount: Decimal) -> TransactionType | None:
    """What a transaction of no value was for, as far as its method says."""
    if method.casefold().startswith(APPROVING):
        return "approval"
    return None if amount else "contract_call"
