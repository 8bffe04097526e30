"""A row of the list: everything that its template shows, ready to be written out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dal import addresses
from webapp.template_filters import GLYPHS, Amount, amount, full_address, utc, words

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import tzinfo

    from dal.records import Movement, Tag, Transaction
    from webapp.links import Links


@dataclass(frozen=True, slots=True)
class Cell:
    """A value that can be filtered by."""

    key: str
    value: str  # as the filter knows it
    text: str  # as it is shown
    title: str  # on hover
    only: str  # link to the list narrowed to it


@dataclass(frozen=True, slots=True)
class Moved:
    """One amount."""

    amount: Amount
    asset: Cell


@dataclass(frozen=True, slots=True)
class Pill:
    """A label."""

    id: int
    colour: str
    cell: Cell


@dataclass(frozen=True, slots=True)
class Row:
    """One transaction of the list."""

    id: int
    version: int
    href: str
    iso: str
    date: str
    clock: str
    new_day: bool
    status: str  # "failed" or "pending"; "" when all is well
    glyph: str
    type: Cell
    wallet: Cell
    party: Cell | None
    party_address: str  # whole, to be copied
    contact: str
    out: tuple[Moved, ...]
    into: tuple[Moved, ...]
    fee: tuple[Moved, ...]
    labels: tuple[Pill, ...]
    note: str


class Rows:
    """Makes rows for one list: its links and the zone whose clock is shown."""

    def __init__(self, links: Links, zone: tzinfo) -> None:
        self._links = links
        self._zone = zone

    def all(self, transactions: Iterable[Transaction]) -> tuple[Row, ...]:
        """Return the rows, each knowing whether it begins a new day."""
        rows: list[Row] = []
        for each in transactions:
            rows.append(self.one(each, before=rows[-1].date if rows else ""))
        return tuple(rows)

    def one(self, tx: Transaction, before: str = "") -> Row:
        """Return one row; `before` is the date of the row above it."""
        moment = tx.occurred_at.astimezone(self._zone)
        date = f"{moment:%Y-%m-%d}"
        address = full_address(tx.network, tx.counterparty) if tx.counterparty else ""
        return Row(
            id=tx.id,
            version=tx.version,
            href=f"/transactions/{tx.id}",
            iso=utc(tx.occurred_at),
            date=date,
            clock=f"{moment:%H:%M}",
            new_day=date != before,
            status="" if tx.status == "confirmed" else tx.status,
            glyph=GLYPHS[tx.type],
            type=self._cell("type", tx.type, words(tx.type)),
            wallet=self._cell("wallet", tx.wallet, tx.wallet, tx.wallet),
            party=self._party(tx, address),
            party_address=address,
            contact=tx.contact or "",
            **self._sides(tx.movements),
            labels=tuple(map(self._pill, tx.labels)),
            note=tx.note,
        )

    def _sides(self, movements: tuple[Movement, ...]) -> dict[str, tuple[Moved, ...]]:
        moved = [m for m in movements if m.kind == "principal"]
        return {
            "out": self._moved(m for m in moved if m.amount < 0),
            "into": self._moved(m for m in moved if m.amount >= 0),
            "fee": self._moved(m for m in movements if m.kind == "fee"),
        }

    def _cell(self, key: str, value: str, text: str, title: str = "") -> Cell:
        return Cell(key, value, text, title, self._links.only(key, value))

    def _party(self, tx: Transaction, address: str) -> Cell | None:
        if tx.contact:
            return self._cell("contact", tx.contact, tx.contact, address)
        if not address:
            return None
        return self._cell("address", tx.counterparty, addresses.short(address), address)

    def _moved(self, movements: Iterable[Movement]) -> tuple[Moved, ...]:
        return tuple(
            Moved(amount(m.amount.copy_abs()), self._cell("asset", m.symbol, m.symbol))
            for m in movements
        )

    def _pill(self, label: Tag) -> Pill:
        return Pill(label.id, label.colour, self._cell("label", label.name, label.name))
