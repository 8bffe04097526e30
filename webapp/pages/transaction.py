"""One transaction on its own page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from webapp.pages.history import HistoryPart
from webapp.template_filters import (
    GLYPHS,
    Amount,
    amount,
    full_address,
    network_title,
    plain,
    utc,
    words,
)

if TYPE_CHECKING:
    from datetime import tzinfo

    from dal.records import MovementDetail, RawRow, Tag, Transaction, TransactionDetail
    from webapp.links import Links


@dataclass(frozen=True, slots=True)
class Line:
    """One movement, exact."""

    kind: str
    amount: Amount
    exact: str
    symbol: str
    asset: str  # what the asset calls itself, and where it lives
    contract: str
    address: str
    counterparty: str
    import_id: int | None


@dataclass(frozen=True, slots=True)
class Other:
    """The same event as another wallet saw it."""

    href: str
    title: str
    moved: tuple[tuple[Amount, str], ...]  # with the assets' symbols; what went out comes first


@dataclass(frozen=True, slots=True)
class TransactionPage:
    """`transactions/show.html`."""

    section: ClassVar[str] = "transactions"
    title: str
    id: int
    type: str
    glyph: str
    status: str  # "failed" or "pending"; "" when all is well
    iso: str
    wallet: str
    all_in: str  # link to the list of its wallet
    version: int
    when: str
    zone: str
    facts: tuple[tuple[str, str], ...]  # what is worth a line, and its value
    hash: str
    lines: tuple[Line, ...]
    note: str
    contact: str
    labels: tuple[Tag, ...]
    known_address: bool  # whether the other side has an address that a contact can bear
    others: tuple[Other, ...]
    raw: tuple[RawRow, ...]
    history: HistoryPart

    @classmethod
    def of(cls, found: TransactionDetail, links: Links, zone: tzinfo) -> TransactionPage:
        """Return the page of a transaction."""
        tx = found.transaction
        return cls(
            title=_title(tx),
            id=tx.id,
            type=tx.type,
            glyph=GLYPHS[tx.type],
            status="" if tx.status == "confirmed" else tx.status,
            iso=utc(tx.occurred_at),
            wallet=tx.wallet,
            all_in=links.only("wallet", tx.wallet),
            version=tx.version,
            when=f"{tx.occurred_at.astimezone(zone):%Y-%m-%d %H:%M:%S}",
            zone=str(zone),
            facts=_facts(found),
            hash=tx.tx_hash or "",
            lines=tuple(map(_line, found.movements)),
            note=tx.note,
            contact=tx.contact or "",
            labels=tx.labels,
            known_address=bool(tx.counterparty and tx.network),
            others=tuple(map(_other, found.other_sides)),
            raw=found.raw_rows,
            history=HistoryPart.of(found.history, zone),
        )


def _title(tx: Transaction) -> str:
    return f"{words(tx.type).capitalize()} in {tx.wallet}"


def _other(tx: Transaction) -> Other:
    moved = [each for each in tx.movements if each.kind == "principal"]
    moved.sort(key=lambda each: each.amount >= 0)
    shown = tuple((amount(each.amount.copy_abs()), each.symbol) for each in moved)
    return Other(f"/transactions/{tx.id}", _title(tx), shown)


def _facts(found: TransactionDetail) -> tuple[tuple[str, str], ...]:
    tx = found.transaction
    facts = (
        ("Status", tx.status),
        ("Network", network_title(tx.network)),
        ("Hash", tx.tx_hash or ""),
        ("Own address", full_address(tx.network, tx.address)),
        ("Other side", full_address(tx.network, tx.counterparty)),
        ("Source", found.source),
        ("Its id there", found.source_id or ""),
        ("Its type there", found.source_type),
    )
    return tuple(fact for fact in facts if fact[1])


def _line(moved: MovementDetail) -> Line:
    origin = network_title(moved.network)
    return Line(
        kind=moved.kind,
        amount=amount(moved.amount, signed=True),
        exact=plain(moved.amount),
        symbol=moved.symbol,
        asset=", ".join(filter(None, [moved.asset_name, origin])),
        contract=full_address(moved.network, moved.contract),
        address=full_address(moved.network, moved.address),
        counterparty=full_address(moved.network, moved.counterparty),
        import_id=moved.import_id,
    )
