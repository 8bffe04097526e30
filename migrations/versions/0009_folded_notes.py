"""The copies of the notes in lower case.

ILIKE folds each note anew whenever it is compared, which takes longer than to fetch it: of the
200,000 with one word among 10,000,000 half of the time. What is folded already is found by LIKE.

Locks: SHARE ROW EXCLUSIVE on transactions while the copies are folded, about a second per 100,000
of those that have capitals: reads go on, writes wait.
Running code: unaffected.
Undo: the copies say again what the notes say.
"""

from pathlib import Path

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TRIGGERS = Path(__file__).parents[2] / "sql" / "triggers"
GONE = """
DROP TRIGGER transaction_note_insert ON transactions;
DROP TRIGGER transaction_note_update ON transactions;
DROP FUNCTION {function}();
"""
FOLDED = "UPDATE transaction_notes SET note = lower(note) WHERE note <> lower(note)"
AS_WRITTEN = """
UPDATE transaction_notes n SET note = t.note
  FROM transactions t WHERE t.id = n.transaction_id AND t.note <> n.note
"""


def upgrade() -> None:
    op.execute("LOCK TABLE transactions IN SHARE ROW EXCLUSIVE MODE")
    op.execute(GONE.format(function="transaction_note_v1"))
    op.execute(FOLDED)
    op.execute((TRIGGERS / "transaction_note_v2.sql").read_text())


def downgrade() -> None:
    op.execute("LOCK TABLE transactions IN SHARE ROW EXCLUSIVE MODE")
    op.execute(GONE.format(function="transaction_note_v2"))
    op.execute(AS_WRITTEN)
    op.execute((TRIGGERS / "transaction_note_v1.sql").read_text())
