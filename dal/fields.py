"""One row per filter: its key, how its text becomes a value, its SQL, its words, its help.

The URL, the statements, the English sentence, the page's form, the command line and the
documentation are all printed from `FIELDS`; there is no second list of filters anywhere.

A condition is TRUE for the transactions that it means and may be NULL or FALSE for the others;
whoever negates it writes `IS NOT TRUE`, so that "not label X" includes the unlabelled.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, get_args

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    DateTime,
    FromClause,
    Integer,
    Numeric,
    Table,
    Text,
    and_,
    any_,
    bindparam,
    cast,
    exists,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.types import TypeEngine

from dal import periods, tables
from dal.records import Status, TransactionType

Clause = ColumnElement[bool]
tx = tables.transactions

#: Constants of the statements are written out: a bound one would hide them from the planner.
PRINCIPAL, IMPORTED, EMPTY, NOTHING = map(literal_column, ("'principal'", "'imported'", "''", "0"))
#: Longer values name nothing that a ledger holds.
LONGEST = 200
#: Digits before or after the point: 2^256 has 78.
WIDEST = 120


@dataclass(frozen=True, slots=True)
class Asker:
    """Whose day it is: what relative dates count from, and where a day begins."""

    today: date
    zone: tzinfo


# ── Values: how those of one condition are bound ─────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Values:
    """The bound values of one condition; one is bound as a scalar, several as an array."""

    name: str
    many: bool
    type: TypeEngine[Any]

    def match(self, column: ColumnElement[Any]) -> Clause:
        """Return the condition that `column` is one of the values."""
        if not self.many:
            return column == self._bound(self.type)
        return column == any_(self._bound(ARRAY(self.type)))

    def match_like(self, column: ColumnElement[Any]) -> Clause:
        """Return the condition that `column` contains one of the values, in any case."""
        if not self.many:
            return column.ilike(self._bound(self.type))
        return column.op("ILIKE")(any_(self._bound(ARRAY(self.type))))

    def match_id(
        self, column: ColumnElement[Any], named: Table, name: ColumnElement[Any]
    ) -> Clause:
        """Return the condition that `column` is the id of a row of `named` whose name matches.

        A single unique name becomes an equality, which lets a keyset index give the order.
        """
        ids = select(named.c.id).where(self.match(name)).scalar_subquery()
        unique = named is not tables.assets
        return column == ids if unique and not self.many else column == any_(func.array(ids))

    def each(self) -> ColumnElement[Any]:
        """Return the values as a column that has a row for each of them."""
        if not self.many:
            return self._bound(self.type)
        return func.unnest(self._bound(ARRAY(self.type))).column_valued(f"{self.name}_value")

    def _bound(self, kind: TypeEngine[Any]) -> ColumnElement[Any]:
        if isinstance(self.type, tables.ENUM):
            plain = ARRAY(Text()) if self.many else Text()
            return cast(bindparam(self.name, type_=plain), kind)
        return bindparam(self.name, type_=kind)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """A condition that holds for any of its values."""

    clause: Callable[[Values, FromClause], Clause]
    type: TypeEngine[Any] = Text()  # noqa: RUF009 (types are immutable)

    def shape(self, values: Sequence[Any]) -> Hashable:
        """Return what the statement's text depends on."""
        return len(values) > 1

    def parameters(self, name: str, values: Sequence[Any]) -> Mapping[str, Any]:
        """Return what the statement's bound parameters are."""
        return {name: list(values) if len(values) > 1 else values[0]}

    def values(self, name: str, shape: Hashable) -> Values:
        """Return the bound values of that shape."""
        return Values(name, bool(shape), self.type)

    def build(self, name: str, shape: Hashable, movement: FromClause) -> Clause:
        """Return the condition for values of that shape."""
        return self.clause(self.values(name, shape), movement)


@dataclass(frozen=True, slots=True)
class Within:
    """A condition that holds inside any of some ranges."""

    column: Callable[[FromClause], ColumnElement[Any]]
    type: TypeEngine[Any]

    def shape(self, values: Sequence[Range]) -> Hashable:
        """Return which ends each range has, and whether they are included."""
        return tuple((value.low_sign, value.high_sign) for value in values)

    def parameters(self, name: str, values: Sequence[Range]) -> Mapping[str, Any]:
        """Return the ends that there are."""
        ends = {}
        for number, value in enumerate(values):
            ends |= {f"{name}_{number}_low": value.low} if value.low_sign else {}
            ends |= {f"{name}_{number}_high": value.high} if value.high_sign else {}
        return ends

    def build(self, name: str, shape: Any, movement: FromClause) -> Clause:  # noqa: ANN401
        """Return the condition for ranges of that shape."""
        column = self.column(movement)
        ranges = []
        for number, signs in enumerate(shape):
            ends = zip(signs, ("low", "high"), strict=True)
            ranges.append(
                and_(
                    *(
                        column.op(sign)(bindparam(f"{name}_{number}_{end}", type_=self.type))
                        for sign, end in ends
                        if sign
                    )
                )
            )
        return or_(*ranges)


