"""What an answer's headers let a browser or a proxy do with it.

HTTP caching: https://www.rfc-editor.org/rfc/rfc9111
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Headers that say something about caching, in the order in which a reader wants them.
TOLD = ("cache-control", "expires", "age", "x-cache", "cf-cache-status", "x-cache-status",
        "etag", "last-modified", "vary", "pragma", "via")  # fmt: skip
HIT = re.compile(r"\bhit\b", re.IGNORECASE)
HEURISTIC = 10  # a browser may keep a page for a tenth of its age


@dataclass(frozen=True, slots=True)
class Caching:
    """For how long somebody may show this answer again without asking."""

    seconds: int = 0  # in a browser; 0: it must ask
    shared: int = 0  # in a proxy or CDN
    why: str = ""  # which header says so
    kept: str = ""  # which header shows that this very answer came out of a cache


def caching(headers: Mapping[str, str]) -> Caching:
    """Return what the headers (in lower case) allow.

    >>> caching({"cache-control": "public, max-age=60"}).seconds
    60
    >>> caching({"cache-control": "no-store"})
    Caching(seconds=0, shared=0, why='', kept='')
    """
    kept = _kept(headers)
    orders = _orders(headers.get("cache-control", ""))
    if {"no-store", "no-cache"} & set(orders):
        return Caching(kept=kept)
    for lasts in (_by_age, _by_expiry, _by_guess):
        if found := lasts(headers, orders):
            own, why = found
            shared = 0 if "private" in orders else _seconds(orders.get("s-maxage"), own)
            return Caching(own, shared, why, kept) if own or shared else Caching(kept=kept)
    return Caching(kept=kept)


def told(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that say something about caching."""
    return {name: headers[name] for name in TOLD if name in headers}


def validators(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers with which a browser asks whether its copy is still right."""
    pairs = (("etag", "If-None-Match"), ("last-modified", "If-Modified-Since"))
    return {asked: headers[name] for name, asked in pairs if name in headers}


def _orders(text: str) -> dict[str, str]:
    parts = (part.strip().partition("=") for part in text.lower().split(","))
    return {name: value.strip('"') for name, _, value in parts if name}


def _seconds(text: str | None, default: int) -> int:
    return int(text) if text and text.isdecimal() else default


def _by_age(headers: Mapping[str, str], orders: Mapping[str, str]) -> tuple[int, str] | None:
    if not {"max-age", "s-maxage"} & set(orders):
        return None
    return _seconds(orders.get("max-age"), 0), f"Cache-Control: {headers['cache-control']}"


def _by_expiry(headers: Mapping[str, str], _orders: Mapping[str, str]) -> tuple[int, str] | None:
    if "expires" not in headers:
        return None
    lasts = _between(headers.get("date", ""), headers["expires"])
    return max(lasts or 0, 0), f"Expires: {headers['expires']}"


def _by_guess(headers: Mapping[str, str], _orders: Mapping[str, str]) -> tuple[int, str] | None:
    if "last-modified" not in headers:
        return None
    old = _between(headers["last-modified"], headers.get("date", "")) or 0
    words = "Last-Modified without Cache-Control, from which browsers guess"
    return max(old, 0) // HEURISTIC, words


def _between(start: str, end: str) -> int | None:
    try:
        return int((parsedate_to_datetime(end) - parsedate_to_datetime(start)).total_seconds())
    except (ValueError, TypeError):  # no date, or one without a zone
        return None


def _kept(headers: Mapping[str, str]) -> str:
    if _seconds(headers.get("age"), 0):
        return f"Age: {headers['age']}"
    for name in ("x-cache", "cf-cache-status", "x-cache-status"):
        if HIT.search(headers.get(name, "")):
            return f"{name.title()}: {headers[name]}"
    return ""
