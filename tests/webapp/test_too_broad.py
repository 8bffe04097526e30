"""A page that would take too long says what to narrow, and keeps what was typed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg
import pytest
from sqlalchemy import text

from dal import strategy
from dal.database import Ledger
from dal.filters import Filter
from dal.settings import DalSettings
from webapp import create_app
from webapp.settings import WebSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask.testing import FlaskClient

pytestmark = pytest.mark.usefixtures("books")


@pytest.fixture
def hurried(database_url: str, tmp_path: Path) -> Iterator[FlaskClient]:
    """Yield a client of an application whose pages may take a second, beside a locked table."""
    dal = replace(DalSettings(home=tmp_path / "hurried"), page_timeout_ms=1_000, slow_ms=0)
    with Ledger(database_url, dal) as ledger, psycopg.connect(database_url) as other:
        client = create_app(WebSettings(dal=dal), ledger).test_client()
        other.execute("LOCK TABLE imports IN ACCESS EXCLUSIVE MODE")
        yield client


@pytest.mark.parametrize(("limit", "shown"), [(5_000, "5s"), (0, "10s"), (60_000, "10s")])
def test_a_page_has_a_limit_of_its_own(database_url: str, limit: int, shown: str) -> None:
    asked = text("SHOW statement_timeout")
    with Ledger(database_url, DalSettings(page_timeout_ms=limit)) as ledger:
        with ledger.page() as conn:
            assert conn.execute(asked).scalar_one() == shown
        with ledger.read() as conn:
            assert conn.execute(asked).scalar_one() == "10s"


def test_what_to_narrow_is_said_and_what_was_typed_is_kept(hurried: FlaskClient) -> None:
    asked = "/transactions?import=1&asset=ETH"
    answer = hurried.get(asked, headers={"Accept": "application/json"})
    assert answer.status_code == 422
    answer = hurried.get(asked)
    assert answer.status_code == 422
    assert "what narrows it: date" in answer.text
    assert 'value="ETH"' in answer.text
    assert 'id="p-asset" role="alert"' in answer.text


def test_without_a_filter_it_is_the_server_that_is_slow(
    hurried: FlaskClient, client: FlaskClient, database_url: str
) -> None:
    assert client.get("/transactions").status_code == 200  # nobody asks for what is locked
    with psycopg.connect(database_url) as other:
        other.execute("LOCK TABLE transactions IN ACCESS EXCLUSIVE MODE")
        answer = hurried.get("/transactions")
    assert answer.status_code == 503
    assert "PAGE_TIMEOUT_MS" in answer.text
    assert "what narrows it" not in answer.text


def test_what_makes_it_slow_is_named() -> None:
    for query, key in (
        ("wallet=a&text=coffee", "text"),
        ("type!=fee&wallet=a", "type"),
        ("asset=ETH&wallet=a", "wallet"),
    ):
        named, cure = strategy.narrower(Filter.parse(query).shape)
        assert named == key
        assert "date" in cure
        assert "wallet" not in cure
