"""Etherscan and the explorers of its family: BscScan, PolygonScan, Mantlescan and others.

Four exports, each in several generations: normal transactions, internal transactions, ERC-20
transfers of an address, and transfers of one token contract. The unit in the header of a value
names the network's coin. Times are those of UnixTimestamp. The fee is paid by From.

Status "Error(0)" is a transaction that failed as a whole: it moved nothing, but cost its fee.
"Error(1)" succeeded although a call inside it failed: it moved its value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dal.addresses import short, stored
from dal.imported import NewAsset
from dal.importers.booking import Chain, Event, Runs, call_hint, token_hint, token_key
from dal.importers.explorer import (
    CONTRACT,
    contract_asset,
    network_and_token,
    network_by_unit,
    network_unsaid,
    unit,
)
from dal.importers.fields import (
    ZERO,
    NotBookable,
    Unusable,
    clip,
    evm_hash,
    money,
    money_or_zero,
    note,
    plain,
    unix,
    when,
)
from dal.importers.formats import File, Format, Parties, coin
from dal.importers.repeats import restarts

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    from dal.imported import NewTransaction
    from dal.importers.sheet import Row

SOURCE: Final = "etherscan"
HASH: Final = ("txhash", "transaction hash")
RECEIVER: Final = ("txto", "to")
FINE: Final = ("Error(1)", "1", "Success")  # the first: a call inside failed, the whole did not


# ── Rows ─────────────────────────────────────────────────────────────────────────────────────


class Rows:
    """What all four exports share: hash, time, the two sides, the method."""

    def __init__(self, file: File, own: frozenset[str]) -> None:
        sheet = file.sheet
        self.network = file.network
        self.hash, self.hash_title = sheet.getter(*HASH), sheet.title(*HASH)
        self.seconds = sheet.getter("unixtimestamp")
        self.date = sheet.getter("datetime (utc)", "datetime")
        self.sender, self.receiver = sheet.getter("from"), sheet.getter(*RECEIVER)
        self.created = sheet.getter("contractaddress")
        self.method = sheet.getter("method", "type")
        self.chain = Chain(SOURCE, file.network, unit(file) or coin(file.network), own)

    def tx_hash(self, cells: list[str]) -> str:
        """The canonical hash. Raises `Unusable`."""
        return evm_hash(self.hash(cells), self.hash_title)

    def at(self, cells: list[str]) -> datetime:
        """The time: UnixTimestamp, DateTime only where there is none. Raises `Unusable`."""
        seconds = self.seconds(cells)
        if seconds:
            return unix(seconds, "UnixTimestamp")
        return when(self.date(cells), "DateTime")

    def between(self, cells: list[str]) -> tuple[str, str]:
        """From and To, canonical."""
        return (
            stored(self.network, self.sender(cells)),
            stored(self.network, self.receiver(cells)),
        )

    def word(self, cells: list[str]) -> str:
        """The method or type as the explorer calls it, "" for its dash."""
        word = clip(self.method(cells).strip(), 200)
        return "" if word == "-" else word


class Values(Rows):
    """Exports that tell of the native coin: Value_IN and Value_OUT, one of them 0."""

    def __init__(self, file: File, own: frozenset[str]) -> None:
        super().__init__(file, own)
        self.value_in = file.sheet.getter("value_in")
        self.value_out = file.sheet.getter("value_out")
        self.status, self.error = file.sheet.getter("status"), file.sheet.getter("errcode")

    def value(self, cells: list[str]) -> Decimal:
        """What moved, whichever way. Raises `Unusable`."""
        into = money(self.value_in(cells), "Value_IN")
        value = into or money(self.value_out(cells), "Value_OUT")
        if value < ZERO:
            raise Unusable(f"Value_IN or Value_OUT is negative ({value}); export the file again")
        return value

    def failed(self, cells: list[str], *fine: str) -> bool:
        """Whether the row failed: any status but a fine one, or an error without a status."""
        status = self.status(cells).strip()
        return status not in fine if status else bool(self.error(cells).strip())

    def parties(self, cells: list[str]) -> tuple[str, str]:
        """From and To, canonical; on contract creation the contract."""
        sender, receiver = self.between(cells)
        return sender, receiver or stored(self.network, self.created(cells))


class Normal(Values):
    """Normal transactions."""

    def __init__(self, file: File, own: frozenset[str]) -> None:
        super().__init__(file, own)
        self.fee, self.note = file.sheet.getter("txnfee"), file.sheet.getter("privatenote")

    def __call__(self, row: Row) -> NewTransaction:
        """Book one row."""
        cells = row.cells
        value, word = self.value(cells), self.word(cells)
        fee = money_or_zero(self.fee(cells), "TxnFee")
        return self.chain.book(
            Event(
                self.tx_hash(cells),
                self.at(cells),
                *self.parties(cells),
                ("value", self.chain.coin, value),
                fee=fee,
                status="failed" if self.failed(cells, *FINE) else "confirmed",
                hint=call_hint(word, value),
                word=word,
                note=note(self.note(cells), "PrivateNote"),
            )
        )


class Internal(Values):
    """Internal transactions. They cost nothing: the transaction that made them paid."""

    def __init__(self, file: File, own: frozenset[str]) -> None:
        super().__init__(file, own)
        self.runs = Runs()
        self.copies = self.restarts(file)

    @staticmethod
    def restarts(_: File) -> frozenset[int]:
        """The lines at which the export begins to repeat a transaction's rows: none."""
        return frozenset()

    def __call__(self, row: Row) -> NewTransaction:
        """Book one row."""
        cells = row.cells
        tx_hash, value = self.tx_hash(cells), self.value(cells)
        sender, receiver = self.parties(cells)
        if self.failed(cells, "0"):  # says nothing of the transaction around it
            raise NotBookable("the call failed within its transaction and moved nothing")
        if row.line in self.copies:
            self.runs.restart()
        key = f"internal:{sender}:{receiver}:{plain(value)}"
        return self.chain.book(
            Event(
                tx_hash,
                self.at(cells),
                sender,
                receiver,
                (f"{key}:{self.runs.number(tx_hash, key)}", self.chain.coin, value),
                word=self.word(cells),
            )
        )