@dataclass(frozen=True, slots=True)
class OneOf:
    """A condition chosen by name from a closed list; nothing is bound."""

    clauses: Mapping[str, Callable[[FromClause], Clause]]

    def shape(self, values: Sequence[str]) -> Hashable:
        """Return the names."""
        return tuple(values)

    def parameters(self, name: str, values: Sequence[str]) -> Mapping[str, Any]:  # noqa: ARG002
        """Return nothing."""
        return {}

    def build(self, name: str, shape: Any, movement: FromClause) -> Clause:  # noqa: ANN401, ARG002
        """Return the condition for those names."""
        return or_(*(self.clauses[word](movement) for word in shape))


@dataclass(frozen=True, slots=True)
class Range:
    """Two ends; an empty sign means that there is none."""

    low: Any = None
    low_sign: Literal["", ">=", ">"] = ""
    high: Any = None
    high_sign: Literal["", "<=", "<"] = ""


# ── Conditions ───────────────────────────────────────────────────────────────────────────────


def _by_wallet(values: Values, _m: FromClause) -> Clause:
    name = func.lower(tables.wallets.c.name)
    return values.match_id(tx.c.wallet_id, tables.wallets, name)


def _by_address(values: Values, _m: FromClause) -> Clause:
    m = tables.movements.alias("am")
    moved = exists().where(
        m.c.transaction_id == tx.c.id,
        or_(values.match(m.c.counterparty), values.match(m.c.address)),
    )
    return or_(values.match(tx.c.counterparty), values.match(tx.c.address), moved)


def _by_asset(values: Values, m: FromClause) -> Clause:
    """Match what moved; a fee only where nothing else did, else every gas payer would match ETH."""
    symbol = func.upper(tables.assets.c.symbol)
    moved = or_(m.c.kind == PRINCIPAL, tx.c.amount == NOTHING)
    return and_(values.match_id(m.c.asset_id, tables.assets, symbol), moved)


def _by_label(values: Values, _m: FromClause) -> Clause:
    tl = tables.transaction_labels
    name = func.lower(tables.labels.c.name)
    return exists().where(
        tl.c.transaction_id == tx.c.id,
        tl.c.occurred_at == tx.c.occurred_at,  # lets the label's keyset index give the order
        values.match_id(tl.c.label_id, tables.labels, name),
    )


def _by_contact(values: Values, _m: FromClause) -> Clause:
    name = func.lower(tables.contacts.c.name)
    ca = tables.contact_addresses
    reached = exists().where(
        ca.c.network == tx.c.network,
        ca.c.address == tx.c.counterparty,
        values.match_id(ca.c.contact_id, tables.contacts, name),
    )
    chosen = values.match_id(tx.c.contact_id, tables.contacts, name)
    return or_(chosen, and_(tx.c.contact_id.is_(None), reached))


def _by_import(values: Values, _m: FromClause) -> Clause:
    r = tables.import_rows
    return exists().where(
        r.c.transaction_id == tx.c.id, r.c.outcome == IMPORTED, values.match(r.c.import_id)
    )


def _by_hash(values: Values, _m: FromClause) -> Clause:
    """Match by the 64-bit hash, which is indexed, then by the text, which is exact."""
    asked = select(tables.hashed(values.each())).scalar_subquery()
    hashed = tables.hashed(tx.c.tx_hash)
    narrow = hashed == any_(func.array(asked)) if values.many else hashed == asked
    return and_(narrow, values.match(tx.c.tx_hash))


def _by_text(values: Values, _m: FromClause) -> Clause:
    tl, ca = tables.transaction_labels, tables.contact_addresses
    m = tables.movements.alias("wm")
    names = {
        table: select(table.c.id).where(values.match_like(table.c.name)).scalar_subquery()
        for table in (tables.labels, tables.contacts)
    }
    symbols = select(tables.assets.c.id).where(values.match_like(tables.assets.c.symbol))
    contacts = func.array(names[tables.contacts])
    return or_(
        and_(tx.c.note != EMPTY, values.match_like(tx.c.note)),
        exists().where(
            tl.c.transaction_id == tx.c.id,
            tl.c.label_id == any_(func.array(names[tables.labels])),
        ),
        tx.c.contact_id == any_(contacts),
        and_(
            tx.c.contact_id.is_(None),
            exists().where(
                ca.c.network == tx.c.network,
                ca.c.address == tx.c.counterparty,
                ca.c.contact_id == any_(contacts),
            ),
        ),
        exists().where(
            m.c.transaction_id == tx.c.id,
            m.c.asset_id == any_(func.array(symbols.scalar_subquery())),
        ),
    )


