"""Settings: what the environment says, or a plain word about what it should have said."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import pytest

from dal.errors import BadFilter, BadValue, DalError, NotFound
from dal.settings import DalSettings, FromEnvironment, knob


@dataclass(frozen=True, slots=True)
class Switched(FromEnvironment):
    debug: bool = knob("DEBUG", False, "A switch.")


def test_an_empty_environment_means_the_defaults() -> None:
    assert DalSettings.read({}) == DalSettings.read({"POOL_SIZE": " "}) == DalSettings()


def test_what_is_said_counts() -> None:
    said = {"POOL_SIZE": "3", "FRESHLEDGER_HOME": "/srv/books", "DATABASE_URL": "postgresql://db"}
    settings = DalSettings.read(said | {"STATEMENT_TIMEOUT_MS": "500"})
    assert settings == DalSettings(
        database_url="postgresql://db",
        home=Path("/srv/books"),
        statement_timeout_ms=500,
        pool_size=3,
    )


@pytest.mark.parametrize(
    "text", ["ten", "-1", "1.5", "1_000", "\N{ARABIC-INDIC DIGIT ONE}", "9" * 99]
)
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(BadValue, match="POOL_SIZE"):
        DalSettings.read({"POOL_SIZE": text})


@pytest.mark.parametrize(
    ("text", "meant"), [("1", True), ("no", False), ("TRUE", True), ("0", False)]
)
def test_switches(text: str, meant: bool) -> None:
    assert Switched.read({"DEBUG": text}).debug is meant


def test_what_is_no_switch() -> None:
    with pytest.raises(BadValue, match="none of 1, yes, true, 0, no, false"):
        Switched.read({"DEBUG": "maybe"})


@pytest.mark.parametrize("setting", fields(DalSettings), ids=lambda setting: setting.name)
def test_each_explains_itself(setting: object) -> None:
    told = setting.metadata  # type: ignore[attr-defined]  # a field
    assert told["variable"].isupper()
    assert told["help"].endswith(".")


def test_errors_say_headline_and_particulars() -> None:
    assert str(NotFound("wallet", "Krakn")) == "There is no such thing: wallet: Krakn"
    assert str(BadFilter("type", "x")) == "This filter cannot be used: type: x"
    assert str(DalError()) == "The data layer refuses"
