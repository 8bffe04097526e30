"""The application of the request, in small: transactions, labels and contacts on Flask-SQLAlchemy.

    DATABASE_URL=… gunicorn tests.staleness.builds.correct:app

What every build shares stands here; each build adds how its page reads and how it writes, and
nothing else, so that a build's file shows its illness and no more.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, render_template_string, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    JSON,
    DateTime,
    ForeignKey,
    Numeric,
    create_engine,
    insert,
    make_url,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, scoped_session

if TYPE_CHECKING:
    from collections.abc import Iterable


class Base(DeclarativeBase):
    """What Flask-SQLAlchemy makes models from."""


db = SQLAlchemy(model_class=Base)


class Contact(db.Model):  # type: ignore[name-defined, misc]  # the extension's base is made at run time
    """Somebody at the other side."""

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Transaction(db.Model):  # type: ignore[name-defined, misc]  # as above
    """One movement of one asset."""

    id: Mapped[int] = mapped_column(primary_key=True)
    occurred_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    address: Mapped[str]
    type: Mapped[str]
    asset: Mapped[str]
    amount: Mapped[Decimal] = mapped_column(Numeric(38, 18))
    note: Mapped[str]
    label: Mapped[str | None]
    labels: Mapped[list[str]] = mapped_column(JSON)
    contact_id: Mapped[int | None] = mapped_column(ForeignKey(Contact.id))
    contact: Mapped[Contact | None] = relationship()


PAGE = """<!doctype html><title>Transactions</title>
<ul>{% for each in rows %}<li id="t{{ each.id }}">{{ each.asset }} · {{ each.note }} ·
{{ each.contact.name if each.contact else "" }}</li>{% endfor %}</ul>"""


def start(name: str, extension: SQLAlchemy = db, **config: Any) -> Flask:
    """Return an application on DATABASE_URL; each answer names the worker that gave it."""
    app = Flask(name)
    app.config |= {"SQLALCHEMY_DATABASE_URI": with_driver(os.environ["DATABASE_URL"])} | config
    extension.init_app(app)
    app.after_request(_signed)
    return app


def with_driver(url: str) -> str:
    """Return a URL that names psycopg 3 where it names no driver."""
    given = make_url(url)
    if given.drivername == "postgresql":
        given = given.set(drivername="postgresql+psycopg")
    return given.render_as_string(hide_password=False)


def _signed(response: Response) -> Response:
    response.headers["X-Worker"] = str(os.getpid())
    return response


def drawn(rows: Iterable[object]) -> str:
    """Return the page of these rows."""
    return render_template_string(PAGE, rows=rows)


def reset(registry: scoped_session[Any] = db.session) -> None:
    """Do what the request did, when asked by ?reset=1, which cured nothing there."""
    if "reset" in request.args:
        registry.remove()
        registry.expire_all()


NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
CONTACTS = ({"id": 1, "name": "Anna"}, {"id": 2, "name": "Ben"})
ROWS: tuple[dict[str, Any], ...] = tuple(
    {"id": nr, "occurred_at": NOON, "address": "0xabc", "type": "receive", "asset": "ETH",
     "amount": Decimal(nr), "note": note, "label": label, "labels": [], "contact_id": contact}
    for nr, note, label, contact in (
        (1, "first", None, 1), (2, "second", "rent", None), (3, "third", None, None)
    )
)  # fmt: skip


def fill(url: str) -> None:
    """Make the tables of an empty database, with two contacts and three transactions."""
    engine = create_engine(with_driver(url))
    with engine.begin() as conn:
        Base.metadata.create_all(conn)
        conn.execute(insert(Contact), CONTACTS)
        conn.execute(insert(Transaction), ROWS)
    engine.dispose()
