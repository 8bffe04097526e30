"""Where the pages are served and how they are guarded, read from the environment once."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from dal.settings import DalSettings, FromEnvironment, knob

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class WebSettings(FromEnvironment):
    """What the web application can be told; `dal` is what the data layer is told."""

    host: str = knob("HOST", "127.0.0.1", "The address to listen on; 0.0.0.0 for every one.")
    port: int = knob("PORT", 8000, "The port to listen on.")
    workers: int = knob("WORKERS", 1, "Processes that answer.")
    threads: int = knob("THREADS", 8, "Requests that one process answers at the same time.")
    open_pages: int = knob(
        "OPEN_PAGES",
        2_000,
        "Open pages of one host that are told at once what changes; the next one is told to wait.",
    )
    secret: str = knob(
        "SECRET_KEY",
        "",
        "Signs cookies and page links, 16 characters or more; the same for all that serve one"
        " ledger. Empty: made up once and kept in FRESHLEDGER_HOME.",
    )
    trusted_hosts: str = knob(
        "TRUSTED_HOSTS",
        "",
        "Names, with commas between, under which the pages may be asked for besides localhost, HOST"
        " and bare IP addresses.",
    )
    time_zone: str = knob(
        "TIME_ZONE", "UTC", "Whose days and clock are shown until the browser names its own."
    )
    upload_limit_mb: int = knob("UPLOAD_LIMIT_MB", 64, "The most that one upload may weigh.")
    dal: DalSettings = knob(  # noqa: RUF009 (a field, made once on purpose)
        "", DalSettings(), "Read from the data layer's own variables."
    )

    @classmethod
    def read(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Return the settings that `environ` asks for, those of the data layer included.

        Raises:
            BadValue: a variable holds no value of its type; names the variable.
        """
        # dataclass(slots=True) makes a new class, which the bare super() would not find.
        own = super(WebSettings, cls).read(environ)
        return replace(own, dal=DalSettings.read(environ))
