"""What the sample's story is written in: rows of the generic CSV layout, as exports hold them."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING

from dal.story_cast import BEGIN, EVM, NATIVE, PRICES, WALLETS, address, base58

if TYPE_CHECKING:
    from datetime import datetime

Row = dict[str, str]


class Pen:
    """Draws what a row is made of, and keeps count of what the everyday wallet has."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 (a story, not a secret)
        self.rows: dict[str, list[Row]] = {name: [] for name in WALLETS}
        self.own = {network: address("evm:everyday") for network in EVM}
        self.held: dict[tuple[str, str], Decimal] = {}

    def on_chain(self, day: datetime, network: str, other: str) -> Row:
        """Return a transaction of the everyday wallet that paid its fee."""
        row = self.at(
            day, network, "0x" + self.random.randbytes(32).hex(), self.own[network], other
        )
        gas = Decimal("0.0003") if network == "ethereum" else Decimal("0.00002")
        fee = self.exact(gas * self.between(1, 3), 18)
        self.hold(network, NATIVE[network], fee.copy_negate())
        return row | {"Fee Amount": str(fee), "Fee Asset": NATIVE[network]}

    def unpaid(self, row: Row) -> Row:
        """Return a transaction that somebody else paid for."""
        self.hold(row["Network"], row["Fee Asset"], Decimal(row["Fee Amount"]))
        return {name: cell for name, cell in row.items() if not name.startswith("Fee")}

    def at(self, day: datetime, network: str, tx_hash: str, own: str, other: str) -> Row:
        """Return the place of a transaction on its network."""
        return {
            "Date": self.moment(day),
            "Network": network,
            "Hash": tx_hash,
            "Address": own,
            "Counterparty": other,
        }

    def moment(self, day: datetime) -> str:
        """Return some second of a day."""
        return (day + timedelta(seconds=self.random.randrange(25_000, 80_000))).isoformat()

    def sent(self, amount: Decimal, asset: str, network: str = "") -> Row:
        """Return the cells of what went out."""
        self.hold(network, asset, amount.copy_negate())
        return {"Sent Amount": str(amount), "Sent Asset": asset}

    def received(self, amount: Decimal, asset: str, network: str = "") -> Row:
        """Return the cells of what came in."""
        self.hold(network, asset, amount)
        return {"Received Amount": str(amount), "Received Asset": asset}

    def hold(self, network: str, asset: str, change: Decimal) -> None:
        """Keep count of what the everyday wallet has, so that it never spends what it has not."""
        place = (network, asset.partition("@")[0])
        self.held[place] = self.held.get(place, Decimal(0)) + change

    def holding(self, network: str, symbol: str) -> Decimal:
        """Return what the everyday wallet has."""
        return self.held.get((network, symbol), Decimal(0))

    def price(self, coin: str, day: datetime) -> Decimal:
        """Return about what a coin cost."""
        start, drift = PRICES[coin]
        return start * (1 + drift * (day - BEGIN).days / 365) * self.between(85, 115) / 100

    def exact(self, value: Decimal, places: int) -> Decimal:
        """Return a number near `value` with that many decimal places."""
        return Decimal(f"{value * self.between(90, 110) / 100:.{places}f}")

    def between(self, low: int, high: int) -> Decimal:
        """Return some number between two, to the thousandth."""
        return Decimal(self.random.randrange(low * 1000, high * 1000)).scaleb(-3)

    def chance(self, permille: int) -> bool:
        """Return True in so many of a thousand cases."""
        return self.random.randrange(1000) < permille

    def bitcoin_address(self) -> str:
        """Return a drawn address with a right checksum (P2PKH)."""
        payload = b"\0" + self.random.randbytes(20)
        check = hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
        return base58(payload + check)
