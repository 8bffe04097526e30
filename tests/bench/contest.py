"""The contest: who is asked what, in rounds of random order, so that all meet the same weather."""

from __future__ import annotations

import json
import random
import subprocess
from collections import defaultdict
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

import psycopg

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

ROOT = Path(__file__).parents[2]
SIZE = 50
#: Of one contestant at one place: rounds, and seconds after which it is not asked on.
ROUNDS, SECONDS, LEAST = 30, 3.0, 3
#: How often it is asked in a row where it takes less than so many seconds.
REPEATS, QUICK = 5, 0.05
NEWEST = "ORDER BY occurred_at DESC, id DESC"


@dataclass(frozen=True, slots=True)
class Place:
    """A page that all are asked for."""

    name: str
    words: str  # what it is, for a reader of the table
    skip: int  # rows ahead of it, for whoever counts them
    key: tuple[str, int] | None  # of the row ahead of it, for whoever seeks
    last: bool = False
    where: Mapping[str, Any] = field(default_factory=dict)  # by id, as the peers' URLs have it
    named: Mapping[str, str] = field(default_factory=dict)  # by name, as ours has it

    @property
    def page(self) -> int:
        """Return its number, from 1."""
        return self.skip // SIZE + 1


def places(url: str) -> list[Place]:
    """Return the places of a ledger: three depths, and three filters."""
    with psycopg.connect(url) as conn:
        many = one(conn, "SELECT count(*) FROM transactions")
        deep = min(999 * SIZE, (many - 1) // SIZE // 2 * SIZE)
        at, row = conn.execute(
            f"SELECT occurred_at, id FROM transactions {NEWEST} LIMIT 1 OFFSET {deep - 1}"
        ).fetchone() or ("", 0)
        tail = (many - 1) // SIZE * SIZE
        return [
            Place("first page", "newest first", 0, None),
            Place(f"page {deep // SIZE + 1:,}", f"{deep:,} rows deep", deep, (at.isoformat(), row)),
            Place("last page", f"{tail:,} rows deep", tail, None, last=True),
            *filters(conn, many),
        ]


def one(conn: psycopg.Connection, text: str) -> Any:
    """Return the one value that a statement brings."""
    return (conn.execute(text).fetchone() or (None,))[0]


COMMON_WALLET = """SELECT w.id, w.name, n FROM wallets w JOIN (SELECT wallet_id, count(*) n
  FROM transactions GROUP BY 1) t ON t.wallet_id = w.id ORDER BY n DESC, w.id LIMIT 1"""
RARE_TYPE = (
    "SELECT type::text, type::text, count(*) n FROM transactions GROUP BY 1 ORDER BY n LIMIT 1"
)
RARE_LABEL = """SELECT l.id, l.name, n FROM labels l JOIN (SELECT label_id, count(*) n
  FROM transaction_labels GROUP BY 1 HAVING count(*) >= 50) t ON t.label_id = l.id ORDER BY n, l.id
  LIMIT 1"""


def filters(conn: psycopg.Connection, many: int) -> Iterable[Place]:
    """Yield the first pages of a common wallet, a rare type and a rare label."""
    for key, text in (("wallet", COMMON_WALLET), ("type", RARE_TYPE), ("label", RARE_LABEL)):
        found = conn.execute(text).fetchone()
        if found is None:
            continue
        value, name, count = found
        words = f"{count / many:.1%} of the rows"
        yield Place(f"one {key}", words, 0, None, where={key: value}, named={key: name})


@dataclass(frozen=True, slots=True)
class Answer:
    """What one contestant took and found."""

    seconds: Sequence[float]
    ids: Sequence[int]


class Contestant(Protocol):
    """Whoever can be asked for a place."""

    names: list[str]

    def ask(self, name: str, place: Place, calls: int) -> Answer:
        """Ask one of its names for a place."""


class Piped(AbstractContextManager["Piped"]):
    """Contestants in a process of their own, asked through a pipe."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.names: list[str] = self._read()

    def ask(self, name: str, place: Place, calls: int) -> Answer:
        """Ask one of them."""
        asked = {"name": name, "calls": calls, "place": asdict(place) | {"page": place.page}}
        assert self._process.stdin
        print(json.dumps(asked), file=self._process.stdin, flush=True)
        return Answer(**self._read())

    def _read(self) -> Any:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"a contestant has ended: {self._process.args!r}")
        return json.loads(line)

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def __enter__(self) -> Self:
        return self


Times = dict[tuple[str, str], list[float]]


def contest(
    contestants: Sequence[Contestant], where: Sequence[Place], rounds: int = ROUNDS
) -> Times:
    """Ask everybody for everything, round by round in random order; return the seconds.

    Whoever has taken long enough is not asked again, so that the slow do not make all wait; what a
    place is must be the same for all.
    """
    cells = [(who, name, place) for who in contestants for name in who.names for place in where]
    cells = [cell for cell in cells if can(cell[1], cell[2])]
    agree(cells)
    found: Times = defaultdict(list)
    order = random.Random(7)
    for _ in range(rounds):
        order.shuffle(cells)
        for who, name, place in cells:
            taken = found[name, place.name]
            if sum(taken) < SECONDS or len(taken) < LEAST:
                # A first call warms the processor's caches, which the one before it has used.
                quick = min(taken, default=SECONDS) < QUICK
                seconds = who.ask(name, place, 1 + REPEATS * quick).seconds
                taken += seconds[quick:]
    return dict(found)


def can(name: str, place: Place) -> bool:
    """Return whether somebody can show a place at all."""
    return not (name == "by hand" and (place.where or place.last))


def agree(cells: Sequence[tuple[Contestant, str, Place]]) -> None:
    """Ask each cell once, and refuse a bench whose contestants do not find the same rows."""
    found: dict[str, list[int]] = {}
    for who, name, place in cells:
        ids = list(who.ask(name, place, 1).ids)
        known = found.setdefault(place.name, ids)
        # Counted from the front, the last page is as long as what is left.
        both = min(len(ids), len(known)) if place.last else max(len(ids), len(known))
        if not both or known[-both:] != ids[-both:]:
            raise ValueError(f"{name} finds other rows at {place.name}: {ids[:3]}, not {known[:3]}")
