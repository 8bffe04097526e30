"""The application over a ledger of the test's own, as a client and as pages in a browser."""

from __future__ import annotations

import re
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import make_url

from dal.database import Ledger
from dal.settings import DalSettings
from tests.conftest import new_database
from tests.support.chromium import PATIENCE
from tests.support.hosting import hosted
from tests.webapp.ledgers import MANY, ROWS, fill
from webapp import create_app
from webapp.settings import WebSettings
from webapp.state import EXTENSION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from flask import Flask
    from flask.testing import FlaskClient
    from playwright.sync_api import Browser, BrowserContext, Page
    from werkzeug.test import TestResponse

    from tests.webapp.live import Sql

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
VERSION = re.compile(r'data-version="(\d+)"')
#: What is in the ledgers of the fixtures of these names.
FILLED = {"books": ROWS, "many": (*ROWS, *MANY), "deposits": MANY}


@pytest.fixture
def settings(tmp_path: Path) -> WebSettings:
    return WebSettings(upload_limit_mb=1, dal=DalSettings(home=tmp_path / "home"))


@pytest.fixture
def app(ledger: Ledger, settings: WebSettings) -> Iterator[Flask]:
    made = create_app(settings, ledger)
    yield made
    made.extensions[EXTENSION].feed.close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture(scope="session")
def reader_app(shared_ledger: Ledger, tmp_path_factory: pytest.TempPathFactory) -> Flask:
    home = tmp_path_factory.mktemp("reader")
    return create_app(WebSettings(dal=DalSettings(home=home)), shared_ledger)


@pytest.fixture
def reader(reader_app: Flask) -> FlaskClient:
    """Return a client of an empty ledger that tests share: for what changes nothing."""
    return reader_app.test_client()


@pytest.fixture(scope="session")
def patterns(server_url: str, template: str) -> Iterator[Callable[[str], str]]:
    """Yield what fills a database once: to copy it takes less time than to fill another."""
    with ExitStack() as stack:

        @cache
        def filled(name: str) -> str:
            url = stack.enter_context(new_database(server_url, template))
            with Ledger(url) as ledger:
                fill(ledger, *FILLED[name])
            return make_url(url).database or ""

        yield filled


@pytest.fixture
def pattern(request: pytest.FixtureRequest, template: str, patterns: Callable[[str], str]) -> str:
    """Return the name of the database that is filled as one of the test's fixtures says."""
    asked = next((name for name in FILLED if name in request.fixturenames), None)
    return patterns(asked) if asked else template


@pytest.fixture
def books(ledger: Ledger) -> Ledger:
    """Return a ledger with the four transactions of `ledgers.ROWS`, newest first ids."""
    return ledger


@pytest.fixture
def many(ledger: Ledger) -> Ledger:
    """Return a ledger of 64 transactions: more than a page."""
    return ledger


@pytest.fixture
def deposits(ledger: Ledger) -> Ledger:
    """Return a ledger of the 60 deposits of `ledgers.MANY`."""
    return ledger


@pytest.fixture
def sql(database_url: str) -> Iterator[Sql]:
    """Yield somebody else at the database, as with psql."""
    from tests.webapp.live import Sql

    found = Sql(database_url)
    yield found
    found.conn.close()


@dataclass
class Site:
    """A visitor without a browser: reads pages, sends their forms."""

    client: FlaskClient

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.client.get(path, **options)

    def token(self) -> str:
        found = TOKEN.search(self.client.get("/labels").text)
        assert found
        return found[1]

    def post(self, path: str, *, headers: Any = None, **fields: Any) -> TestResponse:
        data = {"csrf_token": self.token()} | fields
        return self.client.post(path, data=data, headers=headers)

    def ids(self, query: str = "") -> list[int]:
        page = self.client.get(f"/transactions{query}").text
        return [int(each) for each in re.findall(r'data-id="(\d+)" data-version', page)]


@pytest.fixture
def site(client: FlaskClient) -> Site:
    return Site(client)


@pytest.fixture
def live_server(app: Flask) -> Iterator[str]:
    """Yield the address of the application, served for the length of a test."""
    with hosted(app) as url:
        yield url


@pytest.fixture
def visitor(browser: Browser, live_server: str) -> Iterator[Callable[..., BrowserContext]]:
    """Yield what opens the browser of somebody new, who leaves at the test's end."""
    usual = {"timezone_id": "UTC", "viewport": {"width": 1280, "height": 900}}
    with ExitStack() as stack:

        def come(**options: Any) -> BrowserContext:
            context = browser.new_context(base_url=live_server, **(usual | options))
            context.set_default_timeout(PATIENCE)
            return stack.enter_context(context)

        yield come


@pytest.fixture
def context(visitor: Callable[..., BrowserContext]) -> BrowserContext:
    return visitor()


@pytest.fixture
def plain(visitor: Callable[..., BrowserContext]) -> Page:
    """Return a page of a browser that runs no scripts."""
    return visitor(java_script_enabled=False).new_page()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """Yield a page; nothing may go wrong in it, and nothing may break the policy unnoticed."""
    found = context.new_page()
    wrong: list[str] = []
    found.on("pageerror", lambda error: wrong.append(str(error)))
    found.on(
        "console",
        lambda said: (
            wrong.append(said.text)
            if said.type == "error" and "Failed to load resource" not in said.text
            else None
        ),
    )
    yield found
    assert not wrong
