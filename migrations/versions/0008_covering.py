"""Lists that tell for certain: of an asset what is a fee, of a contact whose an address is.

Locks: SHARE on transactions and movements while their indexes are built: reads go on, writes wait,
about four seconds per million transactions.
Running code: unaffected; meanwhile pages of an asset or a contact walk the table.
Undo: puts the indexes back as they were.
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

UP = """
DROP INDEX movements_asset_idx, transactions_counterparty_idx;
CREATE INDEX movements_asset_idx ON movements (asset_id, occurred_at, transaction_id)
    INCLUDE (kind);
CREATE INDEX transactions_counterparty_idx ON transactions (counterparty, occurred_at, id)
    INCLUDE (network, contact_id) WHERE counterparty <> '';
"""
DOWN = """
DROP INDEX movements_asset_idx, transactions_counterparty_idx;
CREATE INDEX movements_asset_idx ON movements (asset_id, occurred_at, transaction_id);
CREATE INDEX transactions_counterparty_idx ON transactions (counterparty, occurred_at, id)
    WHERE counterparty <> '';
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
