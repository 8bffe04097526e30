"""The ledger's tables as SQLAlchemy Core sees them; `migrations/` is what creates them.

A test compares the two, so that neither can drift. Keys and checks have names by one convention.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ColumnElement,
    Computed,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import UUID

from dal.columns import (
    CALENDAR,
    FINITE,
    colour,
    id_column,
    metadata,
    movement_kind,
    row_outcome,
    text_column,
    transaction_status,
    transaction_type,
    version_column,
)
from dal.tables_log import change_op, changes, prunings, submissions
from dal.tables_names import (
    assets,
    contact_addresses,
    contacts,
    imports,
    labels,
    wallet_addresses,
    wallets,
)

__all__ = [
    "assets", "change_op", "changes", "colour", "contact_addresses", "contacts", "hashed",
    "import_rows", "imports", "labels", "metadata", "movement_kind", "movements", "prunings",
    "row_outcome", "submissions", "transaction_labels", "transaction_notes", "transaction_status",
    "transaction_type", "transactions", "wallet_addresses", "wallets",
]  # fmt: skip

transactions = Table(
    "transactions",
    metadata,
    id_column(BigInteger),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("wallet_id", Integer, ForeignKey("wallets.id"), nullable=False),
    Column("contact_id", Integer, ForeignKey("contacts.id", ondelete="SET NULL")),
    Column("import_id", Integer, ForeignKey("imports.id")),
    Column("type", transaction_type, nullable=False),
    Column("status", transaction_status, nullable=False, server_default="confirmed"),
    version_column(),
    Column("amount", Numeric, nullable=False, server_default=text("0")),
    text_column("network", default=""),
    Column("tx_hash", Text),
    text_column("address", default=""),
    text_column("counterparty", default=""),
    text_column("note", default=""),
    text_column("source", default="manual"),
    Column("source_id", Text, server_default=text("gen_random_uuid()")),
    text_column("source_type", default=""),
    Column(
        "identity",
        UUID,
        Computed(
            "md5(CASE WHEN tx_hash IS NULL THEN 'id:' || source || ':' || source_id"
            " ELSE 'hash:' || network || ':' || tx_hash END)::uuid",
            persisted=True,
        ),
    ),
    UniqueConstraint("wallet_id", "identity", name="transactions_identity_key"),
    # The order of the page, and what the copied occurred_at of the join tables refers to.
    UniqueConstraint("occurred_at", "id", name="transactions_time_key"),
    CheckConstraint(FINITE, name="amount"),
    CheckConstraint(CALENDAR, name="occurred_at"),
    CheckConstraint("tx_hash IS NOT NULL OR source_id IS NOT NULL", name="identity"),
    postgresql_with={"fillfactor": 90},
)
_keyset = (transactions.c.occurred_at, transactions.c.id)
Index("transactions_wallet_idx", transactions.c.wallet_id, *_keyset)
Index("transactions_type_idx", transactions.c.type, *_keyset)
Index("transactions_amount_idx", transactions.c.amount, transactions.c.id)
Index(
    "transactions_counterparty_idx",
    transactions.c.counterparty,
    *_keyset,
    postgresql_include=["network", "contact_id"],  # whose it is depends on these
    postgresql_where=text("counterparty <> ''"),
)
Index(
    "transactions_contact_idx",
    transactions.c.contact_id,
    *_keyset,
    postgresql_where=text("contact_id IS NOT NULL"),
)
Index(
    "transactions_hash_idx",
    func.hashtextextended(transactions.c.tx_hash, text("0")),
    postgresql_where=text("tx_hash IS NOT NULL"),
)
Index(
    "transactions_import_idx",
    transactions.c.import_id,
    *_keyset,
    postgresql_where=text("import_id IS NOT NULL"),
)
Index(
    "transactions_address_idx",
    transactions.c.address,
    *_keyset,
    postgresql_where=text("address <> ''"),
)
Index("transactions_network_idx", transactions.c.network, *_keyset)
Index(
    "transactions_status_idx",
    transactions.c.status,
    *_keyset,
    postgresql_where=text("status <> 'confirmed'"),
)


def _of_transaction() -> ForeignKeyConstraint:
    """Tie the copied occurred_at to its transaction: it cannot drift, and it follows edits."""
    return ForeignKeyConstraint(
        ["occurred_at", "transaction_id"],
        ["transactions.occurred_at", "transactions.id"],
        onupdate="CASCADE",
        ondelete="CASCADE",
    )


movements = Table(
    "movements",
    metadata,
    Column("transaction_id", BigInteger, primary_key=True),
    Column("key", BigInteger, primary_key=True),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("asset_id", Integer, ForeignKey("assets.id"), nullable=False),
    Column("import_id", Integer, ForeignKey("imports.id")),
    Column("position", Integer, nullable=False),
    Column("kind", movement_kind, nullable=False),
    Column("amount", Numeric, nullable=False),
    text_column("address", default=""),
    text_column("counterparty", default=""),
    _of_transaction(),
    CheckConstraint(FINITE, name="amount"),
)
Index(
    "movements_asset_idx",
    movements.c.asset_id,
    movements.c.occurred_at,
    movements.c.transaction_id,
    postgresql_include=["kind"],  # a fee counts for some transactions only
)
Index(
    "movements_counterparty_idx",
    movements.c.counterparty,
    movements.c.occurred_at,
    movements.c.transaction_id,
    postgresql_where=text("counterparty <> ''"),
)
Index(
    "movements_amount_idx",
    func.abs(movements.c.amount),
    movements.c.occurred_at,
    movements.c.transaction_id,
    postgresql_include=["amount"],  # an expression alone would be read from the table
)
Index(
    "movements_import_idx",
    movements.c.import_id,
    movements.c.occurred_at,
    movements.c.transaction_id,
    postgresql_where=text("import_id IS NOT NULL"),
)
Index(
    "movements_address_idx",
    movements.c.address,
    movements.c.occurred_at,
    movements.c.transaction_id,
    postgresql_where=text("address <> ''"),
)

transaction_labels = Table(
    "transaction_labels",
    metadata,
    Column("transaction_id", BigInteger, primary_key=True),
    Column("label_id", Integer, ForeignKey("labels.id", ondelete="CASCADE"), primary_key=True),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    _of_transaction(),
)
Index(
    "transaction_labels_label_idx",
    transaction_labels.c.label_id,
    transaction_labels.c.occurred_at,
    transaction_labels.c.transaction_id,
)
Index(
    "transaction_labels_time_idx",
    transaction_labels.c.occurred_at,
    transaction_labels.c.transaction_id,
)

#: A narrow copy of the notes in lower case, kept by triggers, that is searched for words.
transaction_notes = Table(
    "transaction_notes",
    metadata,
    Column("transaction_id", BigInteger, primary_key=True, autoincrement=False),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    text_column("note"),
    _of_transaction(),
)
Index(
    "transaction_notes_time_idx",
    transaction_notes.c.occurred_at,
    transaction_notes.c.transaction_id,
)
Index(
    "transaction_notes_text_idx",
    transaction_notes.c.note,
    postgresql_using="gin",
    postgresql_ops={"note": "gin_trgm_ops"},
)

import_rows = Table(
    "import_rows",
    metadata,
    Column("import_id", Integer, ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("transaction_id", BigInteger, ForeignKey("transactions.id", ondelete="SET NULL")),
    Column("outcome", row_outcome, nullable=False),
    text_column("reason", default=""),
    text_column("raw"),
)
Index("import_rows_transaction_idx", import_rows.c.transaction_id)


def hashed(value: object) -> ColumnElement[int]:
    """Return the 64 bits by which `transactions_hash_idx` finds a hash."""
    return func.hashtextextended(value, text("0"))
