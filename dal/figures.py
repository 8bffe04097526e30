"""Exact figures of a filter: how many transactions, and the sums of each asset."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import CTE, ColumnElement, Select, Subquery, func, select, true

from dal import naming, snapshots, tables
from dal.conditions import PRINCIPAL
from dal.filters import EVERYTHING, Filter, Shape, clauses, named_keys, refuse_strangers, strangers
from dal.records import AssetSum, Totals

if TYPE_CHECKING:
    from sqlalchemy import Connection

tx = tables.transactions
#: Columns before those of strangers: the count, and the token.
FACTS = 1 + snapshots.COLUMNS


def totals(conn: Connection, where: Filter = EVERYTHING) -> Totals:
    """Return the exact count and the sums per asset of a filter, from one statement.

    It reads everything that matches: ask for it when somebody wants to know, not for every page.

    Raises:
        NotFound: the filter names a wallet, asset, label, contact or import that does not exist.
    """
    rows = conn.execute(totals_statement(where), where.parameters()).all()
    start = FACTS + len(named_keys(where.shape))
    refuse_strangers(where, rows[0][FACTS:start])
    sums = tuple(AssetSum(*row[start:]) for row in rows if row.asset_id is not None)
    return Totals(rows[0].transactions, sums, snapshots.snapshot(rows[0][1:FACTS]))


def totals_statement(where: Filter = EVERYTHING) -> Select[Any]:
    """Return the statement of `totals`: a row per asset, or one without an asset."""
    return _totals_statement(where.shape)


@lru_cache(maxsize=128)
def _totals_statement(shape: Shape) -> Select[Any]:
    matching = select(tx.c.id).where(*clauses(shape)).cte("matching")
    count = select(func.count()).select_from(matching).scalar_subquery()
    facts = select(
        count.label("transactions"),
        *snapshots.columns(),
        *strangers(shape),
    ).subquery("facts")
    sums = _sums(matching)
    found = select(facts, sums).select_from(facts.outerjoin(sums, true()))
    found = found.order_by(sums.c.symbol, sums.c.network, sums.c.contract)
    return naming.named(found, naming.shaped("totals", shape))


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
