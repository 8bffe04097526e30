"""Streams that lose what happened between two connections or two looks, and silent walks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import cast, func, select

from dal import changes, moves, tables
from tests.freshness.mutants.seams import Mutant, patch
from webapp import hub, streams

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from dal.changes import News

log = tables.changes
TOLD = frozenset({"stream"})


def no_replay() -> None:
    patch(streams, "_understood", lambda _: lambda _token, _key: (None, ""))


def silent_return() -> None:
    patch(hub, "_first", lambda _: lambda _stream, _answer, teller: teller.alive())


def _since(change: Callable[[Connection, News], News]) -> Callable[[], None]:
    """Return a planting that changes what is told of the change log."""

    def plant() -> None:
        def make(original: Callable[..., News]) -> Callable[..., News]:
            def since(conn: Connection, *args: Any, **options: Any) -> News:
                return change(conn, original(conn, *args, **options))

            return since

        patch(changes, "since", make)

    return plant


def by_sequence() -> None:
    """Tell only what has a higher number than all that was told."""
    last = [0]

    def higher(conn: Connection, news: News) -> News:
        xids = {str(each.xid) for each in news.touched}
        among = log.c.xid.in_([cast(xid, log.c.xid.type) for xid in xids])
        asked = select(log.c.xid, func.max(log.c.seq)).where(among).group_by(log.c.xid)
        numbers: dict[int, int] = dict(conn.execute(asked).tuples().all()) if xids else {}
        told = tuple(each for each in news.touched if numbers.get(each.xid, 0) > last[0])
        last[0] = max([last[0], *numbers.values()])
        return replace(news, touched=told)

    _since(higher)()


def by_horizon() -> None:
    """Tell nothing that is younger than the oldest transaction still running."""
    kept: list[Any] = []

    def settled(_: Connection, news: News) -> News:
        xmin = int(news.snapshot.visible.split(":")[0])
        known = (*kept, *news.touched)
        kept[:] = [each for each in known if each.xid >= xmin]
        return replace(news, touched=tuple(each for each in known if each.xid < xmin))

    _since(settled)()


def enough_told(_: Connection, news: News) -> News:
    return replace(news, more=False)


def parts_untold(_: Connection, news: News) -> News:
    told = tuple(each for each in news.touched if each.relation != "transaction_labels")
    return replace(news, touched=told)


def quiet_walk() -> None:
    patch(moves, "moves", lambda _: lambda *_args, **_options: moves.NOTHING)


MUTANTS = (
    Mutant("no_replay", "a stream begins now, whatever its reader knows", no_replay, TOLD),
    Mutant("silent_return", "who comes back is told that nothing happened", silent_return, TOLD),
    Mutant("by_sequence", "the poller asks for higher numbers than the last", by_sequence, TOLD),
    Mutant("by_horizon", "a long transaction holds up what others did", by_horizon, TOLD),
    Mutant("enough_told", "of a big import the first thousand are told", _since(enough_told), TOLD),
    Mutant("parts_untold", "labels are not told of", _since(parts_untold), TOLD),
    Mutant("quiet_walk", "who crossed the reader stays unnamed", quiet_walk, frozenset({"walk"})),
)  # fmt: skip
