"""Puts the rows of a backup in a database's place: whole or not at all, whenever the process dies, and the present
rows are kept aside.

SQLite: a new file is made beside the present one and takes its name in one rename. PostgreSQL: the present tables
move into a schema of their own and the new ones are made, in one transaction.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import inspect, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from connector.core.errors import StoreBusy, StoreUnusable
from connector.store.backup import SCOPE_ID, fill, require_sound
from connector.store.database import open_database
from connector.store.errors import translated
from connector.store.migrate import VERSION_TABLE, alone, refuse_foreign_tables
from connector.store.present import Present, load_present
from connector.store.tables import metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from connector.core.chain import Seal
    from connector.ports import Clock
    from connector.store.backup_file import ArchiveReader
    from connector.store.database import Database, Tx

_WAIT_S: Final = 5.0
#: what SQLite keeps beside a file that was not closed
_BESIDE: Final = ("-wal", "-shm", "-journal")


def file_of(url: str) -> Path | None:
    """The file of a SQLite database; None for a server's."""
    parsed = make_url(url)
    return Path(str(parsed.database)) if parsed.get_backend_name() == "sqlite" else None


def look_at_present(url: str, *, clock: Clock) -> Present:
    """Creates and changes nothing. Raises StoreError for a database that cannot be read."""
    path = file_of(url)
    if path is not None and not path.exists():
        return Present(schema=None)
    database = open_database(url, clock=clock, busy_timeout_s=_WAIT_S, server_clock=True)
    try:
        with database.read(SCOPE_ID) as tx:
            present = load_present(tx)
            if present.schema is None:
                refuse_foreign_tables(tx.connection, database.place)
            return present
    except SQLAlchemyError as error:
        raise StoreUnusable(f"{database.place}: its tables are not as any connector made them") from error
    finally:
        database.close()


@contextmanager
def rebuilt(path: Path, archive: ArchiveReader, *, clock: Clock, seal: Seal) -> Iterator[Database]:
    """A new SQLite database at `path` with the rows of the archive, checked by SQLite; closed at the end, and gone
    when something fails.
    """
    remove(path)
    database = open_database(f"sqlite:///{path}", clock=clock, busy_timeout_s=_WAIT_S, seal=seal)
    try:
        with database.write(SCOPE_ID) as tx:
            fill(tx, archive, database.place)
        with database.read(SCOPE_ID) as tx:
            require_sound(tx, database.place)
        yield database
    except BaseException:
        database.close()
        remove(path)
        raise
    database.close()


def remove(path: Path) -> None:
    for suffix in ("", *_BESIDE):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def aside_name(at: datetime) -> str:
    return f"before_{at:%Y%m%dT%H%M%SZ}"


def replace_file(target: Path, fresh: Path, *, at: datetime, is_damaged: bool) -> Path | None:
    """Gives `fresh` the name of `target`, whose content is kept under the name that is returned; None when there was
    none. Raises StoreBusy while another process has it open.
    """
    with translated(str(target)):
        _forget_unfinished(target)
        if not target.exists():
            for suffix in _BESIDE:
                target.with_name(target.name + suffix).unlink(missing_ok=True)
            fresh.replace(target)
            keep_folder(target.parent)
            return None
        aside = target.with_name(f"{target.name}.{aside_name(at)}")
        with _held(target, is_damaged=is_damaged):
            _keep_aside(target, aside, is_damaged=is_damaged)
            fresh.replace(target)
        keep_folder(target.parent)
        return aside


@contextmanager
def _held(target: Path, *, is_damaged: bool) -> Iterator[None]:
    """Nobody else has the file open, and its log is part of it, so that it is one file and whole."""
    if is_damaged:
        # nobody can hold what cannot be read; a person said that nothing works on it
        yield
        return
    with closing(sqlite3.connect(target, timeout=_WAIT_S, isolation_level=None)) as connection:
        # the log can only be given up by whoever is alone with the file
        mode = connection.execute("PRAGMA journal_mode = DELETE").fetchone()
        if mode != ("delete",):
            raise StoreBusy(f"{target}: another process has it open")
        connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.execute("ROLLBACK")


def _keep_aside(target: Path, aside: Path, *, is_damaged: bool) -> None:
    _link(target, aside)
    if not is_damaged:
        return
    for suffix in _BESIDE:
        beside = target.with_name(target.name + suffix)
        if beside.exists():
            # SQLite would take a log that is left behind for the new file's
            beside.replace(aside.with_name(aside.name + suffix))


def _link(target: Path, aside: Path) -> None:
    """A second name: at no moment is there none."""
    try:
        aside.hardlink_to(target)
    except FileExistsError:
        raise
    except OSError:
        # a file system without links
        shutil.copyfile(target, aside)
        aside.chmod(0o600)
        with aside.open("rb") as file:
            os.fsync(file.fileno())


def _forget_unfinished(target: Path) -> None:
    """A restore that died between keeping and replacing left a second name of the database in use."""
    for other in target.parent.glob(f"{target.name}.before_*"):
        with suppress(OSError):
            if target.exists() and other.samefile(target):
                other.unlink()


def keep_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_tables(
    database: Database,
    archive: ArchiveReader,
    *,
    check: Callable[[Present], None],
    finish: Callable[[Tx, Present], None],
) -> str | None:
    """On PostgreSQL: `check` sees what is there and may refuse by raising, `finish` adds to what was restored, all in
    one transaction. The schema in which the present tables are kept; None when there were none.
    """
    with database.write(SCOPE_ID) as tx, alone(tx):
        present = load_present(tx)
        check(present)
        aside = None
        if present.schema is None:
            refuse_foreign_tables(tx.connection, database.place)
        else:
            aside = f"connector_{aside_name(tx.now).lower()}"
            _move_aside(tx, aside)
        fill(tx, archive, database.place)
        finish(tx, present)
        return aside


def _move_aside(tx: Tx, aside: str) -> None:
    """Tables go with their indexes and sequences; the functions of their triggers are moved with them."""
    names = sorted({*metadata.tables, VERSION_TABLE} & set(inspect(tx.connection).get_table_names()))
    functions = tx.connection.execute(
        text(
            "SELECT DISTINCT p.oid::regprocedure::text FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid"
            " WHERE NOT t.tgisinternal AND t.tgrelid = ANY(SELECT c.oid FROM pg_class c"
            " WHERE c.relname = ANY(:names) AND c.relnamespace = current_schema()::regnamespace)"
        ),
        {"names": names},
    ).scalars()
    moved = list(functions)
    tx.connection.execute(text(f'CREATE SCHEMA "{aside}"'))
    for name in names:
        tx.connection.execute(text(f'ALTER TABLE "{name}" SET SCHEMA "{aside}"'))
    for function in moved:
        tx.connection.execute(text(f'ALTER FUNCTION {function} SET SCHEMA "{aside}"'))
