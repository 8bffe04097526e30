"""Koinly's universal template, which many tools write.

Sent and received amounts are what the balance changed by: where the fee is in the same currency it
is part of the amount (Koinly itself ignores such a fee when it reads the file), so the principal is
the sent amount less the fee, or the received amount and the fee. A fee in another currency, or
larger than what was sent, stands beside the amount. Sent amounts may carry a minus; 0 is "none".

Rows with one TxHash make one transaction. Times are in UTC.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dal.imported import NewAsset, NewMovement, NewTransaction
from dal.importers.booking import Fingerprints, Runs
from dal.importers.fields import (
    ZERO,
    NotBookable,
    Unusable,
    fits,
    money_or_zero,
    note,
    plain,
    symbol,
    when,
)
from dal.importers.formats import File, Format, Setting
from dal.records import EXACT

if TYPE_CHECKING:
    from decimal import Decimal

    from dal.importers.sheet import Row
    from dal.records import MovementKind, TransactionType

SOURCE: Final = "koinly"
LABELS: Final[dict[str, TransactionType]] = {
    "reward": "reward",
    "staking": "reward",
    "mining": "reward",
    "cashback": "reward",
    "airdrop": "airdrop",
    "fork": "airdrop",
    "gift": "gift",
    "donation": "gift",
    "income": "income",
    "other income": "income",
    "salary": "income",
    "lending interest": "income",
    "loan interest": "income",
    "realized gain": "income",
    "loan": "loan",
    "loan repayment": "loan",
    "cost": "fee",
    "loan fee": "fee",
    "margin fee": "fee",
    "payment": "payment",
    "swap": "trade",
    "trade": "trade",
}


def network_if_chosen(file: File) -> Setting:
    """The network that was chosen; without one, hashes are compared by themselves."""
    return Setting(file.network)


class Amount:
    """The cells of one amount and its currency."""

    def __init__(self, file: File, name: str) -> None:
        self.name = name
        self.amount = file.sheet.getter(f"{name} amount".casefold())
        self.currency = file.sheet.getter(f"{name} currency".casefold())

    def __call__(self, cells: list[str]) -> tuple[Decimal, str]:
        """The amount with its sign and the symbol; 0 and "" where there is none."""
        amount = money_or_zero(self.amount(cells), f"{self.name} Amount")
        if not amount:
            return ZERO, ""
        return amount, symbol(self.currency(cells), f"{self.name} Currency")


def principals(
    sent: tuple[Decimal, str], received: tuple[Decimal, str], fee: tuple[Decimal, str]
) -> tuple[Decimal, Decimal]:
    """What was sent and received, both 0 or above, without a fee in the same currency.

    Raises:
        Unusable: a negative amount was received.
    """
    gone, came, cost = sent[0].copy_abs(), received[0], fee[0]
    if came < ZERO:
        raise Unusable("Received Amount is negative; write it as a Sent Amount")
    if cost > ZERO and gone >= cost and sent[1] == fee[1]:
        return EXACT.subtract(gone, cost), came
    if cost > ZERO and came and received[1] == fee[1]:
        return gone, EXACT.add(came, cost)
    return gone, came


def type_of(label: str, gone: Decimal, came: Decimal) -> TransactionType:
    """The type by Koinly's label, else by what moved."""
    if label in LABELS:
        return LABELS[label]
    if gone and came:
        return "trade"
    return "send" if gone else "receive" if came else "fee"


class Universal:
    """Rows of the universal template."""

    def __init__(self, file: File, _: frozenset[str]) -> None:
        sheet = file.sheet
        self.network = file.network
        self.time = sheet.getter("date", "koinly date")
        self.sent, self.received, self.fee = (
            Amount(file, name) for name in ("Sent", "Received", "Fee")
        )
        self.label, self.note = sheet.getter("label", "tag"), sheet.getter("description")
        self.hash = sheet.getter("txhash")
        self.ids, self.runs = Fingerprints(), Runs()

    def __call__(self, row: Row) -> NewTransaction:
        """Book one row."""
        cells = row.cells
        at, word = when(self.time(cells), "Date"), fits(self.label(cells), "Label")
        text, tx_hash = note(self.note(cells), "Description"), fits(self.hash(cells), "TxHash")
        sent, received, fee = self.sent(cells), self.received(cells), self.fee(cells)
        gone, came = principals(sent, received, fee)
        if not gone and not came and not fee[0]:
            raise NotBookable("nothing moved: no amount and no fee")
        source_id = None if tx_hash else self.ids.of(cells)
        legs: tuple[tuple[str, MovementKind, Decimal, str], ...] = (
            ("out", "principal", gone.copy_negate(), sent[1]),
            ("in", "principal", came, received[1]),
            ("fee", "fee", fee[0].copy_negate(), fee[1]),
        )
        moved = tuple(self.moved(tx_hash or source_id or "", *leg) for leg in legs if leg[2])
        return NewTransaction(
            at, type_of(word.casefold(), gone, came), SOURCE, source_id, word,
            network=self.network, tx_hash=tx_hash or None, note=text, movements=moved,
        )  # fmt: skip

    def moved(
        self, run: str, side: str, kind: MovementKind, amount: Decimal, currency: str
    ) -> NewMovement:
        """A movement whose key is its content."""
        key = f"{side}:{currency}:{plain(amount.copy_abs())}"
        asset = NewAsset(currency, self.network)
        return NewMovement(f"{key}:{self.runs.number(run, key)}", kind, asset, amount)


FORMATS: Final = (
    Format(
        "koinly", "Koinly, universal template", SOURCE, "Koinly",
        ("date|koinly date", "sent amount", "sent currency", "received amount",
         "received currency"),
        Universal, network_if_chosen, ("sending wallet",),
    ),
)  # fmt: skip
