"""A visitor with a browser: cookies, and an HTTP cache that does what RFC 9111 lets it do.

A private cache of full GET answers: it keeps what says max-age or brings an ETag and does not say
no-store, answers from what is young enough, asks again with If-None-Match otherwise, and forgets a
page to which something was sent. It keeps nothing on its own judgement (no heuristic age).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from tests.staleness.serving import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

PATIENCE = 20  # seconds for an answer
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
NOBODY: Mapping[str, str] = {"X-Worker": "0", "X-Selects": "0"}


@dataclass(frozen=True, slots=True)
class Kept:
    """A page in the cache."""

    answer: Answer
    at: float

    @property
    def is_fresh(self) -> bool:
        """Return whether it may be shown without asking."""
        said = directives(self.answer.headers)
        return "no-cache" not in said and time.monotonic() - self.at < int(said.get("max-age", 0))

    @property
    def question(self) -> dict[str, str]:
        """Return how to ask whether it is still so."""
        tag = self.answer.headers.get("ETag")
        return {"If-None-Match": tag} if tag else {}


def directives(headers: Mapping[str, str]) -> dict[str, str]:
    """Return what Cache-Control says."""
    said = (each.strip().partition("=") for each in headers.get("Cache-Control", "").split(","))
    return {name.lower(): value for name, _, value in said if name}


@dataclass(slots=True)
class Browser:
    """One visitor of one site."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)
    _kept: dict[str, Kept] = field(default_factory=dict)

    def get(self, path: str, patience: float = PATIENCE) -> Answer:
        """Show a page; one that comes out of the cache unasked names no worker."""
        kept = self._kept.get(path)
        if kept and kept.is_fresh:
            return replace(kept.answer, headers={**kept.answer.headers, **NOBODY})
        answer = self._ask("GET", path, None, kept.question if kept else {}, patience)
        if kept and answer.status == 304:
            both = {**kept.answer.headers, **answer.headers}
            answer = replace(kept.answer, headers=both)
        self._keep(path, answer)
        return answer

    def post(self, path: str, **form: str) -> Answer:
        """Send a form."""
        answer = self._ask("POST", path, urlencode(form), FORM)
        if answer.status < 400:
            self._kept.pop(urlsplit(path).path, None)
        return answer

    def _keep(self, path: str, answer: Answer) -> None:
        said = directives(answer.headers)
        worth = "max-age" in said or "ETag" in answer.headers
        if answer.status == 200 and worth and "no-store" not in said:
            self._kept[path] = Kept(answer, time.monotonic())
        else:
            self._kept.pop(path, None)

    def _ask(
        self,
        method: str,
        path: str,
        body: str | None,
        headers: Mapping[str, str],
        patience: float = PATIENCE,
    ) -> Answer:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = dict(headers) | ({"Cookie": cookie} if cookie else {})
        connection = HTTPConnection("127.0.0.1", self.port, timeout=patience)
        try:
            connection.request(method, path, body, sent)
            got = connection.getresponse()
            for line in got.headers.get_all("Set-Cookie") or ():
                self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(line).items()}
            return Answer(got.status, got.read().decode(), dict(got.headers))
        finally:
            connection.close()
