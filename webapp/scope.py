"""The request, parsed once and typed: what every view may use, as attributes of `g`."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, cast
from urllib.parse import parse_qsl

from flask import g as flask_g, request
from flask.ctx import _AppCtxGlobals

from dal import keyset, periods, snapshots
from dal.errors import BadFilter, BadInput
from dal.filters import Filter
from webapp.pages.moment import Moment
from webapp.state import state, zone as known_zone

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from zoneinfo import ZoneInfo

    from dal.database import Connection, Ledger
    from dal.keyset import Cursor, Order
    from dal.moments import Snapshot
    from webapp.errors import Refusal

ENDPOINT = "transactions"  # what the cursors of the list are sealed for
RESERVED = ("order", "size", "cursor", "jump", "live")
#: Endpoints that take a filter, which judges its own keys.
FILTERED = frozenset({
    "transactions.index", "transactions.totals", "transactions.estimate", "transactions.row",
    "exports.as_csv", "exports.as_json",
})  # fmt: skip
#: The keys that other endpoints take; any other key is refused, never ignored.
KEYS: Mapping[str, frozenset[str]] = {
    "imports.show": frozenset({"outcome"}),
    "imports.download": frozenset({"outcome"}),
    "contacts.names": frozenset({"q"}),
    "transaction.show": frozenset({"history"}),
    "changes.stream": frozenset({"since"}),
}
THEMES = ("light", "dark")


class Scope(_AppCtxGlobals):
    """What is asked, of whom, and by whom."""

    refusal: Refusal | None = None  # why the page is shown again, with what was typed
    seen: Snapshot | None = None  # at which all that the answer says of the ledger is true
    _sealed: tuple[Snapshot, str] | None = None  # the page and its header say the same

    @cached_property
    def now(self) -> datetime:
        """Return when the request was read; aware, UTC."""
        return datetime.now(UTC)

    @cached_property
    def ledger(self) -> Ledger:
        """Return the ledger."""
        return state().books.ledger

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Yield a connection whose statements all see one snapshot, which the answer names."""
        with self.ledger.snapshot() as conn:
            self.seen = snapshots.taken(conn)
            yield conn

    @property
    def token(self) -> str:
        """Return the signed snapshot that the answer is true at; "" where nothing was read."""
        if self.seen is None:
            return ""
        if self._sealed is None or self._sealed[0] is not self.seen:
            self._sealed = self.seen, snapshots.seal(self.seen, state().snapshot_key)
        return self._sealed[1]

    @property
    def as_of(self) -> Moment | None:
        """Return when the answer was true, as the reader's clock shows it."""
        return Moment.of(self.seen.as_of, self.zone) if self.seen else None

    @cached_property
    def zone(self) -> ZoneInfo:
        """Return whose days and clock are meant: the browser's, else the configured zone."""
        return known_zone(request.cookies.get("tz", "")) or state().zone

    @cached_property
    def theme(self) -> str:
        """Return the chosen theme; "" leaves it to the system."""
        asked = request.cookies.get("theme", "")
        return asked if asked in THEMES else ""

    @cached_property
    def wants_json(self) -> bool:
        """Return whether the sender is a script."""
        return request.accept_mimetypes.best == "application/json"

    @cached_property
    def asked(self) -> list[tuple[str, str]]:
        """Return the query as pairs, without the empty ones that a form sends.

        Raises:
            BadFilter: it is not UTF-8.
        """
        try:
            pairs = parse_qsl(request.query_string.decode(), errors="strict")
        except UnicodeDecodeError:
            raise BadFilter("query", "the address is not UTF-8; copy it again") from None
        return [(key, text.strip()) for key, text in pairs if text.strip()]

    @cached_property
    def pairs(self) -> list[tuple[str, str]]:
        """Return what is asked of the filter, as typed."""
        return [pair for pair in self.asked if pair[0] not in RESERVED]

    @cached_property
    def where(self) -> Filter:
        """Return the filter."""
        return Filter.parse(self.pairs, now=self.now, zone=self.zone)

    @cached_property
    def order(self) -> Order:
        """Return the order."""
        return keyset.order(self.one("order") or keyset.NEWEST_FIRST.key)

    @cached_property
    def size(self) -> int:
        """Return the size of a page."""
        text = self.one("size")
        return keyset.page_size(text) if text else keyset.USUAL

    @cached_property
    def cursor(self) -> Cursor | None:
        """Return where the page begins; None: at the first row."""
        text, jump = self.one("cursor"), self.one("jump")
        if text:
            key = state().cursor_key
            return keyset.unseal(text, ENDPOINT, self.where, self.order, key)
        return self._day(jump) if jump else None

    @cached_property
    def live(self) -> bool:
        """Return whether an open page asks for itself anew."""
        return self.one("live") == "1"

    def _day(self, text: str) -> Cursor:
        """Return the place from which the page reads on with that day's rows."""
        try:
            day = periods.span(text, self.now.astimezone(self.zone).date(), self.zone)
        except ValueError as error:
            raise BadFilter("jump", str(error)) from None
        if day.start is None or day.end is None:
            raise BadFilter("jump", "name one day, month or year, as in 2024-03-05")
        last = day.end - timedelta(microseconds=1)
        instant = last if self.order.descending else day.start
        return keyset.Cursor.from_instant(self.order, instant)

    def one(self, key: str) -> str:
        """Return the value of a key that can be given once; "" where it is not."""
        texts = [text for name, text in self.asked if name == key]
        if len(texts) > 1:
            raise BadFilter(key, "is given twice; once is enough")
        return texts[0] if texts else ""


def check_request() -> None:
    """Refuse keys that nobody reads, and text that cannot be stored.

    Raises:
        BadInput: names the key.
    """
    if request.endpoint and request.endpoint not in FILTERED:
        known = KEYS.get(request.endpoint, frozenset())
        for key, text in g.asked:
            if key not in known:
                raise BadInput(key[:40], "this page knows no such key; take it out of the address")
            _check_text(key, text)
    for key, text in request.form.items(multi=True):
        _check_text(key, text)


def _check_text(key: str, text: str) -> None:
    if "\0" in key + text:
        raise BadInput(key[:40].replace("\0", "�"), "a NUL character cannot be stored")


g = cast("Scope", flask_g)
