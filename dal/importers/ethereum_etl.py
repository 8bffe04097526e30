"""ethereum-etl: transactions and token transfers of whole blocks, as CSV or one JSON per line.

Amounts are in base units: wei for transactions, made whole exactly (18 decimals). The fee is what
the receipt's columns say, gas used times its price and a rollup's own fee; files without receipts
have none. The source's word is the call's selector, the first four bytes of its input.

Token transfers name neither time nor decimals. Their amounts stay in base units, of an asset named
after the contract but apart from the token itself: 1500000 base units must never be added to 1.5
whole tokens that another file tells of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dal.addresses import short, stored
from dal.imported import NewAsset
from dal.importers.booking import Chain, Event, Runs, token_hint, token_key
from dal.importers.fields import ZERO, Unusable, clip, evm_hash, money, money_or_zero, unix
from dal.importers.formats import File, Format, Parties, Setting, coin
from dal.records import EXACT

if TYPE_CHECKING:
    from decimal import Decimal

    from dal.imported import NewTransaction
    from dal.importers.sheet import Row
    from dal.records import TransactionType

SOURCE: Final = "ethereum-etl"
WEI: Final = -18  # power of ten
SELECTOR: Final = 10  # characters: 0x and four bytes
APPROVALS: Final = ("0x095ea7b3", "0xa22cb465", "0x39509351")
ASSUMED: Final = (
    "The file does not say its network: taken as ethereum. Choose another when importing."
)
BASE_UNITS: Final = (
    "The file does not say how many decimals its tokens have: amounts are in base units, of assets"
    " named after their contracts."
)


def network(file: File) -> Setting:
    """The network that was chosen, else Ethereum."""
    return Setting(file.network) if file.network else Setting("ethereum", (ASSUMED,))


def network_and_units(file: File) -> Setting:
    """As `network`, with a word on amounts."""
    setting = network(file)
    return setting._replace(warnings=(*setting.warnings, BASE_UNITS))


def natural(text: str, column: str) -> Decimal:
    """A whole number of base units, 0 or above. Raises `Unusable`."""
    amount = money(text, column)
    if amount < ZERO or amount != amount.to_integral_value(context=EXACT):
        raise Unusable(f"{column}: “{clip(text)}” is not a whole number of base units, 0 or above")
    return amount


class Transactions:
    """Rows of transactions.csv or transactions.json."""

    def __init__(self, file: File, own: frozenset[str]) -> None:
        sheet = file.sheet
        self.network = file.network
        self.hash, self.time = sheet.getter("hash"), sheet.getter("block_timestamp")
        self.sender, self.receiver = sheet.getter("from_address"), sheet.getter("to_address")
        self.created = sheet.getter("receipt_contract_address")
        self.value, self.input = sheet.getter("value"), sheet.getter("input")
        self.status, self.gas = sheet.getter("receipt_status"), sheet.getter("receipt_gas_used")
        self.price, self.bid = (
            sheet.getter("receipt_effective_gas_price"),
            sheet.getter("gas_price"),
        )
        self.rollup = sheet.getter("receipt_l1_fee")
        self.chain = Chain(SOURCE, file.network, coin(file.network), own)

    def __call__(self, row: Row) -> NewTransaction:
        """Book one row."""
        cells = row.cells
        value = natural(self.value(cells), "value").scaleb(WEI, EXACT)
        selector = self.input(cells)[:SELECTOR].lower()
        return self.chain.book(
            Event(
                evm_hash(self.hash(cells), "hash"),
                unix(self.time(cells), "block_timestamp"),
                stored(self.network, self.sender(cells)),
                stored(self.network, self.receiver(cells) or self.created(cells)),
                ("value", self.chain.coin, value),
                fee=self.fee(cells),
                status="failed" if self.status(cells).strip() == "0" else "confirmed",
                hint=call(selector, value),
                word=selector if len(selector) == SELECTOR and self.receiver(cells) else "",
            )
        )

    def fee(self, cells: list[str]) -> Decimal:
        """What the transaction cost, in the native coin; 0 where there is no receipt."""
        if not self.gas(cells):
            return ZERO
        price = natural(self.price(cells) or self.bid(cells), "receipt_effective_gas_price")
        wei = EXACT.multiply(natural(self.gas(cells), "receipt_gas_used"), price)
        rollup = money_or_zero(self.rollup(cells), "receipt_l1_fee")
        return EXACT.add(wei, rollup).scaleb(WEI, EXACT)


def call(selector: str, value: Decimal) -> TransactionType | None:
    """What a transaction of no value was for, as far as its input says."""
    if selector in APPROVALS:
        return "approval"
    return "contract_call" if not value and len(selector) == SELECTOR else None


class TokenTransfers:
    """Rows of token_transfers.csv or token_transfers.json."""

    def __init__(self, file: File, own: frozenset[str]) -> None:
        sheet = file.sheet
        self.network = file.network
        self.hash, self.token = sheet.getter("transaction_hash"), sheet.getter("token_address")
        self.sender, self.receiver = sheet.getter("from_address"), sheet.getter("to_address")
        self.value = sheet.getter("value")
        self.chain = Chain(SOURCE, file.network, coin(file.network), own)
        self.runs = Runs()

    def __call__(self, row: Row) -> NewTransaction:
        """Book one row."""
        cells = row.cells
        tx_hash = evm_hash(self.hash(cells), "transaction_hash")
        contract = stored(self.network, self.token(cells))
        if not contract:
            raise Unusable("token_address is empty; export the file again")
        asset = NewAsset(f"{short(contract)} units", self.network, name=f"Base units of {contract}")
        amount = natural(self.value(cells), "value")
        sender = stored(self.network, self.sender(cells))
        receiver = stored(self.network, self.receiver(cells))
        key = token_key(NewAsset(contract), sender, receiver, amount)
        return self.chain.book(
            Event(
                tx_hash,
                None,
                sender,
                receiver,
                (f"{key}:units:{self.runs.number(tx_hash, key)}", asset, amount),
                hint=token_hint(sender, receiver),
            )
        )


_TRANSACTION = ("hash", "from_address", "to_address", "value", "block_timestamp", "gas_price")
_TRANSFER = ("token_address", "from_address", "to_address", "value", "transaction_hash")
_PARTIES = Parties(("hash",), ("from_address",), ("to_address",), ("receipt_contract_address",))
_TRANSFER_PARTIES = Parties(("transaction_hash",), ("from_address",), ("to_address",))

FORMATS: Final = (
    Format(
        "ethereum-etl-transactions", "ethereum-etl, transactions.csv", SOURCE, "ethereum-etl",
        _TRANSACTION, Transactions, network, parties=_PARTIES,
    ),
    Format(
        "ethereum-etl-transactions-json", "ethereum-etl, transactions as JSON lines", SOURCE,
        "ethereum-etl", _TRANSACTION, Transactions, network, parties=_PARTIES, json=True,
    ),
    Format(
        "ethereum-etl-token-transfers", "ethereum-etl, token_transfers.csv", SOURCE,
        "ethereum-etl", _TRANSFER, TokenTransfers, network_and_units, parties=_TRANSFER_PARTIES,
        dated=False,
    ),
    Format(
        "ethereum-etl-token-transfers-json", "ethereum-etl, token transfers as JSON lines", SOURCE,
        "ethereum-etl", _TRANSFER, TokenTransfers, network_and_units, parties=_TRANSFER_PARTIES,
        dated=False, json=True,
    ),
)  # fmt: skip
