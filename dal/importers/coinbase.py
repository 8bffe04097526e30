"""Coinbase: the statement of all transactions, in its generations from 2013 to now.

A trade moves the asset, the money that it cost or brought (Subtotal) and the fee, apart. Where a
report leaves Subtotal at 0, as that of 2020 does, the money is Total without the fee. Fees and
totals of other rows only value them and are not booked. The direction comes from the type, since
older reports write quantities without a sign; only where a type has none does the sign decide.

With Coinbase's own id the movements are called "in", "out" and "fee", so that a second row of the
same id, as a report in another currency has it, adds nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from dal.addresses import guess_networks, stored
from dal.imported import NewAsset, NewMovement, NewTransaction
from dal.importers.booking import Fingerprints
from dal.importers.fields import (
    ZERO,
    Unusable,
    clip,
    fits,
    money,
    money_or_zero,
    note,
    priced,
    symbol,
    when,
)
from dal.importers.formats import File, Format, Setting, off_chain, zoneless
from dal.records import EXACT

if TYPE_CHECKING:
    from decimal import Decimal

    from dal.importers.sheet import Row
    from dal.records import MovementKind, TransactionType

SOURCE: Final = "coinbase"
ID: Final = re.compile(r"[0-9A-Za-z]{24}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
HASH: Final = re.compile(r"(?:0x)?[0-9a-f]{64}", re.ASCII | re.IGNORECASE)
CONVERTED: Final = re.compile(r"Converted ([\d.,]+) (\S+) to ([\d.,]+) (\S+)", re.IGNORECASE)
HEADER_CURRENCY: Final = re.compile(r"\s*([A-Z]{3}) (?:Spot Price|Subtotal|Total)")
NETWORKS: Final = {"BTC": "bitcoin", "LTC": "litecoin", "ETH": "ethereum", "DOGE": "dogecoin"}

#: Type in the file → our type and direction; 0: as the sign of the quantity says.
TYPES: Final[dict[str, tuple[TransactionType, int]]] = {
    "buy": ("trade", 1),
    "advanced trade buy": ("trade", 1),
    "advance trade buy": ("trade", 1),
    "sell": ("trade", -1),
    "advanced trade sell": ("trade", -1),
    "advance trade sell": ("trade", -1),
    "send": ("send", -1),
    "receive": ("receive", 1),
    "deposit": ("deposit", 1),
    "withdrawal": ("withdrawal", -1),
    "pro deposit": ("transfer", -1),  # from here to the other house, seen from here
    "pro withdrawal": ("transfer", 1),
    "exchange deposit": ("transfer", -1),
    "exchange withdrawal": ("transfer", 1),
    "rewards income": ("reward", 1),
    "reward income": ("reward", 1),
    "staking income": ("reward", 1),
    "inflation reward": ("reward", 1),
    "learning reward": ("reward", 1),
    "coinbase earn": ("reward", 1),
    "incentives rewards payout": ("reward", 1),
    "subscription rebate": ("reward", 1),
    "subscription rebates (24 hours)": ("reward", 1),
    "interest payout": ("income", 1),
    "paid for an order": ("payment", -1),
    "subscription": ("payment", -1),
    "retail staking transfer": ("transfer", 0),
    "retail unstaking transfer": ("transfer", 0),
    "retail eth2 deprecation": ("transfer", 0),
    "transfer": ("transfer", 0),
}


def movement(key: str, text: str, amount: Decimal) -> list[NewMovement]:
    """A movement of what Coinbase holds, none for an amount of 0."""
    kind: MovementKind = "fee" if key == "fee" else "principal"
    return [NewMovement(key, kind, NewAsset(text), amount)] if amount else []


def paid(
    sign: int, subtotal: Decimal, total: Decimal, fee: Decimal, currency: str
) -> list[NewMovement]:
    """The money of a trade.

    Args:
        sign: of the asset: 1 for a buy, -1 for a sell.
        subtotal: what the asset cost, without the fee; 0 where the report leaves it out.
        total: what was paid (with the fee) or paid out (without it).
        fee: 0 or above.
        currency: of all three.
    """
    if not subtotal:
        subtotal = EXACT.subtract(total, fee) if sign > 0 else EXACT.add(total, fee)
    key, amount = ("out", subtotal.copy_negate()) if sign > 0 else ("in", subtotal)
    return movement(key, currency, amount) + movement("fee", currency, fee.copy_negate())


class Retail:
    """Rows of the statements since 2020."""

    def __init__(self, file: File, _: frozenset[str]) -> None:
        sheet = file.sheet
        self.id, self.time = sheet.getter("id"), sheet.getter("timestamp")
        self.type, self.asset = sheet.getter("transaction type"), sheet.getter("asset")
        self.quantity = sheet.getter("quantity transacted")
        self.currency = sheet.getter("spot price currency", "price currency")
        self.subtotal, self.note = sheet.getter("subtotal"), sheet.getter("notes")
        self.total = sheet.getter(
            "total (inclusive of fees and/or spread)", "total (inclusive of fees)"
        )
        self.fee = sheet.getter("fees and/or spread", "fees")
        headers = (HEADER_CURRENCY.match(name) for name in sheet.header)
        self.header_currency = next((found[1] for found in headers if found), "")
        self.ids = Fingerprints()

    def __call__(self, row: Row) -> NewTransaction:
        """Book one row."""
        cells = row.cells
        word, text = self.type(cells).strip(), note(self.note(cells), "Notes")
        kind, movements = self.meaning(cells, word.casefold(), text)
        known = self.id(cells).strip()
        return NewTransaction(
            when(self.time(cells), "Timestamp"),
            kind,
            SOURCE,
            known if ID.fullmatch(known) else self.ids.of(cells),
            word[:200],
            note=text,
            movements=tuple(movements),
        )

    def meaning(
        self, cells: list[str], word: str, text: str
    ) -> tuple[TransactionType, list[NewMovement]]:
        """Our type and the movements. Raises `Unusable`."""
        if word == "convert":
            return "trade", converted(text)
        quantity = money(self.quantity(cells), "Quantity Transacted")
        kind, sign = TYPES.get(word, ("other", 0))
        if not sign and quantity > ZERO and not self.id(cells).strip():
            raise Unusable(
                f"Transaction Type: “{clip(word)}” names no direction and this report writes no"
                " signs, so it could be in or out; change it to Send or Receive"
            )
        sign = sign or (-1 if quantity < ZERO else 1)
        amount = quantity.copy_abs() if sign > 0 else quantity.copy_abs().copy_negate()
        asset = movement("in" if sign > 0 else "out", symbol(self.asset(cells), "Asset"), amount)
        return kind, asset + (self.money(cells, sign) if kind == "trade" else [])

    def money(self, cells: list[str], sign: int) -> list[NewMovement]:
        """The money of a trade. Raises `Unusable`."""
        total, beside = _value(self.total(cells), "Total")
        subtotal = _value(self.subtotal(cells), "Subtotal")[0]
        fee = money_or_zero(self.fee(cells), "Fees").copy_abs()
        if subtotal and total and not self.fee(cells).strip():
            fee = EXACT.subtract(total, subtotal).copy_abs()
        if not subtotal and not total:
            return []
        currency = self.currency(cells).strip() or beside or self.header_currency
        return paid(sign, subtotal, total, fee, symbol(currency, "Price Currency"))


def _value(text: str, column: str) -> tuple[Decimal, str]:
    """An amount without its sign and the currency beside it; 0 for an empty cell."""
    amount, currency = priced(text, column) if text.strip() else (ZERO, "")
    return amount.copy_abs(), currency


def converted(text: str) -> list[NewMovement]:
    """Both legs of a conversion, which only the note tells. Raises `Unusable`."""
    found = CONVERTED.search(text)
    if not found:
        raise Unusable(
            "Notes: does not say what was converted to what; write"
            " “Converted 0.1 BTC to 2 ETH” there"
        )
    sent, from_asset, received, to_asset = found.groups()
    gone = money(sent.strip(".,"), "Notes").copy_negate()
    return movement("out", fits(from_asset, "Notes"), gone) + movement(
        "in", fits(to_asset.rstrip("."), "Notes"), money(received.strip(".,"), "Notes")
    )


class Wallet2013:
    """Rows of the report of one wallet, 2013 to 2017: Amount is signed, and is money's mirror."""

    def __init__(self, file: File, _: frozenset[str]) -> None:
        sheet = file.sheet
        self.time, self.amount = sheet.getter("timestamp"), sheet.getter("amount")
        self.asset, self.to, self.note = map(sheet.getter, ("currency", "to", "notes"))
        self.total, self.currency = map(sheet.getter, ("transfer total", "transfer total currency"))
        self.fee, self.id = sheet.getter("transfer fee"), sheet.getter("coinbase id")
        self.hash = sheet.getter("bitcoin hash")
        self.ids = Fingerprints()

    def __call__(self, row: Row) -> NewTransaction:
        """Book one row."""
        cells = row.cells
        amount, asset = money(self.amount(cells), "Amount"), symbol(self.asset(cells), "Currency")
        known, tx_hash = self.id(cells).strip(), self.hash(cells).strip().lower()
        source_id = known if ID.fullmatch(known) else self.ids.of(cells)
        side, sign = ("in", 1) if amount > ZERO else ("out", -1)
        spent = self.money(cells, sign)
        movements = movement(side, asset, amount) + spent
        chained = HASH.fullmatch(tx_hash) is not None
        if chained:  # one hash can pay several of Coinbase's rows: their keys must differ
            movements = [moved._replace(key=f"{source_id}:{moved.key}") for moved in movements]
        return NewTransaction(
            when(self.time(cells), "Timestamp"),
            "trade" if spent else "receive" if sign > 0 else "send",
            SOURCE,
            source_id,
            network=NETWORKS.get(asset, "") if chained else "",
            tx_hash=tx_hash if chained else None,
            counterparty=_counterparty(self.to(cells)),
            note=note(self.note(cells), "Notes"),
            movements=tuple(movements),
        )

    def money(self, cells: list[str], sign: int) -> list[NewMovement]:
        """The money of a trade, none where nothing was paid. Raises `Unusable`."""
        total = money_or_zero(self.total(cells), "Transfer Total").copy_abs()
        if not total:
            return []
        fee = money_or_zero(self.fee(cells), "Transfer Fee").copy_abs()
        currency = symbol(self.currency(cells), "Transfer Total Currency")
        return paid(sign, ZERO, total, fee, currency)


