"""Contestants over HTTP: each under gunicorn with one worker, asked through a kept connection."""

from __future__ import annotations

import http.client
import os
import re
import socket
import subprocess
import time
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self
from urllib.parse import urlencode

from tests.bench.contest import ROOT, Answer, Place

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    Address = Callable[[Place], str]

#: How each page names a row.
ROW = re.compile(r'id="t(\d+)"|/transaction/(\d+)/change')
PATIENCE = 30  # seconds until a server must answer


@dataclass(frozen=True, slots=True)
class Site:
    """What is asked of a server, by the names of the table."""

    command: Sequence[str]  # without the address
    environ: Mapping[str, str]
    pages: Mapping[str, Address]
    at: Path


class Served(AbstractContextManager["Served"]):
    """A server of its own, and a connection to it that is kept."""

    def __init__(self, site: Site) -> None:
        with socket.create_server(("127.0.0.1", 0)) as found:
            self.port = found.getsockname()[1]
        self._pages = site.pages
        self.names = list(site.pages)
        self.sizes: dict[str, int] = {}
        told = {**os.environ, "PORT": str(self.port), "PYTHONPATH": str(ROOT), **site.environ}
        command = [word.replace("PORT", str(self.port)) for word in site.command]
        self._process = subprocess.Popen(command, cwd=site.at, env=told)
        self._connection = self._connected()

    def _connected(self) -> http.client.HTTPConnection:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port)).close()
                return http.client.HTTPConnection("127.0.0.1", self.port)
            time.sleep(0.1)
        raise TimeoutError(f"nobody answers: {self._process.args!r}")

    def ask(self, name: str, place: Place, calls: int) -> Answer:
        """Ask for a page and read all of it, on a connection that is kept from call to call."""
        path, seconds, body = self._pages[name](place), [], b""
        self._connection.close()  # the server may have; the first call makes it anew
        for _ in range(calls):
            began = time.perf_counter()
            self._connection.request("GET", path, headers={"Host": "localhost"})
            answer = self._connection.getresponse()
            body = answer.read()
            seconds.append(time.perf_counter() - began)
            assert answer.status == http.client.OK, f"{path}: {answer.status}"
        self.sizes.setdefault(name, len(body))
        ids = [int(a or b) for a, b in ROW.findall(body.decode())]
        return Answer(seconds, ids)

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        self._process.terminate()
        self._process.wait()

    def __enter__(self) -> Self:
        return self


def paged(path: str, page: str, first: int = 1, *, filtered: str = "{}", **more: str) -> Address:
    """Return how a peer's address names a place, by page number and by id."""

    def address(place: Place) -> str:
        query = {filtered.format(key): value for key, value in place.where.items()} | more
        if place.skip:
            query[page] = place.page - 1 + first
        return f"{path}?{urlencode(query)}" if query else path

    return address


def gunicorn(python: Path, module: str) -> list[str]:
    """Return the command of a server of one worker, as ours has it."""
    options = [
        "-w",
        "1",
        "-k",
        "gthread",
        "--threads",
        "8",
        "--log-level",
        "warning",
        "--no-control-socket",
    ]
    return [str(python), "-m", "gunicorn", *options, "-b", "127.0.0.1:PORT", f"{module}:app"]
