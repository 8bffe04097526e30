"""What is typed into a filter, as the values that it means.

Each function takes the text, trimmed, and whoever asks; it returns one value or several, any of
which will do, or raises `ValueError` in words that say what to write instead.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from dal import addresses, periods
from dal.errors import BadAddress
from dal.kinds import Range

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date, tzinfo
    from typing import Literal

#: Longer values name nothing that a ledger holds.
LONGEST = 200
#: Digits before or after the point: 2^256 has 78.
WIDEST = 120
#: What is on no network: an exchange booked it.
OFF_CHAIN = "none"

_NUMBER = r"\d+(?:\.\d*)?(?:[eE][+-]?\d{1,3})?|\.\d+(?:[eE][+-]?\d{1,3})?"
_AMOUNT = re.compile(rf"(>=|>|<=|<)?\s*({_NUMBER})", re.ASCII)
_AMOUNTS = re.compile(rf"({_NUMBER})?\s*\.\.\s*({_NUMBER})?", re.ASCII)
_BECH32 = re.compile(r"(bc|tb|ltc|addr|stake)1.*", re.ASCII | re.IGNORECASE)
_HEX = re.compile(r"[0-9a-fA-F]+", re.ASCII)
_IMPORT = re.compile(r"#?(\d{1,9})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Asker:
    """Whose day it is: what relative dates count from, and where a day begins."""

    today: date
    zone: tzinfo


def name(text: str, _asker: Asker) -> tuple[str, ...]:
    """Return a name, its accents composed as names are stored."""
    return (unicodedata.normalize("NFC", text),)


def symbol(text: str, _asker: Asker) -> tuple[str, ...]:
    """Return a symbol, as files write it."""
    return (text,)


def word(allowed: Sequence[str]) -> Callable[[str, Asker], tuple[str, ...]]:
    """Return the function that accepts words of a closed list, in any case.

    >>> word(("contract_call", "fee"))("Contract call", ...)
    ('contract_call',)
    """

    def parse(text: str, _asker: Asker) -> tuple[str, ...]:
        found = text.lower().replace(" ", "_").replace("-", "_")
        if found not in allowed:
            raise ValueError(f"{text!r} is none of {', '.join(allowed)}")
        return (found,)

    return parse


def network(text: str, _asker: Asker) -> tuple[str, ...]:
    """Return the name of a network or its alias; "none" is that of what an exchange booked.

    >>> network("ETH", ...), network("none", ...)
    (('ethereum',), ('',))
    """
    if text.casefold() == OFF_CHAIN:
        return ("",)
    try:
        return (addresses.network_name(text),)
    except BadAddress:
        known = ", ".join((OFF_CHAIN, *addresses.NETWORKS))
        raise ValueError(f"{text!r} is none of {known}") from None


def address(text: str, _asker: Asker) -> tuple[str, ...]:
    """Return an address as it is stored."""
    if re.search(r"\s", text):
        raise ValueError("an address has no spaces")
    lower = text.lower()
    if addresses.EVM.fullmatch(text):
        mixed = text[2:] not in (lower[2:], text[2:].upper())
        if mixed and addresses.eip55(lower)[2:] != text[2:]:
            raise ValueError(
                f"{text!r} has a wrong checksum: a typo? Copy it again, or write it in lower case"
            )
        return (lower,)
    one_case = text in (lower, text.upper())
    return (lower,) if lower[:2] == "0x" or (one_case and _BECH32.fullmatch(text)) else (text,)


def tx_hash(text: str, _asker: Asker) -> tuple[str, ...]:
    """Return a hash; hexadecimal is stored as its source writes it, so all cases are asked for."""
    if not _HEX.fullmatch(text.lower().removeprefix("0x")):
        return (text,)
    return tuple(dict.fromkeys((text.lower(), text, text.upper())))


def import_number(text: str, _asker: Asker) -> tuple[int, ...]:
    """Return an import's number.

    >>> import_number("#12", ...)
    (12,)
    """
    if not (found := _IMPORT.fullmatch(text)):
        raise ValueError(f"{text!r} is no import's number, as in 12")
    return (int(found[1]),)


def pattern(text: str, _asker: Asker) -> tuple[str, ...]:
    """Return the LIKE pattern of whatever contains the text."""
    return ("%" + re.sub(r"([\\%_])", r"\\\1", text) + "%",)


def dates(text: str, asker: Asker) -> tuple[Range, ...]:
    """Return a span of whole days of the asker's zone."""
    found = periods.span(text, asker.today, asker.zone)
    return (Range(found.start, (found.start and ">=") or "", found.end, (found.end and "<") or ""),)


def amounts(text: str, _asker: Asker) -> tuple[Range, ...]:
    """Return a range of amounts.

    >>> amounts(">0.5", ...)
    (Range(low=Decimal('0.5'), low_sign='>', high=None, high_sign=''),)
    """
    if found := _AMOUNTS.fullmatch(text):
        low, high = (_decimal(part) if part else None for part in found.groups())
        return (_between(low, high),)
    if found := _AMOUNT.fullmatch(text):
        return (_SIGNS[found[1]](_decimal(found[2])),)
    raise ValueError(f"{text!r} is no amount; write 10, 10..50, 10.., ..50, >10 or <0.5")


def _between(low: Decimal | None, high: Decimal | None) -> Range:
    if low is None and high is None:
        raise ValueError("name at least one end, as in 10..50, 10.. or ..50")
    if low is not None and high is not None and high < low:
        raise ValueError(f"{high} is less than {low}; write the smaller one first")
    return Range(low, "" if low is None else ">=", high, "" if high is None else "<=")


def _above(sign: Literal[">=", ">"]) -> Callable[[Decimal], Range]:
    return lambda value: Range(value, sign)


def _below(sign: Literal["<=", "<"]) -> Callable[[Decimal], Range]:
    return lambda value: Range(high=value, high_sign=sign)


_SIGNS: Mapping[str | None, Callable[[Decimal], Range]] = {
    ">": _above(">"),
    ">=": _above(">="),
    "<": _below("<"),
    "<=": _below("<="),
    None: lambda value: Range(value, ">=", value, "<="),
}


def _decimal(text: str) -> Decimal:
    value = Decimal(text)
    digits = value.as_tuple()
    if value.adjusted() > WIDEST or -int(digits.exponent) > WIDEST:
        raise ValueError(f"more than {WIDEST} digits before or after the point")
    return value
