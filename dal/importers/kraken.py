"""Kraken's ledgers.csv: one row per change of one balance, grouped to transactions by refid.

`amount` is signed and does not contain `fee`, which is in the same asset and positive when paid.
A row without a txid is a request that Kraken had not booked yet; its booked twin follows.

Kraken's names are made the usual ones: XXBT and XBT are BTC, XETH is ETH, ZEUR is EUR. What is
staked, lent or on hold (DOT.S, DOT28.S, ETH.F, USD.M, EUR.HOLD) is the same asset in another
drawer and is booked as the asset itself: Kraken books every move between the drawers in both, so
the sum is right. The file's own name stays in the raw row.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from dal.imported import NewAsset, NewMovement, NewTransaction
from dal.importers.fields import NotBookable, fits, money, money_or_zero, symbol, when
from dal.importers.formats import File, Format, off_chain

if TYPE_CHECKING:
    from decimal import Decimal

    from dal.importers.sheet import Row
    from dal.records import TransactionType

SOURCE: Final = "kraken"
DRAWER: Final = re.compile(r"(?<=[A-Z])\d\d(?=\.S$)|\.(?:[SMFBP]|HOLD)$")
RENAMED: Final = {"XBT": "BTC", "XXBT": "BTC", "XDG": "DOGE", "XXDG": "DOGE"} | {
    # The first assets carry X for a coin or Z for money; later names such as ZETA are as they are.
    prefix + name: name
    for prefix, names in (
        ("X", "DAO ETC ETH ICN LTC MLN NMC REP XLM XMR XRP XVN ZEC"),
        ("Z", "AUD CAD EUR GBP JPY KRW USD"),
    )
    for name in names.split()
}

TYPES: Final[dict[str, TransactionType]] = {
    "deposit": "deposit",
    "withdrawal": "withdrawal",
    "trade": "trade",
    "margin": "trade",
    "margin trade": "trade",
    "settled": "trade",
    "spend": "trade",
    "receive": "trade",
    "sale": "trade",
    "conversion": "trade",
    "adjustment": "trade",
    "nfttrade": "trade",
    "rollover": "fee",
    "transfer": "transfer",
    "custodytransfer": "transfer",
    "staking": "reward",
    "dividend": "reward",
    "reward": "reward",
    "invite bonus": "reward",
    "earn": "reward",
}
MOVES: Final = ("allocation", "deallocation", "autoallocation", "migration", "spottostaking")


def asset_name(text: str) -> str:
    """The usual symbol for Kraken's.

    >>> [asset_name(name) for name in ("XXBT", "ZEUR", "XBT.M", "DOT28.S", "ETH2.S", "ZETA")]
    ['BTC', 'EUR', 'BTC', 'DOT', 'ETH2', 'ZETA']
    """
    base = DRAWER.sub("", symbol(text, "asset").upper())
    return RENAMED.get(base, base)


def type_of(word: str, subtype: str) -> TransactionType:
    """The type for Kraken's word; moves between the drawers of one asset are transfers."""
    if word == "earn" and subtype in MOVES:
        return "transfer"
    return TYPES.get(word, "other")


class Ledgers:
    """Rows of ledgers.csv."""

    def __init__(self, file: File, _: frozenset[str]) -> None:
        sheet = file.sheet
        self.txid, self.refid, self.time = map(sheet.getter, ("txid", "refid", "time"))
        self.type, self.subtype = map(sheet.getter, ("type", "subtype"))
        self.asset, self.amount, self.fee = map(sheet.getter, ("asset", "amount", "fee"))

    def __call__(self, row: Row) -> NewTransaction:
        """Book one row."""
        cells = row.cells
        txid = fits(self.txid(cells), "txid")
        if not txid:
            raise NotBookable("requested, not yet booked by Kraken (txid is empty)")
        word, subtype = self.type(cells).strip(), self.subtype(cells).strip()
        asset = NewAsset(asset_name(self.asset(cells)))
        amount = money(self.amount(cells), "amount")
        fee = money_or_zero(self.fee(cells), "fee")
        return NewTransaction(
            when(self.time(cells), "time"),
            type_of(word.casefold(), subtype.casefold()),
            SOURCE,
            fits(self.refid(cells), "refid") or txid,
            " ".join(filter(None, (word, subtype)))[:200],
            movements=tuple(moved(txid, asset, amount, fee)),
        )


def moved(txid: str, asset: NewAsset, amount: Decimal, fee: Decimal) -> list[NewMovement]:
    """The amount and, apart from it, the fee; neither where it is 0."""
    movements = []
    if amount:
        movements.append(NewMovement(txid, "principal", asset, amount))
    if fee:
        movements.append(NewMovement(f"{txid}:fee", "fee", asset, fee.copy_negate()))
    return movements


FORMATS: Final = (
    Format(
        "kraken-ledgers",
        "Kraken, ledgers.csv",
        SOURCE,
        "Kraken",
        ("txid", "refid", "time", "type", "asset", "amount", "fee"),
        Ledgers,
        off_chain,
    ),
)
