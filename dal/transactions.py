"""Transactions: pages of them, one of them, all of them, their sums, and the edits of a row."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import (
    CTE,
    Column,
    ColumnElement,
    Select,
    Subquery,
    Table,
    Text,
    and_,
    cast,
    exists,
    false,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.types import NullType

from dal import keyset, tables
from dal.errors import NotFound
from dal.fields import PRINCIPAL
from dal.filters import Filter, Shape, clauses, strangers
from dal.keyset import NEWEST_FIRST, USUAL, Cursor, Order
from dal.records import AssetSum, Choice, Movement, Tag, Totals, Transaction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

tx = tables.transactions
#: The count of a page stops here: beyond, it would cost more than the page, and "more than" will do.
COUNTED = 1_000


@dataclass(frozen=True, slots=True)
class Page:
    """One page of transactions, true at one snapshot."""

    rows: tuple[Transaction, ...]
    order: Order
    size: int
    cursor: Cursor | None  # where it begins; None: at the first row
    has_previous: bool
    has_next: bool
    counted: int  # of all that match, up to `COUNTED` + 1
    snapshot: str  # of PostgreSQL: xmin:xmax:xip
    as_of: datetime  # aware, UTC
    wallets: tuple[Choice, ...]  # all there are, to choose from
    labels: tuple[Tag, ...]

    @property
    def count_is_exact(self) -> bool:
        """Return whether `counted` is all that match; else there are more."""
        return self.counted <= COUNTED

    @property
    def previous(self) -> Cursor | None:
        """Return where the page before this one ends."""
        if not self.has_previous:
            return None
        return Cursor.at(self.order, "before", self.rows[0]) if self.rows else self.last

    @property
    def next(self) -> Cursor | None:
        """Return where the page behind this one begins."""
        if not self.has_next:
            return None
        return Cursor.at(self.order, "after", self.rows[-1]) if self.rows else None

    @property
    def last(self) -> Cursor:
        """Return where the last page ends."""
        return Cursor.last(self.order)


# ── A page ───────────────────────────────────────────────────────────────────────────────────


def page(
    conn: Connection,
    where: Filter = Filter(),  # noqa: B008 (a frozen value)
    order: Order = NEWEST_FIRST,
    cursor: Cursor | None = None,
    size: int = USUAL,
) -> Page:
    """Return one page, all of it from one statement.

    Raises:
        NotFound: the filter names a wallet, asset, label, contact or import that does not exist.
    """
    statement = page_statement(where, order, cursor, size)
    rows = conn.execute(statement, page_parameters(where, cursor)).all()
    return _page(rows, where, order, cursor, size)


def page_statement(
    where: Filter = Filter(),  # noqa: B008 (a frozen value)
    order: Order = NEWEST_FIRST,
    cursor: Cursor | None = None,
    size: int = USUAL,
) -> Select[Any]:
    """Return the statement of a page; `page_parameters` has what it binds.

    It depends on the filter's shape alone, so one text serves all values of the same conditions.
    """
    place = None if cursor is None else (cursor.side, cursor.key is not None)
    return _page_statement(where.shape, order.key, place, size)


def page_parameters(where: Filter, cursor: Cursor | None) -> dict[str, Any]:
    """Return what `page_statement` binds."""
    return where.parameters() | (cursor.parameters() if cursor else {})


@lru_cache(maxsize=512)
def _page_statement(
    shape: Shape, order_key: str, place: tuple[str, bool] | None, size: int
) -> Select[Any]:
    order = keyset.ORDERS[order_key]
    side, placed = place or ("after", False)
    backward = side == "before"
    seek = [] if not placed else [keyset.ahead(order) if backward else keyset.behind(order)]
    rows = _shown(_slice(shape, seek, order.by(backward=backward), size + 1))
    others = _others(shape, order, backward=backward) if placed else false()
    facts = _facts(shape, others).subquery("facts")
    return (
        select(facts, rows)
        .select_from(facts.outerjoin(rows, true()))
        .order_by(*_resorted(rows, order))
    )


def _slice(shape: Shape, seek: list[Any], by: list[Any], limit: int) -> CTE:
    """Return the transactions of a page, still bare."""
    return (
        select(tx)
        .where(*clauses(shape), *seek)
        .order_by(*by)
        .limit(literal_column(str(limit)))  # a bound limit would be planned again at every call
        .cte("slice")
    )


def _others(shape: Shape, order: Order, *, backward: bool) -> ColumnElement[bool]:
    """Return whether rows lie on the side of the place that the page does not read.

    The nearest of them is asked for by its order, so that the index finds it in one probe.
    """
    there = keyset.behind(order, at_it=True) if backward else keyset.ahead(order, at_it=True)
    nearest = (
        select(tx.c.id)
        .where(*clauses(shape), there)
        .order_by(*order.by(backward=not backward))
        .limit(literal_column("1"))
    )
    return exists(nearest)


def _facts(shape: Shape, others: ColumnElement[bool]) -> Select[Any]:
    """Return the one row that every page has: count, token, names to choose from, strangers."""
    some = select(literal_column("1").label("one")).select_from(tx).where(*clauses(shape))
    counted = select(func.count()).select_from(
        some.limit(literal_column(str(COUNTED + 1))).subquery("some")
    )
    unknown = strangers(shape)
    return select(
        counted.scalar_subquery().label("counted"),
        others.label("others"),
        cast(func.pg_current_snapshot(), Text).label("snapshot"),
        func.statement_timestamp().label("as_of"),
        *_listed(tables.wallets, *(tables.wallets.c[name] for name in WALLET)),
        *_listed(tables.labels, *(tables.labels.c[name] for name in LABEL)),
        *(array.label(f"stranger_{number}") for number, (_, array) in enumerate(unknown)),
    )


WALLET = ("id", "name")
LABEL = ("id", "name", "colour")


def _listed(table: Table, *columns: Column[Any]) -> list[Any]:
    """Return an array of each column, by name: lists to choose from, small by nature."""
    return [
        func.array(
            select(cast(column, Text) if column.name == "colour" else column)
            .order_by(func.lower(table.c.name))
            .scalar_subquery(),
            type_=NullType(),
        ).label(f"{table.name}_{column.name}")
        for column in columns
    ]


def _shown(page: CTE) -> Subquery:
    """Return the bare transactions with names, movements and labels: a `Transaction` a row."""
    ca, c, w = tables.contact_addresses, tables.contacts, tables.wallets
    moved, tagged = _movements(page), _tags(page)
    at_address = and_(
        page.c.contact_id.is_(None),
        ca.c.network == page.c.network,
        ca.c.address == page.c.counterparty,
    )
    return (
        select(
            page.c.id,
            page.c.occurred_at,
            page.c.wallet_id,
            w.c.name.label("wallet"),
            cast(page.c.type, Text).label("type"),
            cast(page.c.status, Text).label("status"),
            page.c.network,
            page.c.tx_hash,
            page.c.address,
            page.c.counterparty,
            c.c.id.label("contact_id"),
            c.c.name.label("contact"),
            page.c.contact_id.is_not(None).label("contact_by_hand"),
            page.c.note,
            page.c.amount,
            page.c.version,
            *moved.c,
            *tagged.c,
        )
        .select_from(page)
        .join(w, w.c.id == page.c.wallet_id)
        .outerjoin(ca, at_address)
        .outerjoin(c, c.c.id == func.coalesce(page.c.contact_id, ca.c.contact_id))
        .join(moved, true())
        .join(tagged, true())
        .subquery("shown")
    )


def _movements(page: CTE) -> Subquery:
    """Return an array of each field of `Movement`, in order; NULLs where there is none."""
    m, a = tables.movements, tables.assets
    ordered = (
        select(
            m.c.position, cast(m.c.kind, Text).label("kind"), m.c.asset_id, a.c.symbol, m.c.amount
        )
        .join(a, a.c.id == m.c.asset_id)
        .where(m.c.transaction_id == page.c.id)
        .order_by(m.c.position, m.c.key)
        .correlate(page)
        .subquery("ordered_movements")
    )
    return select(*_gathered(ordered, "movement")).subquery("moved").lateral()


def _tags(page: CTE) -> Subquery:
    """Return an array of each field of `Tag`, by name; NULLs where there is none."""
    tl, lb = tables.transaction_labels, tables.labels
    ordered = (
        select(lb.c.id, lb.c.name, cast(lb.c.colour, Text).label("colour"))
        .join(tl, tl.c.label_id == lb.c.id)
        .where(tl.c.transaction_id == page.c.id)
        .order_by(func.lower(lb.c.name))
        .correlate(page)
        .subquery("ordered_labels")
    )
    return select(*_gathered(ordered, "label")).subquery("tagged").lateral()


def _gathered(rows: Subquery, prefix: str) -> list[Any]:
    return [
        func.array_agg(column, type_=NullType()).label(f"{prefix}_{column.name}")
        for column in rows.c
    ]


def _resorted(rows: Subquery, order: Order) -> list[Any]:
    """Return the ORDER BY of what is shown: that of the page, whichever way it was read."""
    columns = (rows.c[order.name], rows.c.id)
    return [column.desc() if order.descending else column.asc() for column in columns]


# ── From rows to records ─────────────────────────────────────────────────────────────────────

FACTS = 4 + len(WALLET) + len(LABEL)
PLAIN = 16  # fields of a Transaction before its movements
MOVED = PLAIN + 5
TAGGED = MOVED + 3
Record = TypeVar("Record")


def _page(
    rows: Sequence[Row[Any]], where: Filter, order: Order, cursor: Cursor | None, size: int
) -> Page:
    facts = rows[0]
    _refuse_strangers(where, facts)
    start = FACTS + len(strangers(where.shape))
    backward = cursor is not None and cursor.backward
    more = len(rows) > size
    shown = rows[1:] if more and backward else rows[:size]
    return Page(
        rows=tuple(transaction(row[start:]) for row in shown if row[start] is not None),
        order=order,
        size=size,
        cursor=cursor,
        has_previous=more if backward else facts.others,
        has_next=facts.others if backward else more,
        counted=facts.counted,
        snapshot=facts.snapshot,
        as_of=facts.as_of,
        wallets=_zipped(Choice, facts[4:6]),
        labels=_zipped(Tag, facts[6:9]),
    )


def _refuse_strangers(where: Filter, facts: Row[Any]) -> None:
    for (key, _), names in zip(strangers(where.shape), facts[FACTS:], strict=False):
        if names:
            raise NotFound(key, names[0])


def transaction(values: Sequence[Any]) -> Transaction:
    """Return the record of a shown row."""
    return Transaction(
        *values[:PLAIN],
        _zipped(Movement, values[PLAIN:MOVED]),
        _zipped(Tag, values[MOVED:TAGGED]),
    )


def _zipped(record: Callable[..., Record], arrays: Sequence[Any]) -> tuple[Record, ...]:
    return tuple(map(record, *arrays)) if arrays[0] else ()


# ── All of them ──────────────────────────────────────────────────────────────────────────────

CHUNK = 500


def iterate(
    conn: Connection,
    where: Filter = Filter(),  # noqa: B008 (a frozen value)
    order: Order = NEWEST_FIRST,
) -> Iterator[Transaction]:
    """Yield every transaction of a filter, any number of them, in constant memory.

    In a `snapshot` block all are true at one instant. In a `read` block each chunk is as fresh as
    it can be: what does not change meanwhile comes exactly once. Names that do not exist match
    nothing here. The connection must stay open until the last one.
    """
    cursor: Cursor | None = None
    while True:
        statement = walk_statement(where, order, cursor)
        rows = conn.execute(statement, page_parameters(where, cursor)).all()
        for row in rows:
            yield transaction(row)
        if len(rows) < CHUNK:
            return
        cursor = Cursor(order, "after", (getattr(rows[-1], order.name), rows[-1].id))


def walk_statement(
    where: Filter = Filter(),  # noqa: B008 (a frozen value)
    order: Order = NEWEST_FIRST,
    cursor: Cursor | None = None,
) -> Select[Any]:
    """Return the statement of one chunk of `iterate`."""
    return _walk_statement(where.shape, order.key, placed=cursor is not None)


@lru_cache(maxsize=128)
def _walk_statement(shape: Shape, order_key: str, *, placed: bool) -> Select[Any]:
    order = keyset.ORDERS[order_key]
    seek = [keyset.behind(order)] if placed else []
    rows = _shown(_slice(shape, seek, order.by(), CHUNK))
    return select(rows).order_by(*_resorted(rows, order))


def shown_statement(which: ColumnElement[bool]) -> Select[Any]:
    """Return the statement of the transactions that a condition means, newest first."""
    rows = _shown(select(tx).where(which).cte("slice"))
    return select(rows).order_by(*_resorted(rows, NEWEST_FIRST))


# ── Their figures ────────────────────────────────────────────────────────────────────────────


def totals(
    conn: Connection,
    where: Filter = Filter(),  # noqa: B008 (a frozen value)
) -> Totals:
    """Return the exact count and the sums per asset of a filter, from one statement.

    It reads everything that matches: ask for it when somebody wants to know, not for every page.
    """
    rows = conn.execute(totals_statement(where), where.parameters()).all()
    sums = tuple(AssetSum(*row[3:]) for row in rows if row.asset_id is not None)
    return Totals(rows[0].transactions, sums, rows[0].snapshot, rows[0].as_of)


def totals_statement(
    where: Filter = Filter(),  # noqa: B008 (a frozen value)
) -> Select[Any]:
    """Return the statement of `totals`: a row per asset, or one without an asset."""
    matching = select(tx.c.id).where(*where.clauses()).cte("matching")
    count = select(func.count()).select_from(matching).scalar_subquery()
    facts = select(
        count.label("transactions"),
        cast(func.pg_current_snapshot(), Text).label("snapshot"),
        func.statement_timestamp().label("as_of"),
    ).subquery("facts")
    sums = _sums(matching)
    return (
        select(facts, sums)
        .select_from(facts.outerjoin(sums, true()))
        .order_by(sums.c.symbol, sums.c.network, sums.c.contract)
    )


def _sums(matching: CTE) -> Subquery:
    m, a = tables.movements, tables.assets
    principal = m.c.kind == PRINCIPAL

    def total(name: str, *conditions: ColumnElement[bool]) -> ColumnElement[Any]:
        amount = func.sum(m.c.amount)
        return func.coalesce(amount.filter(*conditions) if conditions else amount, 0).label(name)

    return (
        select(
            a.c.id.label("asset_id"),
            a.c.symbol,
            a.c.network,
            a.c.contract,
            total("received", principal, m.c.amount > 0),
            total("sent", principal, m.c.amount < 0),
            total("fees", m.c.kind != PRINCIPAL),
            total("net"),
        )
        .join(m, m.c.asset_id == a.c.id)
        .where(m.c.transaction_id.in_(select(matching.c.id)))
        .group_by(a.c.id)
        .subquery("sums")
    )
