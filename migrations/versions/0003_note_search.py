"""Search inside notes: a trigram index (extension pg_trgm, trusted since PostgreSQL 13).

Locks: SHARE on transactions while the index is built: reads go on, writes wait. It covers noted
rows only, about a second per million of them.
Running code: unaffected; without it a search inside notes walks the table.
Undo: drops the index; the extension stays, others may use it.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.execute("""
        CREATE INDEX transactions_note_idx ON transactions
          USING gin (note gin_trgm_ops) WHERE note <> ''
    """)


def downgrade() -> None:
    op.execute("DROP INDEX transactions_note_idx")
