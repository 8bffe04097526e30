"""Data layers: sqlakeyset on Core and on the ORM, the ORM with OFFSET, Flask-SQLAlchemy."""

from __future__ import annotations

import sys
from datetime import datetime
from functools import cache
from typing import Any

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from models import (
    NEWEST,
    Asset,
    Contact,
    ContactAddress,
    Label,
    Movement,
    Tagging,
    Transaction,
    Wallet,
    asked,
    narrowed,
    read,
)
from speaking import SIZE, speak
from sqlakeyset import select_page
from sqlalchemy import Select, and_, create_engine, func, select, true
from sqlalchemy.orm import Session, aliased

URL = sys.argv[1].replace("postgresql://", "postgresql+psycopg://")
ENGINE = create_engine(URL, isolation_level="AUTOCOMMIT")
#: Autocommit as ours, so that no peer pays for BEGIN and ROLLBACK.
APP = Flask(__name__)
APP.config.update(
    SQLALCHEMY_DATABASE_URI=URL, SQLALCHEMY_ENGINE_OPTIONS={"isolation_level": "AUTOCOMMIT"}
)
DB = SQLAlchemy(APP)


@cache
def plain(where: tuple[tuple[str, Any], ...]) -> Select[Any]:
    """The rows as tuples, movements and labels as arrays: one statement, as ours, built once."""
    ca, chosen = ContactAddress, aliased(Contact)
    moved = (
        select(
            func.array_agg(Movement.amount).label("amounts"),
            func.array_agg(Movement.kind).label("kinds"),
            func.array_agg(Asset.symbol).label("symbols"),
        )
        .join(Asset)
        .where(Movement.transaction_id == Transaction.id)
        .lateral("moved")
    )
    tagged = (
        select(func.array_agg(Label.name).label("labels"))
        .join(Tagging, Tagging.label_id == Label.id)
        .where(Tagging.transaction_id == Transaction.id)
        .lateral("tagged")
    )
    columns = Transaction.__table__.c
    there = and_(ca.network == Transaction.network, ca.address == Transaction.counterparty)
    found = (
        select(
            *columns, Wallet.name.label("wallet"), chosen.name.label("contact"), *moved.c, *tagged.c
        )
        .join(Wallet, Wallet.id == Transaction.wallet_id)
        .outerjoin(ca, and_(Transaction.contact_id.is_(None), there))
        .outerjoin(chosen, chosen.id == func.coalesce(Transaction.contact_id, ca.contact_id))
        .join(moved, true())
        .join(tagged, true())
    )
    return narrowed(found, dict(where)).order_by(*NEWEST)


def marker(place: dict[str, Any]) -> Any:
    """A place as sqlakeyset knows it: a key and whether it is read backwards."""
    if place["last"]:
        return (None, True)
    if place["key"] is None:
        return (None, False)
    return ((datetime.fromisoformat(place["key"][0]), place["key"][1]), False)


def keyset_core(place: dict[str, Any]) -> list[int]:
    with ENGINE.connect() as conn:
        found = select_page(
            conn, plain(tuple(place["where"].items())), per_page=SIZE, page=marker(place)
        )
        return [row.id for row in found]


def keyset_orm(place: dict[str, Any]) -> list[int]:
    with Session(ENGINE) as session:
        found = select_page(session, asked(place["where"]), per_page=SIZE, page=marker(place))
        return read([row[0] for row in found])


def orm_offset(place: dict[str, Any]) -> list[int]:
    with Session(ENGINE) as session:
        rows = session.scalars(asked(place["where"]).limit(SIZE + 1).offset(place["skip"]))
        return read(list(rows)[:SIZE])


def paginate(place: dict[str, Any], *, count: bool) -> list[int]:
    with APP.app_context():
        found = DB.paginate(
            asked(place["where"]), page=place["page"], per_page=SIZE, count=count, error_out=False
        )
        return read(found.items)


if __name__ == "__main__":
    speak(
        {
            "sqlakeyset, Core": keyset_core,
            "sqlakeyset, ORM": keyset_orm,
            "SQLAlchemy ORM, OFFSET": orm_offset,
            "Flask-SQLAlchemy, no count": lambda place: paginate(place, count=False),
            "Flask-SQLAlchemy, count": lambda place: paginate(place, count=True),
        }
    )
