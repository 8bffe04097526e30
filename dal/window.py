"""Where a search by time begins and ends: a reader's place and the days of a filter, as one.

An index scan starts at one condition about its column. Of two on the same side it may take the
farther one and then read all entries between them; so there is one only: the reader's place where
there is one, which is moved into the days before it is bound.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, DateTime, bindparam, func

from dal import keyset
from dal.keyset import FIRST_ID

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dal.filters import Filter, Shape
    from dal.keyset import Order
    from dal.lists import Place

WHEN = DateTime(timezone=True)


def beside(order: Order, *, backward: bool, at_it: bool = False) -> Place:
    """Return what lies on one side of the bound place."""

    def there(*columns: ColumnElement[Any]) -> Sequence[ColumnElement[bool]]:
        return [keyset.beside(order, columns, backward=backward, at_it=at_it)]

    return there


def also(place: Place, which: Sequence[ColumnElement[bool]]) -> Place:
    """Return a place where something else holds, too."""
    return lambda *columns: [*place(*columns), *which]


def until(shape: Shape, end: str) -> Place:
    """Return the "low" or "high" end of the days that a filter asks for; all of time if none."""
    asked = [values for key, negated, values in shape if key == "date" and not negated]

    def there(
        occurred_at: ColumnElement[Any], _row_id: ColumnElement[Any]
    ) -> list[ColumnElement[bool]]:
        return [_end(occurred_at, signs, end) for signs in asked if _ends(signs, end)]

    return there


def _ends(signs: Any, end: str) -> bool:  # noqa: ANN401 (the shape of ranges)
    return all(sign[end == "high"] for sign in signs)


def _end(column: ColumnElement[Any], signs: Any, end: str) -> ColumnElement[bool]:  # noqa: ANN401
    bound = [bindparam(f"date_{number}_{end}", type_=WHEN) for number in range(len(signs))]
    if len(bound) == 1:
        return column.op(signs[0][end == "high"], is_comparison=True)(bound[0])
    return column >= func.least(*bound) if end == "low" else column <= func.greatest(*bound)


def days(shape: Shape) -> Place:
    """Return both ends of the days."""

    def there(*columns: ColumnElement[Any]) -> list[ColumnElement[bool]]:
        return [*until(shape, "low")(*columns), *until(shape, "high")(*columns)]

    return there


def anywhere(*_columns: ColumnElement[Any]) -> list[ColumnElement[bool]]:
    """Return no condition."""
    return []


def beyond_days(shape: Shape) -> Shape:
    """Return what a filter asks beside days; several spans of them are more than their ends."""
    return tuple(part for part in shape if part[0] != "date" or part[1] or len(part[2]) > 1)


def spans(shape: Shape) -> Shape:
    """Return what a filter asks of days beyond their ends."""
    return tuple(part for part in beyond_days(shape) if part[0] == "date")


def within_days(where: Filter, key: tuple[Any, int]) -> tuple[Any, int]:
    """Return a place by time, or the end of the filter's days if it lies outside of them."""
    for each in where.conditions:
        if each.field.key == "date" and not each.negated:
            ranges: Sequence[Any] = each.values
            if all(one.high_sign for one in ranges):
                key = min(key, (max(one.high for one in ranges), FIRST_ID))
            if all(one.low_sign for one in ranges):
                key = max(key, (min(one.low for one in ranges), FIRST_ID))
    return key
