"""From bytes to rows: encoding, delimiter, header, and each row with its line and exact text."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter, deque
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO, TextIOWrapper
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from dal.importers.fields import NotBookable, Unusable, clip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

HEAD: Final = 60  # lines in which a header is looked for
DELIMITERS: Final = (",", ";", "\t", "|")
ENCODINGS: Final = ("utf-8-sig", "cp1252", "latin-1")
OPEN_QUOTE: Final = 'a quote (") is opened and not closed; close or remove it'

#: What varies in a header from export to export without meaning anything, applied in this order.
SIMPLER: Final = (
    (re.compile(r"\s+"), " "),
    (re.compile(r"^(value_in|value_out|txnfee)\((?!usd\)).*\)$"), r"\1"),  # the native coin
    (re.compile(r"^(currentvalue|historical \$price).*$"), r"\1"),  # carries a price
    (re.compile(r" \(visit https?://.*\)$"), ""),
    (re.compile(r"^[a-z]{3} (?=(?:spot price at|subtotal|total \(|fees$))"), ""),  # a currency
)


class Row(NamedTuple):
    """A row of data as it stands in the file."""

    line: int
    raw: str
    cells: list[str]
    fault: Exception | None = None  # why it cannot be read, found before its meaning is looked at


def simpler(name: str) -> str:
    """A column's name without case and without what varies between exports.

    >>> simpler("Value_IN(ETH)"), simpler("USD Subtotal"), simpler("CurrentValue @ $2.5/Eth")
    ('value_in', 'subtotal', 'currentvalue')
    """
    plain = name.strip().strip("\ufeff").strip().casefold()
    for pattern, short in SIMPLER:
        plain = pattern.sub(short, plain)
    return plain


@dataclass(frozen=True)
class Sheet:
    """A file whose header has been found. Its rows are read anew, lazily, each time."""

    data: bytes
    encoding: str
    delimiter: str  # "" for JSON, one object per line
    start: int  # lines up to and with the header
    header: tuple[str, ...]  # as it stands in the file

    @cached_property
    def names(self) -> dict[str, int]:
        """Simplified column name → place; the first wins where a name stands twice."""
        named: dict[str, int] = {}
        for place, name in enumerate(self.header):
            named.setdefault(simpler(name), place)
        return named

    def place(self, *names: str) -> int | None:
        """Where the first of these columns stands, None where there is none of them."""
        return next((self.names[name] for name in names if name in self.names), None)

    def getter(self, *names: str) -> Callable[[Sequence[str]], str]:
        """What reads the first of these columns from a row; it reads "" where there is none."""
        place = self.place(*names)
        return _nothing if place is None else itemgetter(place)

    def title(self, *names: str) -> str:
        """The first of these columns as the file calls it, for messages."""
        place = self.place(*names)
        return names[0] if place is None else clip(self.header[place].strip())

    def rows(self) -> Iterator[Row]:
        """Every data row once; blank lines are none."""
        lines = text_lines(self.data, self.encoding)
        for _ in islice(lines, self.start):
            pass
        if not self.delimiter:
            return _objects(lines, self.header)
        return _checked(records(Feed(lines, self.start), self.delimiter, self.header), self.header)


def _nothing(_: Sequence[str]) -> str:
    return ""


def text_lines(data: bytes, encoding: str) -> Iterator[str]:
    """The lines of a file with their ends, whatever ends they have."""
    return iter(TextIOWrapper(BytesIO(data), encoding=encoding, newline=""))


def encoding_of(data: bytes) -> str | None:
    """The encoding that can be read to the end, None where there is none."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16" if _decodes(data, "utf-16") else None
    return next(encoding for encoding in ENCODINGS if _decodes(data, encoding))


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def delimiters(head: list[str]) -> list[str]:
    """The delimiters, that whose rows agree most in width first; a width of 1 counts nothing."""

    def agreement(delimiter: str) -> tuple[int, int]:
        widths = Counter(len(cells) for _, cells in peek(head, delimiter) if len(cells) > 1)
        return max(((count, width) for width, count in widths.items()), default=(0, 0))

    return sorted(DELIMITERS, key=agreement, reverse=True)


