"""Pages as a browser gets them, read by a few regular expressions: nothing else is fast enough."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from html import unescape

from tests.freshness.history import Look, Seen

ROW = re.compile(r'<tr id="t(\d+)"[^>]*? data-version="(\d+)"(?:[^>]*? data-contact="([^"]*)")?')
TIME = re.compile(r'<time datetime="([^"]+)"')
TYPE = re.compile(r'data-k="type" data-v="([^"]+)"')
MONEY = re.compile(
    r'<td class="money (out|in|fee)(?! none)[^>]*>.*?<data class="num" value="([^"]+)"', re.DOTALL
)
LABEL = re.compile(r'data-k="label" data-v="([^"]+)"')
NOTE = re.compile(r'data-edit="note"[^>]*>.*?<span class="text">([^<]*)</span>', re.DOTALL)
COUNT = re.compile(r'<p class="count">\s*(?:<strong>)?(more than )?([\d,]+|no) transactions?')
NEXT = re.compile(r'<a href="([^"]+)" rel="next"')
PREVIOUS = re.compile(r'<a href="([^"]+)" rel="prev"')
LAST = re.compile(r'<a href="([^"]+)">Last »</a>')
MOVED = re.compile(r'id="moved"(.*?)</(?:aside|details|div|p|section|ul)>', re.DOTALL)
NUMBER = re.compile(r"\d+")
DATA_ID = re.compile(r'data-id="(\d+)"')
NET = re.compile(r'<td class="money">\s*<data class="num" value="([^"]+)"')
#: The page of one row.
VERSION = re.compile(r'name="version" value="(\d+)"')
TEXTAREA = re.compile(r'<textarea id="note"[^>]*>\n?([^<]*)</textarea>')
TAKEN = re.compile(r'name="label" value="([^"]+)"><span class="pill')
CONTACT = re.compile(r'<input id="contact"[^>]*? value="([^"]*)"')
CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')
ONCE = re.compile(r'name="once" value="([^"]+)"')
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=65_536)
def micros(iso: str) -> int:
    """Return an instant as microseconds since 1970.

    >>> micros("1970-01-01T00:00:01.000002Z")
    1000002
    """
    moment = datetime.fromisoformat(iso)
    return (moment - EPOCH) // timedelta(microseconds=1)


def rows(html: str) -> list[Seen]:
    """Return the rows of a list."""
    end = html.find("</tbody>")
    body = html[:end] if end >= 0 else html
    starts = list(ROW.finditer(body))
    if not starts:
        return []
    ends = [start.start() for start in starts[1:]] + [len(body)]
    return [_row(start, body[start.end() : stop]) for start, stop in zip(starts, ends, strict=True)]


def _row(start: re.Match[str], text: str) -> Seen:
    money = dict(MONEY.findall(text))
    amount = f"-{money['out']}" if "out" in money else money.get("in", "")
    note = NOTE.search(text)
    look = Look(
        at=micros(_first(TIME, text)),
        type=_first(TYPE, text),
        note=unescape(note[1]) if note else "",
        amount=amount,
        fee=money.get("fee", ""),
        labels=frozenset(map(unescape, LABEL.findall(text))),
        contact=unescape(start[3] or ""),
    )
    return Seen(int(start[1]), int(start[2]), look)


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    if found is None:
        raise ValueError(f"the page has changed: no {pattern.pattern} in {text[:300]!r}")
    return found[1]


def count(html: str) -> int | None:
    """Return the number that a list says it has; None where it says "more than"."""
    found = COUNT.search(html)
    if found is None:
        return 0 if "No transaction matches" in html else None
    return None if found[1] else int(found[2].replace(",", "").replace("no", "0"))


def link(pattern: re.Pattern[str], html: str) -> str:
    """Return where a link of the pager leads; "" where there is none."""
    found = pattern.search(html)
    return unescape(found[1]) if found else ""


def moved(html: str) -> tuple[frozenset[int], bool]:
    """Return the rows that a page names as moved past its reader, and whether these are all."""
    found = MOVED.search(html)
    if found is None:
        return frozenset(), True
    named = frozenset(map(int, DATA_ID.findall(found[1])))
    number = NUMBER.search(re.sub(r"<[^>]*>", "", found[1]))
    complete = number is not None and "at least" not in found[1] and int(number[0]) == len(named)
    return named, complete


def words(html: str) -> str:
    """Return what a page says, without its head and tags."""
    return unescape(" ".join(re.sub(r"<[^>]*>", " ", html[html.find("<main") :]).split()))[:300]
