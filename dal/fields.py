"""One row per filter: its key, how its text becomes a value, its SQL, its words, its help.

The URL, the statements, the English sentence, the page's form, the command line and the
documentation are all printed from `FIELDS`; there is no second list of filters anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from sqlalchemy import Column, DateTime, Integer, Numeric, func

from dal import addresses, conditions, facets, tables, texts
from dal.conditions import DIRECTIONS, HAS, STATUSES as STATUS
from dal.kinds import AnyOf, OneOf, Within
from dal.records import Status, TransactionType
from dal.texts import LONGEST, OFF_CHAIN, Asker

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from dal.lists import Heap, Listing

__all__ = ["BY_KEY", "FIELDS", "LONGEST", "Asker", "Field"]

TYPES = get_args(TransactionType)
STATUSES = get_args(Status)
NETWORKS = (*addresses.NETWORKS, OFF_CHAIN)


@dataclass(frozen=True, slots=True)
class Field:
    """One filter."""

    key: str
    title: str  # of its input
    words: str  # of its condition: "in wallet {}"; "not " goes before it when negated
    help: str
    example: str
    parse: Callable[[str, Asker], tuple[Hashable, ...]]
    kind: AnyOf | Within | OneOf
    named: Column[Any] | None = None  # what its values name; an unknown one is an error
    choices: tuple[str, ...] = ()  # a closed list
    on_movement: bool = False  # several of these mean one and the same movement
    elsewhere: bool = False  # other tables are asked, transaction by transaction
    lists: Callable[[Any], Listing | None] | None = None  # what finds them in order of time
    found: Callable[[Any], Heap | None] | None = None  # what else finds them
    unique: bool = False  # few transactions can have one value


FIELDS: tuple[Field, ...] = (
    Field(
        "wallet", "Wallet", "in wallet {}",
        "A wallet's name, in any case.", "Kraken",
        texts.name, AnyOf(conditions.by_wallet, fold=func.lower), named=tables.wallets.c.name,
        lists=facets.by_wallet,
    ),
    Field(
        "address", "Address", "with address {}",
        "An address, your own or the other side's, of any movement.",
        "0xd8da6bf26964af9d7eed9e03e53415d37aa96045",
        texts.address, AnyOf(conditions.by_address), elsewhere=True, lists=facets.by_address,
    ),
    Field(
        "network", "Network", "on {}",
        "A network by its name or symbol; none: what an exchange booked.", "ethereum",
        texts.network, AnyOf(conditions.by_network),
        choices=NETWORKS, lists=facets.by_network,
    ),
    Field(
        "type", "Type", "of type {}",
        "What it was.", "trade",
        texts.word(TYPES), AnyOf(conditions.by_type, tables.transaction_type),
        choices=TYPES, lists=facets.by_type,
    ),
    Field(
        "status", "Status", "with status {}",
        "Whether the network took it. A failed one moved nothing but its fee.", "failed",
        texts.word(STATUSES), OneOf(STATUS), lists=facets.by_status,
        choices=STATUSES,
    ),
    Field(
        "direction", "Direction", "moving {}",
        "Whether something came in or went out; a trade does both.", "in",
        texts.word(tuple(DIRECTIONS)), OneOf(DIRECTIONS),
        choices=tuple(DIRECTIONS), on_movement=True, elsewhere=True,
    ),
    Field(
        "asset", "Asset", "of {}",
        "An asset's symbol, in any case; all contracts of that name. A fee counts only where"
        " nothing else moved.", "ETH",
        texts.symbol, AnyOf(conditions.by_asset, fold=func.upper),
        named=tables.assets.c.symbol, on_movement=True, elsewhere=True, lists=facets.by_asset,
    ),
    Field(
        "label", "Label", "labelled {}",
        "A label's name, in any case.", "rent",
        texts.name, AnyOf(conditions.by_label, fold=func.lower), named=tables.labels.c.name,
        elsewhere=True, lists=facets.by_label,
    ),
    Field(
        "contact", "Contact", "with contact {}",
        "A contact's name, in any case.", "Anna",
        texts.name, AnyOf(conditions.by_contact, fold=func.lower), named=tables.contacts.c.name,
        elsewhere=True, lists=facets.by_contact,
    ),
    Field(
        "import", "Import", "from import {}",
        "An import's number: what that file brought.", "12",
        texts.import_number, AnyOf(conditions.by_import, Integer()), named=tables.imports.c.id,
        elsewhere=True, lists=facets.by_import,
    ),
    Field(
        "date", "Date", "dated {}",
        "Whole days of your time zone, both ends included: 2024-03-05, 2024-03, 2024-Q1, 2024, a"
        " span a..b, or counted back from today: day, month-1 (last month), day-30.. (since 30 days"
        " ago).", "2024-01-01..2024-03-31",
        texts.dates,
        Within(lambda _scene: tables.transactions.c.occurred_at, DateTime(timezone=True)),
    ),
    Field(
        "amount", "Amount", "of amount {}",
        "What moved, exact and without sign: 10, 10..50, 10.., ..50, >10, <0.5. A fee counts only"
        " where nothing else moved.", "10..50",
        texts.amounts,
        Within(conditions.moved_amount, Numeric()), on_movement=True, elsewhere=True,
        lists=facets.by_amount, found=facets.with_amount,
    ),
    Field(
        "hash", "Hash", "with hash {}",
        "A transaction hash, whole.",
        "0x5c504ed432cb51138bcf09aa5e8a410dd4a1e204ef84bfed1be16dfba1b22060",
        texts.tx_hash, AnyOf(conditions.by_hash), unique=True,
    ),
    Field(
        "text", "Text", "mentioning {}",
        "Words in the note, or in the name of a label, contact or asset.", "coffee",
        texts.pattern, AnyOf(conditions.by_text), elsewhere=True,
        lists=facets.by_words, found=facets.mentioning,
    ),
    Field(
        "has", "Has", "having a {}",
        "Whether there is a label, a contact or a note at all.", "label",
        texts.word(tuple(HAS)), OneOf(HAS),
        choices=tuple(HAS), elsewhere=True, lists=facets.by_having,
    ),
)  # fmt: skip
BY_KEY: Mapping[str, Field] = {field.key: field for field in FIELDS}
