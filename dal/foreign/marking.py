"""One value of somebody else's database, changed to markers and put back whatever happens.

    with marking.opened(url, Spot(table="books", keys=(("id", "7"),), column="title")) as target:
        print(target.repair)  # would put it back by hand
        mark = target.write(target.new())  # COMMIT was answered when this returns
    print(target.outcome.words)

The old value is put back only where one of our markers still stands.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from random import SystemRandom
from typing import TYPE_CHECKING, Literal

from sqlalchemy import literal
from sqlalchemy.exc import CompileError

from dal.errors import BadInput, Unavailable
from dal.foreign import spots, targets
from dal.foreign.spots import Spot, Statement, as_it_is, planned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine

    from dal.foreign.markers import Value

__all__ = ["Mark", "Outcome", "Spot", "Statement", "Target", "opened"]

TRIES = 1_000  # of the dice, to throw what was not thrown yet
PATIENCE = 10  # seconds in which the old value is put back, however often that fails


@dataclass(frozen=True, slots=True)
class Mark:
    """A marker that was written and committed."""

    value: Value  # as a page should show it
    began: int  # time.monotonic_ns() before it was written
    acknowledged: int  # and after COMMIT was answered


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the old value."""

    kind: Literal["untouched", "back", "foreign", "gone", "failed"]
    words: str


class Target:
    """A value that is changed to markers; made by `opened`."""

    def __init__(self, engine: Engine, plan: spots.Plan) -> None:
        self.outcome = Outcome("untouched", "nothing was changed")
        self._engine = engine
        self._plan = plan
        self._ours: list[object] = []  # what we may have written, as made and as stored
        self._dice = SystemRandom()

    @property
    def old(self) -> object:
        """Return the value that was there first."""
        return self._plan.old

    @property
    def backend(self) -> str:
        """Return which database it is in: postgresql, mysql, mariadb or sqlite."""
        return self._engine.dialect.name

    @property
    def repair(self) -> str:
        """Return the statement that puts the old value back by hand."""
        dialect = type(self._engine.dialect)(paramstyle="named")  # type: ignore[call-arg]  # each takes it
        statement = self._plan.write(self.old, literal)
        made = statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True})  # type: ignore[attr-defined]
        return f"{made};"

    def new(self) -> Value:
        """Return a marker that was not used yet.

        Raises:
            Unavailable: the column has too few values.
        """
        for _ in range(TRIES):
            if (value := self._plan.marker(self._dice)) not in (*self._ours, self.old):
                return value
        raise Unavailable("the column has too few values for so many rounds")

    def write(self, value: Value) -> Mark:
        """Write a marker; COMMIT was answered when this returns.

        Raises:
            BadInput: the database refuses it; names what was given.
            HeldRow: somebody else has written the row and not committed.
            Unavailable: the database does not answer.
        """
        began = time.monotonic_ns()
        with targets.transaction(self._engine) as conn:
            self._write(conn, value)
            stored = self._read(conn, value)
            self._ours += [value, stored]  # from here on it may be committed, whatever happens
        acknowledged = time.monotonic_ns()
        return Mark(_shown(value, stored), began, acknowledged)

    def is_ours(self) -> bool:
        """Return whether a marker still stands there, as far as that can be read."""
        with targets.transaction(self._engine) as conn:
            return self._read(conn, self._ours[-1]) in self._ours

    def put_back(self) -> None:
        """Put the old value back, trying again for a while; `outcome` says what became of it."""
        deadline = time.monotonic() + PATIENCE
        while self._ours:
            try:
                self.outcome = self._put_back()
            except Exception as error:  # noqa: BLE001 (whatever it is, the value must go back)
                said = str(error.args[-1] if error.args else error)
                self.outcome = Outcome("failed", said)
            if self.outcome.kind != "failed" or time.monotonic() > deadline:
                return
            time.sleep(1)

    def _put_back(self) -> Outcome:
        with targets.transaction(self._engine) as conn:
            if self._plan.lock is not None:
                found = conn.execute(self._plan.lock).fetchall()
                if not found:
                    return Outcome("gone", "somebody else deleted the row meanwhile")
                if found[0][0] not in self._ours:
                    return self._left(found[0][0])
            self._write(conn, self.old)
        return Outcome("back", "the old value is back")

    def _left(self, present: object) -> Outcome:
        if present == self.old:
            return Outcome("back", "the old value is there")
        words = f"somebody else changed it meanwhile, to {present!r}, which was left"
        return Outcome("foreign", words)

    def _write(self, conn: Connection, value: object) -> None:
        if self._engine.dialect.name == "sqlite" and isinstance(value, Decimal):
            value = str(value)  # its driver knows no Decimal
        changed = conn.execute(self._plan.write(value, as_it_is)).rowcount
        if changed != 1:
            rows = "no row" if changed < 1 else f"{changed} rows"
            raise BadInput("sql", f"it changes {rows}; it must change one, and nothing else")

    def _read(self, conn: Connection, default: object) -> object:
        if self._plan.read is None:
            return default
        return conn.execute(self._plan.read).scalar_one_or_none()


@contextmanager
def opened(url: str, change: Spot | Statement) -> Iterator[Target]:
    """Yield a value to change; it is put back when the block ends, however it ends.

    Args:
        url: of the database, as SQLAlchemy or libpq write it.
        change: which value.

    Raises:
        BadInput: something that was given cannot be used; names it and says what to try.
        Unavailable: the database does not answer.
    """
    engine = targets.engine(targets.parsed(url))
    with targets.transaction(engine) as conn:
        target = Target(engine, planned(conn, change))
        _check(target)
    try:
        yield target
    finally:
        target.put_back()


def _check(target: Target) -> None:
    """Refuse what could not be put back, or not be marked, before anything is written."""
    try:
        target.repair  # noqa: B018 (made, to see that it can be)
    except CompileError:
        raise BadInput("column", f"{target.old!r} could not be put back by hand") from None
    target.new()


def _shown(value: Value, stored: object) -> Value:
    """Return a marker as a page shows it: a trigger may have changed it, CHAR(n) pads it."""
    return stored.strip() if isinstance(value, str) and isinstance(stored, str) else value
