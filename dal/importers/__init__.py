"""Importers: the bytes of a file become transactions. No database, no network, no clock.

`open_file` tells the layout by the content; `FORMATS` lists all layouts.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from dal.addresses import network_name
from dal.errors import UnreadableFile
from dal.importers import coinbase, ethereum_etl, etherscan, generic, koinly, kraken
from dal.importers.fields import clip
from dal.importers.formats import File
from dal.importers.sheet import (
    HEAD,
    Sheet,
    delimiters,
    encoding_of,
    json_cells,
    peek,
    simpler,
    text_lines,
)
from dal.importers.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dal.importers.formats import Format

__all__ = ["FORMATS", "Source", "open_file"]

FORMATS: tuple[Format, ...] = (
    *etherscan.FORMATS,
    *kraken.FORMATS,
    *coinbase.FORMATS,
    *koinly.FORMATS,
    *ethereum_etl.FORMATS,
    *generic.FORMATS,
)


def open_file(data: bytes, name: str, *, network: str | None = None) -> Source:
    """Tell a file's layout by its content and make it ready to be read.

    Args:
        data: the whole file.
        name: of the file, for messages and for exports that name their contract only there.
        network: where the file does not say; a name or alias of `dal.addresses.NETWORKS`.

    Raises:
        UnreadableFile: empty, in no readable encoding, or of no known layout.
        BadAddress: there is no such network.
    """
    chosen = network_name(network) if network else ""
    if not data.strip():
        raise UnreadableFile(name, "is empty; export it again")
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise UnreadableFile(name, "is a workbook or an archive; save the sheet as CSV")
    encoding = encoding_of(data)
    if encoding is None:
        raise UnreadableFile(name, "is damaged UTF-16 text; save it as UTF-8")
    layout, sheet = _detect(data, name, encoding)
    warnings = () if encoding.startswith("utf") else (
        f"The file is not UTF-8 and was read as {encoding}; check that names look right.",
    )  # fmt: skip
    return Source(layout, File(sheet, name, chosen), warnings)


def _detect(data: bytes, name: str, encoding: str) -> tuple[Format, Sheet]:
    """The layout and where its header stands. Raises `UnreadableFile`."""
    head = list(islice(text_lines(data, encoding), HEAD))
    first = next((line for line in head if line.strip()), "")
    json = first.lstrip().startswith("{")
    found = [("", 0, list(json_cells(first) or ()))] if json else list(_candidates(head))
    for delimiter, line, header in found:
        names = frozenset(map(simpler, header))
        for layout in FORMATS:
            if layout.json is json and layout.matches(names):
                return layout, Sheet(
                    data,
                    encoding,
                    delimiter,
                    line,
                    tuple(name.replace("\0", "\ufffd") for name in header),
                )
    raise UnreadableFile(name, _unknown([header for _, _, header in found]))


def _candidates(head: list[str]) -> Iterator[tuple[str, int, list[str]]]:
    """Delimiter, line and cells of each row that could be the header, the likeliest first."""
    for delimiter in delimiters(head):
        for line, cells in peek(head, delimiter):
            yield delimiter, line, cells


def _unknown(headers: list[list[str]]) -> str:
    widest = max(headers, key=len, default=[])
    columns = ", ".join(clip(name.strip()) for name in widest[:12]).replace("\0", "\ufffd")
    known = "; ".join(layout.title for layout in FORMATS)
    return (
        f"has no known layout; its columns are: {clip(columns, 300) or 'none'}. Known are: {known}."
        " Export one of these, or rename the columns as the generic layout has them"
    )
