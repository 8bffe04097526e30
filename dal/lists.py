"""What finds the transactions of a condition in the order of time: the lists that indexes keep.

Every facet has a keyset index, `(value, occurred_at, id)`, of `transactions` or of a table that
copies both columns. For one value it is a list in order, newest or oldest first from any place, for
five buffers; that is all a filter's strategy (`dal.strategy`) is made of.

A list may name more transactions than its condition means, and one of them twice (two movements of
one asset); it never misses one. Whoever reads it asks the conditions again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ARRAY,
    CTE,
    ColumnElement,
    Select,
    func,
    literal_column,
    select,
    true,
)

from dal.entries import arrays, either, in_order, once, unnested

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import FromClause, Table

    Most = int | ColumnElement[int]
    Place = Callable[[ColumnElement[Any], ColumnElement[Any]], Sequence[ColumnElement[bool]]]


@dataclass(frozen=True, slots=True)
class Part:
    """One index's share of a list.

    Args:
        table: that has the index.
        row_id: its column with the transaction's id.
        key: what the index begins with, on an alias of the table; None if with the time itself.
        values: the keys that are meant, a row each.
        sole: whether there is one key, as `values` has one row at most.
        only: what the index holds at all, if not every row.
    """

    table: Table
    row_id: str
    key: Callable[[FromClause], ColumnElement[Any]] | None = None
    values: Any = None  # a Select
    sole: bool = True
    only: Callable[[FromClause], ColumnElement[bool]] | None = None


@dataclass(frozen=True)
class Listing:
    """The list of one condition."""

    key: str  # of the filter
    parts: tuple[Part, ...]
    repeats: bool = False  # whether a transaction may stand in it twice
    exact: bool = True  # whether it holds no more than what its condition means
    alone: Listing | None = None  # what to take instead, where nothing else is asked
    certain: Listing | None = None  # the part of it that does, where not all of it does
    doubt: Sequence[ColumnElement[bool]] = ()  # what must hold of a transaction in the rest of it

    @property
    def is_single(self) -> bool:
        """Return whether each part has one key: no more entries are read than are asked for."""
        return all(part.sole for part in self.parts)

    @cached_property
    def _keys(self) -> tuple[CTE | None, ...]:
        """Return the keys of each part as one array, which is looked up once in a statement."""
        return tuple(
            None
            if part.values is None
            else _array(part.values).cte(f"{self.key}_{number}").prefix_with("MATERIALIZED")
            for number, part in enumerate(self.parts)
        )

    def some(self, place: Place) -> Select[Any]:
        """Return its entries at a place, in no order."""
        return select(either([_spread(*each, place) for each in self._keyed]).subquery())

    def head(self, place: Place, *, descending: bool, most: Most) -> Select[Any]:
        """Return its first entries from a place."""
        return self._first(place, descending, most).limit(_number(most))

    def entry(self, place: Place, *, descending: bool, number: int) -> Select[Any]:
        """Return the one entry that has so many before it from a place, if there are so many."""
        found = self._first(place, descending, number + 1)
        return found.limit(_number(1)).offset(_number(number))

    def _first(self, place: Place, descending: bool, most: Most) -> Select[Any]:  # noqa: FBT001
        """Return them in order: each key's own, sorted together."""
        found = [_spread(*each, place, descending, most) for each in self._keyed]
        if len(found) == 1 and self.parts[0].sole:
            return found[0]
        columns = either(found).subquery().c
        return in_order(select(columns.occurred_at, columns.id), columns, descending=descending)

    @property
    def _keyed(self) -> list[tuple[Part, CTE | None]]:
        return list(zip(self.parts, self._keys, strict=True))


