"""Brings a database to the schema this program knows, on opening it.

All migrations that are missing run in one transaction under one lock, with the revision they
lead to: a crash at any statement leaves the old schema whole (invariants.md I30).
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from connector.core.errors import SchemaTooNew, StoreUnusable
from connector.store.tables import HEAD, metadata

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from connector.store.database import Database

VERSION_TABLE = "connector_schema"
SCRIPTS = Path(__file__).parent / "migrations"
#: any number, the same in every version: what processes that open one PostgreSQL database queue for
_LOCK_ID = 0x636F6E6E
#: Alembic keeps the environment it runs in as a global of the process
_ALEMBIC_TURN = threading.Lock()


def upgrade(database: Database) -> None:
    """Raises SchemaTooNew for a database of a newer program, StoreUnusable for somebody else's tables."""
    with database.read(0) as tx:
        current = _load_revision(tx.connection)
    if current == HEAD:
        return
    with database.write(0) as tx:
        if tx.dialect == "postgresql":
            tx.connection.execute(text("SELECT pg_advisory_xact_lock(:id)"), {"id": _LOCK_ID})
        # Another process may have upgraded while this one waited for the lock.
        current = _load_revision(tx.connection)
        if current is None:
            _refuse_foreign_tables(tx.connection, database.place)
        if current != HEAD:
            _run_migrations(tx.connection, current, database.place)


def _load_revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    revision = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar_one_or_none()  # noqa: S608 -- our own constant
    return None if revision is None else str(revision)


def _refuse_foreign_tables(connection: Connection, place: str) -> None:
    taken = sorted(set(inspect(connection).get_table_names()) & set(metadata.tables))
    if taken:
        raise StoreUnusable(
            f"{place}: holds tables of another program ({', '.join(taken)}); give connector a database of its own"
        )


def _run_migrations(connection: Connection, current: str | None, place: str) -> None:
    # Imported here: opening a database that is up to date should not pay for Alembic.
    from alembic import command  # noqa: PLC0415 -- see above
    from alembic.config import Config  # noqa: PLC0415 -- see above
    from alembic.script import ScriptDirectory  # noqa: PLC0415 -- see above

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes.update(connection=connection, version_table=VERSION_TABLE)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if current is not None and current not in known:
        raise SchemaTooNew(
            f"{place}: was written by a newer connector (schema {current}, this one knows up to {HEAD});"
            " run that version, or restore the backup made before it"
        )
    with _ALEMBIC_TURN:
        command.upgrade(config, HEAD)
