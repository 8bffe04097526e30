"""Settings, secrets, links and looks, without a database."""

from __future__ import annotations

import doctest
import importlib
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from dal.errors import BadInput, BadValue
from dal.filters import Filter
from dal.settings import DalSettings
from tests.support.rows import MOST
from webapp import signing
from webapp.links import Links
from webapp.settings import WebSettings
from webapp.state import State, zone
from webapp.template_filters import amount, plain

if TYPE_CHECKING:
    from pathlib import Path


def test_settings_come_from_the_environment() -> None:
    read = WebSettings.read({"PORT": "9000", "TIME_ZONE": "Asia/Tokyo", "POOL_SIZE": "3"})
    assert (read.port, read.time_zone, read.dal.pool_size) == (9000, "Asia/Tokyo", 3)
    with pytest.raises(BadValue, match="PORT"):
        WebSettings.read({"PORT": "many"})


def test_a_secret_is_made_once_and_kept_from_others(tmp_path: Path) -> None:
    settings = WebSettings(dal=DalSettings(home=tmp_path / "deep" / "home"))
    first = signing.secret_of(settings)
    assert len(first) == 64
    assert signing.secret_of(settings) == first
    path = tmp_path / "deep" / "home" / "secret"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["secret"]


def test_workers_that_start_together_agree_on_the_secret(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    settings = WebSettings(dal=DalSettings(home=tmp_path))
    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(signing.secret_of, [settings] * 64))) == 1


def test_a_configured_secret_must_keep_somebody_out() -> None:
    with pytest.raises(BadValue, match="SECRET_KEY"):
        signing.secret_of(WebSettings(secret="short"))
    assert signing.secret_of(WebSettings(secret="x" * 16)) == b"x" * 16


def test_a_zone_must_exist(tmp_path: Path) -> None:
    settings = WebSettings(time_zone="Mars/Base", dal=DalSettings(home=tmp_path))
    with pytest.raises(BadValue, match="TIME_ZONE"):
        State.of(settings, None)
    assert State.of(replace(settings, time_zone="Europe/Vienna"), None).zone == zone(
        "Europe/Vienna"
    )


@pytest.mark.parametrize("text", ["", ".", "word", "word.", "word.é", "wore." + "0" * 32])
def test_what_was_not_signed_is_refused(text: str) -> None:
    assert signing.unsign(signing.sign("word", b"key"), b"key") == "word"
    with pytest.raises(BadInput):
        signing.unsign(text, b"key")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("0", "0"),
        ("0E-18", "0"),
        ("1", "1"),
        ("1E+3", "1,000"),
        ("1234.5", "1,234.5"),
        ("1.23456", "1.2345…"),
        ("1.23450000", "1.2345"),
        ("0.00081581", "0.00081581"),
        ("0.000815812345", "0.0008158…"),
        ("0.999999999999", "0.9999…"),
        ("999999.99999", "999,999.9999…"),
        ("0.000000012", "0.000000012"),
        ("1.23456E-18", "1.234…\N{MULTIPLICATION SIGN}10⁻¹⁸"),
        ("-2.5", "\N{MINUS SIGN}2.5"),
    ],
)
def test_amounts_are_cut_with_a_mark_and_never_rounded_up(value: str, shown: str) -> None:
    looked = amount(Decimal(value))
    assert str(looked) == shown
    assert Decimal(looked.exact) == Decimal(value)


def test_the_largest_amount_survives() -> None:
    assert plain(MOST) == amount(MOST).exact == str(2**256 - 1)
    assert str(amount(MOST)) == "1.157…\N{MULTIPLICATION SIGN}10⁷⁷"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("", "type=send"),
        ("type=trade", "type=send"),
        ("type!=send&asset=ETH", "asset=ETH&type=send"),
    ],
)
def test_only_this_narrows_and_keeps_the_rest(asked: str, expected: str) -> None:
    links = Links(Filter.parse(asked), "amount", 25)
    assert links.only("type", "send") == "/transactions?" + "&".join(
        [
            *filter(None, [expected.removesuffix("type=send").rstrip("&")]),
            "order=amount&size=25&type=send",
        ]
    )


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("", "type%21="),
        ("type=trade", "type%21="),
        ("type=trade&type=send", "type=send&type=trade&type%21="),
        ("type!=fee&asset=a b", "asset=a+b&type%21=fee&type%21="),
    ],
)
def test_not_this_leaves_one_of_several_out(asked: str, expected: str) -> None:
    links = Links(Filter.parse(asked), "-time", 50)
    assert sorted(links.prefix("type", negated=True).partition("?")[2].split("&")) == sorted(
        expected.split("&")
    )


@pytest.mark.parametrize("name", ["webapp.template_filters", "webapp.links"])
def test_examples_in_docstrings_hold(name: str) -> None:
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    assert doctest.testmod(importlib.import_module(name), optionflags=flags).failed == 0
