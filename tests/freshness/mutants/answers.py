"""Answers that were true once: kept by a process, by a browser, or for want of a better one."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from flask import Response, request

from tests.freshness.mutants.seams import OLD, Mutant, on_app
from webapp.security import STALE

if TYPE_CHECKING:
    from flask import Flask

MEMO = 0.02  # seconds
LIST = "/transactions"
OK, NOT_MODIFIED, UNAVAILABLE = 200, 304, 503


def _asks_for_rows() -> bool:
    return request.method == "GET" and request.path.startswith(LIST)


def _copy(kept: Response) -> Response:
    return Response(kept.get_data(), kept.status_code, dict(kept.headers))


def page_memo(app: Flask) -> None:
    kept: dict[str, tuple[float, Response]] = {}

    def answer() -> Response | None:
        found = kept.get(request.full_path) if _asks_for_rows() else None
        fresh = found is not None and found[0] > time.monotonic() - MEMO
        return _copy(found[1]) if found and fresh else None

    def keep(response: Response) -> Response:
        if _asks_for_rows() and response.status_code == OK:
            old = kept.get(request.full_path)
            if old is None or old[0] <= time.monotonic() - MEMO:
                kept[request.full_path] = time.monotonic(), _copy(response)
        return response

    app.before_request(answer)
    app.after_request(keep)


def stale_worker(app: Flask) -> None:
    kept: dict[str, Response] = {}
    chosen: list[bool] = []
    turn = Lock()

    def is_chosen() -> bool:
        with turn:  # of this worker's threads, one asks
            if not chosen:
                place = Path(os.environ["FRESHLEDGER_HOME"]) / "stale-worker"
                with suppress(FileExistsError):
                    place.touch(exist_ok=False)
                    chosen.append(True)
                chosen.append(False)
        return chosen[0]

    def answer() -> Response | None:
        found = kept.get(request.full_path) if _asks_for_rows() and is_chosen() else None
        return _copy(found) if found else None

    def keep(response: Response) -> Response:
        if _asks_for_rows() and response.status_code == OK:
            kept.setdefault(request.full_path, _copy(response))
        return response

    app.before_request(answer)
    app.after_request(keep)


def max_age(app: Flask) -> None:
    def keep(response: Response) -> Response:
        if _asks_for_rows():
            response.headers["Cache-Control"] = "max-age=1"
        return response

    app.after_request(keep)


def etag_by_time(app: Flask) -> None:
    def tag() -> str:
        return f'"{int(time.time())}"'

    def answer() -> Response | None:
        if _asks_for_rows() and request.headers.get("If-None-Match") == tag():
            return Response(status=NOT_MODIFIED)
        return None

    def keep(response: Response) -> Response:
        if _asks_for_rows():
            response.headers["Cache-Control"] = "no-cache"
            response.headers["ETag"] = tag()
        return response

    app.before_request(answer)
    app.after_request(keep)


def old_page_in_trouble(app: Flask) -> None:
    kept: dict[str, Response] = {}

    def keep(response: Response) -> Response:
        if not _asks_for_rows():
            return response
        if response.status_code == OK:
            kept[request.full_path] = _copy(response)
        elif response.status_code == UNAVAILABLE and request.full_path in kept:
            return _copy(kept[request.full_path])
        return response

    app.after_request(keep)


TOKEN = "Freshledger-Snapshot"


def token_of_before(app: Flask) -> None:
    last = [""]

    def swap(response: Response) -> Response:
        if token := response.headers.get(TOKEN):
            response.headers[TOKEN] = last[0] or token
            last[0] = token
        return response

    app.after_request(swap)


#: Where one browser is shown the page of another, its forms carry the other's token.
OF_ANOTHER = STALE

MUTANTS = (
    Mutant(
        "page_memo",
        "each process keeps a page for 20 ms",
        on_app(page_memo),
        OLD,
        refused=OF_ANOTHER,
    ),
    Mutant(
        "stale_worker",
        "one of four workers answers what it answered first",
        on_app(stale_worker),
        OLD,
        refused=OF_ANOTHER,
    ),
    Mutant("max_age", "browsers may keep a page for a second", on_app(max_age), OLD),
    Mutant("etag_by_time", "304 for a page of the same second", on_app(etag_by_time), OLD),
    Mutant(
        "old_page_in_trouble",
        "the last good page instead of 503",
        on_app(old_page_in_trouble),
        OLD,
        fault="terminate backends",
        refused=OF_ANOTHER,
    ),
    Mutant(
        "token_of_before",
        "the token is that of the answer before",
        on_app(token_of_before),
        frozenset({"torn", "monotonic"}),
    ),
)  # fmt: skip
