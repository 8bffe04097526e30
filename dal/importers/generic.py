"""Freshledger's own CSV, for whatever has no importer: columns by name, in any order and case.

Date, one amount and its asset suffice; a row has up to three movements (sent, received, fee), and
rows with one ID or one Hash make one transaction. An asset is a symbol, or symbol@contract for a
token of the row's Network. Sent amounts may carry a minus; a negative fee is a rebate. Amounts do
not contain the fee.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar, get_args

from dal.addresses import NETWORKS, network_name, stored
from dal.errors import BadAddress
from dal.imported import NewAsset, NewMovement, NewTransaction
from dal.importers.booking import Fingerprints, Runs
from dal.importers.fields import (
    ZERO,
    NotBookable,
    Unusable,
    clip,
    evm_hash,
    fits,
    money_or_zero,
    note,
    plain,
    symbol,
    undefused,
    when,
)
from dal.importers.formats import File, Format, Setting, zoneless
from dal.importers.koinly import type_of
from dal.importers.sheet import simpler
from dal.records import Status, TransactionType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from decimal import Decimal

    from dal.importers.sheet import Row
    from dal.records import MovementKind

Choice = TypeVar("Choice")

SOURCE: Final = "generic"
#: Column and what stands in it: this table is the layout's documentation.
COLUMNS: Final = (
    ("Date", "time, in UTC unless it names a zone: 2024-12-31 23:59:59"),
    ("Type", "send, receive, trade, … ; empty: by what moved"),
    ("Status", "confirmed (also when empty), pending or failed"),
    ("Network", "ethereum, bitcoin, … ; empty for an exchange"),
    ("Hash", "the transaction's hash on its network"),
    ("ID", "the source's own id, where there is no hash"),
    ("Address", "the wallet's own side"),
    ("Counterparty", "the other side"),
    ("Sent Amount", "what went out, without the fee"),
    ("Sent Asset", "its symbol, or symbol@contract"),
    ("Received Amount", "what came in"),
    ("Received Asset", "its symbol, or symbol@contract"),
    ("Fee Amount", "what was paid as a fee; negative: a rebate"),
    ("Fee Asset", "its symbol, or symbol@contract"),
    ("Note", "free text, up to 10,000 characters"),
    ("Labels", "names, separated by semicolons"),
)
#: Columns of values; in all others stands text.
VALUES: Final = frozenset(
    {"Date", "Type", "Status", "Network", "Sent Amount", "Received Amount", "Fee Amount"}
)


class Leg(NamedTuple):
    """One of the three amounts of a row."""

    side: str
    kind: MovementKind
    amount: str  # its columns
    asset: str


SENT: Final = Leg("out", "principal", "Sent Amount", "Sent Asset")
RECEIVED: Final = Leg("in", "principal", "Received Amount", "Received Asset")
LEGS: Final = (SENT, RECEIVED, Leg("fee", "fee", "Fee Amount", "Fee Asset"))
TYPES: Final[dict[str, TransactionType]] = {name: name for name in get_args(TransactionType)}
STATUSES: Final[dict[str, Status]] = {name: name for name in get_args(Status)}


def setting(file: File) -> Setting:
    """The network that was chosen for rows that name none, and columns that nobody reads."""
    known = {name.casefold() for name, _ in COLUMNS}
    unknown = [name.strip() for name in file.sheet.header if simpler(name) not in known | {""}]
    ignored = (f"Columns that were not read: {clip(', '.join(unknown), 300)}.",) if unknown else ()
    return Setting(file.network, (*ignored, *zoneless(file, "date")))


class Rows:
    """Rows of the generic layout."""

    def __init__(self, file: File, _: frozenset[str]) -> None:
        self.cell = {name: _getter(file, name) for name, _ in COLUMNS}
        self.network = file.network
        self.ids, self.runs = Fingerprints(), Runs()

    def __call__(self, row: Row) -> NewTransaction:
        """Book one row."""
        cells = row.cells
        at, network = when(self.cell["Date"](cells), "Date"), self.chain(cells)
        word = self.cell["Type"](cells).strip()
        tx_hash, source_id = self.identity(cells, network)
        amounts = [self.amount(cells, leg, network) for leg in LEGS]
        kind = one_of(word, TYPES, "Type") or type_of("", amounts[0][0], amounts[1][0])
        sides = self.side(cells, "Address", network), self.side(cells, "Counterparty", network)
        return NewTransaction(
            at,
            kind,
            SOURCE,
            source_id,
            fits(word, "Type"),
            one_of(self.cell["Status"](cells), STATUSES, "Status") or "confirmed",
            network,
            tx_hash,
            *sides,
            note(self.cell["Note"](cells), "Note"),
            self.labels(cells),
            tuple(self.moved(tx_hash or source_id or "", sides, amounts)),
        )

    def chain(self, cells: list[str]) -> str:
        """The row's network. Raises `Unusable`."""
        text = self.cell["Network"](cells)
        try:
            return network_name(text) if text.strip() else self.network
        except BadAddress as error:
            raise Unusable(f"Network: {error.problem}") from None

    def identity(self, cells: list[str], network: str) -> tuple[str | None, str | None]:
        """Hash and id; where there is neither, a fingerprint is the id. Raises `Unusable`."""
        tx_hash = fits(self.cell["Hash"](cells), "Hash") or None
        known = fits(self.cell["ID"](cells), "ID") or None
        if tx_hash and network and NETWORKS[network].family == "evm":
            tx_hash = evm_hash(tx_hash, "Hash")
        return tx_hash, known or (None if tx_hash else self.ids.of(cells))

    def amount(self, cells: list[str], leg: Leg, network: str) -> tuple[Decimal, NewAsset | None]:
        """An amount and its asset; 0 and None where there is none. Raises `Unusable`."""
        amount = money_or_zero(self.cell[leg.amount](cells), leg.amount)
        if not amount:
            return ZERO, None
        if leg is RECEIVED and amount < ZERO:
            raise Unusable("Received Amount is negative; write it as a Sent Amount")
        asset = asset_of(self.cell[leg.asset](cells), leg.asset, network)
        if leg is RECEIVED:
            return amount, asset
        return (amount.copy_abs() if leg is SENT else amount).copy_negate(), asset

    def moved(
        self,
        run: str,
        sides: tuple[str, str],
        amounts: list[tuple[Decimal, NewAsset | None]],
    ) -> Iterator[NewMovement]:
        """The row's movements, keyed by their content. Raises `NotBookable` where there is none."""
        address, other = sides
        if not any(amount for amount, _ in amounts):
            raise NotBookable("nothing moved: no Sent, Received or Fee Amount")
        for leg, (amount, asset) in zip(LEGS, amounts, strict=True):
            if asset is not None:
                name = f"{asset.symbol}@{asset.contract}" if asset.contract else asset.symbol
                key = f"{leg.side}:{name}:{address}:{other}:{plain(amount.copy_abs())}"
                number = self.runs.number(run, key)
                yield NewMovement(f"{key}:{number}", leg.kind, asset, amount, address, other)

    def side(self, cells: list[str], column: str, network: str) -> str:
        """An address in its stored form. Raises `Unusable` when it is too long to be one."""
        return stored(network, fits(self.cell[column](cells), column, 200))

    def labels(self, cells: list[str]) -> tuple[str, ...]:
        """The names of the labels, each once. Raises `Unusable` when one is too long."""
        names = (fits(name, "Labels") for name in self.cell["Labels"](cells).split(";"))
        return tuple(dict.fromkeys(filter(None, names)))