def _has_label(_m: FromClause) -> Clause:
    return exists().where(tables.transaction_labels.c.transaction_id == tx.c.id)


def _has_contact(_m: FromClause) -> Clause:
    ca = tables.contact_addresses
    reached = exists().where(ca.c.network == tx.c.network, ca.c.address == tx.c.counterparty)
    return or_(tx.c.contact_id.is_not(None), reached)


# ── Texts ────────────────────────────────────────────────────────────────────────────────────

NUMBER = r"\d+(?:\.\d*)?(?:[eE][+-]?\d{1,3})?|\.\d+(?:[eE][+-]?\d{1,3})?"
AMOUNT = re.compile(rf"(>=|>|<=|<)?\s*({NUMBER})", re.ASCII)
AMOUNTS = re.compile(rf"({NUMBER})?\s*\.\.\s*({NUMBER})?", re.ASCII)
CASELESS = re.compile(r"(0x|bc1|ltc1|tb1|addr1).*", re.ASCII | re.IGNORECASE)
HEX = re.compile(r"[0-9a-fA-F]+", re.ASCII)
SIGNS: Mapping[str, tuple[bool, str]] = {
    ">": (True, ">"),
    ">=": (True, ">="),
    "<": (False, "<"),
    "<=": (False, "<="),
}


def _lower(text: str, _asker: Asker) -> tuple[str, ...]:
    return (text.lower(),)


def _upper(text: str, _asker: Asker) -> tuple[str, ...]:
    return (text.upper(),)


def _word(allowed: Sequence[str]) -> Callable[[str, Asker], tuple[str, ...]]:
    def parse(text: str, _asker: Asker) -> tuple[str, ...]:
        word = text.lower().replace(" ", "_").replace("-", "_")
        if word not in allowed:
            raise ValueError(f"{text!r} is none of {', '.join(allowed)}")
        return (word,)

    return parse


def _address(text: str, _asker: Asker) -> tuple[str, ...]:
    if re.search(r"\s", text):
        raise ValueError("an address has no spaces")
    return (text.lower(),) if CASELESS.fullmatch(text) else (text,)


def _hash(text: str, _asker: Asker) -> tuple[str, ...]:
    """Hexadecimal is stored as its source writes it, so both cases are asked for."""
    if text[:2].lower() == "0x":
        return (text.lower(),)
    return (text.lower(), text.upper()) if HEX.fullmatch(text) else (text,)


def _number(text: str, _asker: Asker) -> tuple[int, ...]:
    if not re.fullmatch(r"#?\d{1,9}", text, re.ASCII):
        raise ValueError(f"{text!r} is no import's number")
    return (int(text.removeprefix("#")),)


def _pattern(text: str, _asker: Asker) -> tuple[str, ...]:
    return ("%" + re.sub(r"([\\%_])", r"\\\1", text) + "%",)


def _dates(text: str, asker: Asker) -> tuple[Range, ...]:
    found = periods.span(text, asker.today, asker.zone)
    return (Range(found.start, (found.start and ">=") or "", found.end, (found.end and "<") or ""),)


def _amounts(text: str, _asker: Asker) -> tuple[Range, ...]:
    if found := AMOUNTS.fullmatch(text):
        low, high = (_decimal(part) if part else None for part in found.groups())
        if low is None and high is None:
            raise ValueError("name at least one end, as in 10..50, 10.. or ..50")
        if low is not None and high is not None and high < low:
            raise ValueError(f"{high} is less than {low}; write the smaller one first")
        return (Range(low, "" if low is None else ">=", high, "" if high is None else "<="),)
    if found := AMOUNT.fullmatch(text):
        sign, value = found[1], _decimal(found[2])
        if sign is None:
            return (Range(value, ">=", value, "<="),)
        return (Range(value, sign) if sign[0] == ">" else Range(high=value, high_sign=sign),)
    raise ValueError(f"{text!r} is no amount; write 10, 10..50, 10.., ..50, >10 or <0.5")


def _decimal(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text!r} is no number") from None
    if value.adjusted() > WIDEST or -value.as_tuple().exponent > WIDEST:  # type: ignore[operator]
        raise ValueError(f"more than {WIDEST} digits before or after the point")
    return value


