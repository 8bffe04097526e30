"""A list in order of time for every filter that can have one, read from its index alone.

Locks: SHARE on transactions, movements and transaction_labels while their indexes are built: reads
go on, writes wait, about ten seconds per million transactions.
Running code: unaffected; without them the filters by address, network, status, import, and by
having a note or a label, walk the table.
Undo: puts the indexes on imports and on amounts back as they were and drops the others.
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# An index on an expression is read from the table, unless it includes what the expression is of.
UP = """
DROP INDEX transactions_import_idx, movements_import_idx, movements_amount_idx;
CREATE INDEX transactions_import_idx ON transactions (import_id, occurred_at, id)
    WHERE import_id IS NOT NULL;
CREATE INDEX transactions_address_idx ON transactions (address, occurred_at, id)
    WHERE address <> '';
CREATE INDEX transactions_network_idx ON transactions (network, occurred_at, id);
CREATE INDEX transactions_status_idx ON transactions (status, occurred_at, id)
    WHERE status <> 'confirmed';
CREATE INDEX transactions_noted_idx ON transactions (occurred_at, id) WHERE note <> '';
CREATE INDEX movements_amount_idx ON movements (abs(amount), occurred_at, transaction_id)
    INCLUDE (amount);
CREATE INDEX movements_address_idx ON movements (address, occurred_at, transaction_id)
    WHERE address <> '';
CREATE INDEX movements_import_idx ON movements (import_id, occurred_at, transaction_id)
    WHERE import_id IS NOT NULL;
CREATE INDEX transaction_labels_time_idx ON transaction_labels (occurred_at, transaction_id);
"""
DOWN = """
DROP INDEX transactions_address_idx, transactions_network_idx, transactions_status_idx,
  transactions_noted_idx, movements_address_idx, transaction_labels_time_idx,
  transactions_import_idx, movements_import_idx, movements_amount_idx;
CREATE INDEX transactions_import_idx ON transactions (import_id);
CREATE INDEX movements_import_idx ON movements (import_id);
CREATE INDEX movements_amount_idx ON movements (abs(amount));
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
