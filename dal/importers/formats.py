"""What a layout is: the columns that tell it from others, and a pure function for its rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from dal.addresses import NETWORKS
from dal.importers.fields import has_zone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dal.imported import NewTransaction
    from dal.importers.sheet import Row, Sheet


@dataclass(frozen=True, slots=True)
class File:
    """A file as an importer sees it."""

    sheet: Sheet
    name: str
    network: str = ""  # as chosen by the user, "" where nobody chose

    def on(self, network: str) -> File:
        """The same file, its network known."""
        return replace(self, network=network)


class Setting(NamedTuple):
    """What a file says before its first row: its network, and what the user should know."""

    network: str
    warnings: tuple[str, ...] = ()


class Parties(NamedTuple):
    """The columns of the two sides of an on-chain row, by simplified name, each with others."""

    tx_hash: tuple[str, ...]
    sender: tuple[str, ...]
    receiver: tuple[str, ...]
    created: tuple[str, ...] = ()  # the contract, where the receiver is empty
    value_in: tuple[str, ...] = ()
    value_out: tuple[str, ...] = ()


if TYPE_CHECKING:
    RowFunction = Callable[[Row], NewTransaction]
    Reader = Callable[[File, frozenset[str]], RowFunction]


@dataclass(frozen=True, slots=True)
class Format:
    """One layout of one source.

    A file has this layout when each of `needs` stands in its header ("a|b": either of them) and
    none of `lacks` does.
    """

    name: str
    title: str
    source: str
    wallet: str  # what a wallet made for such a file is called
    needs: tuple[str, ...]
    reader: Reader
    setting: Callable[[File], Setting]
    lacks: tuple[str, ...] = ()
    parties: Parties | None = None  # None: not on chain
    dated: bool = True
    json: bool = False  # one JSON object per line instead of cells

    def matches(self, names: frozenset[str]) -> bool:
        """Whether a header with these simplified names is of this layout."""
        return names.isdisjoint(self.lacks) and all(
            not names.isdisjoint(either.split("|")) for either in self.needs
        )


def off_chain(_: File) -> Setting:
    """An exchange's file, whose source documents its times to be in UTC."""
    return Setting("")


def zoneless(file: File, *columns: str) -> Iterator[str]:
    """A warning where the file's first time does not say its zone."""
    read = file.sheet.getter(*columns)
    first = next((read(row.cells) for row in file.sheet.rows() if row.fault is None), "")
    if first.strip() and not has_zone(first):
        yield (
            f"Times such as “{first.strip()[:40]}” name no time zone and were taken as UTC."
            " If they are local times, convert them to UTC and import again."
        )


def coin(network: str) -> str:
    """The symbol of a network's native coin, "" for an unknown network."""
    chain = NETWORKS.get(network)
    return chain.symbol if chain else ""