# ── The rows ─────────────────────────────────────────────────────────────────────────────────


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
    named: ColumnElement[Any] | None = None  # what its values name; an unknown one is an error
    choices: tuple[str, ...] = ()  # a closed list
    on_movement: bool = False  # several of these mean one and the same movement


TYPES = get_args(TransactionType)
STATUSES = get_args(Status)
HAS: Mapping[str, Callable[[FromClause], Clause]] = {
    "label": _has_label,
    "contact": _has_contact,
    "note": lambda _m: tx.c.note != EMPTY,
}
DIRECTIONS: Mapping[str, Callable[[FromClause], Clause]] = {
    "in": lambda m: and_(m.c.amount > 0, m.c.kind == PRINCIPAL),
    "out": lambda m: and_(m.c.amount < 0, m.c.kind == PRINCIPAL),
}

FIELDS: tuple[Field, ...] = (
    Field(
        "wallet", "Wallet", "in wallet {}",
        "A wallet's name, in any case.", "Kraken",
        _lower, AnyOf(_by_wallet), named=func.lower(tables.wallets.c.name),
    ),
    Field(
        "address", "Address", "with address {}",
        "An address, your own or the other side's, of any movement.",
        "0xd8da6bf26964af9d7eed9e03e53415d37aa96045",
        _address, AnyOf(_by_address),
    ),
    Field(
        "network", "Network", "on {}",
        "A network; what an exchange booked has none.", "ethereum",
        _lower, AnyOf(lambda values, _m: values.match(tx.c.network)),
    ),
    Field(
        "type", "Type", "of type {}",
        "What it was.", "trade",
        _word(TYPES),
        AnyOf(lambda values, _m: values.match(tx.c.type), tables.transaction_type),
        choices=TYPES,
    ),
    Field(
        "status", "Status", "with status {}",
        "Whether the network took it. A failed one moved nothing but its fee.", "failed",
        _word(STATUSES),
        AnyOf(lambda values, _m: values.match(tx.c.status), tables.transaction_status),
        choices=STATUSES,
    ),
    Field(
        "direction", "Direction", "moving {}",
        "Whether something came in or went out; a trade does both.", "in",
        _word(tuple(DIRECTIONS)), OneOf(DIRECTIONS),
        choices=tuple(DIRECTIONS), on_movement=True,
    ),
    Field(
        "asset", "Asset", "of {}",
        "An asset's symbol, in any case; all contracts of that name. A fee counts only where"
        " nothing else moved.", "ETH",
        _upper, AnyOf(_by_asset), named=func.upper(tables.assets.c.symbol), on_movement=True,
    ),
    Field(
        "label", "Label", "labelled {}",
        "A label's name, in any case.", "rent",
        _lower, AnyOf(_by_label), named=func.lower(tables.labels.c.name),
    ),
    Field(
        "contact", "Contact", "with contact {}",
        "A contact's name, in any case.", "Anna",
        _lower, AnyOf(_by_contact), named=func.lower(tables.contacts.c.name),
    ),
    Field(
        "import", "Import", "from import {}",
        "An import's number: what that file brought.", "12",
        _number, AnyOf(_by_import, Integer()), named=tables.imports.c.id,
    ),
    Field(
        "date", "Date", "dated {}",
        "Whole days of your time zone, both ends included: 2024-03-05, 2024-03, 2024-Q1, 2024, a"
        " span a..b, or counted back from today: day, month-1 (last month), day-30.. (since 30 days"
        " ago).", "2024-01-01..2024-03-31",
        _dates, Within(lambda _m: tx.c.occurred_at, DateTime(timezone=True)),
    ),
    Field(
        "amount", "Amount", "of amount {}",
        "What moved, exact and without sign: 10, 10..50, 10.., ..50, >10, <0.5.", "10..50",
        _amounts,
        Within(lambda m: func.abs(m.c.amount), Numeric()),
        on_movement=True,
    ),
    Field(
        "hash", "Hash", "with hash {}",
        "A transaction hash, whole.",
        "0x5c504ed432cb51138bcf09aa5e8a410dd4a1e204ef84bfed1be16dfba1b22060",
        _hash, AnyOf(_by_hash),
    ),
    Field(
        "text", "Text", "mentioning {}",
        "Words in the note, or in the name of a label, contact or asset.", "coffee",
        _pattern, AnyOf(_by_text),
    ),
    Field(
        "has", "Has", "having a {}",
        "Whether there is a label, a contact or a note at all.", "label",
        _word(tuple(HAS)), OneOf(HAS),
        choices=tuple(HAS),
    ),
)  # fmt: skip
BY_KEY: Mapping[str, Field] = {field.key: field for field in FIELDS}
