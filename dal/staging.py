"""A file's rows as COPY reads them, made a part at a time while the server works on the one before.

Reading a file costs as much time here as a quarter of what sorting it in costs the server; done at
the same time, it costs none.

The text format: https://www.postgresql.org/docs/18/sql-copy.html#SQL-COPY-FILE-FORMATS
"""

from __future__ import annotations

import hashlib
import unicodedata
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dal.imported import NewAsset, NewMovement, NewTransaction, ParsedRow

#: Rows of a part: many enough that statements do not count, few enough to be held in memory twice.
#: The first are short, for the server waits while they are read.
PART, FIRST = 8_000, 1_000
ROWS = (
    "COPY staged_rows (line, raw, outcome, reason, occurred_at, type, source, source_id,"
    " source_type, status, network, tx_hash, address, counterparty, note, labels, moves)"
    " FROM STDIN"
)
MOVEMENTS = (
    "COPY staged_movements (line, number, key, kind, asset, amount, address, counterparty)"
    " FROM STDIN"
)
ASSETS = "COPY staged_assets (number, symbol, network, contract, name, decimals) FROM STDIN"
NULL = "\\N"
ESCAPES = {ord("\\"): "\\\\", ord("\t"): "\\t", ord("\n"): "\\n", ord("\r"): "\\r"}


class Part(NamedTuple):
    """Some rows of a file, ready to be staged."""

    length: int
    rows: bytes
    movements: bytes
    assets: bytes  # those that no part before had


def parts(rows: Iterable[ParsedRow], *, dated: bool) -> Iterator[Part]:
    """Yield a file part by part.

    Rows without a time come last where others have one: they take it from rows of their hash, which
    may stand further below.

    Args:
        rows: of the file.
        dated: whether the layout's rows have times.
    """
    known: dict[NewAsset, int] = {}
    late: list[ParsedRow] = []
    yield from _parts(_set_aside(rows, late) if dated else rows, known)
    yield from _parts(late, known)


def _parts(rows: Iterable[ParsedRow], known: dict[NewAsset, int]) -> Iterator[Part]:
    """Yield parts, each twice as long as the one before, up to a part's length."""
    rest, size = iter(rows), min(FIRST, PART)
    while (made := part(islice(rest, size), known)).length:
        yield made
        size = min(2 * size, PART)


def _set_aside(rows: Iterable[ParsedRow], late: list[ParsedRow]) -> Iterator[ParsedRow]:
    for row in rows:
        if row.transaction is not None and row.transaction.occurred_at is None:
            late.append(row)
        else:
            yield row


# ── As COPY reads it ─────────────────────────────────────────────────────────────────────────


def part(rows: Iterable[ParsedRow], known: dict[NewAsset, int]) -> Part:
    """Return rows as they are staged, and none kept; `known` numbers the assets of the file."""
    before = len(known)
    told, moved = [], []
    for row in rows:
        if row.transaction is None:
            told.append(_untold(row))
        else:
            told.append(_told(row, row.transaction))
            for number, movement in enumerate(row.transaction.movements):
                asset = known.setdefault(movement.asset, len(known))
                moved.append(_moved(row.line, number, movement, asset))
    new = [_asset(number, asset) for asset, number in islice(known.items(), before, None)]
    return Part(len(told), *("".join(lines).encode() for lines in (told, moved, new)))


def _untold(row: ParsedRow) -> str:
    nothing = "\t\\N" * 13
    return f"{row.line}\t{_text(row.raw)}\t{row.outcome}\t{_text(row.reason)}{nothing}\n"


def _told(row: ParsedRow, it: NewTransaction) -> str:
    at = NULL if it.occurred_at is None else it.occurred_at.isoformat()
    source_id = NULL if it.source_id is None else _text(it.source_id)
    tx_hash = NULL if it.tx_hash is None else _text(it.tx_hash)
    return (
        f"{row.line}\t{_text(row.raw)}\t\\N\t\\N\t{at}\t{it.type}\t{it.source}\t{source_id}\t"
        f"{_text(it.source_type)}\t{it.status}\t{it.network}\t{tx_hash}\t{_text(it.address)}\t"
        f"{_text(it.counterparty)}\t{_text(it.note)}\t{_names(it.labels)}\t"
        f"{bool(it.movements)}\n"
    )


def _moved(line: int, number: int, it: NewMovement, asset: int) -> str:
    return (
        f"{line}\t{number}\t{movement_key(it.key)}\t{it.kind}\t{asset}\t{it.amount}\t"
        f"{_text(it.address)}\t{_text(it.counterparty)}\n"
    )


def _asset(number: int, it: NewAsset) -> str:
    decimals = NULL if it.decimals is None else it.decimals
    return (
        f"{number}\t{_text(it.symbol)}\t{it.network}\t{_text(it.contract)}\t{_text(it.name)}\t"
        f"{decimals}\n"
    )


def _text(text: str) -> str:
    return text and text.translate(ESCAPES)


def _names(names: tuple[str, ...]) -> str:
    """Return names as a text[]."""
    if not names:
        return "{}"
    quoted = (name.replace("\\", "\\\\").replace('"', '\\"') for name in names)
    words = ",".join(f'"{unicodedata.normalize("NFC", name)}"' for name in quoted)
    return _text(f"{{{words}}}")


def movement_key(words: str) -> int:
    """Return the 64 bits by which a movement is known within its transaction.

    >>> movement_key("fee")
    -5184528627547362374
    """
    return int.from_bytes(hashlib.sha256(words.encode()).digest()[:8], "big", signed=True)
