"""Writers through SQL. Each owns its rows, so the order of their states is known."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psycopg

from tests.freshness import ground as sql
from tests.freshness.history import Look

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from tests.freshness.history import Lane, Life, Op
    from tests.freshness.load import Load

START = 1_577_836_800_000_000  # 2020-01-01, in microseconds
SECOND = 1_000_000
TYPES = ("receive", "reward", "send", "approval")
KINDS = ("amount", "fee", "move", "recategorise", "note", "label", "twice", "rollback")
EDIT = """UPDATE transactions SET version = version + 1, note = %s, type = %s::transaction_type,
       occurred_at = to_timestamp(0) + %s * interval '1 microsecond' WHERE id = %s"""
AMOUNT = "UPDATE movements SET amount = %s WHERE transaction_id = %s AND kind = %s::movement_kind"
UNHANG = "DELETE FROM transaction_labels WHERE transaction_id = %s"


class RolledBack(Exception):
    """Ends a transaction on purpose."""


@dataclass
class SqlWriter:
    """Writes transactions of all kinds, one after the other."""

    load: Load
    random: Random
    lanes: Sequence[str] = ("hot", "deep")
    rows: dict[str, list[Life]] = field(default_factory=dict)
    wanted: int = 4
    _deck: list[str] = field(default_factory=list)
    _conn: psycopg.Connection[Any] | None = None

    def step(self) -> None:
        """Write once; a database that is away is waited for by the next step."""
        lane = self.load.ground.lanes[self.random.choice(self.lanes)]
        mine = self.rows.setdefault(lane.name, [])
        wanted = self.wanted * (1 if lane.name == "hot" else 6)
        if len(mine) < wanted:
            self.insert(lane, mine)
        elif self.random.random() < 0.12:
            self.delete(lane, mine)
        else:
            self.edit(lane, mine)

    def close(self) -> None:
        """Hang up."""
        if self._conn:
            self._conn.close()
        self._conn = None

    # ── What it writes ───────────────────────────────────────────────────────────────────────

    def insert(self, lane: Lane, mine: list[Life]) -> None:
        """Insert a row; now and then roll it back."""
        rolled = self.random.random() < 0.1
        op = self.load.op("rollback" if rolled else "insert")
        look = self._look(lane, self.load.history.note(op))
        if rolled:
            self.load.history.forbid(look.note, "aborted")

        def work(conn: psycopg.Connection[Any]) -> None:
            ids = sql.insert(conn, self.load.ground, lane.name, [look])
            op.xid, versions = sql.versions(conn, ids)
            op.rows = tuple(ids)
            if rolled:
                raise RolledBack
            mine.append(lane.born(op, ids[0], look, versions[0]))

        if self.transact(op, work) != "ok" and not rolled:
            self.drop(lane, mine, op)

    def drop(self, lane: Lane, mine: list[Life], op: Op) -> None:
        """Let go of rows whose insertion failed, or may have."""
        lives = [life for life in mine if life.states[-1].op is op]
        mine[:] = [life for life in mine if life not in lives]
        if op.outcome == "info":
            self.load.abandoned.append((lane, lives))
            return
        for life in lives:
            lane.takes_back(life, op)

    def delete(self, lane: Lane, mine: list[Life]) -> None:
        """Delete one of our rows."""
        self.remove(lane, [mine.pop(self.random.randrange(len(mine)))], "delete")

    def remove(self, lane: Lane, lives: Sequence[Life], kind: str) -> None:
        """Delete rows in one transaction; those of an unknown past may not be there at all."""
        op = self.load.op(kind)
        ids = [life.id for life in lives]

        def work(conn: psycopg.Connection[Any]) -> None:
            op.xid = sql.versions(conn, [])[0]
            with lane.lock:
                for life in lives:
                    lane.becomes(life, op, None)
            gone = "DELETE FROM transactions WHERE id = ANY (%s) RETURNING id"
            op.rows = tuple(row[0] for row in conn.execute(gone, [ids]))

        outcome = self.transact(op, work)
        with lane.lock:
            for life in lives:
                if outcome == "ok":
                    lane.died(life)
                elif outcome == "fail":
                    lane.takes_back(life, op)
        if outcome != "ok":
            self.load.abandoned.append((lane, lives))

    def edit(self, lane: Lane, mine: list[Life], kind: str = "") -> None:
        """Change a row in one of the ways in which rows change."""
        kind = kind or self.dealt()
        life = self._fit(mine, kind)
        old = life.states[-1].look
        assert old is not None
        op = self.load.op(kind)
        note = self.load.history.note(op)
        look = self.changed(lane, old, kind, note)
        if kind == "rollback":
            self.load.history.forbid(note, "aborted")

        def work(conn: psycopg.Connection[Any]) -> None:
            if kind == "twice":
                first = self.load.history.note(op, "i")
                self.load.history.forbid(first, "intermediate")
                self.write(conn, life.id, look, look._replace(note=first))
            self.write(conn, life.id, old, look)
            op.xid, versions = sql.versions(conn, [life.id])
            if kind == "rollback":
                raise RolledBack
            lane.becomes(life, op, look, versions[0])

        op.rows = (life.id,)
        self.settle(lane, mine, op, [life], self.transact(op, work))

    def dealt(self) -> str:
        """Return a kind of edit: all of them in turn, in an order of chance."""
        if not self._deck:
            self._deck = self.random.sample(KINDS, len(KINDS))
        return self._deck.pop()

    def _fit(self, mine: list[Life], kind: str) -> Life:
        """Return a row to edit; an amount is edited where something moved."""
        fit = mine
        if kind in ("amount", "fee"):
            fit = [life for life in mine if getattr(life.states[-1].look, kind)]
        return self.random.choice(fit or mine)

    def settle(
        self, lane: Lane, mine: list[Life], op: Op, lives: Sequence[Life], outcome: str
    ) -> None:
        """Take back what did not happen; give up rows of which nobody knows."""
        if outcome == "info":
            mine[:] = [life for life in mine if life not in lives]
            self.load.abandoned.append((lane, lives))
        elif outcome == "fail":
            for life in lives:
                lane.takes_back(life, op)

    def changed(self, lane: Lane, old: Look, kind: str, note: str) -> Look:
        """Return how a row looks after a kind of edit."""
        look = old._replace(note=note)
        match kind:
            case "amount" if old.amount:
                sign = "-" if old.amount.startswith("-") else ""
                return look._replace(amount=f"{sign}{self.random.randint(1, 10**6)}")
            case "fee" if old.fee:
                return look._replace(fee=str(self.random.randint(1, 999)))
            case "move":
                return look._replace(at=self.instant(lane))
            case "recategorise":
                others = [each for each in TYPES if each != old.type]
                return look._replace(type=self.random.choice(others))
            case "label":
                names = [name for name in self.load.ground.labels if self.random.random() < 0.5]
                return look._replace(labels=frozenset(names))
        return look

    def write(self, conn: psycopg.Connection[Any], row: int, old: Look, new: Look) -> None:
        """Write what differs, the transaction itself last."""
        if new.amount != old.amount:
            conn.execute(AMOUNT, [new.amount, row, "principal"])
        if new.fee != old.fee:
            conn.execute(AMOUNT, [f"-{new.fee}", row, "fee"])
        if new.labels != old.labels:
            conn.execute(UNHANG, [row])
            conn.execute(sql.HANG, [row, list(new.labels)])
        conn.execute(EDIT, [new.note, new.type, new.at, row])

    def instant(self, lane: Lane) -> int:
        """Return a moment: those of the deep lane are few, so that many rows share one."""
        if lane.name == "deep":
            return START + self.random.randrange(40) * SECOND
        return START + self.random.randrange(10**6) * SECOND // 7

    def _look(self, lane: Lane, note: str) -> Look:
        kind = self.random.choice(TYPES)
        sign = "-" if kind == "send" else ""
        bare = kind == "approval"  # nothing moves
        names = [name for name in self.load.ground.labels if self.random.random() < 0.3]
        return Look(
            at=self.instant(lane),
            type=kind,
            note=note,
            amount="" if bare else f"{sign}{self.random.randint(1, 10**6)}",
            fee="" if self.random.random() < 0.5 else str(self.random.randint(1, 999)),
            labels=frozenset(names),
        )

    # ── A transaction and its end ────────────────────────────────────────────────────────────

    def transact(self, op: Op, work: Callable[[psycopg.Connection[Any]], None]) -> str:
        """Run one transaction and return its outcome: ok, fail, or info for nobody knows."""
        outcome = "fail"
        try:
            conn = self._connected()
            conn.execute("BEGIN")
            try:
                work(conn)
                outcome = "info"
                conn.execute("COMMIT")
                outcome = "ok"
            except RolledBack:
                conn.execute("ROLLBACK")
        except psycopg.Error as error:
            self.load.trouble(error)
            self.close()
        self.load.ended(op, outcome)
        return outcome

    def _connected(self) -> psycopg.Connection[Any]:
        if self._conn is None or self._conn.closed:
            self._conn = sql.connect(self.load.ground.database)
        return self._conn
