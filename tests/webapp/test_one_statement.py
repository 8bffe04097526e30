"""A request for the list is one statement on the wire, whatever it asks; and it says when."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from dal import moves, snapshots, transactions
from dal.keyset import NEWEST_FIRST
from dal.records import Move
from tests.support.statements import on_the_wire
from webapp.pages.moved import MovedNote

if TYPE_CHECKING:
    from dal.database import Ledger
    from tests.webapp.conftest import Site

HEADER = "Freshledger-Snapshot"
MOVE = Move(1, datetime(2024, 3, 5, tzinfo=UTC), "fee", missed=True)


def body(token: str) -> list[object]:
    """Return what a token says, as anybody can read it."""
    found: list[object] = json.loads(urlsafe_b64decode(token + "=" * (-len(token) % 4))[16:])
    return found


@pytest.mark.parametrize(
    "query",
    ["", "?wallet=Main", "?type=send&label=rent&amount=1..", "?size=25", "?order=-amount&live=1",
     "?jump=2024-03-04", "next", "last", "/totals", "/totals?asset=ETH"],
)  # fmt: skip
def test_a_request_is_one_statement(site: Site, many: Ledger, query: str) -> None:
    if query in {"next", "last"}:
        text = site.get("/transactions?size=25").text
        mark = 'rel="next"' if query == "next" else "Last »"
        link = text[: text.index(mark)].rsplit('href="', 1)[1].split('"')[0]
        query = link.replace("&amp;", "&").removeprefix("/transactions")
    engine = many._exact._engine if "/totals" in query else many._paging
    with on_the_wire(engine) as sent:
        answer = site.get(f"/transactions{query}")
    assert answer.status_code == 200
    assert len(sent) == 1, sent


@pytest.mark.usefixtures("books")
@pytest.mark.parametrize(
    "path",
    ["/transactions", "/transactions/totals", "/transactions/1", "/transactions/1/row",
     "/wallets", "/contacts", "/labels", "/imports", "/imports/1"],
)  # fmt: skip
def test_every_answer_says_when_it_was_true(site: Site, ledger: Ledger, path: str) -> None:
    with ledger.read() as conn:
        before = snapshots.taken(conn)
    answer = site.get(path)
    with ledger.read() as conn:
        after = snapshots.taken(conn)
    token = answer.headers[HEADER]
    version, *parts = body(token)
    assert version == 1
    found = snapshots.of_parts(parts)
    assert found.dominates(before)
    assert after.dominates(found)
    assert answer.headers["Cache-Control"] == "no-store"
    if not path.endswith("row"):
        assert f'data-token="{token}"' in answer.text


def test_what_reads_nothing_says_nothing(site: Site) -> None:
    assert HEADER not in site.get("/nowhere").headers


def test_the_page_names_what_moved_past_its_reader(site: Site, many: Ledger) -> None:
    first = site.get("/transactions?size=25").text
    link = first[: first.index('rel="next"')].rsplit('href="', 1)[1].split('"')[0]
    assert 'id="moved"' not in first
    moved = site.ids("?size=25")[3]
    with many.write() as conn:  # from the first page to the end of the list
        sql = "UPDATE transactions SET occurred_at = '2020-01-01', note = '<b>' WHERE id = %s"
        conn.exec_driver_sql(sql, (moved,))
    second = site.get(link.replace("&amp;", "&")).text
    assert "1 transaction moved past you while you were reading." in second
    link = f'<a href="/transactions/{moved}">2020-01-01 00:00 reward'
    assert f'<li data-id="{moved}">{link}' in second
    assert "now still to come, perhaps again" in second


def test_the_page_says_when_it_cannot_know_what_moved(site: Site, deposits: Ledger) -> None:
    from dataclasses import replace

    from webapp.links import Links

    with deposits.read() as conn:
        page = transactions.page(conn, size=25)
    assert page.next
    restored = replace(page.snapshot, system="1")
    cursor = replace(page.next, seen=restored)
    with site.client.application.app_context():
        from webapp.state import state

        key = state().cursor_key
    from dal.filters import Filter

    link = Links(Filter(), NEWEST_FIRST.key, 25, key).at(cursor) or ""
    text = site.get(link).text
    assert "cannot be told: this is another database" in text


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (moves.NOTHING, None),
        (moves.Moves((), 3, more=True, unknown=""), "So much was moved that not all could be"),
        (moves.Moves((MOVE,), 3, more=False, unknown=""), "3 transactions moved past you while "),
        (moves.Moves((MOVE,), 3, more=False, unknown=""), "reading; 2 of them are not listed."),
    ],
)
def test_what_is_said_of_moves(found: moves.Moves, words: str | None) -> None:
    note = MovedNote.of(found, UTC)
    assert (note is None) == (words is None)
    assert note is None or words is None or words in note.words
