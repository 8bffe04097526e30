"""Where the text of a cell becomes a value. Nothing else in the importers reads text.

Every function either returns an exact value or raises `Unusable`, whose words name the column,
what stood there and the cure. No arithmetic of the default decimal context happens here: it would
keep 28 digits and cut the rest silently.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

ZERO: Final = Decimal(0)
LONGEST_NOTE: Final = 10_000  # characters
LONGEST_NAME: Final = 100  # characters of a symbol, an id, a hash
DIGITS: Final = 120  # on either side of the point: 2^256 has 78, a coin 18 decimals

_PLAIN = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)", re.ASCII)
_MONEY = re.compile(
    r"(?P<sign>[-+]?)\s*(?P<mark>[€$£¥]?)\s*(?P<after>-?)"
    r"(?P<number>(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d*)?(?:[eE][-+]?\d{1,4})?)"
    r"\s*(?P<unit>[A-Z][A-Z0-9]{1,9})?",
    re.ASCII,
)
_MARKS = {"€": "EUR", "$": "USD", "£": "GBP", "¥": "JPY", "": ""}
_ISO = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?\s*(?:Z|UTC|GMT|[-+]\d\d:?\d\d)?",
    re.ASCII | re.IGNORECASE,
)
_SLASHED = re.compile(
    r"(\d{1,2})/(\d{1,2})/(\d{4}|\d\d)(?:,?\s+(\d{1,2}):(\d\d)(?::(\d\d))?\s*([AP]M)?)?",
    re.ASCII | re.IGNORECASE,
)
_ZONED = re.compile(r".*\d\s*(?:Z|UTC|GMT|:\S*[-+]\d\d:?\d\d)", re.ASCII | re.IGNORECASE)
_RISKY = frozenset("'=+-@\t\r\n")
_FORMULA = re.compile(r"'*[=+\-@\t\r\n]")
_EVM_HASH = re.compile(r"0x[0-9a-z]{64}", re.ASCII)


class Unusable(Exception):
    """A row that is damaged: it gets rejected, with this reason."""


class NotBookable(Exception):
    """A row that is right but moves nothing in this ledger: it gets skipped, with this reason."""


def clip(text: str, most: int = 40) -> str:
    """A text short enough for a message or a name, and without NUL, which no message may hold."""
    clean = text.replace("\0", "\ufffd")
    return clean if len(clean) <= most else clean[: most - 1] + "…"


# ── Amounts ──────────────────────────────────────────────────────────────────────────────────


def money(text: str, column: str) -> Decimal:
    """An amount, exactly as many digits as are written.

    Understands thousands commas, an exponent, and a currency before or behind the number.

    >>> money("-€190,720.883372992770398294", "Total")
    Decimal('-190720.883372992770398294')

    Raises:
        Unusable: empty, not a number, not finite, or larger than any amount can be.
    """
    return priced(text, column)[0]


def money_or_zero(text: str, column: str) -> Decimal:
    """An amount, or 0 for an empty cell. Raises as `money`."""
    return priced(text, column)[0] if text.strip() else ZERO


def priced(text: str, column: str) -> tuple[Decimal, str]:
    """An amount and the currency written beside it, "" where there is none. Raises as `money`."""
    clean = text.strip()
    if len(clean) <= DIGITS and _PLAIN.fullmatch(clean):
        return Decimal(clean), ""
    found = _MONEY.fullmatch(clean) if len(clean) <= 4 * DIGITS else None
    number = found["number"].replace(",", "") if found else ""
    if found is None or not number.strip(".")[:1].isdigit() or (found["sign"] and found["after"]):
        raise Unusable(
            f"{column}: “{clip(clean)}” is not an amount; write digits and a decimal point,"
            " such as 1234.56"
        )
    amount = Decimal((found["sign"] or found["after"]) + number)
    if amount.adjusted() >= DIGITS or int(amount.as_tuple().exponent) <= -DIGITS:
        raise Unusable(f"{column}: “{clip(clean)}” is not an amount that any asset can have")
    return amount, found["unit"] or _MARKS[found["mark"]]


def plain(amount: Decimal) -> str:
    """An amount as the shortest plain text, so that equal amounts have equal keys.

    >>> plain(Decimal("1E+3")), plain(Decimal("0.500"))
    ('1000', '0.5')
    """
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


# ── Times ────────────────────────────────────────────────────────────────────────────────────


def when(text: str, column: str) -> datetime:
    """A time in UTC. One without a zone is taken as UTC; 9/11/2017 is month/day/year.

    >>> when("9/11/2017 2:26:41 PM", "DateTime")
    datetime.datetime(2017, 9, 11, 14, 26, 41, tzinfo=datetime.timezone.utc)

    Raises:
        Unusable: empty, in no known form, or a day that no calendar has.
    """
    clean = text.strip()
    try:
        if _ISO.fullmatch(clean):
            return _iso(clean)
        if found := _SLASHED.fullmatch(clean):
            return _slashed(*found.groups())
    except (ValueError, OverflowError):
        pass
    raise Unusable(
        f"{column}: “{clip(clean)}” is not a time; write it as 2024-12-31 23:59:59"
        " (or month/day/year) in UTC"
    )


def _iso(text: str) -> datetime:
    upper = text.upper()
    for zero in ("Z", "UTC", "GMT"):
        upper = upper.removesuffix(zero)
    at = datetime.fromisoformat(upper.rstrip())
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _slashed(month: str, day: str, year: str, *clock: str | None) -> datetime:
    hour, minute, second, half = clock
    hours = int(hour or 0)
    if half:
        if not 1 <= hours <= 12:  # noqa: PLR2004
            raise ValueError(hours)
        hours = hours % 12 + (12 if half.upper() == "PM" else 0)
    # Two digits mean 1969 to 2068, as in POSIX.
    years = int(year) + (0 if len(year) > 2 else 1900 if int(year) > 68 else 2000)  # noqa: PLR2004
    return datetime(
        years, int(month), int(day), hours, int(minute or 0), int(second or 0), tzinfo=UTC
    )


def has_zone(text: str) -> bool:
    """Whether a time says which zone it is in."""
    return _ZONED.fullmatch(text.strip()) is not None


def unix(text: str, column: str) -> datetime:
    """A time in UTC from whole seconds since 1970.

    Raises:
        Unusable: not a number, or beyond the calendar.
    """
    clean = text.strip()
    if clean.isascii() and clean.isdigit() and len(clean) < 12:  # noqa: PLR2004
        try:
            return datetime.fromtimestamp(int(clean), UTC)
        except (ValueError, OverflowError, OSError):
            pass
    raise Unusable(f"{column}: “{clip(clean)}” is not a time in seconds since 1970")


# ── Names ────────────────────────────────────────────────────────────────────────────────────


def is_hash(text: str) -> bool:
    """Whether it is the hash of a transaction on an EVM network."""
    return _EVM_HASH.fullmatch(text.strip().lower()) is not None


def evm_hash(text: str, column: str) -> str:
    """The hash of a transaction on an EVM network, in lower case.

    Letters beyond f are let through: some chains' explorers and many test exports have them.

    Raises:
        Unusable: not 0x and 64 characters.
    """
    clean = text.strip().lower()
    if not _EVM_HASH.fullmatch(clean):
        raise Unusable(
            f"{column}: “{clip(clean)}” is not a transaction hash (0x and 64 characters);"
            " export the file again"
        )
    return clean


def symbol(text: str, column: str) -> str:
    """What an asset is called.

    Raises:
        Unusable: empty or too long to be one.
    """
    clean = text.strip()
    if not clean:
        raise Unusable(f"{column} is empty beside an amount; write the asset's symbol there")
    return fits(clean, column)


def fits(text: str, column: str, most: int = LONGEST_NAME) -> str:
    """The text without the spaces around it.

    Raises:
        Unusable: longer than `most` characters.
    """
    clean = text.strip()
    if len(clean) > most:
        raise Unusable(f"{column} has {len(clean)} characters, {most} fit; shorten it")
    return clean


def note(text: str, column: str) -> str:
    """Free text. Raises `Unusable` beyond 10,000 characters."""
    return fits(text, column, LONGEST_NOTE)


def defused(text: str) -> str:
    """The text for a spreadsheet, which would run what begins with =, +, - or @ as a formula.

    >>> defused("=1+1"), defused("'=1+1"), defused("'tis")
    ("'=1+1", "''=1+1", "'tis")
    """
    return f"'{text}" if text[:1] in _RISKY and _FORMULA.match(text) else text


def undefused(text: str) -> str:
    """The text that `defused` was given."""
    return text[1:] if text[:1] == "'" and _FORMULA.match(text, 1) else text


def fingerprint(cells: list[str]) -> str:
    """What stands for the id of a row that has none: equal for equal rows of any two files."""
    stripped = [cell.strip() for cell in cells]
    while stripped and not stripped[-1]:
        stripped.pop()
    return hashlib.sha256("\x1f".join(stripped).encode("utf-8", "replace")).hexdigest()[:32]
