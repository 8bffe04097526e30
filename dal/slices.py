"""Which transactions a page shows, counts and has beside it: a filter cut at a place of an order.

Most filters are conditions on `transactions`, and the planner chooses the index. A filter whose
only facet is one label is led by the label's rows instead: they stand in the page's order, which
the planner does not trust them to where many transactions share an instant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import CTE, ColumnElement, Select, func, literal_column, select

from dal import keyset, tables
from dal.fields import BY_KEY
from dal.filters import clauses, label_is, narrowing, sole_label

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dal.filters import Narrowing, Shape
    from dal.keyset import Order

tx = tables.transactions
#: A page's count stops here; "more than" will do.
COUNTED, ASKING = 1_000, 200
ONE: ColumnElement[int] = literal_column("1")


def rows(shape: Shape, order: Order, limit: int, *, placed: bool, backward: bool = False) -> CTE:
    """Return the transactions of a page, still bare.

    Args:
        shape: of the filter.
        order: in which they come, or the opposite one.
        limit: how many at most.
        placed: whether they lie beside the bound place, or begin at an end.
        backward: whether they are read against the order.
    """
    there = _beside(order, backward=backward) if placed else None
    columns, conditions = _asked(shape, order, there)
    by = _by(columns, descending=order.descending != backward)
    return select(tx).where(*conditions).order_by(*by).limit(_text(limit)).cte("slice")


def others(shape: Shape, order: Order, most: int, *, backward: bool) -> ColumnElement[int]:
    """Return how many rows lie on the side of the place that the page does not read, to `most`.

    The nearest of them are asked for by their order, so that the index finds them in one probe.
    """
    there = _beside(order, backward=not backward, at_it=True)
    columns, conditions = _asked(shape, order, there)
    by = _by(columns, descending=order.descending == backward)
    nearest = select(tx.c.id).where(*conditions).order_by(*by).limit(_text(most))
    return select(func.count()).select_from(nearest.subquery("nearest")).scalar_subquery()


def countable(shape: Shape) -> int:
    """Return how far a filter is counted: about what the page itself costs, in buffers touched.

    An index alone counts a thousand; where other tables must be asked about each transaction, four
    buffers a time, four pages are enough to know.
    """
    asking = any(BY_KEY[key].elsewhere for key, *_ in shape)
    return ASKING if asking and sole_label(shape) is None else COUNTED


def some(shape: Shape, most: int) -> Select[Any]:
    """Return a row for each transaction of a filter, up to so many."""
    label = sole_label(shape)
    rest = [part for part in shape if part[1]]
    if label is None or rest:
        return select(ONE.label("one")).select_from(tx).where(*clauses(shape)).limit(_text(most))
    tl = tables.transaction_labels
    days = narrowing(shape)(tl.c.occurred_at, tl.c.transaction_id)
    counted = select(ONE.label("one")).select_from(tl).where(label_is(label, tl.c.label_id), *days)
    return counted.limit(_text(most))


def _text(number: int) -> ColumnElement[int]:
    """Return a number as text: a bound limit would be planned again at every call."""
    return literal_column(str(number))


def _beside(order: Order, *, backward: bool, at_it: bool = False) -> Narrowing:
    """Return the condition of lying on one side of the bound place, of any two such columns."""

    def there(*columns: ColumnElement[Any]) -> Sequence[ColumnElement[bool]]:
        return [keyset.beside(order, columns, backward=backward, at_it=at_it)]

    return there


def _asked(
    shape: Shape, order: Order, there: Narrowing | None
) -> tuple[Sequence[ColumnElement[Any]], list[ColumnElement[bool]]]:
    """Return the columns that give the order, and all conditions."""
    by_time = order.column is tx.c.occurred_at
    label = sole_label(shape) if by_time else None
    if label is None:
        place = there(*order.columns) if there else ()
        return order.columns, [*clauses(shape, there if by_time else None), *place]
    tl = tables.transaction_labels.alias("leading")
    columns = tl.c.occurred_at, tl.c.transaction_id
    rest = tuple(part for part in shape if part[1])
    borne = [label_is(label, tl.c.label_id), tl.c.transaction_id == tx.c.id]
    return columns, [*borne, *narrowing(shape, there)(*columns), *clauses(rest)]


def _by(columns: Sequence[ColumnElement[Any]], *, descending: bool) -> list[ColumnElement[Any]]:
    return [column.desc() if descending else column.asc() for column in columns]
