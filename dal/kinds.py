"""What kinds of condition there are: how their values are bound, and what SQL comes of them.

    AnyOf     any of some values: bound as a scalar, or as an array where there are several
    Within    inside any of some ranges
    OneOf     named by words of a closed list; nothing is bound

A kind splits the values of a condition into their shape, on which the statement's text depends,
and their parameters, on which it does not: one text serves all values of one shape.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Text,
    and_,
    any_,
    bindparam,
    cast,
    func,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ENUM

from dal import tables

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from sqlalchemy import Column, FromClause
    from sqlalchemy.types import TypeEngine

Clause = ColumnElement[bool]
TEXT = Text()


@dataclass(frozen=True, slots=True)
class Scene:
    """What the conditions of one statement share.

    Args:
        movement: the one and same movement that several conditions may be about.
        led: whether transactions are found otherwise: no condition shall lead to them.
    """

    movement: FromClause
    led: bool = False

    def asked(self, clause: Clause) -> Clause:
        """Return a condition on the parts of a transaction, to be asked of these alone.

        `IS TRUE` hides it from the indexes: the parts of one transaction are a few, while an index
        on amounts, say, may be read from end to end for each of them.
        """
        return clause.is_(true()) if self.led else clause


def as_it_is(value: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the value: capitals count."""
    return value


@dataclass(frozen=True, slots=True)
class Values:
    """The bound values of one condition; one is bound as a scalar, several as an array.

    Capitals are folded by PostgreSQL on both sides, never by Python: what `lower` does depends on
    the database's locale, and the unique index on a name is made of what it does there.
    """

    name: str
    many: bool
    type: TypeEngine[Any]
    fold: Callable[[ColumnElement[Any]], ColumnElement[Any]] = as_it_is

    def match(self, column: ColumnElement[Any]) -> Clause:
        """Return the condition that `column` is one of the values."""
        if not self.many:
            return self.fold(column) == self.fold(self._bound(self.type))
        if self.fold is as_it_is:
            return column == any_(self._bound(ARRAY(self.type)))
        folded = select(self.fold(self.each())).scalar_subquery()
        return self.fold(column) == any_(func.array(folded))

    def match_like(self, column: ColumnElement[Any]) -> Clause:
        """Return the condition that `column` contains one of the values, in any case."""
        if not self.many:
            return column.ilike(self._bound(self.type))
        return column.op("ILIKE")(any_(self._bound(ARRAY(self.type))))

    def match_folded(self, column: ColumnElement[Any]) -> Clause:
        """Return the same condition of a column in lower case: neither is folded each time."""
        folded = select(func.lower(self.each())).scalar_subquery()
        return column.like(any_(func.array(folded)) if self.many else folded)

    def match_id(self, column: ColumnElement[Any], name: Column[str]) -> Clause:
        """Return the condition that `column` is the id of a row whose name matches.

        A single unique name becomes an equality, which lets a keyset index give the order.
        """
        ids = select(name.table.c.id).where(self.match(name)).scalar_subquery()
        unique = name.table is not tables.assets
        return column == ids if unique and not self.many else column == any_(func.array(ids))

    def each(self) -> ColumnElement[Any]:
        """Return the values as a column that has a row for each of them."""
        if not self.many:
            return self._bound(self.type)
        return func.unnest(self._bound(ARRAY(self.type))).column_valued(f"{self.name}_value")

    def _bound(self, kind: TypeEngine[Any]) -> ColumnElement[Any]:
        if isinstance(self.type, ENUM):
            plain = ARRAY(Text()) if self.many else Text()
            return cast(bindparam(self.name, type_=plain), kind)
        return bindparam(self.name, type_=kind)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """A condition that holds for any of its values."""

    clause: Callable[[Values, Scene], Clause]
    type: TypeEngine[Any] = TEXT
    fold: Callable[[ColumnElement[Any]], ColumnElement[Any]] = as_it_is

    def shape(self, values: Sequence[Any]) -> Hashable:
        """Return what the statement's text depends on."""
        return len(values) > 1

    def parameters(self, name: str, values: Sequence[Any]) -> Mapping[str, Any]:
        """Return what the statement's bound parameters are."""
        return {name: list(values) if len(values) > 1 else values[0]}

    def values(self, name: str, shape: Hashable) -> Values:
        """Return the bound values of that shape."""
        return Values(name, bool(shape), self.type, self.fold)

    def build(self, name: str, shape: Hashable, scene: Scene) -> Clause:
        """Return the condition for values of that shape."""
        return self.clause(self.values(name, shape), scene)

    def asked(self, name: str, shape: Hashable) -> Values:
        """Return what finds its transactions by: the bound values."""
        return self.values(name, shape)


