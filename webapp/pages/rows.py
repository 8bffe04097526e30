"""A row of the list: everything that its template shows, ready to be written out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from webapp.pages.fragments import Fragments
from webapp.template_filters import full_address, utc

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import tzinfo

    from markupsafe import Markup

    from dal.records import Movement, Transaction
    from webapp.links import Links


class Row(NamedTuple):
    """One transaction of the list."""

    id: str
    version: str
    iso: str
    date: str
    clock: str
    new_day: bool
    status: str  # "failed" or "pending"; "" when all is well
    type: Markup
    wallet: Markup
    party: Markup
    contact: str
    out: Markup
    into: Markup
    fee: Markup
    labels: Markup
    note: str


class Rows:
    """Makes rows for one list: its links and the zone whose clock is shown."""

    def __init__(self, links: Links, zone: tzinfo) -> None:
        self._fragments = Fragments(links)
        self._zone = None if str(zone) == "UTC" else zone  # as the ledger's own times are

    def all(self, transactions: Iterable[Transaction]) -> tuple[Row, ...]:
        """Return the rows, each knowing whether it begins a new day."""
        rows: list[Row] = []
        date = ""
        for each in transactions:
            rows.append(self.one(each, date))
            date = rows[-1].date
        return tuple(rows)

    def one(self, tx: Transaction, before: str = "") -> Row:
        """Return one row; `before` is the date of the row above it."""
        at = tx.occurred_at
        local = (at.astimezone(self._zone) if self._zone else at).isoformat()
        date = local[:10]
        address = full_address(tx.network, tx.counterparty) if tx.counterparty else ""
        contact = tx.contact or ""
        out, into, fee = _sides(tx.movements)
        make = self._fragments
        return Row(
            id=str(tx.id),
            version=str(tx.version),
            iso=utc(at),
            date=date,
            clock=local[11:16],
            new_day=date != before,
            status="" if tx.status == "confirmed" else tx.status,
            type=make.type(tx.type),
            wallet=make.wallet(tx.wallet),
            party=make.party(contact, tx.counterparty, address),
            contact=contact,
            out=make.moved(out),
            into=make.moved(into),
            fee=make.moved(fee),
            labels=make.pills(tx.labels),
            note=tx.note,
        )


def _sides(movements: tuple[Movement, ...]) -> tuple[list[Movement], ...]:
    """Return what went out, what came in, and the fees."""
    out: list[Movement] = []
    into: list[Movement] = []
    fee: list[Movement] = []
    for each in movements:
        (fee if each.kind == "fee" else out if each.amount < 0 else into).append(each)
    return out, into, fee
