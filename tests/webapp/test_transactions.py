"""The list of transactions: one statement, the whole in pages, links that keep the filter."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.statements import recorded
from tests.webapp.ledgers import ANNA, ANNA_SHOWN, MANY, ROWS, fill

if TYPE_CHECKING:
    from dal.database import Ledger
    from tests.webapp.conftest import Site


def link(text: str, rel: str) -> str | None:
    found = re.search(rf'<a href="([^"]+)" rel="{rel}"', text)
    return unescape(found[1]) if found else None


def ids(text: str) -> list[int]:
    return [int(each) for each in re.findall(r'data-id="(\d+)" data-version', text)]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?asset=ETH&type!=fee",
        "?wallet=Main&label=rent&has=note",
        "?order=-amount&size=25",
        "?jump=2024",
    ],
)
def test_a_page_is_one_statement(site: Site, books: Ledger, query: str) -> None:
    with recorded(books._paging) as sent, recorded(books._writing) as written:
        assert site.get(f"/transactions{query}").status_code == 200
    assert len(sent) == 1, "\n\n".join(sent)
    assert not written


@pytest.mark.parametrize("order", ["-time", "time", "-amount", "amount"])
@pytest.mark.usefixtures("many")
def test_joined_pages_are_the_whole_there_and_back(site: Site, order: str) -> None:
    whole = site.ids(f"?order={order}&size=200")
    assert len(whole) == len(MANY) + len(ROWS)
    there: list[int] = []
    pages: list[list[int]] = []
    path: str | None = f"/transactions?order={order}&size=25"
    text = ""
    while path:
        text = site.get(path).text
        pages.append(ids(text))
        there += pages[-1]
        path = link(text, "next")
    assert there == whole
    while path := link(text, "prev"):
        pages.pop()
        text = site.get(path).text
        assert ids(text) == pages[-1]
    assert len(pages) == 1


@pytest.mark.usefixtures("deposits")
def test_first_and_last(site: Site) -> None:
    whole = site.ids("?size=200")
    text = site.get("/transactions?size=25").text
    last = re.search(r'href="([^"]+)">Last »', text)
    assert last
    text = site.get(unescape(last[1])).text
    assert ids(text) == whole[-25:]
    assert 'href="/transactions?size=25">« First' in text


@pytest.mark.usefixtures("books")
def test_a_date_is_jumped_to_in_the_readers_zone(site: Site) -> None:
    assert len(site.ids("?jump=2024-03-04")) == 3
    assert len(site.ids("?jump=2024-03-05&order=time")) == 1
    site.client.set_cookie("tz", "Europe/Vienna")  # there, 23:30 UTC is the next day already
    assert len(site.ids("?jump=2024-03-05")) == 3
    assert len(site.ids("?date=2024-03-06")) == 1


@pytest.mark.usefixtures("books")
def test_a_zone_that_does_not_exist_is_passed_over(site: Site) -> None:
    for zone in ("Nowhere/City", "../../etc/passwd", "", "x" * 3000, "Europe"):
        site.client.set_cookie("tz", zone)
        assert "23:30" in site.get("/transactions").text


@pytest.mark.usefixtures("books")
def test_times_are_shown_in_the_zone_and_told_in_utc(site: Site) -> None:
    site.client.set_cookie("tz", "Europe/Vienna")
    text = site.get("/transactions").text
    assert 'datetime="2024-03-05T23:30:00Z" title="UTC 2024-03-05T23:30:00Z"' in text
    assert '<span class="date">2024-03-06</span> <span class="clock">00:30</span>' in text


@pytest.mark.usefixtures("books")
def test_the_filter_is_a_sentence_with_a_count(site: Site) -> None:
    text = site.get("/transactions?wallet=Main&type!=fee").text
    assert "<h1>Transactions in wallet Main, not of type fee</h1>" in text
    assert "4 transactions" in text
    assert "<h1>All transactions</h1>" in site.get("/transactions").text


@pytest.mark.usefixtures("books")
def test_more_than_is_said_where_counting_stopped(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from dal import transactions

    page = transactions.page

    def many(*some: Any, **named: Any) -> transactions.Page:
        found = page(*some, **named)
        return replace(found, counted=found.countable + 1)

    monkeypatch.setattr(transactions, "page", many)
    text = site.get("/transactions").text
    assert "more than 1,000 transactions" in text
    assert "exact count and sums" in text


@pytest.mark.usefixtures("books")
def test_amounts_are_exact_behind_what_is_shown(site: Site) -> None:
    text = site.get("/transactions").text
    assert 'value="1.234567890123456789" title="1.234567890123456789"' in text
    assert '<span class="wh">1</span><span class="fr">.2345<span class="mk">…</span>' in text
    assert 'value="0.00000000000000012345"' in text
    assert "\N{MULTIPLICATION SIGN}10⁻¹⁶" in text


@pytest.mark.usefixtures("books")
def test_what_was_typed_by_others_is_text(site: Site) -> None:
    text = site.get("/transactions").text
    assert "rent for &lt;march&gt;" in text
    assert "<march>" not in text


@pytest.mark.usefixtures("books")
def test_failed_is_visible_and_addresses_have_their_usual_form(site: Site) -> None:
    text = site.get("/transactions").text
    assert 'class="state failed"' in text
    assert f'title="{ANNA_SHOWN}"' in text
    assert f'data-copy="{ANNA_SHOWN}"' in text


@pytest.mark.usefixtures("books")
def test_a_contacts_name_stands_for_the_address(site: Site) -> None:
    site.post("/contacts/add", contact="Anna", network="ethereum", address=ANNA)
    text = site.get("/transactions").text
    assert text.count(">Anna</a>") == 2


@pytest.mark.usefixtures("books")
def test_every_value_of_a_row_is_a_link_that_narrows(site: Site) -> None:
    text = site.get("/transactions?size=25").text
    for key in ("wallet", "type", "asset", "label", "address"):
        found = re.search(rf'href="([^"]+)" data-k="{key}" data-v="([^"]+)"', text)
        assert found, key
        href, value = unescape(found[1]), unescape(found[2])
        assert parse_qs(urlsplit(href).query) == {key: [value], "size": ["25"]}
        narrowed = site.get(href)
        assert narrowed.status_code == 200
        assert 0 < len(ids(narrowed.text)) <= 4


@pytest.mark.usefixtures("books")
def test_leaving_out_and_the_complement_are_the_whole(site: Site) -> None:
    text = site.get("/transactions").text
    whole = set(ids(text))
    for key, value in (("type", "send"), ("asset", "ETH"), ("label", "rent"), ("address", ANNA)):
        prefix = re.search(rf'data-not-{key}="([^"]+)"', text)
        assert prefix
        without = set(ids(site.get(unescape(prefix[1]) + value).text))
        assert without | set(site.ids(f"?{key}={value}")) == whole
        assert not without & set(site.ids(f"?{key}={value}"))


@pytest.mark.usefixtures("books")
def test_conditions_can_be_turned_round_and_taken_out(site: Site) -> None:
    text = site.get("/transactions?type=send&wallet=Main").text
    turn = re.search(r'<a href="([^"]+)"[^>]*aria-label="Turn round: of type send"', text)
    out = re.search(r'<a href="([^"]+)"[^>]*aria-label="Take out: of type send"', text)
    assert turn
    assert out
    assert unescape(turn[1]) == "/transactions?wallet=Main&type%21=send"
    assert unescape(out[1]) == "/transactions?wallet=Main"
    assert len(site.ids("?type!=send")) == 3


@pytest.mark.usefixtures("books")
def test_the_form_has_every_filter_and_holds_what_is_asked(site: Site) -> None:
    from dal.fields import FIELDS

    text = site.get("/transactions?type!=fee&wallet=Main&amount=..5&size=25").text
    for field in FIELDS:
        assert f'name="{field.key}"' in text
        assert f'<label for="f-{field.key}"' in text
    assert '<option value="Main" selected>' in text
    assert 'name="type!"' in text
    assert 'name="amount" value="..5"' in text
    assert '<input type="hidden" name="size" value="25">' in text


def test_an_empty_ledger_invites(site: Site) -> None:
    text = site.get("/transactions").text
    assert "Drop a file here" in text
    assert 'action="/imports/preview"' in text


@pytest.mark.usefixtures("books")
def test_nothing_found_has_a_way_out(site: Site) -> None:
    text = site.get("/transactions?date=1999").text
    assert "No transaction matches" in text
    assert "Show all transactions" in text


def test_a_sample_is_said_and_removed_with_one_click(site: Site, books: Ledger) -> None:
    assert "sample transactions" not in site.get("/transactions").text
    fill(books, *MANY, wallet="Bank (sample)", sample=True)
    assert "These are sample transactions" in site.get("/transactions").text
    answer = site.post("/imports/sample/remove")
    assert answer.headers["Location"] == "/transactions"
    text = site.get("/transactions").text
    assert "These are sample transactions" not in text
    assert len(ids(text)) == len(ROWS)


def test_the_start_is_the_list(site: Site) -> None:
    answer = site.get("/")
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/transactions"


@pytest.mark.usefixtures("books")
def test_totals_are_exact(site: Site) -> None:
    text = site.get("/transactions/totals?wallet=Main&asset=ETH").text
    assert "1 transaction<" in text
    assert 'value="-1.234567890123456789"' in text
    assert 'value="-1.236667890123456789"' in text  # with its fee


def test_the_transactions_own_page_tells_all(site: Site, books: Ledger) -> None:
    fill(books, ROWS[0].replace("send", "receive"), wallet="Other")
    (first, *_) = site.ids("?wallet=Main")
    text = site.get(f"/transactions/{first}").text
    assert "-1.234567890123456789" in text
    assert ANNA_SHOWN in text
    assert "1.234567890123456789,ETH" in text  # as it arrived
    assert "in Other" in text
    assert "/imports/1?outcome=imported#line2" in text


@pytest.mark.usefixtures("books")
def test_one_row_anew(site: Site) -> None:
    (first, *_) = site.ids()
    answer = site.get(f"/transactions/{first}/row?type=send").get_json()
    assert f'data-id="{first}"' in answer["row"]
    assert "/transactions?type=send&amp;wallet=Main" in answer["row"]


def test_healthz(site: Site, ledger: Ledger) -> None:
    with recorded(ledger._reading) as sent:
        answer = site.get("/healthz")
    assert (answer.status_code, answer.get_json()) == (200, {"status": "ok"})
    assert len(sent) == 1