def _getter(file: File, name: str) -> Callable[[Sequence[str]], str]:
    """What reads a column; text without the apostrophe that keeps spreadsheets from running it."""
    read = file.sheet.getter(name.casefold())
    as_it_stands = name in VALUES or file.sheet.place(name.casefold()) is None
    return read if as_it_stands else lambda cells: undefused(read(cells))


@lru_cache(maxsize=1024)
def asset_of(text: str, column: str, network: str) -> NewAsset:
    """The asset that a cell names. Raises `Unusable`."""
    words, _, contract = symbol(text, column).partition("@")
    if contract and not network:
        raise Unusable(f"{column}: a contract needs its chain; fill in Network")
    return NewAsset(symbol(words, column), network, stored(network, contract))


def one_of(text: str, choices: dict[str, Choice], column: str) -> Choice | None:
    """The choice that a cell names in any case, None for an empty cell. Raises `Unusable`."""
    if found := choices.get(text):
        return found
    word = "_".join(text.casefold().split())
    if word and word not in choices:
        raise Unusable(f"{column}: “{clip(text.strip())}” is not one of {', '.join(choices)}")
    return choices[word] if word else None


FORMATS: Final = (
    Format(
        "generic", "Freshledger's own CSV", SOURCE, "Imported",
        ("date", "sent amount|received amount|fee amount", "sent asset|received asset|fee asset"),
        Rows, setting,
    ),
)  # fmt: skip
