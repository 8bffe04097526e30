"""A reader who takes time between pages, in which rows move past where it stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.freshness.history import View
from tests.freshness.writers import SqlWriter

if TYPE_CHECKING:
    from random import Random

    from tests.freshness.history import Life
    from tests.freshness.load import Load
    from tests.freshness.readers import Reader

ROWS = 4


@dataclass
class Stroller:
    """Walks through the deep lane, and moves a row of its own between any two pages."""

    load: Load
    random: Random
    reader: Reader
    _rows: list[Life] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._writer = SqlWriter(self.load, self.random)

    def step(self) -> None:
        """Walk once, on or back."""
        lane = self.load.ground.lanes["deep"]
        while len(self._rows) < ROWS and not self.load.over():
            self._writer.insert(lane, self._rows)
        back = self.random.random() < 0.3
        self.reader.walk("back" if back else "walk", View(lane), between=self._between)

    def _between(self) -> None:
        if self._rows:
            self._writer.edit(self.load.ground.lanes["deep"], self._rows, "move")

    def close(self) -> None:
        """Hang up."""
        self._writer.close()
        self.reader.close()
