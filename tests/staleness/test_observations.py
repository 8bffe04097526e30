"""The request's own words: old until something else writes, and no reset helps."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.staleness import rivals
from tests.staleness.observing import let_go, observe
from tests.staleness.serving import served
from tests.staleness.trial import TRUE_IF, UNKNOWABLE, Trial, claim

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask

    from tests.staleness.conftest import Shop
    from tests.staleness.serving import Site

    Rival = Callable[[], Flask]

LOADS = 20


@dataclass(frozen=True, slots=True)
class Visit:
    """How many workers showed an old page, and how many loads did."""

    workers: int
    old_loads: int  # of LOADS, after somebody else's change
    old: int
    old_after_reset: int
    old_after_other_function: int

    @property
    def is_as_reported(self) -> bool:
        """Return whether the page is old, and right in every worker after the other function."""
        return self.old_loads == LOADS and self.old_after_other_function == 0

    @property
    def gives_all_three(self) -> bool:
        """Return whether the reset cures nothing besides."""
        return self.is_as_reported and self.old_after_reset == self.workers

    @property
    def words(self) -> str:
        """Return it in words."""
        return (
            f"old in {self.old_loads} of {LOADS} loads, after the reset in {self.old_after_reset}"
            f" and after the other function in {self.old_after_other_function}"
            f" of {self.workers} worker{'s' if self.workers > 1 else ''}"
        )


class Visitor:
    """Somebody with a browser: what says ETag is kept, and asked for with If-None-Match."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.kept: dict[str, tuple[str, str]] = {}

    def look(self, path: str = "/transactions") -> tuple[int, str]:
        """Return which worker answered, and what is on the screen."""
        tag, page = self.kept.get(path, ("", ""))
        answer = self.site.get(path, {"If-None-Match": tag} if tag else {})
        if answer.status != 304:
            page = answer.text
            self.kept[path] = (answer.headers.get("ETag", ""), page)
        return answer.worker, page

    def old(self, word: str, path: str = "/transactions") -> int:
        """Return how many of the workers, each asked at least once, do not show a word."""
        pages: dict[int, str] = {}
        for _ in range(2_000):
            worker, page = self.look(path)
            pages[worker] = page
            if len(pages) == self.site.workers:
                return sum(word not in page for page in pages.values())
        raise AssertionError(f"{len(pages)} of {self.site.workers} workers answered")


def visited(shop: Shop, rival: Rival, workers: int = 1) -> Visit:
    """Return what a visitor of a rival sees of changes that another process makes."""
    shop.write("first")
    target = f"{rivals.__name__}:{rival.__name__}()"
    with served(target, shop.url, workers=workers) as site:
        visitor = Visitor(site)
        for path in ("/transactions", "/transactions?reset=1"):
            visitor.old("", path)
        shop.write("change A")
        old_loads = sum("change A" not in visitor.look()[1] for _ in range(LOADS))
        old = visitor.old("change A")
        after_reset = visitor.old("change A", "/transactions?reset=1")
        shop.write("change B")
        visitor.old("change B")
        site.post("/contacts/2", name=f"Ben of {rival.__name__}")
        after_other = visitor.old("change B")
    return Visit(workers, old_loads, old, after_reset, after_other)


def title(rival: Rival) -> str:
    """Return what a rival is, in words."""
    words = str(rival.__doc__)
    return words[0].lower() + words[1:-1]


@pytest.fixture
def with_a_copy(shop: Shop) -> Shop:
    """Return a shop with the materialized view that one of the rivals reads."""
    shop.outside.execute(rivals.STORED_COPY)
    return shop


# ── 01: old until another function writes ────────────────────────────────────────────────────


@pytest.mark.long
@claim(
    1,
    TRUE_IF,
    "something outlives the requests and the other function renews it: a session with the rows that"
    " it showed, a cache, a materialized view; of what lives in a process, only the worker that ran"
    " the function is cured",
)
def test_the_page_is_old_until_another_function_writes(trial: Trial, with_a_copy: Shop) -> None:
    for rival, workers, reported in (
        (rivals.kept_session, 1, True),
        (rivals.kept_session, 3, False),
        (rivals.cleared_cache, 1, True),
        (rivals.stored_copy, 3, True),
        (rivals.kept_session_without_rows, 1, False),
    ):
        found = visited(with_a_copy, rival, workers)
        trial.case(
            f"{title(rival)}, {found.workers} worker{'s' if workers > 1 else ''}",
            holds=found.is_as_reported,
            saw=found.words,
            held=rival is rivals.kept_session,
            workers=workers,
        )
        assert found.is_as_reported == reported
    found = visited(with_a_copy, rivals.session_per_request, 3)
    trial.control("a session for each request", gone=not found.old_loads, saw=found.words)