def peek(head: list[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The rows of a file's first lines, as far as they can be read, with their last line."""
    reader = csv.reader(head, delimiter=delimiter)
    try:
        for cells in reader:
            yield reader.line_num, cells
    except csv.Error:  # a cell of more than 131,072 characters: the header stands before it
        return


# ── Rows with their text ─────────────────────────────────────────────────────────────────────


class Feed:
    """Hands out lines, knows which belong to the present record, and takes back too many."""

    def __init__(self, lines: Iterator[str], number: int) -> None:
        self.lines = lines
        self.number = number  # lines handed out so far
        self.taken: list[str] = []  # by the present record
        self.back: deque[str] = deque()

    def __iter__(self) -> Feed:
        return self

    def __next__(self) -> str:
        line = self.back.popleft() if self.back else next(self.lines)
        self.number += 1
        self.taken.append(line)
        return line

    def retreat(self) -> None:
        """Give back all lines of the present record but the first."""
        while len(self.taken) > 1:
            self.back.appendleft(self.taken.pop())
            self.number -= 1

    def closed(self) -> bool:
        """Whether each quote of the present record has its second."""
        return sum(line.count('"') for line in self.taken) % 2 == 0

    def record(self, cells: list[str], fault: Exception | None = None) -> Row:
        """The present record; the next line begins a new one."""
        taken = self.taken
        line = self.number - len(taken) + 1
        raw = taken[0] if len(taken) == 1 else "".join(taken)
        self.taken = []
        return Row(line, raw.rstrip("\r\n"), cells, fault)


def records(feed: Feed, delimiter: str, header: Sequence[str]) -> Iterator[Row]:
    """The records of a file. A quote that is never closed spoils its own line only."""
    reader = csv.reader(feed, delimiter=delimiter)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            cells = []
        alone = len(feed.taken) == 1
        if cells and (alone or (feed.closed() and misfit(cells, header) is None)):
            yield feed.record(cells)
        else:
            several = len(feed.taken) > 1
            feed.retreat()
            reader = csv.reader(feed, delimiter=delimiter)
            yield _by_hand(feed, delimiter, several=several)


def _by_hand(feed: Feed, delimiter: str, *, several: bool) -> Row:
    """One line that the csv module cannot take: blank, a huge cell, or a quote left open."""
    line = feed.taken[0].rstrip("\r\n")
    if several or '"' in line:
        return feed.record([], Unusable(OPEN_QUOTE))
    return feed.record(line.split(delimiter) if line else [])


def _checked(rows: Iterator[Row], header: Sequence[str]) -> Iterator[Row]:
    """The rows that hold data, each that cannot be read with its fault."""
    width, first = len(header), header[0]
    for row in rows:
        cells = row.cells
        # Some exports end each row, but not the header, with one more delimiter.
        fits = len(cells) == width or (len(cells) == width + 1 and not cells[width])
        if fits and cells[0] and cells[0] != first and "\0" not in row.raw:
            yield row
        elif row.fault or any(cell.strip() for cell in cells):
            yield _judged(row, header)


def _judged(row: Row, header: Sequence[str]) -> Row:
    cells, fault = row.cells, row.fault
    if "\0" in row.raw:
        fault = Unusable("the row holds a NUL character; remove it or export the file again")
    elif fault is None:
        fault = misfit(cells, header)
        if fault and row.raw.count('"') % 2:
            fault = Unusable(OPEN_QUOTE)
    return row._replace(raw=row.raw.replace("\0", "\ufffd"), fault=fault)


def sentence(cells: Sequence[str]) -> NotBookable | None:
    """Why a row is none: it has words in its first cell, as a footer has, and nothing else."""
    words = cells[0].strip() if cells else ""
    if " " not in words or any(cell.strip() for cell in cells[1:]):
        return None
    return NotBookable(f"a line of text, not a row: “{clip(words)}”")


def misfit(cells: Sequence[str], header: Sequence[str]) -> Exception | None:
    """Why a row does not stand under its header, None where it does."""
    width = len(header)
    words = sentence(cells)
    if words and width > 1:
        return words
    if [cell.strip() for cell in cells[:width]] == [name.strip() for name in header]:
        return NotBookable("the header once more, not a row")
    if len(cells) < width:
        return Unusable(
            f"the row has {len(cells)} cells, the header {width}; complete it or export again"
        )
    if any(cell.strip() for cell in cells[width:]):
        return Unusable(
            f"the row has {len(cells)} cells, the header {width};"
            " put cells that contain the delimiter in quotes"
        )
    return None


# ── JSON ─────────────────────────────────────────────────────────────────────────────────────


def json_cells(line: str) -> dict[str, str] | None:
    """One object as names and texts, numbers digit by digit; None where it is no object."""
    try:
        found = json.loads(line, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    return {name: "" if value is None else str(value) for name, value in found.items()}


def _objects(lines: Iterator[str], header: Sequence[str]) -> Iterator[Row]:
    for number, line in enumerate(lines, 1):
        raw = line.rstrip("\r\n")
        if not raw.strip():
            continue
        found = json_cells(raw)
        cells = [found.get(name, "") for name in header] if found else []
        fault = None if found else Unusable("the line is not a JSON object; export the file again")
        if not all(map(_storable, (raw, *cells))):
            fault = Unusable("the line holds a character that no text may have (NUL, half a pair)")
        yield Row(number, raw.replace("\0", "\ufffd"), cells, fault)


def _storable(text: str) -> bool:
    return "\0" not in text and (text.isascii() or _encodes(text))


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
