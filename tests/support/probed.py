"""Small applications with one illness each, for the probe to be tried on.

Each shows one value of a database; what it does wrong is all that it does besides.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    View = Callable[[Request], Response]
    Read = Callable[[], str]

TITLE = 'Émile & the "Detectives"'
LONG_AGO = "Mon, 01 Jan 2024 00:00:00 GMT"


class Keeping(BaseHTTPRequestHandler):
    """Keeps connections, which Werkzeug's own server does not; says nothing."""

    protocol_version = "HTTP/1.1"
    view: View

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        builder = EnvironBuilder(
            self.path, method=self.command, headers=list(self.headers.items()), data=body
        )
        environ = builder.get_environ() | {"REMOTE_PORT": self.client_address[1]}
        response = type(self).view(Request(environ))
        self.send_response(response.status_code)
        text = response.get_data()
        for name, value in response.headers.items():
            if name != "Content-Length":
                self.send_header(name, value)
        if response.status_code not in {204, 304}:
            self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = answer  # noqa: N815 (as the base class looks for them)

    def log_message(self, *_: Any) -> None: ...


@contextmanager
def served(view: View) -> Iterator[str]:
    """Yield the address of a view that is being served."""
    handler = type("Handler", (Keeping,), {"view": staticmethod(view)})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        server.block_on_close = False  # whoever keeps a connection may still do so
        thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/books"
        server.shutdown()
        thread.join()


@dataclass(frozen=True, slots=True)
class Books:
    """A SQLite file with two books."""

    path: Path

    @property
    def url(self) -> str:
        return f"sqlite:///{self.path}"

    def __call__(self, statement: str, *values: Any) -> list[Any]:
        with closing(sqlite3.connect(self.path)) as conn, conn:
            return [row[0] for row in conn.execute(statement, values)]

    def title(self) -> str:
        return str(self("SELECT title FROM books WHERE id = 7")[0])


def books(path: Path) -> Books:
    """Return a new file of books."""
    found = Books(path)
    found(
        "CREATE TABLE books (id INTEGER PRIMARY KEY, title VARCHAR(40), pages INTEGER,"
        " price NUMERIC(10, 2), shelf INTEGER REFERENCES books (id), lent BOOLEAN)"
    )
    for key, title in ((7, TITLE), (8, "Momo or so")):
        found("INSERT INTO books VALUES (?, ?, 1234, 12.5, NULL, 0)", key, title)
    return found


def page(title: str, **headers: str) -> Response:
    body = f"<h1>Books</h1><p>{escape(title)}</p><p>Momo or so</p>"
    return Response(body, mimetype="text/html", headers=headers)


# ── Illnesses ────────────────────────────────────────────────────────────────────────────────


def healthy(read: Read) -> View:
    return lambda _: page(read())


def cached(read: Read, seconds: float, **headers: str) -> View:
    """Keep the value for a time."""
    kept: dict[str, tuple[float, str]] = {}

    def view(_: Request) -> Response:
        at, title = kept.get("title", (0.0, ""))
        if time.monotonic() - at > seconds:
            at, title = kept["title"] = (time.monotonic(), read())
        return page(title, **headers)

    return view


def outlasting(read: Read, times: int) -> View:
    """Keep the value until so many answers after a POST, as a cache does that knows of none."""
    kept: list[str] = []
    left: list[None] = []

    def view(request: Request) -> Response:
        if request.method == "POST":
            left[:] = [None] * times
            return Response(status=303, headers={"Location": "/books"})
        if left:
            left.pop()
            if not left:
                kept.clear()
        kept[:] = kept or [read()]
        return page(kept[0])

    return view


def captured(read: Read) -> View:
    """Read once; a POST, as by a commit, lets it read again."""
    kept: dict[str, str] = {}

    def view(request: Request) -> Response:
        if request.method == "POST":
            kept.clear()
            return Response(status=303, headers={"Location": "/books"})
        return page(kept.setdefault("title", read()))

    return view


def guarded(read: Read) -> View:
    """Be captured, and ask for a CSRF token."""
    sick = captured(read)
    return lambda request: Response(status=403) if request.method == "POST" else sick(request)


@dataclass
class Workers:
    """Several workers, each connection at one of them; `sick` of them read once."""

    read: Read
    count: int = 4
    sick: int = 2
    named: bool = True
    by_port: dict[str, int] = field(default_factory=dict)
    kept: dict[int, str] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def __call__(self, request: Request) -> Response:
        with self.lock:
            port = request.environ["REMOTE_PORT"]
            worker = self.by_port.setdefault(port, len(self.by_port) % self.count)
        if request.method == "POST":
            self.kept.pop(worker, None)
            return Response(status=204)
        title = self.kept.setdefault(worker, self.read()) if worker < self.sick else self.read()
        return page(title, **({"X-Pid": f"10{worker}"} if self.named else {}))


def kept_by_browsers(read: Read, **headers: str) -> View:
    return lambda _: page(read(), **headers)


def blind(read: Read) -> View:
    """Make an ETag of what does not change."""

    def view(request: Request) -> Response:
        if request.headers.get("If-None-Match") == '"2"':
            return Response(status=304)
        return page(read(), ETag='"2"', **{"Cache-Control": "no-cache"})

    return view


def torn(read: Read, times: int) -> View:
    """Show the value twice, once from a copy that is made anew after so many answers."""
    kept: list[str] = []

    def view(_: Request) -> Response:
        if not len(kept) % times:
            kept[:] = [read()]
        kept.append("")
        return page(f"{read()} / {kept[0]}")

    return view


def history(read: Read) -> View:
    """Show all the values that there were."""
    known: dict[str, None] = {}

    def view(_: Request) -> Response:
        known[read()] = None
        return page("; ".join(known))

    return view


def dying(read: Read, after: int) -> View:
    """Stop answering in the middle."""
    count = iter(range(1_000_000))

    def view(_: Request) -> Response:
        return Response(status=500) if next(count) > after else page(read())

    return view


def filtered(read: Read) -> View:
    """Show the row only while it is called as at first."""
    first = read()
    return lambda _: page(first if read() == first else "")