@dataclass(frozen=True)
class Heap:
    """What meets one condition, in no order; read once in a statement.

    Args:
        key: of the filter.
        found: the times and ids; some may be there twice.
        most: how many of them can be read for one page.
        sieve: what must hold of a transaction's id, if that is asked sooner than the transaction.
    """

    key: str
    found: Select[Any]
    most: int
    sieve: Callable[[ColumnElement[int]], ColumnElement[bool]] | None = None

    @cached_property
    def told(self) -> CTE:
        """Return, as a row, how much it is, its first and last time, and all of it, as arrays.

        Planned as if all of it were wanted, by its index: few of many would be looked for in the
        table.
        """
        whole = self.found.offset(_number(0)).subquery()
        one = select(_number(1).label("one")).subquery()
        found = select(whole).select_from(whole.join(one, true())).limit(_number(self.most + 1))
        each = found.subquery().c
        first, last = func.min(each.occurred_at), func.max(each.occurred_at)
        told = select(first.label("first"), last.label("last"), *arrays(each))
        return once(told.cte(f"{self.key}_set"))

    def count(self) -> ColumnElement[int]:
        """Return how much it is; one more than `most` means more."""
        return select(self.told.c.many).scalar_subquery()

    def entries(self) -> Select[Any]:
        """Return the times and ids."""
        return unnested(self.told.c.times, self.told.c.ids)


def _array(values: Select[Any]) -> Select[Any]:
    kind: ARRAY[Any] = ARRAY(values.selected_columns[0].type)
    ordered = values.order_by(_number(1)).scalar_subquery()
    return select(func.array(ordered, type_=kind).label("keys"))


def _spread(
    part: Part,
    keys: CTE | None,
    place: Place,
    descending: bool | None = None,  # noqa: FBT001 (None: in no order)
    most: Most | None = None,
) -> Select[Any]:
    """Return the entries of each key, up to so many of each."""
    if keys is not None and not part.sole:
        return _each(part, _unnested(keys), place, descending, most)
    found = _entries(part, None if keys is None else _key(keys, 1), place, descending)
    return found if most is None else found.limit(_number(most))


def _each(
    part: Part,
    values: FromClause,
    place: Place,
    descending: bool | None = None,  # noqa: FBT001 (None: in no order)
    most: Most | None = None,
) -> Select[Any]:
    entries = _entries(part, values.c[0], place, descending).correlate(values)
    apart = entries.offset(_number(0))  # never joined, which may read all keys there are
    found = (apart if most is None else entries.limit(_number(most))).lateral()
    return select(found.c.occurred_at, found.c.id).select_from(values.join(found, true()))


def _key(keys: CTE, number: int) -> ColumnElement[Any]:
    """Return one of the keys, by its number from 1; NULL if there are fewer."""
    one = literal_column(f"{keys.name}.keys[{number}]", _kind(keys).item_type)
    return select(one).select_from(keys).scalar_subquery()


def _kind(keys: CTE) -> ARRAY[Any]:
    kind = keys.c["keys"].type
    assert isinstance(kind, ARRAY)  # noqa: S101 (as `_array` makes it)
    return kind


def _unnested(keys: CTE) -> FromClause:
    array = literal_column(f"{keys.name}.keys", _kind(keys))
    each = func.unnest(array, type_=_kind(keys).item_type)
    return select(each.label("key")).select_from(keys).subquery()


def _entries(
    part: Part,
    value: ColumnElement[Any] | None,
    place: Place,
    descending: bool | None = None,  # noqa: FBT001 (None: in no order)
) -> Select[Any]:
    table = part.table.alias()
    here = table.c.occurred_at, table.c[part.row_id]
    which = [*place(*here)]
    if part.key is not None:
        which += _only(part.key(table), value)
    if part.only is not None:
        which.append(part.only(table))
    found = select(here[0].label("occurred_at"), here[1].label("id")).where(*which)
    if descending is None:
        return found
    return found.order_by(*(each.desc() if descending else each.asc() for each in here))


def _only(key: ColumnElement[Any], value: Any) -> list[ColumnElement[bool]]:  # noqa: ANN401
    """Return the condition of having one key, so that its index is read and no other.

    Said twice, PostgreSQL expects few rows: else it takes the index on time, where it expects to
    meet the key of one row in ten at once, and walks all of it for a key that is long past.
    """
    return [key == value, key.between(value, value)]


def _number(number: Most) -> ColumnElement[int]:
    return literal_column(str(number)) if isinstance(number, int) else number
