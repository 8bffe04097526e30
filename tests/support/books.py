"""A ledger of generated transactions, and in plain Python what each filter means over it.

The generator draws from few values, so that filters meet: symbols of several contracts, contacts by
address and by hand, fees alone, failed and pending ones, empty and NULL everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy import insert

from dal import tables
from tests.support import rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Connection

WALLETS = ("Kraken", "Ledger", "Cold Ärger")
LABELS = ("rent", "Food", "100%_off")
CONTACTS = ("Anna", "Bob", "Øystein")
NETWORKS = ("", "ethereum", "bitcoin")
TYPES = ("receive", "send", "fee", "contract_call")
STATUSES = ("confirmed", "pending", "failed")
ASSETS = (("ETH", ""), ("ETH", "0xfake"), ("BTC", ""), ("usdc", "0xc"), ("100%", "0xd"))
OWN = ("", "0x" + "1" * 40, "bc1own")
OTHERS = ("", "0x" + "a" * 40, "0x" + "b" * 40, "3AbC")
HASHES = (None, "0x" + "0" * 63, "ABCDEF", "5Kq", "0x" + "f" * 63)
NOTES = ("", "coffee", "Coffee at 100%", "a_b\\c", "Ärger", "rent for march")
AMOUNTS = ("1E-18", "0.5", "1", "10", "10.000000000000000001", str(rows.MOST))
VIENNA = ZoneInfo("Europe/Vienna")
#: Instants around a day's edges in Vienna, the two days of a clock change among them.
TIMES = tuple(
    start + timedelta(days=day, hours=hour, microseconds=micro)
    for start in (datetime(2024, 3, 30, tzinfo=UTC), datetime(2024, 10, 26, tzinfo=UTC))
    for day in range(3)
    for hour in (21, 22, 23)
    for micro in (-1, 0)
)


@dataclass(frozen=True, slots=True)
class Moved:
    symbol: str
    amount: Decimal
    kind: str
    address: str
    counterparty: str


@dataclass(frozen=True, slots=True)
class Known:
    """A transaction as the oracle knows it."""

    id: int
    when: datetime
    wallet: str
    type: str
    status: str
    network: str
    tx_hash: str | None
    address: str
    counterparty: str
    note: str
    contact: str | None
    labels: tuple[str, ...]
    imported: int | None
    moved: tuple[Moved, ...]

    @property
    def amount(self) -> Decimal:
        sizes = [abs_(m.amount) for m in self.moved if m.kind == "principal"]
        return max(sizes, default=Decimal(0))

    @property
    def counting(self) -> tuple[Moved, ...]:
        """Return the movements that count: a fee only where nothing else moved."""
        return tuple(m for m in self.moved if m.kind == "principal" or self.amount == 0)


def abs_(amount: Decimal) -> Decimal:
    return amount.copy_abs()


class Books:
    """Generates a ledger."""

    def __init__(self, conn: Connection, count: int = 200, seed: int = 7) -> None:
        self.conn, self.random = conn, Random(seed)
        self.wallets = {name: rows.wallet(conn, name) for name in WALLETS}
        self.labels = {name: rows.label(conn, name) for name in LABELS}
        self.assets = [
            (symbol, rows.asset(conn, symbol, network="ethereum", contract=contract))
            for symbol, contract in ASSETS
        ]
        anna = rows.contact(conn, "Anna", ("ethereum", OTHERS[1]), ("bitcoin", OTHERS[3]))
        bob = rows.contact(conn, "Bob", ("ethereum", OTHERS[2]))
        self.contacts = {"Anna": anna, "Bob": bob, "Øystein": rows.contact(conn, "Øystein")}
        self.reached = {
            ("ethereum", OTHERS[1]): "Anna",
            ("bitcoin", OTHERS[3]): "Anna",
            ("ethereum", OTHERS[2]): "Bob",
        }
        self.imports = [
            rows.put(conn, "imports", file=f"{n}.csv", format="generic", wallet="Kraken")
            for n in range(2)
        ]
        self.all = [self.one(line) for line in range(count)]

    def one(self, line: int) -> Known:
        """Insert one transaction and return what is known of it."""
        choose = self.random.choice
        wallet, chosen = choose(WALLETS), choose((None, None, *CONTACTS))
        labels = self.random.sample(LABELS, self.random.choice((0, 0, 1, 2, 3)))
        told = {
            "type": choose(TYPES),
            "status": choose(STATUSES),
            "network": choose(NETWORKS),
            "tx_hash": choose(HASHES),
            "address": choose(OWN),
            "counterparty": choose(OTHERS),
            "note": choose(NOTES),
        }
        if told["tx_hash"]:
            told["tx_hash"] += f"{line:x}"
        when, imported = choose(TIMES), choose((None, *self.imports))
        known = rows.transaction(
            self.conn, self.wallets[wallet], when, (), [self.labels[name] for name in labels],
            contact_id=chosen and self.contacts[chosen], import_id=imported, **told,
        )  # fmt: skip
        if imported:
            self.arrived(imported, line, known, "imported")
        if line % 3 == 0:
            self.arrived(self.imports[0], 1_000 + line, known, "duplicate")
        contact = chosen or self.reached.get((told["network"] or "", told["counterparty"] or ""))
        moved = tuple(
            self.move(known, position, when) for position in range(choose((0, 1, 1, 2, 3)))
        )
        return Known(
            known, when, wallet, **told,  # type: ignore[arg-type]  # each is of its field's type
            contact=contact, labels=tuple(labels), imported=imported, moved=moved,
        )  # fmt: skip

    def arrived(self, imported: int, line: int, known: int, outcome: str) -> None:
        values = {"import_id": imported, "line": line, "transaction_id": known}
        row = insert(tables.import_rows).values(**values, outcome=outcome, raw="…")
        self.conn.execute(row)

    def move(self, known: int, position: int, when: datetime) -> Moved:
        choose = self.random.choice
        symbol, asset_id = choose(self.assets)
        amount = Decimal(choose(AMOUNTS))
        signed = amount if choose((True, False)) else amount.copy_negate()
        sides = {"address": choose(OWN), "counterparty": choose(("", *OTHERS))}
        kind = choose(("principal", "principal", "fee"))
        values = {"asset_id": asset_id, "occurred_at": when, "kind": kind, **sides}
        rows.move(self.conn, known, position, amount=signed, **values)
        return Moved(symbol, signed, kind, **sides)


def local(when: datetime) -> date:
    return when.astimezone(VIENNA).date()


def dated(one: Known, text: str) -> bool:
    first, dots, last = text.partition("..")
    day = local(one.when).isoformat()
    return (not first or day >= first) and (not last or day <= last) if dots else day == first


def mentioned(one: Known, text: str) -> bool:
    words = [one.note, one.contact or "", *one.labels, *(m.symbol for m in one.moved)]
    return any(text.casefold() in word.casefold() for word in words)


def hashed(one: Known, text: str) -> bool:
    """Capitals do not count in hexadecimal, and do in everything else."""
    if one.tx_hash is None or set(text.casefold().removeprefix("0x")) - set("0123456789abcdef"):
        return one.tx_hash == text
    return one.tx_hash.casefold() == text.casefold()


def having(one: Known, text: str) -> bool:
    return bool({"label": one.labels, "contact": one.contact, "note": one.note}[text])


def within(moved: Moved, text: str) -> bool:
    amount = abs_(moved.amount)
    low, dots, high = text.partition("..")
    if dots:
        return (not low or amount >= Decimal(low)) and (not high or amount <= Decimal(high))
    if text[0] == ">":
        return amount > Decimal(text[1:])
    if text[0] == "<":
        return amount < Decimal(text[1:])
    return amount == Decimal(text)


#: What each filter means: of a transaction, or of one and the same movement.
MEANS: Mapping[str, Callable[[Known, str], bool]] = {
    "wallet": lambda one, text: one.wallet.casefold() == text.casefold(),
    "address": lambda one, text: text in {
        one.address, one.counterparty, *(m.address for m in one.moved),
        *(m.counterparty for m in one.moved),
    },
    "network": lambda one, text: one.network == ("" if text == "none" else text),
    "type": lambda one, text: one.type == text,
    "status": lambda one, text: one.status == text,
    "label": lambda one, text: text.casefold() in map(str.casefold, one.labels),
    "contact": lambda one, text: (one.contact or "").casefold() == text.casefold(),
    "import": lambda one, text: one.imported == int(text),
    "date": dated,
    "hash": hashed,
    "text": mentioned,
    "has": having,
}  # fmt: skip
MOVES: Mapping[str, Callable[[Moved, str], bool]] = {
    "asset": lambda moved, text: moved.symbol.casefold() == text.casefold(),
    "amount": within,
    "direction": lambda moved, text: (
        moved.kind == "principal" and (moved.amount > 0) == (text == "in")
    ),
}


def texts(key: str, ledger: Books) -> list[str]:
    """Return texts that the generated ledger can answer to, and one that it cannot."""
    hashes = [one.tx_hash for one in ledger.all if one.tx_hash]
    return {
        "wallet": ["kraken", "LEDGER", "Cold Ärger"],
        "address": ["0x" + "1" * 40, "0x" + "a" * 40, "3AbC", "bc1own", "3abc"],
        "network": ["none", "ethereum", "bitcoin", "solana"],
        "type": ["send", "fee", "contract_call", "trade"],
        "status": ["confirmed", "pending", "failed"],
        "direction": ["in", "out"],
        "asset": ["eth", "BTC", "USDC", "100%"],
        "label": ["RENT", "food", "100%_off"],
        "contact": ["anna", "Bob", "Øystein"],
        "import": [str(number) for number in ledger.imports],
        "date": ["2024-03-31", "2024-10-27", "2024-03-31..2024-04-01", "..2024-03-31",
                 "2024-10-27..", "2024-01-01"],
        "amount": [*AMOUNTS, "0.5..10", "..1E-18", f">{10**30}", "<0.5", ">10", "11..12"],
        "hash": [hashes[0], hashes[1].upper(), hashes[2].lower(), "0xdead", "5Kq"],
        "text": ["coffee", "COFFEE", "100%", "_", "\\", "ANNA", "rent", "usd", "nothing at all"],
        "has": ["label", "contact", "note"],
    }[key]  # fmt: skip


def matches(one: Known, asked: list[tuple[str, str]]) -> bool:
    """Return whether a transaction is what was asked for."""
    texts: dict[str, list[str]] = {}
    for key, text in asked:
        texts.setdefault(key, []).append(text)
    together = [key for key in texts if key in MOVES]
    return _same_movement(one, {key: texts[key] for key in together}) and all(
        _apart(one, key, values) for key, values in texts.items() if key not in MOVES
    )


def _same_movement(one: Known, texts: dict[str, list[str]]) -> bool:
    return not texts or any(
        all(any(MOVES[key](m, text) for text in values) for key, values in texts.items())
        for m in one.counting
    )


def _apart(one: Known, key: str, values: list[str]) -> bool:
    name = key.removesuffix("!")
    if name in MOVES:
        found = _same_movement(one, {name: values})
    else:
        found = any(MEANS[name](one, text) for text in values)
    return found is not key.endswith("!")
