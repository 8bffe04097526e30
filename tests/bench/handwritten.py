"""The page of transactions written by hand: raw psycopg, f-strings, the same HTML as ours.

It is the least that the page can cost in Python: no framework, no records, no page objects, no
templates. What never changes of the page is cut from one of ours, once; every value that a row
brings is escaped and placed here, and cursors and token are sealed as ours are. Cookies, headers,
the form's own tokens and all checks of the request are left out.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

from markupsafe import escape

from dal import driver, snapshots, transactions
from dal.addresses import short
from dal.filters import EVERYTHING
from dal.keyset import NEWEST_FIRST, USUAL, Cursor, seal
from dal.shown import COLUMNS, CONTACTS, LABELS, MOVED, OWN, PLACES, SYMBOLS, TAGGED, WALLETS
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
        (row,) = self.conn.cursor(binary=True).execute(text, bound).fetchall()
        return self.shell.filled(self.values(row)).encode()

    def values(self, row: Sequence[Any]) -> dict[str, str]:
        """Return what fills the shell."""
        counted, others, *token = row[COLUMNS : COLUMNS + 2 + snapshots.COLUMNS]
        seen, at = snapshots.snapshot(token), token[-1].isoformat()
        ids, times, *_ = row[OWN]
        more = len(ids) > USUAL

        def link(side: Any, number: int) -> str:
            place = Cursor(NEWEST_FIRST, side, (times[number], ids[number]), seen)
            return f"{ONLY}cursor={seal(place, ENDPOINT, EVERYTHING, self.cursor_key)}"

        here = Cursor(NEWEST_FIRST, "after", (times[0], ids[0] + 1))
        last = seal(Cursor.last(NEWEST_FIRST), ENDPOINT, EVERYTHING, self.cursor_key)
        after = f'<a href="{link("after", USUAL - 1)}" rel="next">' if more else ""
        before = f'<a href="{link("before", 0)}" rel="prev">' if others else ""
        many = counted > 1000
        return {
            "token": snapshots.seal(seen, self.snapshot_key),
            "here": f"{ONLY}cursor={seal(here, ENDPOINT, EVERYTHING, self.cursor_key)}",
            "iso": at.replace("+00:00", "Z"),
            "clock": at[11:19],
            "counted": f"{'more than ' * many}{counted - many:,} transactions",
            "next": step(after, "Next ›"),
            "previous": step(before, "‹ Previous"),
            "first": step('<a href="/transactions">' * bool(before), "« First"),
            "last": step(f'<a href="{ONLY}cursor={last}">' * more, "Last »"),
            "rows": "".join(written(row)),
            "wallets": options(row[WALLETS][1]),
            "labels": options(row[LABELS][1]),
            "words": "".join(f'<option value="{escape(name)}">' for name in row[LABELS][1]),
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


def written(row: Sequence[Any]) -> Iterator[str]:
    """Yield each row as HTML."""
    wallets = dict(zipped(row[WALLETS]))
    symbols, contacts = (dict(zipped(row[each])) for each in (SYMBOLS, CONTACTS))
    owners = {(network, address): one for network, address, one in zipped(row[PLACES])}
    labels = {one[0]: (place, *one) for place, one in enumerate(zipped(row[LABELS]))}
    moved, pills = defaultdict(list), defaultdict(list)
    for tx, _, kind, asset, value in zipped(row[MOVED]):
        moved[tx].append((kind, value, symbols[asset]))
    for tx, label in zipped(row[TAGGED]):
        pills[tx].append(labels[label])
    day = ""
    for own in islice(zipped(row[OWN]), USUAL):
        date = own[1].isoformat()
        first = "" if date[:10] == day else " day"
        contact = contacts.get(own[9] or owners.get((own[5], own[8])))
        yield html(own, wallets[own[2]], contact, moved[own[0]], sorted(pills[own[0]]), date, first)
        day = date[:10]


def zipped(arrays: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    """Return the rows that an array of each column holds; none where they are NULL."""
    return zip(*(each or () for each in arrays), strict=True)


def html(  # noqa: PLR0917 (a row, and all that hangs on it)
    own: Sequence[Any],
    wallet: str,
    contact: str | None,
    moved: Sequence[tuple[str, Any, str]],
    labels: Sequence[tuple[int, int, str, str]],
    at: str,
    day: str,
) -> str:
    """Return a row, which stands here as it is bound in SQL."""
    tx, _, _, kind, status, network, _, _, other, _, note, _, version = own
    out = [(n, symbol) for k, n, symbol in moved if k == "principal" and n < 0]
    into = [(n, symbol) for k, n, symbol in moved if k == "principal" and n >= 0]
    fee = [(n, symbol) for k, n, symbol in moved if k == "fee"]
    state = "" if status == "confirmed" else status
    iso, note = at.replace("+00:00", "Z"), escape(note)
    pills = "".join(
        f'<a class="v pill c-{colour}" href="{ONLY}label={quote_plus(name)}" data-k="label"'
        f' data-v="{escape(name)}" data-id="{label_id}">{escape(name)}</a> '
        for _, label_id, name, colour in labels
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
