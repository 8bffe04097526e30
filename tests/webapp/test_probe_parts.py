"""The parts of the probe that touch nothing: seeing, caching, judging."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from html import escape

import pytest
from hypothesis import assume, given, strategies as st

from dal.foreign.marking import Mark
from webapp.causes import BY_KEY
from webapp.probe.asking import address
from webapp.probe.caching import caching
from webapp.probe.figures import percentile
from webapp.probe.judging import Findings, Pattern
from webapp.probe.samples import Asked, Observed, Post, Sample
from webapp.probe.seeing import is_telling, shown
from webapp.probe.suspects import RULES, suspects
from webapp.probe.verdicts import verdict

SECOND = 1_000_000_000

# ── Seeing ───────────────────────────────────────────────────────────────────────────────────

#: Between groups, and before decimals.
STYLES = ((",", "."), (".", ","), (" ", ","), ("\u202f", ","), ("\u2019", "."))
words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(str.strip)
amounts = st.decimals("0.01", "99999999999", allow_nan=False, places=2)


@given(words)
def test_a_text_is_seen_in_html_and_json(text: str) -> None:
    assume(text.strip() == text)
    row = {"note": text, "other": "x"}
    pages = (escape(text), json.dumps(row), json.dumps(row, ensure_ascii=False))
    for page in (*pages, escape(json.dumps(row))):
        assert shown(f"<p>{page}</p>", [text]) == {0}, page


@given(
    amounts,
    st.sampled_from(STYLES),
    st.integers(0, 4),
)
def test_a_number_is_seen_in_any_style(amount: Decimal, signs: tuple[str, str], zeros: int) -> None:
    group, point = signs
    text = f"{amount:,.2f}".replace(",", "G").replace(".", "P") + "0" * zeros
    page = text.replace("G", group).replace("P", point)
    assert shown(f"<td>{page} €</td>", [amount, str(amount) + "x"]) == {0}
    assert shown(json.dumps([1, int(amount), 2]), [Decimal(int(amount))]) == {0}


@given(st.integers(1000, 10**12), st.integers(1000, 10**12))
def test_a_number_is_not_seen_in_another(one: int, other: int) -> None:
    assume(one != other)
    for page in (str(other), f"{other:,}", f"{other}.25", f'{{"a":{other}}}'):
        assert not shown(page, [one])


@given(st.integers(1000, 10**9), st.integers(1, 9))
def test_a_part_of_a_number_is_no_number(number: int, digit: int) -> None:
    for page in (f"{digit}{number}", f"{number}{digit}", f"{number}.{digit}", f"{digit}.{number}"):
        assert not shown(page, [number])


@pytest.mark.parametrize("nothing", [None, "", "  "])
def test_nothing_cannot_be_seen(nothing: object) -> None:
    assert not shown("None  null", [nothing])
    assert not is_telling(nothing)


# ── Headers ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("headers", "seconds", "shared"),
    [
        ({}, 0, 0),
        ({"cache-control": "max-age=60, must-revalidate"}, 60, 60),
        ({"cache-control": "private, max-age=60"}, 60, 0),
        ({"cache-control": "max-age=60, no-cache"}, 0, 0),
        ({"cache-control": "s-maxage=9"}, 0, 9),
        ({"cache-control": "max-age=soon"}, 0, 0),
        ({"expires": "Thu, 01 Jan 2026 00:01:00 GMT"}, 60, 60),
        ({"expires": "-1"}, 0, 0),
        ({"expires": "Thu, 01 Jan 2026 00:01:00 GMT", "cache-control": "max-age=0"}, 0, 0),
        ({"last-modified": "Wed, 31 Dec 2025 23:50:00 GMT"}, 60, 60),
        ({"last-modified": "Thu, 01 Jan 2026 00:00:00 GMT"}, 0, 0),
        ({"etag": '"1"'}, 0, 0),
    ],
)
def test_how_long_a_page_is_kept(headers: dict[str, str], seconds: int, shared: int) -> None:
    found = caching({"date": "Thu, 01 Jan 2026 00:00:00 GMT"} | headers)
    assert (found.seconds, found.shared) == (seconds, shared)
    assert bool(found.why) == bool(seconds or shared)


@given(st.dictionaries(st.sampled_from(["cache-control", "expires", "date", "age"]), st.text()))
def test_no_header_is_too_odd(headers: dict[str, str]) -> None:
    assert caching(headers).seconds >= 0


def test_an_address_in_any_form() -> None:
    found = address("https://me:a%20b@[::1]:8443/bücher?q=ä b#top", {"X": "1"})
    assert (found.host, found.port, found.secure) == ("::1", 8443, True)
    assert found.path == "/b%C3%BCcher?q=%C3%A4%20b"
    assert found.headers["Authorization"] == "Basic bWU6YSBi"
    with pytest.raises(ValueError, match="in full"):
        address("/books", {})


# ── Judging ──────────────────────────────────────────────────────────────────────────────────


def marks(*times: int) -> tuple[Mark, ...]:
    return tuple(Mark(f"probe{n}", at - 1, at) for n, at in enumerate(times, 1))


def at(sent: int, *values: int, line: int = 0, **more: object) -> Sample:
    found = Sample(line=line, kept=True, sent=sent, answered=sent + 1, shown=frozenset(values))
    return replace(found, **more)  # type: ignore[arg-type]  # fields of its own


def seen(acks: tuple[Mark, ...], *samples: Sample, **more: object) -> Findings:
    found = Observed(old="first", telling=True, marks=acks, samples=samples)
    return Findings(replace(found, **more))  # type: ignore[arg-type]  # fields of its own


times = st.lists(st.integers(10, 10**6), min_size=1, max_size=6, unique=True).map(sorted)
asks = st.lists(st.integers(0, 2 * 10**6), min_size=1, max_size=40).map(sorted)


@given(times, asks, st.integers(0, 10**6))
def test_a_page_that_lags_is_stale_by_less_than_its_lag(
    acks: list[int], sent: list[int], lag: int
) -> None:
    """The law: whoever shows what stood there `lag` ago is never later than that."""
    written = marks(*acks)
    samples = [at(each, sum(ack + lag <= each for ack in acks)) for each in sent]
    found = seen(written, *samples)
    assert all(0 <= each.late < lag for each in found.stale)
    assert len(found.stale) == sum(any(each - lag < ack <= each for ack in acks) for each in sent)
    if not lag:
        assert Pattern.FOR_A_WHILE not in found.patterns
        assert not found.stale


@given(times, asks)
def test_what_was_asked_before_commit_never_counts(acks: list[int], sent: list[int]) -> None:
    written = marks(*(ack + 3 * 10**6 for ack in acks))
    found = seen(written, *(at(each, 0) for each in sent))
    assert not found.stale
    assert not found.good
    assert verdict(found).word == "unknown"


@given(st.lists(st.integers(0, 10**6), min_size=1), st.integers(1, 100))
def test_a_percentile_was_measured(values: list[int], percent: int) -> None:
    ordered = sorted(values)
    found = percentile(ordered, percent)
    assert found in ordered
    assert sum(each <= found for each in ordered) * 100 >= percent * len(ordered)
    assert percentile(ordered, 100) == ordered[-1]


def test_taking_turns_is_a_pattern_and_a_change_once_is_none() -> None:
    acks = marks(100)
    settled = {"settled": frozenset({1})}
    once = seen(acks, *(at(100 + n, int(n > 5)) for n in range(0, 20, 2)), **settled)
    assert once.patterns == (Pattern.FOR_A_WHILE,)
    turns = seen(acks, *(at(100 + n, n // 2 % 2) for n in range(0, 40, 2)))
    assert turns.patterns[0] == Pattern.PER_WORKER


def test_a_worker_is_found_by_its_header_and_an_id_of_a_request_is_none() -> None:
    acks = marks(100)
    samples = [
        at(100 + 2 * n, n % 2, headers={"x-pid": f"{n % 2}", "x-request-id": f"{n}", "date": "now"})
        for n in range(40)
    ]
    found = seen(acks, *samples).workers
    assert [(each.header, each.value, each.old) for each in found] == [
        ("x-pid", "0", 1),
        ("x-pid", "1", 0),
    ]


def test_a_header_that_is_called_so_names_the_worker_though_none_is_always_right() -> None:
    acks = marks(100)
    told = [{"x-worker": str(n % 3), "x-queries": str(n % 2)} for n in range(60)]
    samples = [at(100 + 2 * n, n % 2, headers=headers) for n, headers in enumerate(told)]
    found = seen(acks, *samples).workers
    assert [each.value for each in found] == ["0", "1", "2"]


def test_a_post_must_help_at_once() -> None:
    """A cache that happens to end a while later is no second observation."""
    acks = marks(100)
    post = Post(due=1, sent=5_000, answered=5_001, status=303)
    before = [at(each, 0) for each in range(200, 5_000, 100)]
    more = {"posts": (post,), "unsettled": frozenset({1}), "other": "/x"}
    prompt = seen(acks, *before, *(at(5_100 + n, 1) for n in range(20)), **more)
    assert Pattern.UNTIL_POST in prompt.patterns
    late = seen(acks, *before, *(at(5_100 + n, int(n > 40)) for n in range(60)), **more)
    assert Pattern.UNTIL_POST not in late.patterns
    refused = seen(
        acks, *before, *(at(5_100 + n, 1) for n in range(20)),
        **more | {"posts": (replace(post, status=403),)},
    )  # fmt: skip
    assert Pattern.UNTIL_POST not in refused.patterns


def test_a_history_is_not_torn_and_a_part_that_is_kept_is() -> None:
    acks = marks(100, 200, 300)
    lists = seen(acks, *(at(100 * n + 5, *range(n + 1)) for n in (1, 2, 3)))
    assert not lists.torn
    assert lists.beside
    part = seen(acks, at(105, 1), at(205, 2, 1), at(305, 3, 1), at(309, 3))
    assert len(part.torn) == 2
    assert part.kept_part
    during = seen(acks, at(105, 1), at(195, 1, 2), at(205, 2), at(305, 3))
    assert len(during.torn) == 1
    assert not during.kept_part
    assert suspects(during)[0].cause.key == "torn-page"
    assert suspects(part)[0].cause.key == "cache"


def test_a_round_that_cannot_be_judged_counts_for_nothing() -> None:
    acks = marks(100, 200)
    found = seen(acks, at(105, 1), at(205, 1), doubtful="somebody else was there")
    assert not found.stale
    assert verdict(found).word == "unknown"


def test_every_pattern_names_causes_that_there_are() -> None:
    assert set(RULES) == set(Pattern)
    acks = marks(SECOND)
    stale = at(SECOND + 5, 0, headers={"age": "3", "cache-control": "max-age=5"})
    for backend in ("postgresql", "mysql", "sqlite"):
        for unsettled in (frozenset({1}), frozenset[int]()):
            found = seen(acks, stale, backend=backend, unsettled=unsettled,
                         asked=(Asked(due=1, status=304, header="If-None-Match: 1"),))  # fmt: skip
            for rule in RULES.values():
                keys = [key for key, _ in rule(found)]
                assert keys
                assert set(keys) <= set(BY_KEY)
                assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(("late", "first"), [(50_000_000, "replica-lag"), (5 * SECOND, "cache")])
def test_caches_last_for_seconds_and_replicas_lag_for_less(late: int, first: str) -> None:
    acks = marks(100)
    found = seen(acks, at(100 + late, 0), *(at(100 + late + n, 1) for n in range(5, 30)),
                 settled=frozenset({1}))  # fmt: skip
    assert suspects(found)[0].cause.key == first


def test_an_early_end_is_no_promise_that_it_heals() -> None:
    acks = marks(100)
    found = seen(acks, *(at(100 + n, 0) for n in range(20)), ended="after 1 s (--seconds)")
    assert found.patterns == (Pattern.TO_THE_END,)
