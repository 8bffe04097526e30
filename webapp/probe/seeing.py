"""Whether a text shows a value: in HTML, in JSON, as a number in whatever style.

>>> shown("<td>1.234.567,50 €</td>", ["rent", Decimal("1234567.5")])
frozenset({1})
"""

from __future__ import annotations

import html
import json
import re
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

TELLING = 4  # characters or digits; fewer stand on a page by chance
ESCAPES = re.compile(r'\\(?:u[0-9a-fA-F]{4}(?:\\u[0-9a-fA-F]{4})*|["\\/bfnrt])')
SPACES = re.compile(r"\s+")
#: What stands between groups of three digits; any white space has become one space before.
GROUP = "[.,_'\u2019 ]"
#: Neither the end of a longer number nor the start of one.
BARE_BEFORE, GROUPED_BEFORE = r"(?<!\d)(?<!\d\.)", "(?<!\\d)(?<!\\d[.,_'\u2019])"
BEHIND = "(?!\\d)(?!\\.\\d)(?![,'\u2019]\\d{3}(?!\\d))"


def shown(page: str, values: Sequence[object]) -> frozenset[int]:
    """Return the positions of the values that a page shows."""
    readings = _readings(page)
    return frozenset(
        position
        for position, value in enumerate(values)
        if any(_appears(value, reading) for reading in readings)
    )


def is_telling(value: object) -> bool:
    """Return whether a value on a page is likely to be this one, and none by chance.

    >>> is_telling("rent for march"), is_telling(7), is_telling(None)
    (True, False, False)
    """
    if isinstance(value, str):
        return len(value.strip()) >= TELLING
    return value is not None and sum(map(str.isdigit, _plain(value).strip("0"))) >= TELLING


def _readings(page: str) -> tuple[str, ...]:
    """Return the text as it stands, and as HTML and JSON mean it."""
    unescaped = html.unescape(page)
    meant = ESCAPES.sub(lambda found: str(json.loads(f'"{found[0]}"')), unescaped)
    return tuple({_squeezed(each): None for each in (page, unescaped, meant)})


def _squeezed(text: str) -> str:
    return SPACES.sub(" ", text)


def _appears(value: object, reading: str) -> bool:
    if value is None or (isinstance(value, str) and not value.strip()):
        return False  # nothing to be seen
    if isinstance(value, str):
        return _squeezed(value.strip()) in reading
    return bool(_number(_plain(value)).search(reading))


def _plain(value: object) -> str:
    """Return a number's digits without sign, exponent and empty decimals.

    >>> _plain(Decimal("-1.50E+3")), _plain(0.5)
    ('1500', '0.5')
    """
    digits = format(Decimal(str(value)), "f").lstrip("-")
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


@cache
def _number(digits: str) -> re.Pattern[str]:
    """Return what finds a number in any style: 1234567.5, 1,234,567.50, 1 234 567,5."""
    whole, _, behind = digits.partition(".")
    first = len(whole) % 3 or 3
    groups = [whole[:first], *(whole[at : at + 3] for at in range(first, len(whole), 3))]
    decimals = rf"[.,]{behind}0*" if behind else r"(?:[.,]0+)?"
    either = rf"(?:{BARE_BEFORE}{whole}|{GROUPED_BEFORE}{GROUP.join(groups)})"
    return re.compile(either + decimals + BEHIND)
