"""Headers, tokens, hosts: what keeps other sites out."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.webapp.conftest import Site
from webapp import create_app

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from dal.database import Ledger
    from webapp.settings import WebSettings

PAGES = ("/transactions", "/wallets", "/contacts", "/labels", "/imports", "/transactions/totals")
FORMS = (
    "/transactions/labels",
    "/transactions/1/note",
    "/transactions/1/contact",
    "/transactions/1/labels/add",
    "/transactions/1/labels/1/remove",
    "/wallets/add",
    "/wallets/1/rename",
    "/wallets/1/remove",
    "/wallets/1/addresses/add",
    "/wallets/1/addresses/remove",
    "/contacts/add",
    "/contacts/1/edit",
    "/contacts/1/remove",
    "/contacts/1/addresses/add",
    "/contacts/1/addresses/remove",
    "/labels/add",
    "/labels/1/edit",
    "/labels/1/merge",
    "/labels/1/remove",
    "/imports/preview",
    "/imports/preview/x/import",
    "/imports/preview/x/discard",
    "/imports/1/undo",
    "/imports/sample/remove",
)


@pytest.mark.parametrize("path", [*PAGES, "/healthz", "/contacts/names", "/nowhere"])
def test_what_carries_data_is_guarded_and_never_kept(reader: FlaskClient, path: str) -> None:
    answer = reader.get(path)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.usefixtures("books")
def test_pages_hold_no_inline_script_or_style(client: FlaskClient) -> None:
    for path in PAGES:
        text = client.get(path).text
        assert not re.search(r"<style|<script(?![^>]*src=)|\sstyle=|\son\w+=|javascript:", text)


def test_static_files_are_kept_for_ever_under_their_version(reader: FlaskClient) -> None:
    text = reader.get("/transactions").text
    found = re.search(r'src="(/static/(\w+)/js/app\.js)"', text)
    assert found
    answer = reader.get(found[1], buffered=True)
    assert answer.status_code == 200
    assert "immutable" in answer.headers["Cache-Control"]
    assert "max-age=31536000" in answer.headers["Cache-Control"]
    assert reader.get(found[1].replace(found[2], "0" * 12)).status_code == 404
    assert reader.get(f"/static/{found[2]}/../__init__.py").status_code == 404


def test_every_change_is_listed_here(site: Site) -> None:
    changing = {
        re.sub(r"<[^>]+>", "", str(rule))
        for rule in site.client.application.url_map.iter_rules()
        if rule.methods and rule.methods - {"GET", "HEAD", "OPTIONS"}
    }
    assert changing == {re.sub(r"(?<=/)(1|x)(?=/|$)", "", path) for path in FORMS}


@pytest.mark.parametrize("path", FORMS)
def test_a_change_without_token_is_refused(reader: FlaskClient, path: str) -> None:
    assert reader.post(path).status_code == 403
    reader.get("/labels")
    assert reader.post(path, data={"csrf_token": "x" * 43}).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_a_change_from_elsewhere_is_refused(reader: FlaskClient, headers: dict[str, str]) -> None:
    site = Site(reader)
    answer = site.post("/labels/add", label="zebra", colour="blue", headers=headers)
    assert answer.status_code == 403
    assert "zebra" not in site.get("/labels").text


def test_our_own_pages_may_change(site: Site) -> None:
    headers = {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"}
    answer = site.post("/labels/add", label="zebra", colour="blue", headers=headers)
    assert answer.status_code == 303
    assert "zebra" in site.get("/labels").text


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(reader: FlaskClient) -> None:
    cookie = reader.get("/labels").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil"])
def test_foreign_names_are_refused(reader: FlaskClient, host: str) -> None:
    answer = reader.get("/transactions", headers={"Host": host})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:8000", "127.0.0.1:8000", "[::1]:8000", "192.168.1.5", "books.lan"],
)
def test_own_names_are_served(shared_ledger: Ledger, settings: WebSettings, host: str) -> None:
    app = create_app(replace(settings, trusted_hosts="other.lan, books.lan"), shared_ledger)
    assert app.test_client().get("/healthz", headers={"Host": host}).status_code == 200


def test_nobody_is_led_away(site: Site) -> None:
    foreign = ("//evil.example", "https://evil.example", "/\\evil.example", "javascript:x", "/a\nb")
    for number, back in enumerate([*foreign, ""]):
        answer = site.post("/labels/add", label=f"label {number}", colour="blue", back=back)
        assert answer.headers["Location"] == "/labels"
