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
    union_all,
)
from sqlalchemy.dialects.postgresql import distinct_on

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import CompoundSelect, FromClause, Table

    Place = Callable[[ColumnElement[Any], ColumnElement[Any]], Sequence[ColumnElement[bool]]]

#: Values of one condition whose lists are merged one by one; those of further ones are sorted.
MERGED = 4


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

    @property
    def merges(self) -> bool:
        """Return whether it can be read in order without sorting much of it."""
        return len(self.parts) == 1

    @property
    def is_counted(self) -> bool:
        """Return whether its end is soon found: one key of each part."""
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
        """Return its entries beside a place, each once, in no order."""
        whole = select(_either([_spread(*each, place) for each in self._keyed]).subquery())
        return whole.distinct() if self.repeats else whole

    def head(self, place: Place, *, descending: bool, most: int, skip: int = 0) -> Select[Any]:
        """Return its first entries from a place: each key's own, sorted together."""
        found = [_spread(*each, place, descending, most + skip) for each in self._keyed]
        if len(found) == 1 and self.parts[0].sole:
            return found[0].limit(_text(most)).offset(_text(skip))
        columns = _either(found).subquery().c
        whole = _in_order(select(columns.occurred_at, columns.id), columns, descending=descending)
        return whole.limit(_text(most)).offset(_text(skip))

    def stream(self, place: Place, *, descending: bool) -> Select[Any]:
        """Return all of it from a place, in order, read no further than somebody asks."""
        found = [each for keyed in self._keyed for each in _streams(*keyed, place, descending)]
        if len(found) == 1 and not self.repeats:
            return found[0].offset(_text(0))
        columns = _either(found).subquery().c
        merged = select(columns.occurred_at, columns.id)
        if self.repeats:  # never by hashing, which would read all of it first
            merged = merged.ext(distinct_on(columns.occurred_at, columns.id))
        return _in_order(merged, columns, descending=descending).offset(_text(0))

    @property
    def _keyed(self) -> list[tuple[Part, CTE | None]]:
        return list(zip(self.parts, self._keys, strict=True))


def _array(values: Select[Any]) -> Select[Any]:
    kind: ARRAY[Any] = ARRAY(values.selected_columns[0].type)
    ordered = values.order_by(_text(1)).scalar_subquery()
    return select(func.array(ordered, type_=kind).label("keys"))


def _streams(
    part: Part,
    keys: CTE | None,
    place: Place,
    descending: bool,  # noqa: FBT001
) -> list[Select[Any]]:
    """Return a list of each of the first keys, and one of all further ones."""
    if keys is None or part.sole:
        return [_spread(part, keys, place, descending)]
    firsts = [
        _entries(part, _key(keys, number), place, descending) for number in range(1, MERGED + 1)
    ]
    further = _each(part, _unnested(keys, f"[{MERGED + 1}:]"), place).subquery()
    return [*firsts, _in_order(select(further), further.c, descending=descending)]


def _spread(
    part: Part,
    keys: CTE | None,
    place: Place,
    descending: bool | None = None,  # noqa: FBT001 (None: in no order)
    most: int = 0,
) -> Select[Any]:
    """Return the entries of each key, up to so many of each."""
    if keys is not None and not part.sole:
        return _each(part, _unnested(keys), place, descending, most)
    found = _entries(part, None if keys is None else _key(keys, 1), place, descending)
    return found.limit(_text(most)) if most else found


def _each(
    part: Part,
    values: FromClause,
    place: Place,
    descending: bool | None = None,  # noqa: FBT001 (None: in no order)
    most: int = 0,
) -> Select[Any]:
    entries = _entries(part, values.c[0], place, descending).correlate(values)
    found = (entries.limit(_text(most)) if most else entries).lateral()
    return select(found.c.occurred_at, found.c.id).select_from(values.join(found, true()))


def _key(keys: CTE, number: int) -> ColumnElement[Any]:
    """Return one of the keys, by its number from 1; NULL if there are fewer."""
    one = literal_column(f"{keys.name}.keys[{number}]", _kind(keys).item_type)
    return select(one).select_from(keys).scalar_subquery()


def _kind(keys: CTE) -> ARRAY[Any]:
    kind = keys.c["keys"].type
    assert isinstance(kind, ARRAY)  # noqa: S101 (as `_array` makes it)
    return kind


def _unnested(keys: CTE, some: str = "") -> FromClause:
    array = literal_column(f"{keys.name}.keys{some}", _kind(keys))
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
        which.append(part.key(table) == value)
    if part.only is not None:
        which.append(part.only(table))
    found = select(here[0].label("occurred_at"), here[1].label("id")).where(*which)
    if descending is None:
        return found
    return found.order_by(*(each.desc() if descending else each.asc() for each in here))


def _either(found: Sequence[Select[Any]]) -> Select[Any] | CompoundSelect[Any]:
    """Return lists behind each other; each keeps its order and its limit."""
    if len(found) == 1:
        return found[0]
    return union_all(*(select(each.subquery()) for each in found))


def _in_order(found: Select[Any], columns: Any, *, descending: bool) -> Select[Any]:  # noqa: ANN401 (of any FROM)
    by = columns.occurred_at, columns.id
    return found.order_by(*(each.desc() if descending else each.asc() for each in by))


def _text(number: int) -> ColumnElement[int]:
    return literal_column(str(number))
