"""The request's three observations, looked for in an application with one illness."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING

from flask import request

from tests.staleness.shop import Contact, db

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from tests.staleness.conftest import Shop
    from tests.staleness.trial import Trial


NUMBERS = count()


@dataclass(frozen=True, slots=True)
class Observations:
    """What a visitor saw."""

    first: bool
    other_function: bool
    reset_useless: bool

    def told(self, trial: Trial, when: str = "") -> Observations:
        """Let the trial keep them, and return them."""
        trial.observations(
            first=self.first,
            other_function=self.other_function,
            reset_useless=self.reset_useless,
            when=when,
        )
        return self

    @property
    def words(self) -> str:
        """Return them in words."""
        if not self.first:
            return "right on first load"
        other = "cures" if self.other_function else "cures nothing"
        reset = "is useless" if self.reset_useless else "cures"
        return f"old on first load, another function {other}, the reset {reset}"


def observe(
    app: Flask, change: Callable[[str], object], after: Callable[[], object] = lambda: None
) -> Observations:
    """Return what a visitor sees of changes that somebody makes.

    Args:
        app: what answers /transactions, and whose other function is `other_function` below.
        change: puts a word into the database that the page must show.
        after: what is done once the page was looked at, before the next change.
    """
    client = app.test_client()

    def shows(word: str, query: str = "") -> bool:
        answer = client.get(f"/transactions{query}")
        assert answer.status_code == 200, answer.text
        return word in answer.text

    early, late = (f"change {next(NUMBERS):04}" for _ in range(2))
    shows("")
    change(early)
    first = not shows(early)
    useless = not shows(early, "?reset=1")
    after()
    change(late)
    left = not shows(late)
    assert client.post("/contacts/2", data={"name": f"Ben {next(NUMBERS)}"}).text == "saved"
    return Observations(first, left and shows(late), useless)


def other_function(app: Flask, also: Callable[[], object] = lambda: None) -> None:
    """Give the application a function that writes to another table, as it should be done."""

    @app.post("/contacts/<int:nr>")
    def contact(nr: int) -> str:
        db.session.get_one(Contact, nr).name = request.form["name"]
        db.session.commit()
        also()
        return "saved"


def arrives(shop: Shop, note: str, ago: timedelta = timedelta(0)) -> None:
    """Let somebody else insert a row, dated by the database's clock."""
    shop.outside.execute(
        "INSERT INTO transaction (id, occurred_at, address, type, asset, amount, note, labels)"
        " SELECT max(id) + 1, clock_timestamp() - %s, '0xabc', 'receive', 'ETH', 1, %s, '[]'"
        " FROM transaction",
        (ago, note),
    )


def let_go(app: Flask) -> None:
    """Close an application's connections."""
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def seen_so(trial: Trial, cases: str, observations: str) -> None:
    """Hold a trial against what is known of it: a verdict alone would not miss a single case.

    Args:
        trial: what was run.
        cases: for each case "+" where the claim held, "-" where not, "?" where chance has a part.
        observations: the same for first, other_function and reset_useless.
    """
    held = "".join(
        "?" if known == "?" else "-+"[case.holds]
        for case, known in zip(trial.cases, cases, strict=True)
    )
    assert held == cases, [case.when for case in trial.cases]
    assert trial.observed
    three = ("first", "other_function", "reset_useless")
    assert "".join("-+"[trial.observed[each]] for each in three) == observations
