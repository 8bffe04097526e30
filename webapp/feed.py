"""The way to the hub of this host: whichever process first needs one becomes it.

    feed-….lock   held by the process whose hub serves one ledger; the kernel frees it at its end
    feed-….sock   the hub's inlet

They lie in FRESHLEDGER_HOME, their name tells ledger and key apart. A hub ends when no page has
been open for a while, or with its process; the next page finds nobody there and begins another.
"""

from __future__ import annotations

import resource
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from threading import Lock
from time import monotonic, sleep
from typing import TYPE_CHECKING

from dal import locks
from dal.database import Ledger
from webapp import inlet
from webapp.hub import ENDING, Hub
from webapp.inlet import NoSeat

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from pathlib import Path

    from webapp.settings import WebSettings

PATIENCE = 2.0  # seconds in which somebody must have become the hub
GLANCE = 0.01  # seconds between two looks
DEAF = 2.0  # seconds in which a hub that did not greet is not asked again
OTHERS = 200  # descriptors that a process needs for other things than open pages
ANSWER_MS = 4_000  # longer than it takes to be called down, so that a slow answer still counts


class Feed:
    """Finds the hub, or makes one.

    Args:
        settings: of the web and of the data layer.
        ledger: returns the ledger whose database is watched; the hub opens its own connections.
        key: that seals tokens.
    """

    def __init__(self, settings: WebSettings, ledger: Callable[[], Ledger], key: bytes) -> None:
        self._settings, self._ledger, self._key = settings, ledger, key
        self._hub: Hub | None = None
        self._deaf = 0.0  # until when the hub is left alone
        self._guard = Lock()

    def seat(self) -> socket.socket:
        """Return the way to a free seat in the hub; `inlet.bring` takes it.

        Raises:
            NoSeat: all seats are taken, or there is no hub to be had.
        """
        if monotonic() < self._deaf:
            raise NoSeat("The process that tells open pages what changed does not answer.")
        home = self._settings.dal.home.resolve()
        deadline = monotonic() + PATIENCE
        try:
            path = inlet.place(home, self._name)
            while (found := inlet.seat(path)) is None:
                if monotonic() > deadline:
                    raise NoSeat("No process tells open pages what changed.")
                if not self._lead(home, path):
                    sleep(GLANCE)  # somebody else begins, or ends
        except TimeoutError:
            self._deaf = monotonic() + DEAF
            raise NoSeat("The process that tells open pages what changed is busy.") from None
        except OSError as error:
            raise NoSeat(f"{home} cannot be used: {error}.") from error
        return found

    def close(self) -> None:
        """End this process's hub, if it is one, and its streams; another process may begin one."""
        with self._guard:
            hub, self._hub = self._hub, None
        if hub is not None and hub.is_alive():
            hub.stop()
            hub.join(timeout=2 * ENDING)

    @property
    def _name(self) -> str:
        """Return a name that those share who serve one ledger with one key."""
        url = self._ledger().url.render_as_string(hide_password=False)
        return f"feed-{sha256(url.encode() + self._key).hexdigest()[:16]}"

    def _lead(self, home: Path, path: Path) -> bool:
        """Become the hub unless somebody is; return whether we have."""
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._guard:
            lock = locks.grab(home / f"{self._name}.lock")
            if lock is None:
                return False
            try:
                self._hub = self._begun(path, lock)
            except BaseException:
                locks.release(lock)
                raise
            return True

    def _begun(self, path: Path, lock: int) -> Hub:
        def ended() -> None:
            with suppress(OSError):
                path.unlink(missing_ok=True)
            locks.release(lock)

        url = self._ledger().url.render_as_string(hide_password=False)
        settings = replace(self._settings.dal, pool_size=1, statement_timeout_ms=ANSWER_MS)
        hub = Hub(inlet.opened(path), Ledger(url, settings), self._key, self._most, ended)
        hub.start()
        return hub

    @property
    def _most(self) -> int:
        """Return how many pages may be open: as many as are allowed and have a descriptor."""
        descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return max(1, min(self._settings.open_pages, descriptors - OTHERS))


def raise_descriptors(pages: int) -> None:
    """Let this process and its children have as many descriptors as so many pages need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = pages + 2 * OTHERS
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and wanted > soft:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
