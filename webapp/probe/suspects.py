"""Which causes make a page behave as it was seen to: the likeliest first, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from webapp.causes import BY_KEY
from webapp.probe.judging import Pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from webapp.causes import Cause
    from webapp.probe.judging import Findings

SECOND = 1_000  # milliseconds: replicas lag by less, caches are set to more
REPEATABLE = {"mysql", "mariadb"}  # read repeatably unless they are told not to


@dataclass(frozen=True, slots=True)
class Suspect:
    """A cause, and why it is thought of."""

    cause: Cause
    why: str


def suspects(findings: Findings) -> tuple[Suspect, ...]:
    """Return what may be the cause, the likeliest first, each once."""
    found: dict[str, str] = {}
    for pattern in findings.patterns:
        for key, why in RULES[pattern](findings):
            found.setdefault(key, why)
    return tuple(Suspect(BY_KEY[key], why) for key, why in found.items())


def _until_post(findings: Findings) -> Iterator[tuple[str, str]]:
    some = " of the worker that took the POST" if Pattern.PER_WORKER in findings.patterns else ""
    why = f"time did not help, a commit of the application did: it expires what the session{some}"
    yield "captured-session", f"{why} has loaded, and the page reads it again"
    if findings.seen.backend in REPEATABLE:
        why = "this database reads repeatably by default, and a commit of the application"
        yield "pinned-snapshot", f"{why} ends such a snapshot"
    yield "held-objects", "a commit also expires objects that outlived their request"
    yield "captured-query", "a query built at import shares the session of that moment"
    if findings.seen.backend not in REPEATABLE:
        yield (
            "pinned-snapshot",
            "if the application asks for REPEATABLE READ: its commit ended the snapshot",
        )
    yield "cache", "the application may clear a cache when it writes, which SQL does not"


def _per_worker(findings: Findings) -> Iterator[tuple[str, str]]:
    mixed = "right and old answers took turns while nothing was written"
    if findings.by_itself:
        yield "cache", f"{mixed}: each process may keep a copy of its own, for a time"
        yield "replica-lag", "one of several replicas may be behind"
        yield "no-teardown", "each thread may go on with the session of an earlier request"
        return
    yield "captured-session", f"{mixed}: each process may have captured a session of its own"
    yield "held-objects", "each process may keep objects of its own"
    yield "cache", "each process may keep a copy of its own, for longer than was waited"
    yield "no-teardown", "each thread may go on with the session of an earlier request"
    yield "pinned-snapshot", "one connection of the pool may be in a transaction of long ago"
    yield "raw-connection", "one connection of the pool may have come back in a transaction"


def _to_the_end(findings: Findings) -> Iterator[tuple[str, str]]:
    wait = f"no answer became right in {findings.seen.patience:g} s"
    elsewhere = (
        "two-databases",
        "no answer ever showed what was written: the page may read another database",
    )
    if findings.seen.backend in REPEATABLE:
        yield "pinned-snapshot", f"{wait}, and this database reads repeatably by default"
    if any(post.taken for post in findings.seen.posts):
        yield "cache", f"{wait}, nor by a write of the application: a cache may last longer"
    yield "captured-session", f"{wait}: a session may have loaded the row once and for all"
    likely = findings.seen.backend == "sqlite"  # whose relative paths lead to several files
    if not findings.shows and likely:
        yield elsewhere
    yield "held-objects", "the page may be made of objects that were loaded once"
    yield "cache", "a cache may last longer than was waited"
    if not findings.shows and not likely:
        yield elsewhere
    yield "captured-query", "a query built at import carries the session of that moment"
    if findings.seen.backend not in REPEATABLE:
        yield "pinned-snapshot", "a transaction may be open under REPEATABLE READ"
    yield "stored-copy", "the page may read a copy that has not been made anew"


def _for_a_while(findings: Findings) -> Iterator[tuple[str, str]]:
    most = f"{findings.spread.most:,.0f} ms"
    lag = ("replica-lag", f"it became right by itself, within {most}: as a replica that follows")
    kept = ("cache", f"it became right by itself, within {most}: as a cache that expires")
    yield from (lag, kept) if findings.spread.most < SECOND else (kept, lag)
    yield "stored-copy", "it became right by itself: a job may make the copy anew now and then"


def _proxy(findings: Findings) -> Iterator[tuple[str, str]]:
    yield (
        "http-cache",
        f"an old answer came out of a cache before the application: {findings.proxy}",
    )


def _browser(findings: Findings) -> Iterator[tuple[str, str]]:
    yield "http-cache", f"the page allows it: {findings.browser.why}"


def _blind_etag(findings: Findings) -> Iterator[tuple[str, str]]:
    yield (
        "blind-etag",
        f"after a change it answered {findings.blind} with 304: your copy is still right",
    )


def _torn(findings: Findings) -> Iterator[tuple[str, str]]:
    if findings.kept_part:
        yield "cache", "a part of the page was old long after COMMIT, the rest was new"
        yield "stored-copy", "a part of the page may be read from a copy"
        yield "torn-page", "its parts are read at several moments"
        return
    yield "torn-page", "it happened to answers that were being made during COMMIT"
    yield "cache", "a part of the page may be kept while another one is read"


RULES = {
    Pattern.UNTIL_POST: _until_post,
    Pattern.PER_WORKER: _per_worker,
    Pattern.TO_THE_END: _to_the_end,
    Pattern.FOR_A_WHILE: _for_a_while,
    Pattern.PROXY: _proxy,
    Pattern.BROWSER: _browser,
    Pattern.BLIND_ETAG: _blind_etag,
    Pattern.TORN: _torn,
}
