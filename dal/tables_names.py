"""The tables that give names: imports, wallets, contacts, labels and assets; small by nature."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    func,
    text,
)

from dal.columns import (
    NOW,
    came_with,
    colour,
    id_column,
    metadata,
    text_column,
    version_column,
)

imports = Table(
    "imports",
    metadata,
    id_column(),
    text_column("file"),
    text_column("format"),
    text_column("wallet"),
    Column("imported_at", DateTime(timezone=True), nullable=False, server_default=NOW),
    Column("sample", Boolean, nullable=False, server_default=text("false")),
    Column("read", Integer, nullable=False, server_default=text("0")),
    Column("imported", Integer, nullable=False, server_default=text("0")),
    Column("duplicate", Integer, nullable=False, server_default=text("0")),
    Column("skipped", Integer, nullable=False, server_default=text("0")),
    Column("rejected", Integer, nullable=False, server_default=text("0")),
    Column("transactions", Integer, nullable=False, server_default=text("0")),
    CheckConstraint("read = imported + duplicate + skipped + rejected", name="accounted"),
)

wallets = Table(
    "wallets",
    metadata,
    id_column(),
    text_column("name"),
    version_column(),
    came_with(),
    CheckConstraint("name = btrim(name) AND name <> ''", name="name"),
)
Index("wallets_name_key", func.lower(wallets.c.name), unique=True)

wallet_addresses = Table(
    "wallet_addresses",
    metadata,
    Column("network", Text, primary_key=True),
    Column("address", Text, primary_key=True),
    Column("wallet_id", Integer, ForeignKey("wallets.id", ondelete="CASCADE"), nullable=False),
    came_with(),
)
Index(None, wallet_addresses.c.wallet_id)

contacts = Table(
    "contacts",
    metadata,
    id_column(),
    text_column("name"),
    text_column("note", default=""),
    version_column(),
    came_with(),
    CheckConstraint("name = btrim(name) AND name <> ''", name="name"),
)
Index("contacts_name_key", func.lower(contacts.c.name), unique=True)

contact_addresses = Table(
    "contact_addresses",
    metadata,
    Column("network", Text, primary_key=True),
    Column("address", Text, primary_key=True),
    Column("contact_id", Integer, ForeignKey("contacts.id", ondelete="CASCADE"), nullable=False),
)
Index(None, contact_addresses.c.contact_id)

labels = Table(
    "labels",
    metadata,
    id_column(),
    text_column("name"),
    Column("colour", colour, nullable=False, server_default="grey"),
    version_column(),
    came_with(),
    CheckConstraint("name = btrim(name) AND name <> ''", name="name"),
)
Index("labels_name_key", func.lower(labels.c.name), unique=True)

assets = Table(
    "assets",
    metadata,
    id_column(),
    text_column("symbol"),
    text_column("network", default=""),
    text_column("contract", default=""),
    text_column("name", default=""),
    Column("decimals", SmallInteger),
    Column("spam", Boolean, nullable=False, server_default=text("false")),
)
Index(
    "assets_contract_key",
    assets.c.network,
    assets.c.contract,
    unique=True,
    postgresql_where=text("contract <> ''"),
)
Index(
    "assets_coin_key",
    assets.c.network,
    assets.c.symbol,
    unique=True,
    postgresql_where=text("contract = ''"),
)
Index("assets_symbol_idx", func.upper(assets.c.symbol))
