"""The composition root of `connector backup` and `connector restore`: our own memory, and no system.

A backup is only called one after it was restored, into a database that is thrown away, and found whole there.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from connector import __version__
from connector.app import seal_of, timeouts_of
from connector.core.backup import Manifest, other_pair
from connector.core.errors import ConfigError, Problem, StoreBusy, StoreError, StoreUnusable
from connector.flows.audit import check_trail
from connector.store import SqlStore
from connector.store.backup import SCOPE_ID, dump, make_safe
from connector.store.backup_file import open_archive
from connector.store.database import open_database
from connector.store.restore import (
    file_of,
    keep_folder,
    look_at_present,
    rebuilt,
    remove,
    replace_file,
    replace_tables,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.config.settings import Settings
    from connector.core.chain_check import ChainReport
    from connector.ports import Clock
    from connector.store.backup_file import ArchiveReader
    from connector.store.database import Database, Tx
    from connector.store.present import Present

_WAIT_S: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A backup that was made, or a look into one."""

    manifest: Manifest
    #: of its audit trail, read row by row
    trail: ChainReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    manifest: Manifest
    trail: ChainReport
    #: the file or schema that holds what was there before; None when nothing was, or nothing was done
    aside: str | None
    #: what was there; None when it could not be read
    present: Present | None


def make_backup(settings: Settings, path: Path, *, clock: Clock, force: bool) -> Kept:
    """While others work on the database. Raises ConfigError for a file that may not be written, StoreError for a
    database that cannot be kept; an earlier backup of this name then stays as it is.
    """
    if path.exists() and not force:
        raise _unwritable(path, "it exists", "name another file, or write over it with --force")
    own = file_of(settings.database_url)
    if own is not None and not own.exists():
        raise StoreUnusable(f"{own}: there is no database yet, so there is nothing to keep")
    database = open_database(settings.database_url, clock=clock, busy_timeout_s=_WAIT_S, timeouts=timeouts_of(settings))
    with contextlib.closing(database), _part_of(path) as part:
        manifest = dump(database, part, program=__version__)
        with open_archive(part) as archive, _scratch(part) as scratch:
            trail = _tried(archive, scratch, settings=settings, clock=clock)
        part.replace(path)
        keep_folder(path.parent)
    return Kept(manifest=manifest, trail=trail)


