"""Brings a database to the schema this program knows, on opening it.

All migrations that are missing run in one transaction under one lock, with the revision they
lead to: a crash at any statement leaves the old schema whole (invariants.md I30).
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from connector.core.errors import SchemaTooNew, StoreUnusable
from connector.store.tables import HEAD, metadata

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

    from connector.store.database import Database, Tx

VERSION_TABLE = "connector_schema"
SCRIPTS = Path(__file__).parent / "migrations"
#: any number, the same in every version: what processes that open one PostgreSQL database queue for
_LOCK_ID = 0x636F6E6E
#: Alembic keeps the environment it runs in as a global of the process
_ALEMBIC_TURN = threading.Lock()


def upgrade(database: Database) -> None:
    """Raises SchemaTooNew for a database of a newer program, StoreUnusable for somebody else's tables."""
    with database.read(0) as tx:
        current = load_revision(tx.connection)
    if current == HEAD:
        return
    with database.write(0) as tx, alone(tx):
        # Another process may have upgraded while this one waited for the lock.
        current = load_revision(tx.connection)
        if current is None:
            refuse_foreign_tables(tx.connection, database.place)
        if current != HEAD:
            _run_migrations(tx.connection, current, database.place)


@contextmanager
def alone(tx: Tx) -> Iterator[None]:
    """Nobody else upgrades meanwhile, and nobody is impatient. On SQLite the transaction is alone from its beginning."""
    with at_leisure(tx):
        if tx.dialect == "postgresql":
            tx.connection.execute(text("SELECT pg_advisory_xact_lock(:id)"), {"id": _LOCK_ID})
        yield


@contextmanager
def at_leisure(tx: Tx) -> Iterator[None]:
    """Nobody is impatient with this transaction; on SQLite nobody ever is."""
    if tx.dialect != "postgresql":
        yield
        return
    from connector.store.postgresql import unhurried  # noqa: PLC0415 -- needs a package that SQLite does not

    with unhurried(tx.connection):
        yield


def build(connection: Connection, revision: str, place: str) -> None:
    """Makes the tables of an earlier revision, or of this one, where there are none. Raises SchemaTooNew."""
    _run_migrations(connection, None, place, to=revision)


def upgrade_tables(connection: Connection, place: str) -> None:
    """As `upgrade`, inside a transaction that holds the lock already."""
    current = load_revision(connection)
    if current != HEAD:
        _run_migrations(connection, current, place)


def too_new(revision: str, place: str) -> SchemaTooNew:
    return SchemaTooNew(
        f"{place}: was written by a newer connector (schema {revision}, this one knows up to {HEAD});"
        " run that version, or restore the backup made before it"
    )


def load_revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    revision = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar_one_or_none()  # noqa: S608 -- our own constant
    return None if revision is None else str(revision)


def refuse_foreign_tables(connection: Connection, place: str) -> None:
    taken = sorted(set(inspect(connection).get_table_names()) & set(metadata.tables))
    if taken:
        raise StoreUnusable(
            f"{place}: holds tables of another program ({', '.join(taken)}); give connector a database of its own"
        )


def _run_migrations(connection: Connection, current: str | None, place: str, *, to: str | None = None) -> None:
    # Imported here: opening a database that is up to date should not pay for Alembic.
    from alembic import command  # noqa: PLC0415 -- see above
    from alembic.config import Config  # noqa: PLC0415 -- see above
    from alembic.script import ScriptDirectory  # noqa: PLC0415 -- see above

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes.update(connection=connection, version_table=VERSION_TABLE)
    named = [revision for revision in (current, to) if revision is not None]
    # Every script is read for it: a new database goes to our own HEAD, and needs no such look.
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()} if named else set()
    strange = [revision for revision in named if revision not in known]
    if strange:
        raise too_new(strange[0], place)
    with _ALEMBIC_TURN:
        command.upgrade(config, to or HEAD)
