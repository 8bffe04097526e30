"""Each rule finds what it must, and lets pass what only looks like it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.freshness.history import Key, Seen
from tests.freshness.rules import Memory, absent, judge
from tests.freshness.snapshots import Snapshot
from tests.freshness.stories import (
    HISTORY,
    SERVER,
    answer,
    gone,
    lane,
    life,
    look,
    note,
    op,
    snapshot,
    state,
)
from tests.freshness.walks import judge_step, judge_walk

if TYPE_CHECKING:
    from tests.freshness.history import Answer, Look


def rules(read: Answer) -> set[str]:
    return {each.rule for each in judge(HISTORY, read)}


def test_an_old_value_is_stale_once_the_new_one_was_acknowledged() -> None:
    one = lane(life(1, state(op(1, 0, 10)), state(op(2, 80, 99))))
    found = judge(HISTORY, answer(one, (1, look(1))))
    assert [(each.rule, each.stale_ns) for each in found] == [("stale", 1)]


@pytest.mark.parametrize("acked", [100, 105, 200])
def test_an_old_value_may_show_while_the_new_one_is_on_its_way(acked: int) -> None:
    one = lane(life(1, state(op(1, 0, 10)), state(op(2, 80, acked))))
    assert rules(answer(one, (1, look(1)))) == set()
    assert rules(answer(one, (1, look(2)))) == set()


def test_a_missing_row_is_stale_and_one_that_may_be_gone_is_not() -> None:
    known, leaving = life(1, state(op(1, 0, 10))), state(op(1, 0, 10))
    assert rules(answer(lane(known))) == {"stale"}
    assert rules(answer(lane(life(1, leaving, gone(op(2, 90, 105)))))) == set()
    assert absent(known, answer(lane(known))) is not None
    assert absent(life(1, leaving, gone(op(2, 90, 105))), answer(lane(known))) is None


def test_a_deleted_row_is_stale_and_one_that_is_being_deleted_is_not() -> None:
    begun = state(op(1, 0, 10))
    assert rules(answer(lane(life(1, begun, gone(op(2, 20, 30)))), (1, look(1)))) == {"stale"}
    assert rules(answer(lane(life(1, begun, gone(op(2, 20, 101)))), (1, look(1)))) == set()


def test_a_row_that_left_the_filter_must_not_show_in_it() -> None:
    left = life(1, state(op(1, 0, 10)), state(op(2, 20, 30), look(2, kind="fee")))
    leaving = life(1, state(op(1, 0, 10)), state(op(2, 20, 101), look(2, kind="fee")))
    assert rules(answer(lane(left), (1, look(1)), kind="send")) == {"stale"}
    assert rules(answer(lane(leaving), (1, look(1)), kind="send")) == set()
    assert rules(answer(lane(left), kind="send")) == set()


def test_a_value_before_its_write_is_of_the_future() -> None:
    late = lane(life(1, state(op(1, 0, 10)), state(op(2, 110, 120))))
    soon = lane(life(1, state(op(1, 0, 10)), state(op(2, 109, 120))))
    assert rules(answer(late, (1, look(2)))) == {"future"}
    assert rules(answer(soon, (1, look(2)))) == set()


def test_a_row_or_value_that_nobody_wrote_is_of_the_future() -> None:
    one = lane(life(1, state(op(1, 0, 10))))
    assert rules(answer(one, (1, look(1)), (0, look(7)))) == {"future"}
    assert rules(answer(one, (1, look(1)._replace(note="draft")))) == {"future"}


@pytest.mark.parametrize(("mark", "rule"), [("r", "aborted"), ("i", "intermediate")])
def test_a_value_that_must_never_be_seen_is_told_by_its_kind(mark: str, rule: str) -> None:
    HISTORY.forbid(note(9, mark), rule)
    one = lane(life(1, state(op(1, 0, 10)), state(op(9, 90, 120))))
    forbidden = look(9)._replace(note=note(9, mark))
    assert rules(answer(one, (1, forbidden))) == {rule}
    assert rules(answer(one, (1, look(1)), (0, forbidden))) == {rule}
    assert rules(answer(one, (1, look(9)))) == set()


def test_a_write_of_unknown_end_may_have_happened_or_not_for_ever() -> None:
    one = lane(life(1, state(op(1, 0, 10)), state(op(2, 20, outcome="info"))))
    assert rules(answer(one, (1, look(1)), at=(10**9, 10**9 + 1))) == set()
    assert rules(answer(one, (1, look(2)), at=(10**9, 10**9 + 1))) == set()


def test_parts_of_one_row_must_be_of_one_state() -> None:
    first, second = look(1, amount="1"), look(2, amount="2")
    one = lane(life(1, state(op(1, 0, 10), first), state(op(2, 90, 120), second)))
    assert rules(answer(one, (1, first._replace(amount="2")))) == {"torn"}
    assert rules(answer(one, (1, second))) == set()


def test_a_count_and_the_rows_beside_it_are_of_one_snapshot() -> None:
    one, coming = life(1, state(op(1, 0, 10))), life(2, state(op(2, 90, 120)))
    both = (2, look(2)), (1, look(1))
    assert rules(answer(lane(one, coming), *both, count=1)) == {"torn"}
    assert rules(answer(lane(one, coming), *both, count=2)) == set()
    assert rules(answer(lane(one, coming), both[1], count=1)) == set()


def test_a_count_alone_lies_between_what_must_and_what_may_be_there() -> None:
    one, coming = life(1, state(op(1, 0, 10))), life(2, state(op(2, 90, 120, xid=7)))
    books = lane(one, coming)
    assert rules(answer(books, count=0, whole=False)) == {"stale"}
    assert rules(answer(books, count=3, whole=False)) == {"stale"}
    assert rules(answer(books, count=1, whole=False)) == set()
    assert rules(answer(books, count=1, whole=False, token="9:9:")) == {"torn"}
    assert rules(answer(books, count=2, whole=False, token="9:9:")) == set()


def test_rows_and_token_are_of_one_snapshot() -> None:
    books = lane(life(1, state(op(1, 0, 10, xid=5)), state(op(2, 90, 120, xid=7))))
    assert rules(answer(books, (1, look(1)), token="8:8:")) == {"torn"}
    assert rules(answer(books, (1, look(2)), token="7:8:7")) == {"torn"}
    assert rules(answer(books, (1, look(1)), token="7:8:7")) == set()
    assert rules(answer(books, (1, look(2)), token="8:8:")) == set()
    assert rules(answer(books, (1, look(1)), token="5:6:5")) == {"torn"}  # older than its rows


def test_a_row_that_an_old_token_lacks_is_stale_and_not_torn() -> None:
    """Also while it is being removed; of the present token it would be torn."""
    leaving = lane(life(1, state(op(1, 0, 10, xid=5)), gone(op(2, 90, 105, xid=7))))
    assert rules(answer(leaving, token="5:6:5")) == {"stale"}
    assert rules(answer(leaving, token="7:8:7")) == {"torn"}
    assert rules(answer(leaving, token="8:8:")) == set()


def test_two_rows_of_one_transfer_show_both_or_neither() -> None:
    def half(row: int, sign: str) -> object:
        old = state(op(1, 0, 10), look(1, amount=f"{sign}1"))
        new = state(op(2, 90, 120), look(2, amount=f"{sign}2"))
        return life(row, old, new, partner=3 - row)

    books = lane(half(1, "-"), half(2, ""))  # type: ignore[arg-type]  # lives
    before = (2, look(1, amount="1")), (1, look(1, amount="-1"))
    behind = (2, look(2, amount="2")), (1, look(2, amount="-2"))
    assert rules(answer(books, before[0], behind[1])) == {"torn"}
    assert rules(answer(books, *before)) == rules(answer(books, *behind)) == set()


def test_what_is_said_to_lie_behind_a_page_lies_there() -> None:
    rows = [life(n, state(op(n, 0, 10), look(n, at=n))) for n in (1, 2)]
    page = (2, look(2, at=2))
    assert rules(answer(lane(*rows), page, after=True)) == set()
    assert rules(answer(lane(rows[1]), page, after=True)) == {"torn"}
    assert rules(answer(lane(*rows), page)) == {"stale"}


def test_one_client_never_goes_back() -> None:
    books = lane(life(1, state(op(1, 0, 10)), state(op(2, 20, 300))))
    new, old = (answer(books, (1, look(n)), at=(100, 110)) for n in (2, 1))
    memory = Memory()
    assert memory.judge(old) == memory.judge(new) == memory.judge(new) == []
    assert [each.rule for each in memory.judge(old)] == ["monotonic"]
    assert Memory().judge(old) == []  # another client's


def test_a_version_never_falls() -> None:
    one = answer(lane(), token="5:5:")
    memory = Memory()
    for version, wrong in ((3, 0), (3, 0), (4, 0), (2, 1)):
        one.rows = [Seen(1, version, look(1))]
        assert len(memory.judge(one)) == wrong


def test_a_token_of_one_client_holds_all_that_the_one_before_held() -> None:
    memory, books = Memory(), lane()
    assert memory.judge(answer(books, token="5:9:6")) == []
    assert memory.judge(answer(books, token="6:9:6")) == []
    assert [each.rule for each in memory.judge(answer(books, token="5:9:5"))] == ["monotonic"]
    other = answer(books)
    other.snapshot = Snapshot(("1", 1, 1), 1, 1, frozenset())  # after a crash: another life
    assert memory.judge(other) == []


# ── Walks ────────────────────────────────────────────────────────────────────────────────────


def test_an_untouched_row_comes_exactly_once_in_a_walk() -> None:
    rows = [life(n, state(op(n, 0, 10), look(n, at=n))) for n in (1, 2)]
    books = lane(*rows)
    first = answer(books, (2, look(2, at=2)), at=(100, 110), after=True)
    second = answer(books, (1, look(1, at=1)), at=(120, 130), above=Key(2, 2), before=True)
    assert judge_walk([first, second]) == []
    assert len(judge_walk([first])) == len(judge_walk([first, second, second])) == 1


@pytest.mark.parametrize("acked", [115, 140])
def test_a_row_that_moved_during_a_walk_may_come_never_or_twice(acked: int) -> None:
    mover = life(1, state(op(1, 0, 10), look(1, at=1)), state(op(2, 112, acked), look(2, at=9)))
    books = lane(mover)
    assert judge_walk([answer(books, at=(100, 110)), answer(books, at=(120, 130))]) == []


def test_a_page_begins_behind_its_cursor_and_comes_in_order() -> None:
    rows = [life(n, state(op(n, 0, 10), look(n, at=n))) for n in (1, 2)]
    shown = (2, look(2, at=2)), (1, look(1, at=1))
    books = lane(*rows)
    assert rules(answer(books, *shown, above=Key(3, 1))) == set()
    assert rules(answer(books, *shown, above=Key(2, 2), before=True)) == {"walk"}
    assert rules(answer(books, *reversed(shown))) == {"walk"}


def test_rows_that_crossed_the_reader_are_named_and_no_others() -> None:
    old, new = state(op(1, 0, 10), look(1, at=1)), look(2, at=9)
    surely, perhaps = op(2, 111, 119), op(2, 109, 119)
    settled = life(5, state(op(5, 0, 10), look(5, at=5)))

    def wrong(written: object, moved: set[int], *, names: bool = True) -> int:
        books = lane(life(1, old, state(written, new)), settled)  # type: ignore[arg-type]  # an op
        before = answer(books, (5, look(5, at=5)), at=(100, 110), after=True)
        after = answer(books, at=(120, 130), above=Key(5, 5), moved=frozenset(moved))
        return len(judge_step(before, after, names=names))

    assert wrong(surely, {1}) == wrong(perhaps, {1}) == wrong(perhaps, set()) == 0
    assert wrong(surely, set()) == 1
    assert wrong(surely, set(), names=False) == 0
    assert wrong(surely, {1, 5}) == 1


def test_the_row_at_which_the_reader_stands_was_read() -> None:
    up, down = look(2, at=9), look(2, at=1)

    def wrong(moved: Look) -> int:
        books = lane(life(1, state(op(1, 0, 10), look(1, at=5)), state(op(2, 111, 119), moved)))
        before = answer(books, (1, look(1, at=5)), at=(100, 110), after=True)
        after = answer(books, at=(120, 130), above=Key(5, 1))
        return len(judge_step(before, after, names=True))

    assert wrong(up) == 0
    assert wrong(down) == 1  # it comes again


# ── Snapshots ────────────────────────────────────────────────────────────────────────────────


def test_a_snapshot_includes_what_was_over() -> None:
    token = snapshot("5:9:6,8")
    assert [xid for xid in range(3, 11) if token.includes(xid)] == [3, 4, 5, 7]


@pytest.mark.parametrize(
    ("new", "old", "dominates"),
    [
        ("5:9:6", "5:9:6", True),
        ("6:9:6", "5:9:5,6", True),
        ("5:12:6,10", "5:9:6", True),
        ("5:9:6", "5:12:6", False),
        ("5:12:7", "5:9:6", False),
    ],
)
def test_a_snapshot_dominates_if_all_that_was_over_still_is(
    new: str, old: str, dominates: bool
) -> None:
    assert snapshot(new).dominates(snapshot(old)) is dominates
    assert snapshot(new).server == SERVER
