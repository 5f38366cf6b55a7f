"""Alembic's entry: runs the migrations on the connection and inside the transaction it is given.

Only `connector.store.migrate` calls this; it holds the lock and commits.
"""

from __future__ import annotations

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table=context.config.attributes["version_table"],
    # SQLite's DDL is transactional too once the driver no longer begins and commits by itself.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
