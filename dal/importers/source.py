"""An opened file: what it is, whose it seems to be, and its rows."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from dal.addresses import EVM
from dal.imported import ParsedRow
from dal.importers.booking import NOBODY
from dal.importers.fields import NotBookable, Unusable, is_hash
from dal.importers.sheet import sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from dal.imported import NewTransaction
    from dal.importers.formats import File, Format, Parties
    from dal.importers.sheet import Row, Sheet

WATCHED = (
    "The file does not show whose it is: no one address stands in every row. In a wallet without"
    " addresses both sides of each row are booked and cancel out."
)


class Source:
    """A file of a known layout. Opening reads its header and first row only."""

    def __init__(self, layout: Format, file: File, warnings: tuple[str, ...]) -> None:
        setting = layout.setting(file)
        self._layout = layout
        self._file = file.on(setting.network)
        self._warnings = (*warnings, *setting.warnings)
        self.format = layout.name
        self.title = layout.title
        self.source = layout.source
        self.network = setting.network
        self.dated = layout.dated
        self.default_wallet = layout.wallet

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the user should know of the whole file, in full sentences."""
        watched = self._layout.parties is not None and self._own is None and self._filled
        return (*self._warnings, WATCHED) if watched else self._warnings

    def own_address(self) -> str | None:
        """The address whose export this is, canonical: the one that stands in every row.

        Where two addresses stand in every row, it is the one for which the file's IN and OUT
        columns are right, else the one in the file's name; where neither decides, None.
        """
        return self._own

    @cached_property
    def _own(self) -> str | None:
        parties = self._layout.parties
        return own_address(self._file.sheet, parties, self._file.name) if parties else None

    @cached_property
    def _filled(self) -> bool:
        return any(row.fault is None for row in self._file.sheet.rows())

    def rows(self, own: frozenset[str]) -> Iterator[ParsedRow]:
        """Each data row of the file once, in its order, read as it is asked for.

        Args:
            own: the wallet's addresses, canonical; empty where it has none.
        """
        parse = self._layout.reader(self._file, own)
        for row in self._file.sheet.rows():
            yield parsed(row, parse)


def parsed(row: Row, parse: Callable[[Row], NewTransaction]) -> ParsedRow:
    """A row as a transaction, or with the reason why it is none."""
    try:
        if row.fault is not None:
            raise row.fault
        return ParsedRow(row.line, row.raw, parse(row))
    except NotBookable as why:
        return ParsedRow(row.line, row.raw, None, "skipped", str(why))
    except Unusable as why:
        words = sentence(row.cells) if row.fault is None else None
        if words:
            return ParsedRow(row.line, row.raw, None, "skipped", str(words))
        return ParsedRow(row.line, row.raw, None, "rejected", str(why))


def own_address(sheet: Sheet, parties: Parties, name: str) -> str | None:
    """The one address of every row; see `Source.own_address`."""
    tx_hash, sender = sheet.getter(*parties.tx_hash), sheet.getter(*parties.sender)
    receiver, created = sheet.getter(*parties.receiver), sheet.getter(*parties.created)
    common: set[str] | None = None
    for row in sheet.rows():
        cells = row.cells
        if row.fault is None and is_hash(tx_hash(cells)):
            sides = {sender(cells).lower(), (receiver(cells) or created(cells)).lower()}
            common = sides if common is None else common & sides
            if not common:
                return None
    candidates = {side for side in common or () if EVM.fullmatch(side) and side != NOBODY}
    return _chosen(candidates, sheet, parties, name)


def _chosen(candidates: set[str], sheet: Sheet, parties: Parties, name: str) -> str | None:
    if len(candidates) < 2:  # noqa: PLR2004
        return next(iter(candidates), None)
    named = {side for side in candidates if side in name.lower()}
    for narrower in (_exported(sheet, parties) & candidates, named):
        if len(narrower) == 1:
            return narrower.pop()
    return None


def _exported(sheet: Sheet, parties: Parties) -> set[str]:
    """The receivers of what the file calls IN and the senders of what it calls OUT."""
    getters = (parties.value_in, parties.receiver, parties.value_out, parties.sender)
    into, receiver, out, sender = (sheet.getter(*names) for names in getters)

    def has(read: Callable[[Sequence[str]], str], row: Row) -> bool:
        return bool(read(row.cells).strip("0., "))

    found: set[str] = set()
    for row in sheet.rows():
        if row.fault is None and has(into, row):
            found.add(receiver(row.cells).lower())
        if row.fault is None and has(out, row):
            found.add(sender(row.cells).lower())
    return found
