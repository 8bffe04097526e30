"""From samples to a verdict: what was stale, for how long, in which pattern. Pure.

An answer is stale if it was requested after the COMMIT of a marker was acknowledged and shows
neither that marker nor a newer one. It is late by the time between the acknowledgement of the first
marker that it lacks and its request.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING

from webapp.probe.caching import Caching, caching
from webapp.probe.figures import Lines, Spread, Stale, Worker, percentile

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from webapp.probe.samples import Observed, Post, Sample

MILLION = 1_000_000  # nanoseconds in a millisecond
INTERLEAVED = 2  # stale answers after a fresh one, from which on it is a pattern
HISTORY = 3  # markers that stand on a page together, from which on it is a history of them
AT_ONCE = 16  # pages behind a POST, of which one must be right if the POST was what helped
CLEARLY = 0.25  # by which share more of them are right than before
WORKERS = 32  # different values of a header, up to which it may name workers
#: Headers that differ for other reasons than which worker answers.
CHANGING = {"date", "content-length", "set-cookie", "etag", "last-modified", "expires", "age",
            "server-timing", "x-runtime", "x-response-time", "freshledger-snapshot"}  # fmt: skip

#: Words in the name of a header that says which worker answered.
NAMING = ("worker", "pid", "instance", "backend", "upstream", "node")


class Pattern(StrEnum):
    """How a page is stale."""

    FOR_A_WHILE = "for-a-while"
    TO_THE_END = "to-the-end"
    UNTIL_POST = "until-post"
    PER_WORKER = "per-worker"
    PROXY = "proxy"
    BROWSER = "browser"
    BLIND_ETAG = "blind-etag"
    TORN = "torn"


@dataclass(frozen=True)
class Findings:
    """What follows from what was seen."""

    seen: Observed

    @cached_property
    def good(self) -> tuple[Sample, ...]:
        """Return the answers that are pages and were requested after the first change."""
        rounds = len(self.seen.marks) - bool(self.seen.doubtful)
        return tuple(
            each for each in self.seen.samples if each.good and 0 < self._due(each) <= rounds
        )

    @cached_property
    def before(self) -> tuple[Sample, ...]:
        """Return the pages that were requested before the first change was acknowledged."""
        return tuple(each for each in self.seen.samples if each.good and not self._due(each))

    @cached_property
    def stale(self) -> tuple[Stale, ...]:
        """Return the stale answers."""
        found = ((each, self._due(each)) for each in self.good)
        return tuple(
            Stale(each, due, each.sent - self._acknowledged(each, due))
            for each, due in found
            if not _is_right(each, due)
        )

    @cached_property
    def troubled(self) -> tuple[Sample, ...]:
        """Return what was answered with an error, or not at all."""
        return tuple(each for each in self.seen.samples if not each.good)

    @cached_property
    def spread(self) -> Spread:
        """Return how late the stale answers were."""
        late = sorted(each.late / MILLION for each in self.stale)
        if not late:
            return Spread()
        return Spread(len(late), percentile(late, 50), percentile(late, 99), late[-1])

    @cached_property
    def shows(self) -> bool:
        """Return whether any answer showed any marker: the page shows the column."""
        return any(each.top for each in self.seen.samples if each.good)

    @cached_property
    def showed_old(self) -> bool:
        """Return whether the page showed the first value before anything was changed."""
        return any(0 in each.shown for each in self.before)

    @cached_property
    def keeps_showing_old(self) -> bool:
        """Return whether it still shows the first value, and nothing newer, after a change."""
        return any(each.top == 0 for each in self.good)

    @cached_property
    def stale_marks(self) -> tuple[int, ...]:
        """Return the markers that some answer lacked."""
        return tuple(sorted({each.due for each in self.stale}))

    @cached_property
    def by_itself(self) -> bool:
        """Return whether a marker arrived late, and then was everywhere without a POST."""
        return bool(self.seen.settled.intersection(self.stale_marks))

    @cached_property
    def browser(self) -> Caching:
        """Return what the page's headers let a browser do."""
        pages = [each for each in self.seen.samples if each.good]
        return max((caching(each.headers) for each in pages), key=_strength, default=Caching())

    @cached_property
    def proxy(self) -> str:
        """Return which header shows that a stale answer came out of a proxy's cache."""
        kept = (caching(each.sample.headers).kept for each in self.stale)
        return next(filter(None, kept), "")

    @property
    def _all_by_proxy(self) -> bool:
        return all(caching(each.sample.headers).kept for each in self.stale)

    @cached_property
    def beside(self) -> bool:
        """Return whether the first value went on standing beside the new ones."""
        right = [each for each in self.good if _is_right(each, self._due(each))]
        return bool(right) and all(0 in each.shown for each in right)

    @cached_property
    def blind(self) -> str:
        """Return with which header a browser was told that its old copy is still right."""
        told = (each.header for each in self.seen.asked if each.status == 304)  # noqa: PLR2004
        return next(told, "")

    @cached_property
    def torn(self) -> tuple[Sample, ...]:
        """Return the answers that show two values at once, unless the page lists them all."""
        right = [each for each in self.good if _is_right(each, self._due(each))]
        elsewhere = {0} if self.beside else set()  # in another row, say
        both = tuple(
            each
            for each in self.seen.samples
            if each.good and len(each.shown - elsewhere) > 1 and self.shows
        )
        single = any(len(each.shown - elsewhere) == 1 < self._due(each) for each in right)
        lists = any(len(each.shown - elsewhere) >= HISTORY for each in both)
        known = single or len(self.seen.marks) >= HISTORY
        return both if known and (single or not lists) else ()

    @cached_property
    def kept_part(self) -> bool:
        """Return whether parts of a page were old although it was requested after COMMIT."""
        return any(0 < (each.top or 0) <= self._due(each) for each in self.torn)

    @cached_property
    def interleaved(self) -> int:
        """Return how many stale answers were requested after a right one had arrived.

        Nothing was written in between, so that who answered makes the difference.
        """
        return sum(self._interleaved(each) for each in self._stretches())

    @cached_property
    def helped(self) -> float:
        """Return which share of the pages was right behind a POST, where that was what helped."""
        shares = [self._share_behind(post) for post in self.seen.posts if post.taken]
        return min(shares, default=0)

    @cached_property
    def patterns(self) -> tuple[Pattern, ...]:
        """Return how the page is stale, the heaviest first."""
        rules = {
            Pattern.UNTIL_POST: bool(self.stale and self.helped),
            Pattern.PROXY: bool(self.proxy),
            Pattern.PER_WORKER: self.interleaved >= INTERLEAVED,
            Pattern.FOR_A_WHILE: self.by_itself and not self._all_by_proxy,
            Pattern.TO_THE_END: bool(self.stale) and not self.by_itself and not self.helped,
            Pattern.TORN: bool(self.torn),
            Pattern.BLIND_ETAG: bool(self.blind),
            Pattern.BROWSER: bool(self.browser.seconds or self.browser.shared),
        }
        return tuple(pattern for pattern, holds in rules.items() if holds)

    @cached_property
    def lines(self) -> Lines:
        """Return how many connections saw an old value."""
        stale = {each.sample.line for each in self.stale}
        kept = {each.line for each in self.good if each.kept}
        fresh = {each.line for each in self.good if not each.kept}
        return Lines(len(kept), len(kept & stale), len(fresh), len(fresh & stale))

    @cached_property
    def workers(self) -> tuple[Worker, ...]:
        """Return how each worker did, by the header that tells them apart, if one does."""
        if Pattern.PER_WORKER not in self.patterns:
            return ()
        if asked := self.seen.worker_header:
            return self._by_header(asked, sure=True)
        names = {name for each in self.good for name in each.headers} - CHANGING
        named = {name for name in names if any(word in name for word in NAMING)}
        tries = [self._by_header(name, sure=True) for name in named]
        others = [self._by_header(name, sure=False) for name in names - named]
        return max(tries, key=len, default=()) or max(others, key=len, default=())

    # ── Steps ────────────────────────────────────────────────────────────────────────────────

    def _due(self, sample: Sample) -> int:
        """Return the last marker that was acknowledged before an answer was requested."""
        return sum(mark.acknowledged <= sample.sent for mark in self.seen.marks)

    def _acknowledged(self, sample: Sample, due: int) -> int:
        """Return when the first marker that it lacks was; the last one where it shows nothing."""
        lacks = due if sample.top is None else sample.top + 1
        return self.seen.marks[lacks - 1].acknowledged

    def _share_behind(self, post: Post) -> float:
        """Return which share was right behind a POST; 0 where it was no clear and prompt help."""
        pages = [each for each in self.good if self._due(each) == post.due]
        right = [_is_right(each, post.due) for each in pages if each.sent > post.answered]
        before = [_is_right(each, post.due) for each in pages if each.sent < post.sent]
        gain = _share(right) - _share(before)
        prompt = any(right[:AT_ONCE])
        return _share(right) if prompt and gain > (CLEARLY if any(before) else 0) else 0

    def _stretches(self) -> Iterable[tuple[int, Sequence[Sample]]]:
        """Yield the pages between two writes, ours and the application's own."""
        posts = [post.sent for post in self.seen.posts]

        def stretch(sample: Sample) -> tuple[int, int]:
            return self._due(sample), sum(sent <= sample.sent for sent in posts)

        for (due, _), pages in groupby(sorted(self.good, key=stretch), stretch):
            yield due, list(pages)

    def _interleaved(self, stretch: tuple[int, Sequence[Sample]]) -> int:
        due, pages = stretch
        first = min((each.answered for each in pages if _is_right(each, due)), default=None)
        if first is None:
            return 0
        return sum(each.sent > first and not _is_right(each, due) for each in pages)

    def _by_header(self, name: str, *, sure: bool) -> tuple[Worker, ...]:
        """Return a worker for each value of a header, if it looks as if it named workers."""
        stale = {id(each.sample) for each in self.stale}
        pages: dict[str, list[bool]] = {}
        for each in self.good:
            if value := each.headers.get(name):
                pages.setdefault(value, []).append(id(each) in stale)
        found = tuple(Worker(name, value, _share(olds)) for value, olds in sorted(pages.items()))
        shares = {each.old for each in found}
        few = 1 < len(found) <= WORKERS and len(found) * INTERLEAVED < len(self.good)
        telling = sure or (min(shares, default=1) == 0 and len(shares) > 1)
        return found if few and telling else ()


def _is_right(sample: Sample, due: int) -> bool:
    return (sample.top or 0) >= due


def _share(found: Sequence[bool]) -> float:
    return sum(found) / len(found) if found else 0


def _strength(found: Caching) -> tuple[int, int]:
    return found.seconds, found.shared
