"""Bad input is 400 with the cure, never 500, and what was typed is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dal.errors import TooSlow, Unavailable
from dal.settings import DalSettings
from tests.support.statements import recorded
from webapp import create_app
from webapp.settings import WebSettings

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask
    from flask.testing import FlaskClient

    from dal.database import Ledger
    from tests.webapp.conftest import Site

LONG = "9" * 10_000
BAD = {
    "foo=1": ("foo", "no such filter"),
    "type=nix": ("type", "is none of"),
    "amount=NaN": ("amount", "no amount"),
    "amount=Infinity": ("amount", "no amount"),
    "amount=50..10": ("amount", "smaller one first"),
    f"amount={LONG}": ("amount", "too long"),
    f"text={LONG}": ("text", "too long"),
    f"{LONG}=1": ("999", "no such filter"),
    "text=a%00b": ("text", "no character"),
    "date=2024-13": ("date", "no 2024-13"),
    "date=2025..2024": ("date", "earlier one first"),
    "order=size": ("order", "is none of"),
    "size=10": ("size", "from 25 to 200"),
    "size=%EF%BC%9100": ("size", "from 25 to 200"),
    "size=50&size=100": ("size", "twice"),
    "jump=yesterday": ("jump", "no date"),
    "jump=2024..": ("jump", "one day"),
    "jump=2024&order=amount": ("jump", "sort by time"),
    "text=%ff": ("query", "not UTF-8"),
    "%ff=1": ("query", "not UTF-8"),
    "type=%zz": ("type", "is none of"),
    "import=99999999999999999999": ("import", "no import"),
}


@pytest.mark.parametrize("query", BAD)
def test_bad_filters_are_explained(reader: FlaskClient, query: str) -> None:
    field, problem = BAD[query]
    answer = reader.get(f"/transactions?{query}")
    assert answer.status_code == 400
    assert problem in answer.text
    said = reader.get(f"/transactions?{query}", headers={"Accept": "application/json"})
    assert said.status_code == 400
    error = said.get_json()["error"]
    assert set(error) == {"title", "field", "problem"}
    assert error["field"].startswith(field)
    assert problem in error["problem"]


@pytest.mark.parametrize("query", ["type=n%22ix%3Cb%3E", "amount=%3Cscript%3E", "wallet=Nobody"])
@pytest.mark.usefixtures("books")
def test_the_form_keeps_what_was_typed(client: FlaskClient, query: str) -> None:
    from html import escape
    from urllib.parse import parse_qsl

    ((key, text),) = parse_qsl(query)
    answer = client.get(f"/transactions?{query}&asset=ETH")
    assert answer.status_code in {400, 404}
    assert f'value="{escape(text)}"'.replace("&quot;", "&#34;") in answer.text
    assert 'value="ETH"' in answer.text
    assert f'id="p-{key}" role="alert"' in answer.text
    assert "<script>" not in answer.text


@pytest.mark.parametrize(
    "cursor", ["zzz", "%00", "a" * 10_000, "é", "AAAA", "-_-_", "%F0%9F%92%A9"]
)
def test_bad_cursors_are_refused_before_any_sql(
    shared_ledger: Ledger, reader: FlaskClient, cursor: str
) -> None:
    with recorded(shared_ledger._paging) as sent:
        answer = reader.get(f"/transactions?asset=ETH&cursor={cursor}")
    assert answer.status_code == 400
    assert not sent
    assert "first page" in answer.text
    assert 'href="/transactions?asset=ETH"' in answer.text


def test_a_cursor_of_another_filter_leads_to_the_first_page(site: Site, deposits: Ledger) -> None:
    text = site.get("/transactions?size=25").text
    cursor = text.split("cursor=")[1].split('"')[0]
    with recorded(deposits._paging) as sent:
        answer = site.get(f"/transactions?size=25&type=deposit&cursor={cursor}")
    assert answer.status_code == 400
    assert "belongs to another filter" in answer.text
    assert 'href="/transactions?type=deposit&amp;size=25"' in answer.text
    assert not sent


@pytest.mark.parametrize("name", ["wallet", "asset", "label", "contact", "import"])
def test_unknown_names_are_not_found_and_kept(reader: FlaskClient, name: str) -> None:
    answer = reader.get(f"/transactions?{name}=77")
    assert answer.status_code == 404
    assert f"there is no {name} &#39;77&#39;" in answer.text
    assert 'value="77"' in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/transactions/1",
        "/transactions/999999999999999999",
        "/transactions/99999999999999999999999",
        "/transactions/1/row",
        "/imports/1",
        "/imports/9999999999",
        "/imports/preview/x.y",
        "/nowhere",
        "/transactions/-1",
        "/%ff",
    ],
)
def test_what_is_not_there_is_404_or_400(reader: FlaskClient, path: str) -> None:
    answer = reader.get(path)
    assert answer.status_code == (400 if "preview" in path else 404)
    assert "Go to all transactions" in answer.text


@pytest.mark.parametrize(
    "path", ["/labels?x=1", "/transactions/1?asset=ETH", "/imports?cursor=1", "/healthz?a=b"]
)
def test_unknown_keys_are_refused_everywhere(reader: FlaskClient, path: str) -> None:
    assert reader.get(path).status_code == 400


@pytest.mark.parametrize("query", ["q=%00", "q=%ff", f"q={LONG}", "q=%25_", "q=a&q=b"])
def test_names_of_contacts_can_be_asked_for_by_anything(reader: FlaskClient, query: str) -> None:
    assert reader.get(f"/contacts/names?{query}").status_code in {200, 400}


@pytest.mark.usefixtures("books")
def test_a_version_is_a_number(site: Site) -> None:
    (first, *_) = site.ids()
    for version in ("", "x", "1.5", "-1", "9" * 30, "\N{FULLWIDTH DIGIT ONE}"):
        answer = site.post(f"/transactions/{first}/note", note="kept <b>", version=version)
        assert answer.status_code == 400
        assert "kept &lt;b&gt;" in answer.text


def test_nul_in_a_form_is_refused(site: Site) -> None:
    answer = site.post("/labels/add", label="a\0b", colour="blue")
    assert answer.status_code == 400


def test_wrong_method_and_too_much(site: Site) -> None:
    assert site.get("/labels/add").status_code == 405
    answer = site.post("/labels/add", label="x" * 2_000_000, colour="blue")
    assert answer.status_code == 413
    assert "At most 1 MB" in answer.text


@pytest.mark.parametrize("error", [Unavailable("the server is down"), TooSlow("narrow the filter")])
def test_no_answer_is_503_with_the_reason(
    app: Flask, monkeypatch: pytest.MonkeyPatch, error: Unavailable
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("dal.transactions.page", fail)
    answer = app.test_client().get("/transactions")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert str(error.args[0]) in answer.text
    assert 'href="/transactions"' in answer.text


def test_without_a_server_the_page_says_so(tmp_path: Path) -> None:
    down = DalSettings(home=tmp_path, database_url="postgresql://nobody@127.0.0.1:9/none")
    client = create_app(WebSettings(dal=down)).test_client()
    assert client.get("/healthz").status_code == 503
    assert client.get("/transactions").status_code == 503
    nowhere = create_app(WebSettings(dal=DalSettings(home=tmp_path))).test_client()
    answer = nowhere.get("/healthz", headers={"Accept": "application/json"})
    assert "no DATABASE_URL" in answer.get_json()["error"]["problem"]


def test_a_mistake_of_ours_is_said_without_its_innards(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("innards")

    monkeypatch.setattr("dal.transactions.page", fail)
    answer = app.test_client().get("/transactions")
    assert answer.status_code == 500
    assert "innards" not in answer.text
    assert "Freshledger" in answer.text
