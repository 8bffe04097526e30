"""The hub: one for each host and ledger. It asks what changed, and tells all open pages.

A thread with one loop. Sockets of open pages come in through a Unix socket, the inlet, from
whichever process read their request; no process waits for them, and they wait for nobody: what a
page does not read is dropped with it.
"""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
from functools import partial
from queue import Empty
from threading import Thread
from time import monotonic, sleep
from typing import TYPE_CHECKING

from webapp import streams
from webapp.inlet import FULL, WELCOME, Seat
from webapp.poller import LATE, Poller, place
from webapp.streams import Stream, Teller

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dal.database import Ledger
    from dal.moments import Snapshot
    from webapp.poller import Answer, Place

log = logging.getLogger(__name__)
TICK = 0.05  # seconds between two questions
PAUSE = 0.25  # seconds between two questions while the database is down
SECOND = 1.0  # the longest that a page hears nothing
SILENCE = 1.2  # seconds without an answer after which the database counts as down
HOPELESS = 5.0  # seconds without an answer after which its connection is broken
LINGER = 5.0  # seconds without an open page after which the hub ends
ENDING = 2.0  # seconds that the poller may take to let go of the database
MOST_PLACES = 50  # places that one question asks for: a crowd that comes back takes turns


class Hub(Thread):
    """Tells open pages what changed, until there are none for a while.

    Args:
        inlet: listens for sockets to come.
        ledger: of its own; closed at the end.
        key: that seals tokens.
        most: how many pages may be open.
        ended: called when the next hub may begin.
    """

    def __init__(
        self,
        inlet: socket.socket,
        ledger: Ledger,
        key: bytes,
        most: int,
        ended: Callable[[], None],
    ) -> None:
        super().__init__(name="hub", daemon=True)
        self._inlet, self._key, self._most, self._ended = inlet, key, most, ended
        self._bell, self._rope = socket.socketpair()
        self._rope.settimeout(0)
        self._poller = Poller(ledger, self._ring)
        self._selector = selectors.DefaultSelector()
        self._stopped = False
        self._seats: dict[socket.socket, Seat] = {}
        self._settled: set[Stream] = set()  # they know all up to `_reached`
        self._waiting: dict[Stream, None] = {}  # they wait for their first message, in turn
        self._behind: set[Stream] = set()  # those of both that have something to read yet
        self._invited: tuple[Stream, ...] = ()  # those whose places the open question asks for
        self._reached: Snapshot | None = None
        self._asked = 0.0  # when the open question was put; 0 while none is open
        self._next = 0.0  # when to put the next
        self._said = 0.0  # when all were last told something
        self._empty = monotonic()  # since when there has been no page
        self._trouble = ""  # why the database cannot be asked

    def stop(self) -> None:
        """End the thread, and every stream with it."""
        self._stopped = True
        self._ring()

    def run(self) -> None:
        """Tell until there is nobody to be told."""
        try:
            self._listen(self._inlet, self._welcome)
            self._listen(self._bell, self._hear)
            self._poller.start()
            while not (self._stopped or self._deserted()):
                for key, _ in self._selector.select(self._pause()):
                    key.data()
                self._tick()
        except Exception:
            log.exception("The hub of the open pages broke; they will find another")
        finally:
            self._close()

    def _listen(self, source: socket.socket, heard: Callable[[], None]) -> None:
        source.settimeout(0)
        self._selector.register(source, selectors.EVENT_READ, heard)

    def _ring(self) -> None:
        """Wake the loop, from another thread."""
        with contextlib.suppress(OSError):  # it rings already, or is over
            self._rope.send(b".")

    def _close(self) -> None:
        """Close everything; whoever was being told asks again, and finds the next hub."""
        self._poller.stop()
        pages = [stream.connection for stream in (*self._settled, *self._waiting)]
        brought = filter(None, [seat.close() for seat in self._seats.values()])
        for each in (*pages, *brought, self._inlet, self._bell, self._rope):
            each.close()
        self._selector.close()
        self._ended()
        if self._poller.is_alive():  # the next hub need not wait for it, but who ends us does
            self._poller.join(timeout=ENDING)

    # ── Who comes and goes ───────────────────────────────────────────────────────────────────

    @property
    def _pages(self) -> int:
        return len(self._settled) + len(self._waiting) + len(self._seats)

    def _deserted(self) -> bool:
        if self._pages:
            self._empty = monotonic()
        return monotonic() - self._empty > LINGER

    def _welcome(self) -> None:
        """Offer a seat, if one is free, to whoever wants to bring a page."""
        try:
            visitor, _ = self._inlet.accept()
        except OSError:
            sleep(TICK / 10)  # no descriptor is free, or it went away again
            return
        visitor.settimeout(0)
        room = self._pages < self._most
        with contextlib.suppress(OSError):
            visitor.send(WELCOME if room else FULL)
        if not room:
            visitor.close()
            return
        seat = self._seats[visitor] = Seat(visitor)
        self._selector.register(visitor, selectors.EVENT_READ, partial(self._sit, seat))

    def _sit(self, seat: Seat) -> None:
        """Take what a visitor brings; when that is all, the page is one of ours."""
        if not seat.read():
            return
        self._selector.unregister(seat.visitor)
        del self._seats[seat.visitor]
        connection = seat.close()
        if connection is None:
            return  # they thought better of it, or died
        stream = Stream(connection, seat.token, self._key)
        self._selector.register(stream, selectors.EVENT_READ, partial(self._drop, stream))
        self._waiting[stream] = None
        if self._trouble:
            self._send((stream,), streams.RETRY + streams.down(self._trouble))

    def _drop(self, stream: Stream) -> None:
        """Forget a page that was closed, or says something: it has nothing to say."""
        if stream in self._settled or stream in self._waiting:
            self._settled.discard(stream)
            self._behind.discard(stream)
            self._waiting.pop(stream, None)
            self._selector.unregister(stream)
            stream.connection.close()

    def _send(self, pages: Iterable[Stream], message: bytes = b"") -> None:
        for stream in tuple(pages):
            if not stream.send(message):
                self._drop(stream)
            elif stream.behind:
                self._behind.add(stream)
            elif self._behind:
                self._behind.discard(stream)

    # ── What is asked ────────────────────────────────────────────────────────────────────────

    def _pause(self) -> float:
        """Return how long nothing can happen by itself."""
        if self._settled or self._waiting:
            return TICK if self._asked else max(0.0, self._next - monotonic())
        return LINGER

    def _tick(self) -> None:
        """Do what is due."""
        now = monotonic()
        if self._behind:
            self._send(self._behind)
        if not self._asked:
            if now >= self._next and (self._settled or self._waiting):
                self._ask(now)
        elif now - self._asked > HOPELESS:
            self._poller.break_off()
        elif now - self._asked > SILENCE:
            self._fall(LATE)
        if self._trouble and now - self._said >= SECOND:
            self._say_down()

    def _ask(self, now: float) -> None:
        """Ask what is new since where the pages stand, in one question for all of them."""
        places: dict[Place, Snapshot] = {}
        if self._settled and self._reached:
            places[place(self._reached)] = self._reached
        invited = []
        for stream in self._waiting:
            if stream.known:
                spot = place(stream.known)
                if spot not in places and len(places) >= MOST_PLACES:
                    continue
                places[spot] = stream.known
            invited.append(stream)
        self._invited = tuple(invited)
        self._asked, self._next = now, now + TICK
        self._poller.ask(places)

    def _hear(self) -> None:
        """Tell what the poller has answered."""
        with contextlib.suppress(BlockingIOError):
            self._bell.recv(4096)
        with contextlib.suppress(Empty):
            while True:
                self._told(self._poller.answers.get_nowait())

    def _told(self, answer: Answer) -> None:
        self._asked = 0.0
        if answer.reached is None:
            self._next = monotonic() + PAUSE
            self._fall(answer.trouble)
            return
        back, self._trouble = bool(self._trouble), ""
        teller = Teller(answer.reached, self._key)
        self._tell_settled(answer, teller, back=back)
        self._tell_invited(answer, teller)
        self._reached = answer.reached

    def _tell_settled(self, answer: Answer, teller: Teller, *, back: bool) -> None:
        """Tell those who knew all up to the last answer, once a second even that nothing came."""
        if not self._settled or self._reached is None:
            self._said = monotonic()
            return
        due = back or monotonic() - self._said >= SECOND
        told = teller.news(answer.news[place(self._reached)]) or (teller.alive() if due else b"")
        if told:
            self._said = monotonic()
            self._send(self._settled, told)

    def _tell_invited(self, answer: Answer, teller: Teller) -> None:
        """Tell those who came with a place of their own; from now on they go with the others."""
        messages: dict[Place | str, bytes] = {}
        for stream in self._invited:
            if stream not in self._waiting:
                continue  # it has gone meanwhile
            spot = place(stream.known) if stream.known else stream.refused
            if spot not in messages:
                messages[spot] = streams.RETRY + _first(stream, answer, teller)
            del self._waiting[stream]
            stream.known = None
            self._settled.add(stream)
            self._send((stream,), messages[spot])
        self._invited = ()

    # ── What goes wrong ──────────────────────────────────────────────────────────────────────

    def _fall(self, trouble: str) -> None:
        """Note that the database cannot be asked, and say so at once if that is new."""
        new = not self._trouble
        self._trouble = trouble
        if new:
            self._say_down()

    def _say_down(self) -> None:
        self._said = monotonic()
        self._send((*self._settled, *self._waiting), streams.down(self._trouble))


def _first(stream: Stream, answer: Answer, teller: Teller) -> bytes:
    """Return what a page is told when it comes."""
    if stream.refused:
        return teller.reset(stream.refused)
    news = teller.news(answer.news[place(stream.known)]) if stream.known else b""
    return news or teller.alive()
