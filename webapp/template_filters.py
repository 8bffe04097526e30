"""How values look. An amount is never rounded in silence: what is cut off leaves a mark."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from dal import addresses

if TYPE_CHECKING:
    from datetime import datetime, tzinfo
    from decimal import Decimal

    from flask import Flask

#: Digits behind the point of what is at least 1; of what is less, those that a satoshi needs, or
#: so many significant ones.
BEHIND, FINE, SIGNIFICANT = 4, 8, 4
GROUP = 3  # digits ahead of the point that stand together
MINUS, TIMES = "\N{MINUS SIGN}", "\N{MULTIPLICATION SIGN}"
#: Beyond these powers of ten, zeros are counted instead of written.
LARGE, SMALL = 15, -8
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
GLYPHS = {
    "receive": "↓",
    "send": "↑",
    "transfer": "→",
    "trade": "⇄",
    "deposit": "⤓",
    "withdrawal": "⤒",
    "fee": "·",
    "reward": "★",
    "airdrop": "✦",
    "gift": "♡",
    "payment": "▫",
    "income": "+",
    "loan": "%",
    "mint": "✚",
    "burn": "✕",
    "approval": "✓",
    "contract_call": "ƒ",
    "other": "○",
}


class Amount(NamedTuple):
    """An amount to look at: its sign apart, its parts to be set left and right of a point."""

    sign: str  # a minus, "+" or ""
    whole: str  # "1,234"
    fraction: str  # ".5678", or "" for a whole number
    mark: str  # "…" where digits are left out, or a power of ten
    exact: str  # all of it, as a script reads it

    def __str__(self) -> str:
        return f"{self.sign}{self.whole}{self.fraction}{self.mark}"


def plain(value: Decimal) -> str:
    """Return all digits of an amount, without exponent or needless zeros.

    >>> from decimal import Decimal
    >>> plain(Decimal("1.500")), plain(Decimal("0E-18")), plain(Decimal("1E+3"))
    ('1.5', '0', '1000')
    """
    text = f"{value:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def amount(value: Decimal, *, signed: bool = False) -> Amount:
    """Return an amount to look at; cut, never rounded up.

    >>> from decimal import Decimal
    >>> str(amount(Decimal("1234.56789"))), str(amount(Decimal("0.000123456789")))
    ('1,234.5678…', '0.0001234…')
    >>> str(amount(Decimal("0.00081581"))), str(amount(Decimal("2.50"), signed=True))
    ('0.00081581', '+2.5')
    """
    exact = plain(value)
    negative = exact.startswith("-")
    sign = MINUS if negative else "+" * (signed and exact != "0")
    whole, _, fraction = (exact[1:] if negative else exact).partition(".")
    power = value.adjusted() if whole == "0" else len(whole) - 1
    if (power > LARGE or power < SMALL) and exact != "0":
        return _scientific(sign, exact, power)
    fine = len(fraction) if len(fraction) <= FINE else SIGNIFICANT - 1 - power
    kept = fraction[: BEHIND if power >= 0 else fine]
    whole = f"{int(whole):,}" if len(whole) > GROUP else whole
    return Amount(sign, whole, kept and f".{kept}", "…" * (kept != fraction), exact)


def _scientific(sign: str, exact: str, power: int) -> Amount:
    digits = exact.translate({ord("-"): None, ord("."): None}).strip("0")
    kept = digits[1:BEHIND]
    cut = "…" * (len(digits) > BEHIND)
    mark = f"{cut}{TIMES}10{str(power).translate(RAISED)}"
    return Amount(sign, digits[0], kept and f".{kept}", mark, exact)


@lru_cache(maxsize=16_384)
def full_address(network: str, address: str) -> str:
    """Return an address in its usual form. Its checksum is worth remembering: it costs a hash."""
    return addresses.display(network, address)


def short_address(network: str, address: str) -> str:
    """Return both ends of an address in its usual form."""
    return addresses.short(full_address(network, address))


def network_title(network: str) -> str:
    """Return what a network is called."""
    known = addresses.NETWORKS.get(network)
    return known.title if known else network


def utc(moment: datetime) -> str:
    """Return an instant for machines, and for those who want to know exactly.

    >>> from datetime import UTC, datetime
    >>> utc(datetime(2024, 3, 5, 14, 3, 22, tzinfo=UTC))
    '2024-03-05T14:03:22Z'
    """
    return moment.isoformat().replace("+00:00", "Z")


def when(moment: datetime, zone: tzinfo) -> str:
    """Return date and time in a zone."""
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S}"


def words(text: str) -> str:
    """Return a word of a closed list as people write it.

    >>> words("contract_call")
    'contract call'
    """
    return text.replace("_", " ")


def count(number: int, noun: str) -> str:
    """Return a number with its noun.

    >>> count(1, "row"), count(1200, "row"), count(2, "address")
    ('1 row', '1,200 rows', '2 addresses')
    """
    ending = "" if number == 1 else "es" if noun.endswith("s") else "s"
    return f"{number:,} {noun}{ending}"


def install(app: Flask) -> None:
    """Let templates use these."""
    for function in (amount, full_address, short_address, network_title, utc, when, words, count):
        app.jinja_env.filters[function.__name__] = function
