"""Made-up values that a column can hold, and that a page can be searched for.

Each is unlike what stands on a page anyway: thirteen letters and digits, or nine digits; shorter
where the column is, and refused where it would be too short to be told apart.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import types

from dal.errors import BadInput

if TYPE_CHECKING:
    from random import Random

    from sqlalchemy.types import TypeEngine

LETTERS = "abcdefghjkmnpqrstuvwxyz"  # without those that look like digits
DIGITS = "23456789"
PREFIX, LONGEST = "probe", 13
TELLING = 4  # characters or digits that are unlikely to stand on a page by chance
#: The largest values of the whole numbers that are smaller than 32 bits.
LARGEST = {"TINYINT": 127, "SMALLINT": 32_767, "MEDIUMINT": 8_388_607}
LARGEST_32 = 2_147_483_647
WHOLE, PLACES = 7, 2  # digits before and behind the point: few, as pages round
EXACT = ("25", "75")  # also where the database, or the application, takes it for binary

Value = str | int | Decimal


def marker(kind: TypeEngine[Any], dice: Random) -> Value:
    """Return a new value for a column of this type.

    Raises:
        BadInput: a column of this type cannot be marked; says what to try.
    """
    if isinstance(kind, types.Enum | types.Boolean) or type(kind).__name__ in {"SET", "YEAR"}:
        raise _refused(f"{kind!r} takes a few values only")
    if isinstance(kind, types.Integer):
        return _integer(LARGEST.get(type(kind).__name__, LARGEST_32), dice)
    if isinstance(kind, types.Float):
        return dice.randint(100_000, 999_999)  # six digits are exact in the smallest of them
    if isinstance(kind, types.Numeric):
        return _decimal(kind.precision, kind.scale, dice)
    if isinstance(kind, types.String):
        return _text(kind.length, dice)
    raise _refused(f"{_name(kind)} is neither text nor a number")


def like(old: object, dice: Random) -> Value:
    """Return a new value of the type of another one, where no column is known.

    >>> from random import Random
    >>> type(like("12.50", Random(1))), len(str(like("rent", Random(1))))
    (<class 'str'>, 13)
    """
    if isinstance(old, int) and not isinstance(old, bool):
        return _integer(LARGEST["SMALLINT"], dice)  # fits the others too
    if isinstance(old, Decimal):
        return _decimal(TELLING + PLACES, PLACES, dice)
    if isinstance(old, str) and old.removeprefix("-").replace(".", "", 1).isdecimal():
        kind = Decimal(0) if "." in old else 0
        return str(like(kind, dice))  # fits text as well as a number
    if old is None or isinstance(old, str):
        return _text(None, dice)
    raise _refused(f"{old!r} is neither text nor a number")


def _integer(largest: int, dice: Random) -> int:
    digits = len(str(largest)) - (str(largest)[0] == "1" or largest == LARGEST_32)
    if digits < TELLING:
        raise _refused(f"it holds numbers up to {largest} only")
    return dice.randint(10 ** (digits - 1), min(largest, 10**digits - 1))


def _decimal(precision: int | None, scale: int | None, dice: Random) -> Decimal:
    places = PLACES if scale is None else scale
    whole = WHOLE if precision is None else max(min(precision - places, WHOLE), 0)
    behind = min(places, PLACES if whole + PLACES >= TELLING else TELLING)
    if whole + behind < TELLING:
        raise _refused("it has too few digits")
    front = dice.randint(10 ** (whole - 1), 10**whole - 1) if whole else 0
    back = dice.choice(EXACT) if behind == PLACES else "".join(dice.choices(DIGITS, k=behind))
    return Decimal(f"{front}.{back}" if back else f"{front}")


def _text(length: int | None, dice: Random) -> str:
    size = min(length or LONGEST, LONGEST)
    if size < TELLING:
        raise _refused(f"it holds {size} characters only")
    start = PREFIX if size >= len(PREFIX) + TELLING else dice.choice(LETTERS)
    return start + "".join(dice.choices(LETTERS + DIGITS, k=size - len(start)))


def _name(kind: TypeEngine[Any]) -> str:
    return type(kind).__name__.replace("_", " ").lower()


def _refused(why: str) -> BadInput:
    return BadInput(
        "column",
        f"this column cannot be marked: {why}; choose one of free text or of numbers of"
        f" {TELLING} digits or more that the page shows",
    )
