"""Links that keep the filter: only this, not this, without that, the other way round.

The rest of the query is encoded once per key, so that a page's hundreds of links cost little.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import quote_plus, urlsplit

from dal.keyset import NEWEST_FIRST, USUAL, seal
from webapp.scope import ENDPOINT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dal.filters import Filter
    from dal.keyset import Cursor

LIST = "/transactions"
#: Takes out what is no letter or digit and means itself in a query, and the blank.
PLAIN = str.maketrans("", "", " -._~")


class Links:
    """The links of one list: a filter, an order and a size, each of which a link may change.

    Args:
        where: the filter.
        order: its key.
        size: rows of a page.
        key: what signs cursors; only needed for links to other pages of the list.
    """

    def __init__(self, where: Filter, order: str, size: int, key: bytes = b"") -> None:
        self._where = where
        self.pairs = where.pairs()
        self._order = order
        self._size = size
        self._key = key
        self._prefixes: dict[tuple[str, bool], str] = {}

    def only(self, key: str, value: str) -> str:
        """Return the list narrowed to one value of a key, whatever that key said before."""
        return self.prefix(key) + quoted(value)

    def prefix(self, key: str, *, negated: bool = False) -> str:
        """Return the beginning of a link that narrows to a value, or leaves it out."""
        found = self._prefixes.get((key, negated))
        if found is None:
            kept = [pair for pair in self.pairs if self._stays(pair[0], key, negated=negated)]
            start = self._url(kept)
            joint = "&" if "?" in start else "?"
            found = f"{start}{joint}{key}{'%21' * negated}="
            self._prefixes[key, negated] = found
        return found

    def _stays(self, other: str, key: str, *, negated: bool) -> bool:
        """Return whether a condition stays: of several values, one can be left out."""
        if other.removesuffix("!") != key:
            return True
        several = sum(name == key for name, _ in self.pairs) > 1
        return negated and (other.endswith("!") or several)

    def without(self, key: str, value: str) -> str:
        """Return the list without one value of a condition."""
        return self._url(pair for pair in self.pairs if pair != (key, value))

    def flipped(self, key: str) -> str:
        """Return the list with "is" and "is not" of one condition exchanged."""
        other = key.removesuffix("!") if key.endswith("!") else f"{key}!"
        return self._url((other if name == key else name, text) for name, text in self.pairs)

    def ordered(self, order: str) -> str:
        """Return the list in another order."""
        return self._url(self.pairs, order=order)

    def sized(self, size: int) -> str:
        """Return the list in pages of another size."""
        return self._url(self.pairs, size=size)

    def at(self, cursor: Cursor | None) -> str | None:
        """Return the page at a place, if there is one."""
        if cursor is None:
            return None
        found = seal(cursor, ENDPOINT, self._where, self._key)  # of letters that mean themselves
        return f"{self.first}{'&' if '?' in self.first else '?'}cursor={found}"

    @cached_property
    def arranged(self) -> list[tuple[str, str]]:
        """Return order and size as pairs, where they are not the usual ones."""
        return _arranged(self._order, self._size)

    @cached_property
    def first(self) -> str:
        """Return the first page."""
        return self._url(self.pairs)

    @cached_property
    def totals(self) -> str:
        """Return the page of exact figures."""
        return f"{LIST}/totals" + self.first.removeprefix(LIST)

    def exported(self, form: str) -> str:
        """Return the whole list as a file."""
        return f"{LIST}/export.{form}" + self.ordered(self._order).removeprefix(LIST)

    def _url(
        self,
        pairs: Iterable[tuple[str, str]],
        *,
        order: str = "",
        size: int = 0,
    ) -> str:
        query = [*pairs, *_arranged(order or self._order, size or self._size)]
        text = "&".join(f"{quoted(key)}={quoted(value)}" for key, value in query)
        return f"{LIST}?{text}" if query else LIST


def quoted(value: str) -> str:
    """Return a value as it stands in a query: nothing in it means anything to HTML any more.

    >>> quoted("0xab12"), quoted("my-wallet 1"), quoted("a & <b> 'c'")
    ('0xab12', 'my-wallet+1', 'a+%26+%3Cb%3E+%27c%27')
    """
    if value.isascii():
        if value.isalnum():  # as addresses and most symbols are
            return value
        if value.translate(PLAIN).isalnum():  # as most names are
            return value.replace(" ", "+")
    return quote_plus(value)


def _arranged(order: str, size: int) -> list[tuple[str, str]]:
    pairs = [("order", order)] if order != NEWEST_FIRST.key else []
    return [*pairs, ("size", str(size))] if size != USUAL else pairs


def local(text: str, otherwise: str = LIST) -> str:
    r"""Return a link if it leads to a page of our own, else `otherwise`.

    >>> local("/labels"), local("//evil.example/"), local("/\\evil.example/")
    ('/labels', '/transactions', '/transactions')
    """
    safe = text.startswith("/") and text.isprintable() and "\\" not in text
    parts = urlsplit(text) if safe and not text.startswith("//") else None
    return text if parts and not parts.scheme and not parts.netloc else otherwise
