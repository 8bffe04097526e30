"""What is asked: a set of conditions, as text, as SQL and as a sentence.

The same key again means OR, different keys mean AND, and every key can be negated:

    wallet=Kraken&wallet=Ledger&type!=fee     in wallet Kraken or Ledger, not of type fee

A filter is a value: it compares, hashes, and prints itself in one canonical order.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from sqlalchemy import ColumnElement, exists, func, select

from dal import tables
from dal.conditions import moved
from dal.errors import BadFilter, NotFound
from dal.facets import LIKELY
from dal.fields import BY_KEY, FIELDS, LONGEST, Asker, Field
from dal.kinds import AnyOf, Scene

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from dal.lists import Heap, Listing

__all__ = ["EVERYTHING", "FIELDS", "Condition", "Field", "Filter"]

#: What the SQL text of a filter depends on: of each condition the key, whether it is negated, and
#: how many and which kind of values it has. The values themselves are bound.
Shape = tuple[tuple[str, bool, Any], ...]
#: Values of one condition; more than a person types or a page of ticks sends.
MOST = 100
SHOWN = 40


@dataclass(frozen=True, slots=True)
class Condition:
    """One key of a filter: the transaction matches any of the values, or none if negated."""

    field: Field
    negated: bool
    texts: tuple[str, ...]  # as typed, trimmed, without repeats
    values: tuple[Hashable, ...]  # what they mean

    @property
    def key(self) -> str:
        """Return the key as a URL writes it, "!" behind a negated one."""
        return self.field.key + "!" * self.negated

    @property
    def words(self) -> str:
        """Return the condition in English."""
        words = self.field.words.format(" or ".join(map(_spoken, self.texts)))
        return f"not {words}" if self.negated else words

    @property
    def shape(self) -> tuple[str, bool, Hashable]:
        """Return all that the SQL text depends on; the values are bound."""
        return (self.field.key, self.negated, self.field.kind.shape(self.values))

    def parameters(self) -> Mapping[str, Any]:
        """Return the bound parameters."""
        name = _name(self.field.key, negated=self.negated)
        return self.field.kind.parameters(name, self.values)


@dataclass(frozen=True, slots=True)
class Filter:
    """Conditions that must all hold. `Filter()` lets everything through."""

    conditions: tuple[Condition, ...] = ()

    @classmethod
    def parse(
        cls,
        asked: str | Iterable[tuple[str, str]] = (),
        *,
        now: datetime | None = None,
        zone: tzinfo = UTC,
    ) -> Filter:
        """Return the filter that a query string, or its decoded pairs, asks for.

        Args:
            asked: "asset=ETH&type!=fee", or [("asset", "ETH"), ("type!", "fee")].
                Empty values ask for nothing, as a form sends them.
            now: what relative dates count from; the clock's time where not given.
            zone: whose days dates mean.

        Raises:
            BadFilter: an unknown key, or a value that its key cannot have; names both and the cure.

        >>> Filter.parse("type!=fee&asset=eth&asset=BTC").sentence()
        'not of type fee, of BTC or eth'
        """
        if isinstance(asked, str):
            asked = parse_qsl(asked.removeprefix("?"), keep_blank_values=True)
        asker = Asker((now or datetime.now(UTC)).astimezone(zone).date(), zone)
        texts: dict[tuple[str, bool], set[str]] = {}
        for key, text in asked:
            if text := text.strip():
                texts.setdefault(_known(key), set()).add(text)
        order = {field.key: number for number, field in enumerate(FIELDS)}
        keys = sorted(texts, key=lambda pair: (order[pair[0]], pair[1]))
        return cls(tuple(_condition(*key, sorted(texts[key]), asker) for key in keys))

    def pairs(self) -> list[tuple[str, str]]:
        """Return the filter as key and text, in canonical order; `parse` takes them back."""
        return [(each.key, text) for each in self.conditions for text in each.texts]

    def query(self) -> str:
        """Return the filter as a query string."""
        return urlencode(self.pairs())

    def sentence(self) -> str:
        """Return the filter in English; "" where everything is let through."""
        return ", ".join(each.words for each in self.conditions)

    @property
    def shape(self) -> Shape:
        """Return all that the SQL text of the filter depends on."""
        return tuple(each.shape for each in self.conditions)

    def parameters(self) -> dict[str, Any]:
        """Return what the filter binds in a statement of its shape."""
        bound: dict[str, Any] = {}
        for each in self.conditions:
            bound.update(each.parameters())
        return bound

    def named_parameters(self) -> dict[str, Any]:
        """Return what `strangers` of its shape binds."""
        named = [each for each in self.conditions if each.field.named is not None]
        return {name: value for each in named for name, value in each.parameters().items()}

    def clauses(self) -> list[ColumnElement[bool]]:
        """Return the conditions as SQL over `tables.transactions`."""
        return clauses(self.shape)


#: The filter that lets everything through.
EVERYTHING = Filter()


def clauses(shape: Shape, *, led: bool = False) -> list[ColumnElement[bool]]:
    """Return the SQL over `tables.transactions` of every filter of that shape.

    Positive conditions on a movement (asset, amount, direction) must hold for one and the same
    movement: "ETH, more than 10" means more than 10 ETH.

    Args:
        shape: of the filter.
        led: whether transactions are found otherwise, and only asked.
    """
    scene = Scene(tables.movements.alias("m"), led)
    together: list[ColumnElement[bool]] = []
    apart: list[ColumnElement[bool]] = []
    for key, negated, values in shape:
        field = BY_KEY[key]
        sql = field.kind.build(_name(key, negated=negated), values, scene)
        if field.on_movement and not negated:
            together.append(sql)
        elif negated:
            apart.append((moved(scene, sql) if field.on_movement else sql).is_not(True))
        else:
            apart.append(sql)
    return [moved(scene, *together), *apart] if together else apart


@dataclass(frozen=True, slots=True)
class Finders:
    """What finds the transactions of a filter."""

    lists: tuple[Listing, ...]
    sets: tuple[Heap, ...]
    unique: bool  # few transactions are meant
    sole: Listing | None  # the one list that says all but days


@lru_cache(maxsize=128)
def finders(shape: Shape) -> Finders:
    """Return what finds the transactions of every filter of that shape.

    Nothing finds what a negated condition means: it is asked of what the others find. All searches
    of one statement share them, and what they look up.
    """
    asked = [part for part in shape if not part[1]]
    lists: list[Listing] = []
    sets: list[Heap] = []
    for key, _, values in asked:
        field = BY_KEY[key]
        about = field.kind.asked(_name(key, negated=False), values)
        if field.lists and (listed := field.lists(about)) is not None:
            lists.append(listed)
        if field.found and (found := field.found(about)) is not None:
            sets.append(found)
    keys = {key for key, *_ in asked}
    sole = len(lists) == 1 and {(key, False) for key in (lists[0].key, "date")} >= {
        (key, negated) for key, negated, _ in shape
    }
    if sole:
        lists = [lists[0].alone or lists[0]]
    return Finders(
        tuple(sorted(lists, key=lambda each: LIKELY.index(each.key))),
        tuple(sets),
        any(BY_KEY[key].unique for key in keys),
        lists[0] if sole else None,
    )


def needs_others(shape: Shape) -> bool:
    """Return whether other tables are asked about each transaction."""
    return any(BY_KEY[key].elsewhere for key, *_ in shape)


def named_keys(shape: Shape) -> list[str]:
    """Return the key of each condition whose values are names that must exist."""
    return [key for key, _, _ in shape if BY_KEY[key].named is not None]


def strangers(shape: Shape) -> list[ColumnElement[Any]]:
    """Return, for each of the `named_keys`, SQL for the array of its unknown names."""
    named = [part for part in shape if BY_KEY[part[0]].named is not None]
    return [
        _unborne(BY_KEY[key], _name(key, negated=negated), values).label(f"stranger_{number}")
        for number, (key, negated, values) in enumerate(named)
    ]


def refuse_strangers(where: Filter, found: Iterable[Sequence[str]]) -> None:
    """Check what the columns of `strangers` hold.

    Raises:
        NotFound: the filter names a wallet, asset, label, contact or import that does not exist.
    """
    for key, names in zip(named_keys(where.shape), found, strict=True):
        if names:
            raise NotFound(key, names[0])


def _known(key: str) -> tuple[str, bool]:
    name = key.removesuffix("!")
    if name not in BY_KEY:
        known = ", ".join(BY_KEY)
        raise BadFilter(_cut(key), f"there is no such filter; there are {known}")
    return name, key.endswith("!")


def _condition(key: str, negated: bool, texts: list[str], asker: Asker) -> Condition:  # noqa: FBT001
    field = BY_KEY[key]
    if len(texts) > MOST:
        raise BadFilter(key, f"at most {MOST} values at once, not {len(texts)}")
    values: dict[Hashable, None] = {}
    for text in texts:
        if len(text) > LONGEST:
            raise BadFilter(key, f"{_cut(text)!r} is too long; at most {LONGEST} characters")
        if not _is_storable(text):
            raise BadFilter(key, f"{text!r} holds what is no character; type it again")
        try:
            values.update(dict.fromkeys(field.parse(text, asker)))
        except ValueError as error:
            raise BadFilter(key, str(error)) from None
    return Condition(field, negated, tuple(texts), tuple(values))


def _name(key: str, *, negated: bool) -> str:
    """Return the name of a condition's bound parameter."""
    return f"{'not_' * negated}{key}"


def _unborne(field: Field, name: str, shape: Hashable) -> ColumnElement[Any]:
    assert isinstance(field.kind, AnyOf)  # noqa: S101 (what names something is matched by value)
    assert field.named is not None  # noqa: S101 (strangers() asks for such only)
    value, fold = field.kind.values(name, shape).each(), field.kind.fold
    nobody = ~exists().where(fold(field.named) == fold(value))
    return func.array(select(value).where(nobody).scalar_subquery())


def _spoken(text: str) -> str:
    low, dots, high = text.partition("..")
    if not dots:
        return text
    return " ".join(filter(None, [low and f"from {low}", high and f"up to {high}"]))


def _is_storable(text: str) -> bool:
    """Return whether PostgreSQL can hold it: no NUL, no half of a surrogate pair."""
    return "\0" not in text and text == text.encode(errors="replace").decode()


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"
