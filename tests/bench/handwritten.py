"""The page of transactions written by hand: raw psycopg, f-strings, the same HTML as ours.

It is the least that the page can cost in Python: no framework, no records, no page objects, no
templates. What never changes of the page is cut from one of ours, once; every value that a row
brings is escaped and placed here, and cursors and token are sealed as ours are. Cookies, headers,
the form's own tokens and all checks of the request are left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

from markupsafe import escape

from dal import driver, snapshots, transactions
from dal.addresses import short
from dal.filters import EVERYTHING
from dal.keyset import NEWEST_FIRST, USUAL, Cursor, seal
from webapp.scope import ENDPOINT
from webapp.template_filters import GLYPHS, amount, full_address

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import psycopg

ONLY = "/transactions?"
#: What of a page depends on its rows, in the order in which it stands there.
DYNAMIC = re.compile(
    r'(?P<token>(?<=data-token=")[^"]*)'
    r'|(?P<here>(?<=data-here=")[^"]*)'
    r"|(?P<iso>(?<=was true at )[^\"]*|(?<=<time datetime=\")[^\"]*(?=\">\d\d:\d\d:\d\d))"
    r"|(?P<clock>(?<=\">)\d\d:\d\d:\d\d(?=</time>))"
    r'|(?P<counted>(?<=class="count">).*?(?= <a))'
    r'|(?P<next><a href="[^"]*" rel="next">Next ›</a>|<span class="off">Next ›</span>)'
    r'|(?P<previous><a href="[^"]*" rel="prev">‹ Previous</a>|<span class="off">‹ Previous</span>)'
    r'|(?P<first><a href="/transactions">« First</a>|<span class="off">« First</span>)'
    r'|(?P<last><a href="[^"]*">Last »</a>|<span class="off">Last »</span>)'
    r"|(?P<rows>(?<=<tbody>).*?(?=</tbody>))"
    r'|(?P<wallets>(?<=id="f-wallet">).*?(?=</select>))'
    r'|(?P<labels>(?<=id="f-label">).*?(?=</select>))'
    r'|(?P<words>(?<=id="label-names">).*?(?=</datalist>))',
    re.DOTALL,
)


@dataclass
class Shell:
    """What stands still of a page, and the names of what comes between."""

    still: list[str]
    holes: list[str]

    @classmethod
    def of(cls, page: str) -> Shell:
        """Cut a page of ours."""
        found = list(DYNAMIC.finditer(page))
        ends = [0, *(each.end() for each in found)]
        begins = [*(each.start() for each in found), len(page)]
        still = [page[a:b] for a, b in zip(ends, begins, strict=True)]
        return cls(still, [each.lastgroup or "" for each in found])

    def filled(self, values: dict[str, str]) -> str:
        """Return a page."""
        between = map(values.__getitem__, self.holes)
        return "".join(
            part for pair in zip_longest(self.still, between, fillvalue="") for part in pair
        )


@dataclass
class ByHand:
    """Writes pages of the unfiltered list, newest first."""

    conn: psycopg.Connection
    shell: Shell
    cursor_key: bytes
    snapshot_key: bytes

    def page(self, cursor: Cursor | None = None) -> bytes:
        """Return a page."""
        statement = transactions.page_statement(EVERYTHING, NEWEST_FIRST, cursor)
        text = driver.compiled(statement).string
        bound = cursor.parameters() if cursor else {}
        rows = self.conn.cursor(binary=True).execute(text.encode(), bound).fetchall()
        more = len(rows) > USUAL
        return self.shell.filled(self.values(rows[:USUAL], more=more)).encode()

    def values(self, rows: Sequence[Any], *, more: bool) -> dict[str, str]:
        """Return what fills the shell."""
        facts = rows[0]
        seen = snapshots.snapshot(facts[2:7])
        at = facts[6].isoformat()
        start = len(facts) - 24
        others = facts[1] > 0

        def link(side: Any, row: Any) -> str:
            place = Cursor(NEWEST_FIRST, side, (row[start + 1], row[start]), seen)
            return f"{ONLY}cursor={seal(place, ENDPOINT, EVERYTHING, self.cursor_key)}"

        here = Cursor(NEWEST_FIRST, "after", (rows[0][start + 1], rows[0][start] + 1))
        last = seal(Cursor.last(NEWEST_FIRST), ENDPOINT, EVERYTHING, self.cursor_key)
        after = f'<a href="{link("after", rows[-1])}" rel="next">' if more else ""
        before = f'<a href="{link("before", rows[0])}" rel="prev">' if others else ""
        many = facts[0] > 1000
        return {
            "token": snapshots.seal(seen, self.snapshot_key),
            "here": f"{ONLY}cursor={seal(here, ENDPOINT, EVERYTHING, self.cursor_key)}",
            "iso": at.replace("+00:00", "Z"),
            "clock": at[11:19],
            "counted": f"{'more than ' * many}{facts[0] - many:,} transactions",
            "next": step(after, "Next ›"),
            "previous": step(before, "‹ Previous"),
            "first": step('<a href="/transactions">' * bool(before), "« First"),
            "last": step(f'<a href="{ONLY}cursor={last}">' * more, "Last »"),
            "rows": "".join(written(rows, start)),
            "wallets": options(facts[8]),
            "labels": options(facts[10]),
            "words": "".join(f'<option value="{escape(name)}">' for name in facts[10]),
        }


def step(link: str, words: str) -> str:
    """Return a link, or its words where there is none."""
    return f"{link}{words}</a>" if link else f'<span class="off">{words}</span>'


def options(names: Sequence[str]) -> str:
    """Return the choices of a select."""
    shown = (f'<option value="{escape(n)}">{escape(n)}</option>' for n in names)
    return '<option value="">any</option>' + "".join(shown)


def cell(kind: str, key: str, value: str, text: str, title: str = "") -> str:
    """Return a value that the list can be narrowed to."""
    told = f' title="{escape(title)}"' if title else ""
    return (
        f'<a class="v {kind}" href="{ONLY}{key}={quote_plus(value)}" data-k="{key}"'
        f' data-v="{escape(value)}"{told}>{escape(text)}</a>'
    )


def money(side: str, name: str, moved: list[tuple[Any, str]]) -> str:
    """Return a cell of amounts."""
    parts = []
    for value, symbol in moved:
        a = amount(value.copy_abs())
        mark = f'<span class="mk">{a.mark}</span>' if a.mark else ""
        parts.append(
            f'<span class="amt"><data class="num" value="{a.exact}" title="{a.exact}">'
            f'<span class="wh">{a.sign}{a.whole}</span><span class="fr">{a.fraction}{mark}</span>'
            f"</data> {cell('sym', 'asset', symbol, symbol)}</span>"
        )
    none = "" if moved else " none"
    return f'<td class="money {side}{none}" data-h="{name}">{"".join(parts)}</td>'


def written(rows: Sequence[Any], start: int) -> Iterator[str]:
    """Yield each row as HTML."""
    day = ""
    for row in rows:
        one = row[start:]
        date = one[1].isoformat()
        yield html(one, date, "" if date[:10] == day else " day")
        day = date[:10]


def html(one: Sequence[Any], at: str, day: str) -> str:
    """Return a row, which stands here as it is bound in SQL."""
    tx, _, _, wallet, kind, status, network, _, _, other, _, contact, _, note, _, version = one[:16]
    _, kinds, _, symbols, amounts, label_ids, labels, colours = one[16:]
    moved = list(zip(kinds or (), amounts or (), symbols or (), strict=True))
    out = [(n, symbol) for k, n, symbol in moved if k == "principal" and n < 0]
    into = [(n, symbol) for k, n, symbol in moved if k == "principal" and n >= 0]
    fee = [(n, symbol) for k, n, symbol in moved if k == "fee"]
    state = "" if status == "confirmed" else status
    iso, note = at.replace("+00:00", "Z"), escape(note)
    pills = "".join(
        f'<a class="v pill c-{colour}" href="{ONLY}label={quote_plus(name)}" data-k="label"'
        f' data-v="{escape(name)}" data-id="{label_id}">{escape(name)}</a> '
        for label_id, name, colour in zip(label_ids or (), labels or (), colours or (), strict=True)
    )
    return (
        f'<tr id="t{tx}" class="row{day}{" " * bool(state)}{state}" data-id="{tx}"'
        f' data-version="{version}" data-contact="{escape(contact or "")}" tabindex="-1">'
        f'<td class="tick"><input type="checkbox" name="id" value="{tx}" form="bulk"'
        f' aria-label="Tick transaction {tx}"></td><th scope="row" class="time">'
        f'<a href="/transactions/{tx}"><time datetime="{iso}" title="UTC {iso}">'
        f'<span class="date">{at[:10]}</span> <span class="clock">{at[11:16]}</span></time></a>'
        f'</th><td class="type"><span class="glyph g-{kind}" aria-hidden="true">{GLYPHS[kind]}'
        "</span>"
        + cell("", "type", kind, kind.replace("_", " "))
        + (f' <span class="state {state}">{state}</span>' if state else "")
        + f'</td><td class="wallet">{cell("", "wallet", wallet, wallet, wallet)}</td>'
        f'<td class="party" data-edit="contact">{party(network, other, contact)}</td>'
        f"{money('out', 'Out', out)}{money('in', 'In', into)}{money('fee', 'Fee', fee)}"
        f'<td class="labels{"" if pills else " none"}" data-edit="labels">{pills}'
        f'<button type="button" class="add needs-js" data-do="labels" tabindex="-1"'
        f' aria-label="Labels of transaction {tx}" title="Labels (l)">+</button></td>'
        f'<td class="note{"" if note else " none"}" data-edit="note" title="{note}">'
        f'<span class="text">{note}</span></td></tr>'
    )


def party(network: str, other: str, contact: str | None) -> str:
    """Return the other side, with its address to copy."""
    address = full_address(network, other) if other else ""
    copy = (
        f'<button type="button" class="copy needs-js" data-copy="{escape(address)}" tabindex="-1"'
        f' aria-label="Copy the address" title="Copy {escape(address)}">'
        '<span class="sheets" aria-hidden="true"></span></button>'
    )
    if contact:
        return cell("contact", "contact", contact, contact, address) + copy * bool(address)
    return cell("mono", "address", other, short(address), address) + copy if address else ""
