"""Writers of more than one row, or of one row for long: transfers, imports, open transactions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.freshness import ground as sql
from tests.freshness.history import Look
from tests.freshness.writers import SqlWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import psycopg

    from tests.freshness.history import Lane, Life, Op

BULK = 1000


class PairWriter(SqlWriter):
    """Transfers between two rows: what one loses the other gains, in one transaction."""

    def step(self) -> None:
        """Insert the next pair, or change one of those that are there."""
        lane = self.load.ground.lanes["pairs"]
        mine = self.rows.setdefault(lane.name, [])
        if len(mine) < 2 * self.wanted:
            self.insert(lane, mine)
        else:
            self.transfer(lane, mine)

    def insert(self, lane: Lane, mine: list[Life]) -> None:
        """Insert both rows of a transfer."""
        op = self.load.op("transfer")
        looks = [self._one(op, lane, sign) for sign in ("-", "")]

        def work(conn: psycopg.Connection[Any]) -> None:
            ids = sql.insert(conn, self.load.ground, lane.name, looks)
            op.xid, versions = sql.versions(conn, ids)
            op.rows = tuple(ids)
            for place in (0, 1):
                other = ids[1 - place]
                mine.append(lane.born(op, ids[place], looks[place], versions[place], other))

        if self.transact(op, work) != "ok":
            self.drop(lane, mine, op)

    def _one(self, op: Op, lane: Lane, sign: str) -> Look:
        note = self.load.history.note(op)
        return Look(self.instant(lane), "transfer", note, f"{sign}{op.number}")

    def transfer(self, lane: Lane, mine: list[Life]) -> None:
        """Change the amount of both rows of a transfer."""
        pairs = list(self._pairs(mine))
        if not pairs:
            return
        lives = self.random.choice(pairs)
        op = self.load.op("transfer")
        note = self.load.history.note(op)
        op.rows = tuple(life.id for life in lives)

        def work(conn: psycopg.Connection[Any]) -> None:
            looks = []
            for life, sign in zip(lives, ("-", ""), strict=True):
                old = life.states[-1].look
                assert old is not None
                looks.append(old._replace(note=note, amount=f"{sign}{op.number}"))
                self.write(conn, life.id, old, looks[-1])
            op.xid, versions = sql.versions(conn, op.rows)
            for life, look, version in zip(lives, looks, versions, strict=True):
                lane.becomes(life, op, look, version)

        self.settle(lane, mine, op, lives, self.transact(op, work))

    @staticmethod
    def _pairs(mine: list[Life]) -> Iterator[tuple[Life, Life]]:
        known = {life.id: life for life in mine}
        for life in mine:
            if life.id < life.partner and life.partner in known:
                yield life, known[life.partner]


class BulkWriter(SqlWriter):
    """A thousand rows at one instant, which come in one transaction and go in another."""

    def step(self) -> None:
        """Import, or remove what was imported."""
        lane = self.load.ground.lanes["bulk"]
        mine = self.rows.setdefault(lane.name, [])
        if mine:
            self.remove(lane, mine, "bulk removal")
            self.rows[lane.name] = []
        else:
            self.bring(lane, mine)

    def bring(self, lane: Lane, mine: list[Life]) -> None:
        """Insert the rows."""
        op = self.load.op("bulk import")
        look = Look(self.instant(lane), "airdrop", self.load.history.note(op), "1")

        def work(conn: psycopg.Connection[Any]) -> None:
            ids = sql.insert(conn, self.load.ground, lane.name, [look] * BULK)
            op.xid, versions = sql.versions(conn, ids)
            op.rows = tuple(ids)
            rows = [(row, look, version) for row, version in zip(ids, versions, strict=True)]
            mine.extend(lane.born_together(op, rows))

        if self.transact(op, work) != "ok":
            self.drop(lane, mine, op)


class LongWriter(SqlWriter):
    """Edits a row and keeps the transaction open for up to ten seconds."""

    longest = 10.0

    def transact(self, op: Op, work: Callable[[psycopg.Connection[Any]], None]) -> str:
        """Wait between the work and the COMMIT."""
        op.kind = f"long {op.kind}"
        seconds = min(self.longest, 0.1 * 100 ** self.random.random())

        def slow(conn: psycopg.Connection[Any]) -> None:
            work(conn)
            self.load.pause(seconds)

        return super().transact(op, slow)