@dataclass(frozen=True, slots=True)
class Range:
    """Two ends; an empty sign means that there is none."""

    low: Any = None
    low_sign: Literal["", ">=", ">"] = ""
    high: Any = None
    high_sign: Literal["", "<=", "<"] = ""


@dataclass(frozen=True, slots=True)
class Within:
    """A condition that holds inside any of some ranges."""

    column: Callable[[Scene], ColumnElement[Any]]
    type: TypeEngine[Any]

    def shape(self, values: Sequence[Any]) -> Hashable:
        """Return which ends each range has, and whether they are included; "=" is one value."""
        return tuple(map(_signs, values))

    def parameters(self, name: str, values: Sequence[Any]) -> Mapping[str, Any]:
        """Return the ends that there are."""
        ends: dict[str, Any] = {}
        for number, value in enumerate(values):
            low, high = _signs(value)
            ends |= {f"{name}_{number}_low": value.low} if low else {}
            ends |= {f"{name}_{number}_high": value.high} if high else {}
        return ends

    def build(self, name: str, shape: Any, scene: Scene) -> Clause:  # noqa: ANN401 (its own)
        """Return the condition for ranges of that shape."""
        return self.about(self.column(scene), name, shape)

    def asked(self, name: str, shape: Any) -> Ranges:  # noqa: ANN401 (its own)
        """Return what finds its transactions by: the ranges."""
        return Ranges(self, name, shape)

    def about(self, column: ColumnElement[Any], name: str, shape: Any) -> Clause:  # noqa: ANN401 (its own)
        """Return the condition about any column."""
        ranges = (
            and_(
                *(
                    column.op(sign)(bindparam(f"{name}_{number}_{end}", type_=self.type))
                    for sign, end in zip(signs, ("low", "high"), strict=True)
                    if sign
                )
            )
            for number, signs in enumerate(shape)
        )
        return or_(*ranges)


def _signs(value: Any) -> tuple[str, str]:  # noqa: ANN401 (a Range)
    if (value.low_sign, value.high_sign) == (">=", "<=") and value.low == value.high:
        return "=", ""
    return value.low_sign, value.high_sign


@dataclass(frozen=True, slots=True)
class Ranges:
    """The bound ranges of one condition."""

    kind: Within
    name: str
    shape: tuple[tuple[str, str], ...]

    def match(self, column: ColumnElement[Any]) -> Clause:
        """Return the condition that `column` lies in one of them."""
        return self.kind.about(column, self.name, self.shape)

    def equal(self) -> list[ColumnElement[Any]]:
        """Return the values that are asked for; none if one of them is a range."""
        if any(signs != ("=", "") for signs in self.shape):
            return []
        names = (f"{self.name}_{number}_low" for number in range(len(self.shape)))
        return [bindparam(name, type_=self.kind.type) for name in names]


@dataclass(frozen=True, slots=True)
class OneOf:
    """A condition chosen by name from a closed list; nothing is bound."""

    clauses: Mapping[str, Callable[[Scene], Clause]]

    def shape(self, values: Sequence[Any]) -> Hashable:
        """Return the names."""
        return tuple(values)

    def parameters(self, _name: str, _values: Sequence[Any]) -> Mapping[str, Any]:
        """Return nothing."""
        return {}

    def build(self, _name: str, shape: Any, scene: Scene) -> Clause:  # noqa: ANN401 (its own)
        """Return the condition for those names."""
        return or_(*(self.clauses[word](scene) for word in shape))

    def asked(self, _name: str, shape: Any) -> Sequence[str]:  # noqa: ANN401 (its own)
        """Return what finds its transactions by: the names."""
        return tuple(shape)