class Internal2017(Internal):
    """Internal transactions as exported in 2017, when a transaction's rows could come repeated."""

    @staticmethod
    def restarts(file: File) -> frozenset[int]:
        """The lines at which the export begins to repeat a transaction's rows."""
        return restarts(file.sheet.rows(), file.sheet.getter(*HASH))


class Tokens(Rows):
    """ERC-20 transfers of an address; the token stands in each row."""

    def __init__(self, file: File, own: frozenset[str]) -> None:
        super().__init__(file, own)
        sheet = file.sheet
        self.amount = sheet.getter("tokenvalue", "value", "quantity")
        self.amount_title = sheet.title("tokenvalue", "value", "quantity")
        self.token, self.name = sheet.getter("tokensymbol"), sheet.getter("tokenname")
        self.runs = Runs()

    def asset(self, cells: list[str]) -> NewAsset:
        """The token, by its contract. Raises `Unusable`."""
        contract = stored(self.network, self.created(cells))
        if not CONTRACT.fullmatch(contract):
            raise Unusable(f"ContractAddress: “{clip(contract)}” is not an address; export again")
        symbol = clip(self.token(cells).strip(), 100) or short(contract)
        return NewAsset(symbol, self.network, contract, clip(self.name(cells).strip(), 200))

    def __call__(self, row: Row) -> NewTransaction:
        """Book one row."""
        cells = row.cells
        tx_hash, amount = self.tx_hash(cells), money(self.amount(cells), self.amount_title)
        if amount < ZERO:
            raise Unusable(f"{self.amount_title} is negative ({amount}); export the file again")
        sender, receiver = self.between(cells)
        asset = self.asset(cells)
        key = token_key(asset, sender, receiver, amount)
        return self.chain.book(
            Event(
                tx_hash,
                self.at(cells),
                sender,
                receiver,
                (f"{key}:{self.runs.number(tx_hash, key)}", asset, amount),
                hint=token_hint(sender, receiver),
                word=self.word(cells),
            )
        )


class ContractTokens(Tokens):
    """Transfers of one token contract; the token stands in the file's name at best."""

    def __init__(self, file: File, own: frozenset[str]) -> None:
        super().__init__(file, own)
        self.only = contract_asset(file)

    def asset(self, cells: list[str]) -> NewAsset:  # noqa: ARG002
        """The file's token."""
        return self.only


_SIDES = ("txhash|transaction hash", "unixtimestamp|datetime|datetime (utc)", "from")
_VALUES = (*_SIDES, "value_in", "value_out")
_PARTIES = Parties(HASH, ("from",), RECEIVER, ("contractaddress",), ("value_in",), ("value_out",))
_TOKEN_PARTIES = Parties(HASH, ("from",), ("to",))

FORMATS: Final = (
    Format(
        "etherscan-normal", "Etherscan family, transactions", SOURCE, "Etherscan",
        (*_VALUES, "to", "txnfee"), Normal, network_by_unit, parties=_PARTIES,
    ),
    Format(
        "etherscan-internal", "Etherscan family, internal transactions", SOURCE, "Etherscan",
        (*_VALUES, "txto", "parenttxfrom"), Internal, network_by_unit, ("txnfee",), _PARTIES,
    ),
    Format(
        "etherscan-internal-2017", "Etherscan family, internal transactions as of 2017", SOURCE,
        "Etherscan", (*_VALUES, "to", "type"), Internal2017, network_by_unit,
        ("txnfee", "txto"), _PARTIES,
    ),
    Format(
        "etherscan-erc20", "Etherscan family, ERC-20 transfers of an address", SOURCE, "Etherscan",
        (*_SIDES, "to", "tokenvalue|value|quantity", "contractaddress", "tokensymbol"), Tokens,
        network_unsaid, ("tokenid", "token id", "value_in"), _TOKEN_PARTIES,
    ),
    Format(
        "etherscan-token", "Etherscan family, transfers of one token contract", SOURCE, "Etherscan",
        (*_SIDES, "to", "quantity"), ContractTokens, network_and_token,
        ("tokenid", "token id", "tokensymbol", "contractaddress", "value_in"), _TOKEN_PARTIES,
    ),
)  # fmt: skip
