"""How revisions run: one transaction each, short waits for locks, one migrating process at a time.

The connection comes from `dal.migrate`; for the `alembic` command line, from the environment.
"""

from alembic import context
from sqlalchemy import Connection

from dal import migrate
from dal.tables import metadata


def run(connection: Connection) -> None:
    """Run the revisions that were asked for."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        transaction_per_migration=True,
        compare_server_default=True,
    )
    with context.begin_transaction():
        context.run_migrations()


if given := context.config.attributes.get("connection"):
    run(given)
else:
    with migrate.turn_of_environment() as own:
        run(own)
