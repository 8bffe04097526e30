"""Small made-up histories for the tests of the rules: times in plain numbers, one row or two."""

from __future__ import annotations

from tests.freshness.history import (
    FAR,
    Answer,
    History,
    Key,
    Lane,
    Life,
    Look,
    Op,
    Outcome,
    Seen,
    State,
    View,
)
from tests.freshness.snapshots import Snapshot, parts

SERVER = ("1", 1, 0)
HISTORY = History("run")


def note(number: int, mark: str = "") -> str:
    return f"fresh run {number}{mark}"


def look(number: int, at: int = 0, kind: str = "send", amount: str = "") -> Look:
    return Look(at, kind, note(number), amount)


def op(
    number: int,
    invoked: int,
    acked: int = FAR,
    *,
    outcome: Outcome = "ok",
    xid: int | None = None,
    rows: tuple[int, ...] = (),
) -> Op:
    return Op(number, "edit", invoked, acked, outcome, xid, rows)


def state(written: Op, shown: Look | None = None, version: int = 0) -> State:
    return State(written, shown or look(written.number), version)


def gone(written: Op) -> State:
    return State(written, None)


def lane(*lives: Life) -> Lane:
    return Lane("hot", "wallet", {life.id: life for life in lives})


def life(row: int, *states: State, partner: int = 0) -> Life:
    return Life(row, list(states), partner)


def snapshot(text: str) -> Snapshot:
    return Snapshot(SERVER, *parts(text))


def answer(
    where: Lane,
    *rows: tuple[int, Look],
    at: tuple[int, int] = (100, 110),
    count: int | None = None,
    above: Key | None = None,
    before: bool = False,
    after: bool = False,
    moved: frozenset[int] = frozenset(),
    token: str = "",
    kind: str = "",
    whole: bool = True,
) -> Answer:
    return Answer(
        kind="page",
        invoked=at[0],
        ok=at[1],
        view=View(where, kind),
        rows=[Seen(row, 0, shown) for row, shown in rows],
        count=count,
        above=above,
        before=before,
        after=after,
        whole=whole,
        moved=moved,
        snapshot=snapshot(token) if token else None,
    )
