"""The change log: what was changed, when, by whom, from what to what.

Locks: SHARE ROW EXCLUSIVE on each table of the ledger while its triggers are made: reads go on,
writes wait for moments.
Running code: unaffected; from now on its writes are logged and raise versions.
Undo: drops the log with all that it holds, and its triggers.
"""

from pathlib import Path

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TRIGGERS = Path(__file__).parents[2] / "sql" / "triggers"

SCHEMA = """
CREATE TYPE change_op AS ENUM ('insert', 'update', 'delete');

CREATE TABLE changes (
  seq BIGINT GENERATED ALWAYS AS IDENTITY,
  xid XID8 NOT NULL,
  at TIMESTAMP WITH TIME ZONE NOT NULL,
  who TEXT NOT NULL,
  relation TEXT NOT NULL,
  op change_op NOT NULL,
  id BIGINT NOT NULL,
  part TEXT NOT NULL,
  before JSONB,
  after JSONB
);
CREATE INDEX changes_xid_idx ON changes (xid);
CREATE INDEX changes_id_idx ON changes (id, relation);
CREATE INDEX changes_at_idx ON changes USING brin (at);
CREATE INDEX changes_moved_idx ON changes (xid)
    WHERE relation = 'transactions' AND op = 'update'
      AND (before ? 'occurred_at' OR before ? 'amount');

CREATE TABLE prunings (
  xid XID8 DEFAULT pg_current_xact_id() NOT NULL,
  at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  who TEXT NOT NULL,
  last XID8 NOT NULL,
  forgotten BIGINT NOT NULL
);
"""

#: Table, the id that its history is asked for by, and the rest of its key.
LOGGED = (
    ("imports", "r.id", "''"),
    ("import_rows", "r.import_id", "r.line::text"),
    ("wallets", "r.id", "''"),
    ("wallet_addresses", "r.wallet_id", "r.network || ' ' || r.address"),
    ("contacts", "r.id", "''"),
    ("contact_addresses", "r.contact_id", "r.network || ' ' || r.address"),
    ("labels", "r.id", "''"),
    ("assets", "r.id", "''"),
    ("transactions", "r.id", "''"),
    ("movements", "r.transaction_id", "r.key::text"),
    ("transaction_labels", "r.transaction_id", "r.label_id::text"),
)
#: Tables with a version, and the columns whose change is an edit.
VERSIONED = {
    "wallets": "name",
    "contacts": "name, note",
    "labels": "name, colour",
    "transactions": "occurred_at, wallet_id, contact_id, type, status, amount, network, tx_hash,"
    " address, counterparty, note",
}
FUNCTIONS = (
    "log_changes_v1(regclass, text, text)",
    "stop_logging_v1(regclass)",
    "change_author_v1()",
    "changes_are_kept_v1() CASCADE",
    "next_version_v1() CASCADE",
)


def upgrade() -> None:
    op.execute(SCHEMA)
    op.execute((TRIGGERS / "change_log_v1.sql").read_text())
    for table, row_id, part in LOGGED:
        op.execute(f"SELECT log_changes_v1('{table}', $${row_id}$$, $${part}$$)")
    for table, columns in VERSIONED.items():
        op.execute(f"""
            CREATE TRIGGER {table}_version BEFORE UPDATE OF {columns} ON {table} FOR EACH ROW
              WHEN (NEW.version <= OLD.version) EXECUTE FUNCTION next_version_v1();
            ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_version;
        """)


def downgrade() -> None:
    for table, *_ in LOGGED:
        op.execute(f"SELECT stop_logging_v1('{table}')")
    op.execute("".join(f"DROP FUNCTION {function};" for function in FUNCTIONS))
    op.execute("DROP TABLE changes, prunings; DROP TYPE change_op")
