"""What the application holds for its whole life: settings, keys, and the way to the ledger."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cache
from threading import Event, Lock
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, available_timezones

from flask import current_app

from dal.database import Ledger
from dal.errors import BadValue, CannotServe
from webapp import signing
from webapp.feed import Feed

if TYPE_CHECKING:
    from pathlib import Path

    from dal.settings import DalSettings
    from webapp.settings import WebSettings

EXTENSION = "freshledger"
PURPOSES = ("session", "cursor", "upload", "snapshot")


class Books:
    """The way to the ledger: the one given, else one of this process's own, opened when needed.

    A ledger's connections must not cross a fork, so each worker opens its own at its first request.
    """

    def __init__(self, settings: DalSettings, given: Ledger | None) -> None:
        self._settings = settings
        self._given = given
        self._opened: tuple[int, Ledger] | None = None
        self._lock = Lock()

    @property
    def ledger(self) -> Ledger:
        """Return the ledger of this process.

        Raises:
            CannotServe: none was given, and no DATABASE_URL.
        """
        return self._given or self._own()

    def _own(self) -> Ledger:
        with self._lock:
            if self._opened is None or self._opened[0] != os.getpid():
                if not self._settings.database_url:
                    raise CannotServe("no DATABASE_URL is set; start with: freshledger serve")
                self._opened = os.getpid(), Ledger(self._settings.database_url, self._settings)
            return self._opened[1]


@dataclass(frozen=True, slots=True)
class State:
    """What every request shares; nothing of it changes, and no row is kept in it."""

    settings: WebSettings
    books: Books
    feed: Feed
    zone: ZoneInfo  # of those whose browser has not named its own
    ending: Event  # set when this process is to end
    session_key: bytes = field(repr=False)
    cursor_key: bytes = field(repr=False)
    upload_key: bytes = field(repr=False)
    snapshot_key: bytes = field(repr=False)

    @classmethod
    def of(cls, settings: WebSettings, ledger: Ledger | None) -> State:
        """Return the state of an application.

        Raises:
            BadValue: the time zone does not exist, or the secret is too short.
        """
        found = zone(settings.time_zone)
        if found is None:
            raise BadValue("TIME_ZONE", f"there is no {settings.time_zone!r}; as in Europe/Vienna")
        secret = signing.secret_of(settings)
        keys = (signing.derived(secret, purpose) for purpose in PURPOSES)
        books = Books(settings.dal, ledger)
        feed = Feed(settings, lambda: books.ledger, signing.derived(secret, PURPOSES[-1]))
        return cls(settings, books, feed, found, Event(), *keys)

    @property
    def uploads(self) -> Path:
        """Return the folder where uploads wait for a decision."""
        return self.settings.dal.home / "uploads"


def state() -> State:
    """Return the state of the application that answers the present request."""
    found: Any = current_app.extensions[EXTENSION]
    return found  # type: ignore[no-any-return]  # put there by create_app


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def zone(name: str) -> ZoneInfo | None:
    """Return the time zone of that name, if there is one."""
    return ZoneInfo(name) if name in _zones() else None