# ── 02: a session problem, and three causes for it ───────────────────────────────────────────


@pytest.mark.long
@claim(
    2,
    TRUE_IF,
    "the page asks the tables themselves, and nothing between it and the visitor answers in its"
    " place: a materialized view that the application's own functions renew, and an ETag of"
    " something else, give the same three observations without any session in them",
)
def test_other_things_than_sessions_give_the_three_observations(
    trial: Trial, with_a_copy: Shop
) -> None:
    for rival, session in (
        (rivals.kept_session, True),
        (rivals.stored_copy, False),
        (rivals.blind_etag, False),
    ):
        found = visited(with_a_copy, rival)
        assert found.gives_all_three
        trial.case(title(rival), holds=session, saw=f"all three: {found.words}", held=session)
    for cured in (rivals.session_per_request, rivals.seeing_etag):
        found = visited(with_a_copy, cured)
        trial.control(title(cured), gone=not found.old_loads, saw=found.words)


# ── 03: remove() and expire_all() ────────────────────────────────────────────────────────────


@pytest.mark.long
@claim(
    3,
    TRUE_IF,
    "what the page shows does not belong to db.session: a session that was captured, kept rows, a"
    " cache. Where db.session itself hands out the old session again, remove() cures",
)
def test_the_reset_reaches_only_what_belongs_to_db_session(trial: Trial, shop: Shop) -> None:
    for rival, workers, persists in (
        (rivals.kept_session, 1, True),
        (rivals.kept_session, 3, True),
        (rivals.kept_rows, 1, True),
        (rivals.cleared_cache, 1, True),
        (rivals.constant_scope, 1, False),
    ):
        found = visited(shop, rival, workers)
        assert found.old == workers
        saw = f"old in {found.old} of {workers}, after the reset in {found.old_after_reset}"
        held = rival is not rivals.cleared_cache
        trial.case(
            title(rival), holds=found.old_after_reset > 0, saw=saw, held=held, workers=workers
        )
        assert (found.old_after_reset == workers) == persists
    found = visited(shop, rivals.kept_session_reset)
    saw = f"old in {found.old} of 1, after the reset in {found.old_after_reset}"
    trial.control(title(rivals.kept_session_reset), gone=not found.old_after_reset, saw=saw)


# ── 04: the most popular reason ──────────────────────────────────────────────────────────────


@claim(
    4,
    UNKNOWABLE,
    "a run can show what gives the observations, not how often people have it; of the causes tried"
    " here, sessions and their objects are some, and others give the same",
)
def test_nothing_here_counts_how_often_people_have_a_cause(trial: Trial, with_a_copy: Shop) -> None:
    giving = {}
    for rival in (rivals.kept_session, rivals.kept_rows, rivals.cleared_cache, rivals.stored_copy):
        with made(with_a_copy, rival) as app:
            found = observe(app, with_a_copy.write)
        giving[rival] = found.first and found.other_function and found.reset_useless
        ours = rival in (rivals.kept_session, rivals.kept_rows)
        trial.case(title(rival), holds=giving[rival] and ours, saw=found.words, held=ours)
    assert list(giving.values()) == [True, False, True, True]
    trial.unknowable(
        f"no run counts people. Of 4 causes {sum(giving.values())} give all three observations,"
        f" {sum(giving[rival] for rival in (rivals.kept_session, rivals.kept_rows))} of them a"
        " session or its objects"
    )
    with made(with_a_copy, rivals.session_per_request) as app:
        found = observe(app, with_a_copy.write)
    trial.control(title(rivals.session_per_request), gone=not found.first, saw=found.words)


@contextmanager
def made(shop: Shop, rival: Rival) -> Iterator[Flask]:
    """Yield a rival in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", shop.url)
        app = rival()
    try:
        yield app
    finally:
        for session in app.extensions.get("kept", ()):
            session.close()
        let_go(app)
