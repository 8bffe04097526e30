"""Submissions: which forms were sent already, and what was answered.

Locks: none; the table is new.
Running code: unaffected; it does not know the table.
Undo: drops the table; a form sent a second time is then done a second time.
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SCHEMA = """
CREATE TABLE submissions (
  once UUID PRIMARY KEY,
  at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  answer TEXT
);
CREATE INDEX submissions_at_idx ON submissions (at);
"""


def upgrade() -> None:
    op.execute(SCHEMA)


def downgrade() -> None:
    op.execute("DROP TABLE submissions")
