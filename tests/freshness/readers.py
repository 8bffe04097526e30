"""Readers: each is one browser, which goes through the pages and has every answer judged."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import unescape
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from tests.freshness import pages
from tests.freshness.clients import BUSY, UNAVAILABLE, Broken, Client, Reply
from tests.freshness.history import Answer, Key, Seen, View, Violation
from tests.freshness.rules import Memory, absent, judge, row_rule
from tests.freshness.snapshots import decode
from tests.freshness.streams import Pair
from tests.freshness.walks import judge_step, judge_walk

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from tests.freshness.history import Lane, Life
    from tests.freshness.load import Load

OK, NOT_FOUND = 200, 404
BOTTOM = Key(-(2**70), 0)
SMALL, LARGE = 25, 200
KINDS = {
    "page": 34,
    "filtered": 16,
    "one": 14,
    "pairs": 10,
    "count": 12,
    "deep": 7,
    "walk": 3,
    "back": 3,
    "bulk": 1,
}


@dataclass
class Reader:
    """One browser."""

    load: Load
    random: Random
    client: Client
    memory: Memory = field(default_factory=Memory)
    _pages: dict[str, Answer] = field(default_factory=dict)  # the last of each view
    _places: list[tuple[str, Key]] = field(default_factory=list)  # cursors into the deep lane
    _kinds: tuple[str, ...] = tuple(KINDS)
    _weights: tuple[int, ...] = tuple(KINDS.values())

    def step(self) -> None:
        """Read once, or walk once."""
        kind = self.random.choices(self._kinds, self._weights)[0]
        lanes = self.load.ground.lanes
        match kind:
            case "page":
                self.page("page", View(lanes["hot"]))
            case "filtered":
                self.page("filtered", View(lanes["hot"], "reward"))
            case "pairs":
                self.page("pairs", View(lanes["pairs"]))
                self.count(View(lanes["pairs"]))
            case "count":
                lane = self.random.choice(("hot", "deep", "hot", "bulk"))
                self.count(View(lanes[lane], self.random.choice(("", "reward"))))
            case "one":
                self._some()
            case "deep":
                self._deep(View(lanes["deep"]))
            case "walk":
                self.walk("walk", View(lanes["deep"], self.random.choice(("", "", "receive"))))
            case "back":
                self.walk("back", View(lanes["deep"]))
            case _:
                self.walk("bulk", View(lanes["bulk"]), LARGE)

    def close(self) -> None:
        """Hang up."""
        self.client.close()

    # ── Asking ───────────────────────────────────────────────────────────────────────────────

    def ask(self, path: str) -> Reply | None:
        """Return what was answered; None where the answer says, honestly, that it cannot."""
        breaks = self.client.breaks
        try:
            reply = self.client.get(path)
        except Broken:
            self.load.pause(0.05)
            return None
        finally:
            self.load.broke_off(self.client.breaks - breaks)
        if reply.status in (UNAVAILABLE, BUSY):
            if reply.status == UNAVAILABLE:
                self.load.refused()  # who is told to wait for a turn was not refused
            self.load.pause(0.02)
            return None
        self.load.met(reply)
        if reply.status not in (OK, NOT_FOUND):
            said = f"{path} answered {reply.status}: {pages.words(reply.text)}"
            self.load.found([Violation("error", said)])
            return None
        return reply

    def _answer(self, kind: str, view: View, reply: Reply) -> Answer:
        return Answer(
            kind=kind,
            invoked=reply.invoked,
            ok=reply.ok,
            view=view,
            snapshot=decode(reply.token) if reply.token else None,
            worker=reply.worker,
        )

    def _judged(self, answer: Answer) -> None:
        with answer.view.lane.lock:
            found = judge(self.load.history, answer)
            found += self.memory.judge(answer)
        self.load.read(answer, found)

    # ── Kinds of reading ─────────────────────────────────────────────────────────────────────

    def page(self, kind: str, view: View) -> Answer | None:
        """Read a first page, and tell the stream how it differs from the one before."""
        found = self._page(kind, view, _path(view, SMALL))
        if found is None:
            return None
        answer = found[0]
        place = f"{view.lane.name} {view.type}"
        last = self._pages.get(place)
        if last and self.load.stream and not (last.after or answer.after):
            self.load.stream.read(Pair.of(last, answer))
        self._pages[place] = answer
        return answer

    def _page(
        self,
        kind: str,
        view: View,
        path: str,
        *,
        above: Key | None = None,
        below: Key | None = None,
        began: int = 0,
    ) -> tuple[Answer, str] | None:
        """Read a page of a list and judge it; return it and its text."""
        reply = self.ask(path)
        if reply is None:
            return None
        answer = self._answer(kind, view, reply)
        html = reply.text
        answer.rows = pages.rows(html)
        answer.count = pages.count(html)
        answer.before = bool(pages.link(pages.PREVIOUS, html))
        answer.after = bool(pages.link(pages.NEXT, html))
        answer.above, answer.below, answer.walk_began = above, below, began
        answer.moved, answer.names_all = pages.moved(html)
        self._judged(answer)
        return answer, html

    def count(self, view: View) -> None:
        """Read the exact figures."""
        reply = self.ask(_path(view, SMALL).replace("?", "/totals?", 1))
        if reply is None:
            return
        answer = self._answer("count", view, reply)
        answer.whole = False
        answer.count = pages.count(reply.text)
        if view.lane.name == "pairs":
            answer.net = pages.link(pages.NET, reply.text) or "0"
        self._judged(answer)

    def _some(self) -> None:
        lane = self.load.ground.lanes[self.random.choice(("hot", "deep"))]
        with lane.lock:
            lives = list(lane.lives.values())
        if lives:
            self.one(lane, self.random.choice(lives))

    def one(self, lane: Lane, life: Life) -> Reply | None:
        """Read the page of one row; return it if the row is there."""
        reply = self.ask(f"/transactions/{life.id}")
        if reply is None:
            return None
        answer = self._answer("one", View(lane), reply)
        answer.whole = False
        found: list[Violation] = []
        with lane.lock:
            if reply.status == NOT_FOUND:
                missing = absent(life, answer)
                found += [missing] if missing else []
            else:
                answer.rows = [self._shown(life, reply.text)]
                wrong = row_rule(self.load.history, life, answer.rows[0], answer)
                found += [wrong] if wrong else []
                found += self.memory.judge(answer)
        self.load.read(answer, found)
        return reply if reply.status == OK else None

    @staticmethod
    def _shown(life: Life, html: str) -> Seen:
        """Return what a row's own page says of note and version; the rest as it was written."""
        version, note = pages.VERSION.search(html), pages.TEXTAREA.search(html)
        if version is None or note is None:
            raise ValueError("the page of a row has changed")
        text, number = unescape(note[1]), int(version[1])
        labels = frozenset(map(unescape, pages.TAKEN.findall(html)))
        contact = pages.CONTACT.search(html)
        named = unescape(contact[1]) if contact else ""
        for state in reversed(life.states):
            look = state.look
            if look and look.note == text and look.labels == labels and look.contact == named:
                return Seen(life.id, number, look)
        look = next((s.look for s in life.states if s.look), None)
        assert look is not None
        return Seen(life.id, number, look._replace(note=text, labels=labels, contact=named))

    def _deep(self, view: View) -> None:
        """Read at a place where some walk has been."""
        if not self._places:
            self.walk("walk", view)
            return
        path, position = self.random.choice(self._places)
        self._page("deep", view, path, above=position)

    def walk(
        self,
        kind: str,
        view: View,
        size: int = SMALL,
        between: Callable[[], None] | None = None,
    ) -> None:
        """Go from the first page to the last, or back from the last to the first.

        Args:
            kind: "back", or any other for on.
            view: what to walk through.
            size: of a page.
            between: called between any two pages.
        """
        backward = kind == "back"
        first = self._page(kind, view, _path(view, size))
        if first is None:
            return
        began, html = first[0].invoked, first[1]
        walked = [first[0]]
        if backward:
            last = pages.link(pages.LAST, html)
            found = self._page(kind, view, last, below=BOTTOM, began=began) if last else None
            if found is None:
                return
            walked, html = [found[0]], found[1]
        while path := pages.link(pages.PREVIOUS if backward else pages.NEXT, html):
            page = walked[-1]
            if not page.rows:
                return
            row = page.rows[0 if backward else -1]
            place = Key(row.look.at, row.id)
            ends = {"below": place} if backward else {"above": place}
            if between:
                between()
            found = self._page(kind, view, path, **ends, began=began)
            if found is None:
                return
            if not backward and not view.type:
                self._places = [*self._places[-30:], (path, place)] if kind == "walk" else []
            with view.lane.lock:
                step = judge_step(page, found[0], names=self.load.names_moved)
            self.load.found(step)
            walked.append(found[0])
            html = found[1]
        with view.lane.lock:
            self.load.found(judge_walk(walked))


def _path(view: View, size: int) -> str:
    """Return the address of a view's first page."""
    query = [("wallet", view.lane.wallet)]
    query += [("type", view.type)] if view.type else []
    query += [("size", str(size))]
    return f"/transactions?{urlencode(query)}"