def look_into(settings: Settings, path: Path, *, clock: Clock) -> Kept:
    """Restores the backup into a database that is thrown away. Raises ConfigError when it is not whole."""
    with open_archive(path) as archive, tempfile.TemporaryDirectory() as folder:
        trail = _tried(archive, Path(folder) / "scratch", settings=settings, clock=clock)
        return Kept(manifest=archive.manifest, trail=trail)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a person asked for."""

    path: Path
    by: str
    reason: str
    #: the present database may be one that cannot be read
    force: bool


def restore(settings: Settings, order: Order, *, clock: Clock) -> Restored:
    """Raises ConfigError for a backup that is not whole or of another pair, Superseded or StoreBusy while somebody
    works on the database, SchemaTooNew for a backup of a newer program; nothing was changed then.
    """
    target = file_of(settings.database_url)
    with open_archive(order.path) as archive:
        present = _present(settings, order, clock=clock)
        _require_may(archive, present)
        if target is None:
            return _restore_tables(settings, order, archive, clock=clock)
        return _restore_file(settings, order, archive, target, present, clock=clock)


def _restore_file(
    settings: Settings, order: Order, archive: ArchiveReader, target: Path, present: Present | None, *, clock: Clock
) -> Restored:
    fresh = target.with_name(f"{target.name}.restoring")
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone_in(target.parent):
        try:
            with rebuilt(fresh, archive, clock=clock, seal=seal_of(settings)) as database:
                trail = _trail_of(database)
                with database.write(SCOPE_ID) as tx:
                    _finish(tx, archive, order, present)
            aside = replace_file(target, fresh, at=clock.now(), is_damaged=present is None)
        finally:
            remove(fresh)
    told = None if aside is None else str(aside)
    return Restored(manifest=archive.manifest, trail=trail, aside=told, present=present)


def _restore_tables(settings: Settings, order: Order, archive: ArchiveReader, *, clock: Clock) -> Restored:
    with tempfile.TemporaryDirectory() as folder:
        trail = _tried(archive, Path(folder) / "scratch", settings=settings, clock=clock)
    found: list[Present] = []

    def check(present: Present) -> None:
        _require_may(archive, present)
        found.append(present)

    database = open_database(
        settings.database_url,
        clock=clock,
        busy_timeout_s=_WAIT_S,
        seal=seal_of(settings),
        timeouts=timeouts_of(settings),
        server_clock=True,
    )
    with contextlib.closing(database):
        aside = replace_tables(
            database, archive, check=check, finish=lambda tx, present: _finish(tx, archive, order, present)
        )
    return Restored(manifest=archive.manifest, trail=trail, aside=aside, present=found[0])


def _finish(tx: Tx, archive: ArchiveReader, order: Order, present: Present | None) -> None:
    replaced = None if present is None or not present.trail.seq else str(present.trail)
    detail = {"file": order.path.name, "replaced_trail": replaced}
    make_safe(tx, archive.manifest, by=order.by, reason=order.reason, before=present, detail=detail)


def _present(settings: Settings, order: Order, *, clock: Clock) -> Present | None:
    """None for a database that cannot be read and that a person wants replaced all the same."""
    try:
        return look_at_present(settings.database_url, clock=clock)
    except StoreError as error:
        if file_of(settings.database_url) is None or isinstance(error, StoreBusy):
            raise
        if order.force:
            return None
        remedy = "stop every connector that works on it, then restore with --force: what is there is kept aside"
        raise ConfigError([Problem(where="the present database", observed=str(error), remedy=remedy)]) from error


def _require_may(archive: ArchiveReader, present: Present | None) -> None:
    if present is None:
        return
    reason = other_pair(archive.manifest, present.identity)
    if reason is not None:
        remedy = (
            "name a backup of this pair, or give the other one a CONNECTOR_HOME or CONNECTOR_DATABASE__URL of its own"
        )
        raise ConfigError([Problem(where=str(archive.path), observed=reason, remedy=remedy)])
    present.require_idle()


def _tried(archive: ArchiveReader, scratch: Path, *, settings: Settings, clock: Clock) -> ChainReport:
    with rebuilt(scratch, archive, clock=clock, seal=seal_of(settings)) as database:
        return _trail_of(database)


def _trail_of(database: Database) -> ChainReport:
    return check_trail(SqlStore(database).audit, database.seal)


@contextlib.contextmanager
def _part_of(path: Path) -> Iterator[Path]:
    """Where the backup grows until it may take its name: for its owner alone, and one at a time."""
    part = path.with_name(f"{path.name}.part")
    try:
        descriptor = os.open(part, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise _unwritable(path, error.strerror or str(error), "name a file in a folder of yours") from error
    try:
        _lock(descriptor, f"{path}: another `connector backup` is writing it")
        if os.fstat(descriptor).st_ino != part.stat().st_ino:
            raise StoreBusy(f"{path}: another `connector backup` has just written it")
        os.ftruncate(descriptor, 0)
        try:
            yield part
        finally:
            part.unlink(missing_ok=True)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _scratch(part: Path) -> Iterator[Path]:
    scratch = part.with_name(f"{part.name}.check")
    try:
        yield scratch
    finally:
        remove(scratch)


@contextlib.contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        _lock(descriptor, f"{folder}: another `connector restore` is at work in it")
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, words: str) -> None:
    """Held until the descriptor is closed. Raises StoreBusy."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise StoreBusy(words) from error


def _unwritable(path: Path, reason: str, remedy: str) -> ConfigError:
    return ConfigError([Problem(where=str(path), observed=f"cannot be written: {reason}", remedy=remedy)])
