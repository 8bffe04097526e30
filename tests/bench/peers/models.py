"""The ledger's tables as SQLAlchemy's ORM maps them, and the page that is asked of them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

from sqlalchemy import ForeignKey, Select, and_, select
from sqlalchemy.dialects.postgresql import ENUM
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    foreign,
    joinedload,
    mapped_column,
    relationship,
    selectinload,
)

WORDS = (
    "receive",
    "send",
    "transfer",
    "trade",
    "deposit",
    "withdrawal",
    "fee",
    "reward",
    "airdrop",
)
WORDS += ("gift", "payment", "income", "loan", "mint", "burn", "approval", "contract_call", "other")


class Base(DeclarativeBase):
    pass


class Wallet(Base):
    __tablename__ = "wallets"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]

    def __str__(self) -> str:
        return self.name


class Contact(Base):
    __tablename__ = "contacts"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class ContactAddress(Base):
    __tablename__ = "contact_addresses"
    network: Mapped[str] = mapped_column(primary_key=True)
    address: Mapped[str] = mapped_column(primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"))
    contact: Mapped[Contact] = relationship()


class Label(Base):
    __tablename__ = "labels"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]

    def __str__(self) -> str:
        return self.name


class Asset(Base):
    __tablename__ = "assets"
    id: Mapped[int] = mapped_column(primary_key=True)
    symbol: Mapped[str]


class Movement(Base):
    __tablename__ = "movements"
    transaction_id: Mapped[int] = mapped_column(ForeignKey("transactions.id"), primary_key=True)
    key: Mapped[int] = mapped_column(primary_key=True)
    asset_id: Mapped[int] = mapped_column(ForeignKey("assets.id"))
    position: Mapped[int]
    kind: Mapped[str] = mapped_column(
        ENUM("principal", "fee", name="movement_kind", create_type=False)
    )
    amount: Mapped[Decimal]
    asset: Mapped[Asset] = relationship()


class Tagging(Base):
    __tablename__ = "transaction_labels"
    transaction_id: Mapped[int] = mapped_column(ForeignKey("transactions.id"), primary_key=True)
    label_id: Mapped[int] = mapped_column(ForeignKey("labels.id"), primary_key=True)


class Transaction(Base):
    __tablename__ = "transactions"
    id: Mapped[int] = mapped_column(primary_key=True)
    occurred_at: Mapped[datetime]
    wallet_id: Mapped[int] = mapped_column(ForeignKey("wallets.id"))
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contacts.id"))
    type: Mapped[str] = mapped_column(ENUM(*WORDS, name="transaction_type", create_type=False))
    status: Mapped[str] = mapped_column(
        ENUM("confirmed", "pending", "failed", name="transaction_status", create_type=False)
    )
    version: Mapped[int]
    amount: Mapped[Decimal]
    network: Mapped[str]
    tx_hash: Mapped[str | None]
    address: Mapped[str]
    counterparty: Mapped[str]
    note: Mapped[str]
    wallet: Mapped[Wallet] = relationship()
    chosen: Mapped[Contact | None] = relationship()
    at_address: Mapped[ContactAddress | None] = relationship(
        primaryjoin=lambda: and_(
            foreign(Transaction.network) == ContactAddress.network,
            foreign(Transaction.counterparty) == ContactAddress.address,
        ),
        viewonly=True,
    )
    movements: Mapped[list[Movement]] = relationship(order_by=(Movement.position, Movement.key))
    labels: Mapped[list[Label]] = relationship(
        secondary="transaction_labels", order_by=Label.name, viewonly=True
    )

    @property
    def contact(self) -> str:
        """The name of the other side, as the page shows it."""
        if self.chosen:
            return self.chosen.name
        return self.at_address.contact.name if self.at_address else self.counterparty


#: To-one by join, to-many by one further SELECT … IN each: what SQLAlchemy's manual advises.
LOADED = (
    joinedload(Transaction.wallet),
    joinedload(Transaction.chosen),
    joinedload(Transaction.at_address).joinedload(ContactAddress.contact, innerjoin=True),
    selectinload(Transaction.movements).joinedload(Movement.asset, innerjoin=True),
    selectinload(Transaction.labels),
)
NEWEST = (Transaction.occurred_at.desc(), Transaction.id.desc())


def narrowed(statement: Select[Any], where: dict[str, Any]) -> Select[Any]:
    """The statement of the rows that a filter means."""
    if "wallet" in where:
        statement = statement.where(Transaction.wallet_id == int(where["wallet"]))
    if "type" in where:
        statement = statement.where(Transaction.type == where["type"])
    if "label" in where:
        statement = statement.where(Transaction.labels.any(Label.id == int(where["label"])))
    return statement


def asked(where: dict[str, Any]) -> Select[Any]:
    """The statement of a filter, newest first, as entities with all that a page shows."""
    return kept(tuple(where.items()))


@cache
def kept(where: tuple[tuple[str, Any], ...]) -> Select[Any]:
    """The same, built once: kinder to the peers than what one usually sees."""
    return narrowed(select(Transaction), dict(where)).order_by(*NEWEST).options(*LOADED)


def read(rows: list[Transaction]) -> list[int]:
    """Read of each row what a page shows."""
    for one in rows:
        _ = one.occurred_at, one.type, one.wallet.name, one.contact, one.note
        _ = [(each.amount, each.asset.symbol, each.kind) for each in one.movements]
        _ = [label.name for label in one.labels]
    return [one.id for one in rows]
