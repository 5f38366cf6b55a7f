"""A database into the file of a backup, in one snapshot while others write; and such a file into empty tables."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from sqlalchemy import delete, update

from connector.core.backup import Manifest, restored_brake
from connector.core.chain import AuditEntry
from connector.core.errors import StoreUnusable
from connector.store import audit, journal
from connector.store.backup_file import ArchiveWriter, unusable
from connector.store.backup_rows import WrongRow, dump_rows, load_rows, stored_tables
from connector.store.batches import insert_many
from connector.store.brakes import trip_all
from connector.store.job_queue import NOTE as QUEUE_NOTE
from connector.store.leases import load_all
from connector.store.migrate import at_leisure, build, too_new, upgrade_tables
from connector.store.moments import shared_moment
from connector.store.present import load_present
from connector.store.processes import forget_processes
from connector.store.service_tables import lease
from connector.store.tables import HEAD, metadata, note

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from connector.core.service import Lease
    from connector.store.backup_file import ArchiveReader
    from connector.store.database import Database, Tx
    from connector.store.present import Present

#: the one pair of this release
SCOPE_ID = 1


def dump(database: Database, path: Path, *, program: str) -> Manifest:
    """Writes all rows into `path`. Raises StoreUnusable for a database that is damaged or holds nothing of ours,
    SchemaTooNew for one of a newer program.
    """
    writer = ArchiveWriter(path)
    try:
        with database.read(SCOPE_ID) as tx, at_leisure(tx):
            if tx.dialect == "postgresql":
                # its default sees what others commit between two statements
                tx.connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            else:
                require_sound(tx, database.place)
            present = load_present(tx)
            if present.schema is None:
                raise StoreUnusable(f"{database.place}: holds nothing of connector's yet, so there is nothing to keep")
            # revisions are numbered in their order
            if present.schema > HEAD:
                raise too_new(present.schema, database.place)
            for table, columns in stored_tables(tx, database.place):
                writer.write_table(str(table.name), dump_rows(tx, table, columns))
            manifest = Manifest(
                made_at=tx.now,
                schema=present.schema,
                identity=present.identity,
                program=program,
                database=tx.dialect,
                trail=present.trail,
                tables=writer.tables,
            )
        writer.finish(manifest)
        return manifest
    finally:
        writer.abandon()


def require_sound(tx: Tx, place: str) -> None:
    """SQLite reads its whole file and says what is wrong with it. Raises StoreUnusable."""
    found = tx.connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar_one()
    if found != "ok":
        raise StoreUnusable(f"{place}: is damaged: {found}; restore it from a backup (`connector restore`)")
    orphan = tx.connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if orphan is not None:
        raise StoreUnusable(f"{place}: is damaged: a row of {orphan[0]} has no row of {orphan[2]} that it belongs to")


def fill(tx: Tx, archive: ArchiveReader, place: str) -> None:
    """Makes the tables the rows are from, puts these in and upgrades both. Raises ConfigError for a file that is not
    what was written, SchemaTooNew for one of a newer program.
    """
    build(tx.connection, archive.manifest.schema, place)
    strange = [name for name in archive.manifest.tables if name not in metadata.tables]
    if strange:
        raise unusable(archive.path, f"this program has no table {strange[0]!r}")
    for table in metadata.sorted_tables:
        if table.name in archive.manifest.tables:
            try:
                with closing(archive.lines(table.name)) as lines:
                    load_rows(tx, table, lines)
            except WrongRow as error:
                raise unusable(archive.path, str(error)) from error
    upgrade_tables(tx.connection, place)


def make_safe(
    tx: Tx, manifest: Manifest, *, by: str, reason: str, before: Present | None, detail: Mapping[str, Any]
) -> None:
    """What a restored database needs before anybody works on it: the brake, leases that nobody holds, and what is
    true of the place and not of the rows. `before` is what was there.
    """
    trip_all(tx, [restored_brake(manifest, at=tx.now)])
    told = {"made_at": manifest.made_at.isoformat(), "trail": str(manifest.trail), "reason": reason or None, **detail}
    audit.append(tx, [AuditEntry(event="database restored", cause=f"person {by}", detail=told)])
    _free_leases(tx, () if before is None else before.leases)
    forget_processes(tx)
    _remember_queue(tx, None if before is None else before.queue_schema)


def _free_leases(tx: Tx, before: Sequence[Lease]) -> None:
    """With epochs that no process ever had: one that wakes must not be taken for the next holder."""
    known = {each.name: each for each in load_all(tx)}
    for old in before:
        if old.name not in known:
            row = {
                "scope_id": tx.scope_id,
                "name": old.name,
                "holder": old.holder,
                "epoch": old.epoch,
                "taken_at": old.taken_at,
                "expires_at": tx.now,
            }
            insert_many(tx, lease, [row])
            known[old.name] = old
    for name, each in known.items():
        epoch = max([each.epoch, *(old.epoch for old in before if old.name == name)]) + 1
        freed = update(lease).where(lease.c.scope_id == tx.scope_id, lease.c.name == name)
        tx.connection.execute(freed.values(epoch=epoch, expires_at=shared_moment(tx)))


def _remember_queue(tx: Tx, version: str | None) -> None:
    """The engine's tables are no part of a backup: they are as they were, or not there."""
    tx.connection.execute(delete(note).where(note.c.scope_id == tx.scope_id, note.c.name == QUEUE_NOTE))
    if version is not None:
        journal.save_note(tx, QUEUE_NOTE, version)