def _counterparty(text: str) -> str:
    """The other side where it is an address; Coinbase also writes names and e-mail addresses."""
    networks = guess_networks(text)
    return stored(networks[0], text) if networks else ""


def _local_times(file: File) -> Setting:
    return Setting("", tuple(zoneless(file, "timestamp")))


_NEEDED = ("timestamp", "transaction type", "asset", "quantity transacted", "subtotal", "notes")

FORMATS: Final = (
    Format(
        "coinbase", "Coinbase, statement with ID (since 2024)", SOURCE, "Coinbase",
        (*_NEEDED, "id", "price currency"), Retail, off_chain,
    ),
    Format(
        "coinbase-2021", "Coinbase, statement of 2021 to 2024", SOURCE, "Coinbase",
        (*_NEEDED, "spot price currency"), Retail, _local_times, ("id",),
    ),
    Format(
        "coinbase-2020", "Coinbase, tax report of 2020", SOURCE, "Coinbase",
        (*_NEEDED, "spot price at transaction"), Retail, _local_times,
        ("id", "spot price currency"),
    ),
    Format(
        "coinbase-2013", "Coinbase, transactions of one wallet, 2013 to 2017", SOURCE, "Coinbase",
        ("timestamp", "amount", "currency", "to", "transfer total", "transfer fee", "coinbase id"),
        Wallet2013, _local_times,
    ),
)  # fmt: skip
