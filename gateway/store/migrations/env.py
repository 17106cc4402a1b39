"""Alembic's entry: migrate over the connection that the caller hands in."""

import sqlmodel  # noqa: F401  (column types of new revisions name it)
from alembic import context
from sqlalchemy import Connection

import gateway.store.session_tables  # noqa: F401  (its tables belong to the metadata)
from gateway.store.tables import Base


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,
        transactional_ddl=True,  # SQLite can; a process killed half-way leaves the old schema
    )
    with context.begin_transaction():
        context.run_migrations()


_migrate(context.config.attributes["connection"])
