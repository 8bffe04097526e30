"""Filters that leave rows out: a bound computed once, and a comparison with NULL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, or_, select, text

from tests.staleness.observing import arrives, let_go, observe, other_function, seen_so
from tests.staleness.shop import ROWS, Transaction, db, drawn, reset, start
from tests.staleness.trial import TRUE_IF, Trial, claim

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from tests.staleness.conftest import Shop


def rows_until(until: Any) -> str:
    """Return the page of the rows up to a bound."""
    asked = select(Transaction).where(Transaction.occurred_at <= until).order_by(Transaction.id)
    return drawn(db.session.scalars(asked))


def frozen(app: Flask) -> None:
    """Give the application a page whose bound is that of its definition, as at import."""

    @app.get("/transactions")
    def transactions(until: datetime = datetime.now(UTC)) -> str:  # noqa: B008 (the illness)
        reset()
        return rows_until(until)

    @app.get("/asked")
    def asked(until: datetime | None = None) -> str:
        return rows_until(until or datetime.now(UTC))

    @app.get("/in-sql")
    def in_sql(until: Any = func.now()) -> str:  # noqa: B008 (harmless: it is sent, not called)
        return rows_until(until)


@claim(
    63,
    TRUE_IF,
    "the row is dated after the moment at which the worker imported the view; a changed row and"
    " a new one with an earlier date are shown, and a restart moves the bound",
)
def test_a_bound_computed_at_import_hides_what_is_dated_later(
    trial: Trial, shop: Shop, app: Flask
) -> None:
    shop.outside.execute("UPDATE transaction SET occurred_at = now() - interval '1 day'")
    frozen(app)
    other_function(app)
    client = app.test_client()
    changes: tuple[tuple[str, str, Callable[[], None]], ...] = (
        ("a row dated now arrives", "now", lambda: arrives(shop, "now")),
        ("a row dated yesterday arrives", "late", lambda: arrives(shop, "late", timedelta(1))),
        ("an earlier row is changed", "edited", lambda: shop.write("edited")),
    )
    for when, word, change in changes:
        change()
        holds = word not in client.get("/transactions").text
        trial.case(when, holds=holds, saw="missing" if holds else "shown", held=False)
    controls = {
        "/asked": "the bound is computed in the view",
        "/in-sql": "the default is func.now(), which the database computes",
    }
    for path, when in controls.items():
        trial.control(when, gone="now" in client.get(path).text, saw="the new row is shown")
    again = start("restarted")
    frozen(again)
    shown = "now" in again.test_client().get("/transactions").text
    trial.control("the view is imported again, as by a restart", gone=shown, saw="the row is shown")
    let_go(again)
    observe(app, lambda word: arrives(shop, word)).told(trial, "a row dated now arrives")
    seen_so(trial, "+--", "+-+")


def unwanted(app: Flask, condition: Any) -> None:
    """Give the application a page without spam, as somebody thinks."""

    @app.get("/transactions")
    def transactions() -> str:
        reset()
        return drawn(db.session.scalars(select(Transaction).where(condition)))


def notes(app: Flask, condition: Any) -> list[str]:
    with app.app_context():
        found = select(Transaction.note).where(condition).order_by(Transaction.id)
        return list(db.session.scalars(found))


HIDING = (
    ("label <> 'spam' as text", text("label <> 'spam'")),
    ("Transaction.label != 'spam'", Transaction.label != "spam"),
    ("not_in(['spam'])", Transaction.label.not_in(["spam"])),
    ("not_(label == 'spam')", ~(Transaction.label == "spam")),
)
SHOWING = (
    ("it says IS DISTINCT FROM", Transaction.label.is_distinct_from("spam")),
    ("it says OR label IS NULL", or_(Transaction.label != "spam", Transaction.label.is_(None))),
)


@claim(
    71,
    TRUE_IF,
    "the column can be NULL: then rows without a label are left out, the new ones above all;"
    " it is a wrong filter, no old data",
)
def test_a_comparison_with_spam_hides_rows_without_a_label(
    trial: Trial, shop: Shop, app: Flask
) -> None:
    for when, condition in HIDING:
        found = notes(app, condition)
        saw = f"{len(found)} of {len(ROWS)} rows"
        trial.case(when, holds="first" not in found, saw=saw)
    found = notes(app, Transaction.type != "spam")
    trial.case("the column is NOT NULL", holds="first" not in found, saw=f"{len(found)} rows")
    for when, condition in SHOWING:
        found = notes(app, condition)
        trial.control(when, gone=len(found) == len(ROWS), saw=f"{len(found)} of {len(ROWS)} rows")
    unwanted(app, Transaction.label != "spam")
    other_function(app)
    observe(app, lambda word: arrives(shop, word)).told(trial, "a row without a label arrives")
    seen_so(trial, "++++-", "+-+")
