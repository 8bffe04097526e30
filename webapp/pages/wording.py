"""The words of histories: what every column of every logged table is called, how it is written.

A column without words is not worth a sentence, on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from webapp.template_filters import full_address, network_title, plain, when, words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import tzinfo

    Image = Mapping[str, Any]
    Show = Callable[["Terms", Any, Image], str]

#: Letters of a value that are shown.
LONGEST = 280
NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Terms:
    """What rows are called, and whose clock is shown."""

    names: Mapping[tuple[str, int], str]
    zone: tzinfo

    def name(self, table: str, number: object) -> str:
        """Return what a row is called, or its number where nobody knows any more."""
        found = self.names.get((table, number)) if isinstance(number, int) else None
        return found or f"number {number}"


# ── How values are written ───────────────────────────────────────────────────────────────────


def _quoted(_: Terms, value: object, __: Image) -> str:
    text = "" if value is None else str(value)
    if not text:
        return NOTHING
    return f"“{text[:LONGEST]}{'…' * (len(text) > LONGEST)}”"


def _word(_: Terms, value: object, __: Image) -> str:
    return words(str(value))


def _plain(_: Terms, value: object, __: Image) -> str:
    return NOTHING if value in (None, "") else str(value)


def _flag(_: Terms, value: object, __: Image) -> str:
    return "yes" if value else "no"


def _instant(terms: Terms, value: object, _: Image) -> str:
    return when(datetime.fromisoformat(str(value)), terms.zone)


def _amount(_: Terms, value: object, __: Image) -> str:
    return plain(Decimal(str(value)))


def _network(_: Terms, value: object, __: Image) -> str:
    return network_title(str(value)) if value else "no network"


def _address(_: Terms, value: object, image: Image) -> str:
    return full_address(image.get("network", ""), str(value)) if value else NOTHING


def _row(table: str, nobody: str = NOTHING) -> Show:
    return lambda terms, value, _: nobody if value is None else terms.name(table, value)


def _import(terms: Terms, value: object, _: Image) -> str:
    return NOTHING if value is None else f"{value}, {terms.name('imports', value)}"


#: Table and column, in the order in which they are told: what it is called, how it is written.
#: None: it is a key, a copy or a counter, and says nothing that other words do not.
WORDS: Mapping[str, Mapping[str, tuple[str, Show] | None]] = {
    "transactions": {
        "id": None,
        "version": None,
        "identity": None,  # made of hash or id
        "occurred_at": ("time", _instant),
        "wallet_id": ("wallet", _row("wallets")),
        "type": ("type", _word),
        "status": ("status", _word),
        "contact_id": ("contact", _row("contacts", "nobody")),
        "note": ("note", _quoted),
        "amount": ("largest amount", _amount),
        "network": ("network", _network),
        "tx_hash": ("hash", _plain),
        "address": ("own address", _address),
        "counterparty": ("other side", _address),
        "source": ("source", _plain),
        "source_id": ("its id there", _plain),
        "source_type": ("its type there", _quoted),
        "import_id": ("import", _import),
    },
    "movements": {
        "transaction_id": None,
        "key": None,
        "occurred_at": None,  # follows its transaction
        "asset_id": ("asset", _row("assets")),
        "kind": ("kind", _word),
        "amount": ("amount", _amount),
        "address": ("own address", _plain),
        "counterparty": ("other side", _plain),
        "position": ("place", _plain),
        "import_id": ("import", _import),
    },
    "transaction_labels": {"transaction_id": None, "label_id": None, "occurred_at": None},
    "wallets": {
        "id": None,
        "version": None,
        "name": ("name", _quoted),
        "import_id": ("came with import", _import),
    },
    "wallet_addresses": {
        "network": ("network", _network),
        "address": ("address", _address),
        "wallet_id": ("wallet", _row("wallets")),
        "import_id": ("came with import", _import),
    },
    "contacts": {
        "id": None,
        "version": None,
        "name": ("name", _quoted),
        "note": ("note", _quoted),
        "import_id": ("came with import", _import),
    },
    "contact_addresses": {
        "network": ("network", _network),
        "address": ("address", _address),
        "contact_id": ("contact", _row("contacts")),
    },
    "labels": {
        "id": None,
        "version": None,
        "name": ("name", _quoted),
        "colour": ("colour", _word),
        "import_id": ("came with import", _import),
    },
    "assets": {
        "id": None,
        "symbol": ("symbol", _quoted),
        "network": ("network", _network),
        "contract": ("contract", _address),
        "name": ("name", _quoted),
        "decimals": ("decimals", _plain),
        "spam": ("spam", _flag),
    },
    "imports": {
        "id": None,
        "file": ("file", _quoted),
        "format": ("format", _quoted),
        "wallet": ("wallet", _quoted),
        "imported_at": ("time", _instant),
        "sample": ("sample", _flag),
        "read": ("rows read", _plain),
        "imported": ("rows imported", _plain),
        "duplicate": ("rows that were there", _plain),
        "skipped": ("rows skipped", _plain),
        "rejected": ("rows rejected", _plain),
        "transactions": ("new transactions", _plain),
    },
    "import_rows": {
        "import_id": None,
        "line": None,
        "transaction_id": ("transaction", _plain),
        "outcome": ("outcome", _word),
        "reason": ("reason", _quoted),
        "raw": ("row", _quoted),
    },
}


# ── Rows that came or went ───────────────────────────────────────────────────────────────────


def _transaction(terms: Terms, image: Image, did: str) -> str:
    number = image.get("import_id")
    origin = "" if number is None else f" (import {_import(terms, number, image)})"
    return f"created{origin}" if did == "added" else did


def _movement(terms: Terms, image: Image, did: str) -> str:
    return f"{_moved(terms, image)} {did}"


def _moved(terms: Terms, image: Image) -> str:
    fee = "fee" if image["kind"] == "fee" else "movement"
    symbol = terms.name("assets", image["asset_id"])
    return f"{fee} of {_amount(terms, image['amount'], image)} {symbol}"


def _label(terms: Terms, image: Image, did: str) -> str:
    return f"label {terms.name('labels', image['label_id'])} {did}"


def _place(terms: Terms, image: Image, did: str) -> str:
    network, address = image["network"], image["address"]
    return f"address {full_address(network, address)} on {_network(terms, network, image)} {did}"


def _line(_: Terms, image: Image, did: str) -> str:
    return f"line {image['line']} {did}"


def _noun(_: Terms, __: Image, did: str) -> str:
    return "created" if did == "added" else did


WHOLE: Mapping[str, Callable[[Terms, Image, str], str]] = {
    **dict.fromkeys(("wallets", "contacts", "labels", "assets", "imports"), _noun),
    **dict.fromkeys(("wallet_addresses", "contact_addresses"), _place),
    "transactions": _transaction,
    "movements": _movement,
    "transaction_labels": _label,
    "import_rows": _line,
}
#: What a changed column is one of, where the page has several.
SUBJECT: Mapping[str, Callable[[Terms, Image], str]] = {
    "movements": lambda terms, image: f"{_moved(terms, image)}, ",
    "import_rows": lambda _, image: f"line {image['line']}, ",
}
