"""A page that would take too long says what to narrow, and keeps what was typed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg
import pytest
from sqlalchemy import make_url

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
    """Yield a client of an application whose pages may take 50 ms, while somebody locks a table."""
    dal = replace(DalSettings(home=tmp_path / "hurried"), page_timeout_ms=50, slow_ms=0)
    plain = make_url(database_url).set(drivername="postgresql")
    with (
        Ledger(database_url, dal) as ledger,
        psycopg.connect(plain.render_as_string(hide_password=False)) as other,
    ):
        client = create_app(WebSettings(dal=dal), ledger).test_client()
        other.execute("LOCK TABLE import_rows IN ACCESS EXCLUSIVE MODE")
        yield client


def test_what_to_narrow_is_said_and_what_was_typed_is_kept(hurried: FlaskClient) -> None:
    asked = "/transactions?import=1&asset=ETH"
    answer = hurried.get(asked, headers={"Accept": "application/json"})
    assert answer.status_code == 422
    answer = hurried.get(asked)
    assert answer.status_code == 422
    assert "what narrows it: date" in answer.text
    assert 'value="ETH"' in answer.text
    assert 'id="p-asset" role="alert"' in answer.text


def test_without_a_filter_it_is_the_server_that_is_slow(hurried: FlaskClient) -> None:
    assert hurried.get("/transactions").status_code == 200


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
