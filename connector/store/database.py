"""Connections and transactions on SQLite and PostgreSQL; what differs between the two ends here.

A read is one snapshot, a write is one transaction that holds the writer's place from its first
statement (BEGIN IMMEDIATE): a reader that turns writer half-way would meet a lock it cannot wait for.
"""

from __future__ import annotations

import copy
import os
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from connector.core.chain import Seal
from connector.core.errors import ConfigError, Problem, StoreBusy, StoreUnusable
from connector.store.errors import translated
from connector.store.fence import require_held
from connector.store.timeouts import Timeouts

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import URL
    from sqlalchemy.engine import Connection, Engine

    from connector.core.service import Lease
    from connector.ports import Clock

_SETTING = "CONNECTOR_DATABASE__URL"
_WRITES = "connector_writes"
#: `PRAGMA synchronous` answers with a number
_SYNCHRONOUS_FULL = 2
#: bodies and shadows hold names and addresses: bound values stay out of error messages
_ENGINE_OPTIONS: dict[str, Any] = {"pool_size": 10, "max_overflow": 20, "hide_parameters": True}
_TIMEOUTS = Timeouts()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tx:
    """One open transaction and what every statement in it needs."""

    connection: Connection
    scope_id: int
    now: datetime
    #: makes the hashes of audit rows
    seal: Seal
    #: the unit of work this is done in; None when nobody named one
    trace_id: str | None = None
    #: what this is written under, where only one process may write
    held: Lease | None = None
    #: moments that processes of several hosts compare are the server's, not this host's
    by_server: bool = False

    @property
    def dialect(self) -> str:
        return self.connection.dialect.name


class Database:
    """An engine that only hands out transactions. `place` names it in messages, without the password."""

    def __init__(
        self,
        engine: Engine,
        *,
        place: str,
        clock: Clock,
        busy_timeout_s: float,
        seal: Seal,
        server_clock: bool = False,
    ) -> None:
        self.engine = engine
        # What every write is done under, where only one process may write.
        self._fence: Lease | None = None
        self._trace_id: str | None = None
        # The same connections; the `begin` event below reads the option.
        self._writer = engine.execution_options(**{_WRITES: True})
        self.place = place
        self._clock = clock
        self.seal = seal
        self._busy_timeout_s = busy_timeout_s
        self._by_server = server_clock and engine.dialect.name == "postgresql"
        # SQLite's own waiting is by sleeping and unfair; threads of one process queue up here instead.
        self._writer_turn = threading.Lock()

    @contextmanager
    def read(self, scope_id: int) -> Iterator[Tx]:
        with translated(self.place), self.engine.connect() as connection, connection.begin():
            yield self._tx(connection, scope_id)

    @contextmanager
    def write(self, scope_id: int) -> Iterator[Tx]:
        """Commits on leaving, rolls back on any error."""
        if not self._writer_turn.acquire(timeout=self._busy_timeout_s):
            raise StoreBusy(f"{self.place}: another thread has been writing for {self._busy_timeout_s} s")
        try:
            with translated(self.place), self._writer.connect() as connection, connection.begin():
                if self._fence is not None:
                    require_held(connection, scope_id, self._fence)
                yield self._tx(connection, scope_id)
        finally:
            self._writer_turn.release()

    def fenced(self, held: Lease) -> Database:
        """The same database; writes raise LeaseLost once the lease was taken over."""
        fenced = copy.copy(self)
        fenced._fence = held  # noqa: SLF001 -- a copy of our own
        return fenced

    def traced(self, trace_id: str) -> Database:
        """The same database; what is written is told to be of this unit of work."""
        traced = copy.copy(self)
        traced._trace_id = trace_id  # noqa: SLF001 -- a copy of our own
        return traced

    def close(self) -> None:
        self.engine.dispose()

    def _tx(self, connection: Connection, scope_id: int) -> Tx:
        return Tx(
            connection=connection,
            scope_id=scope_id,
            now=self._clock.now(),
            seal=self.seal,
            trace_id=self._trace_id,
            held=self._fence,
            by_server=self._by_server,
        )


def open_database(
    url: str,
    *,
    clock: Clock,
    busy_timeout_s: float,
    seal: Seal | None = None,
    timeouts: Timeouts = _TIMEOUTS,
    server_clock: bool = False,
) -> Database:
    """Creates the folder and file of a SQLite database. With `server_clock` leases last by PostgreSQL's own clock, which
    hosts share; without it by `clock`. Raises ConfigError for a URL that cannot work.
    """
    parsed = _parse(url)
    place = parsed.render_as_string(hide_password=True)
    if parsed.get_backend_name() == "sqlite":
        with translated(place):
            _create_file(Path(str(parsed.database)))
        engine = create_engine(parsed.set(drivername="sqlite+pysqlite"), **_ENGINE_OPTIONS)
        _set_up_sqlite(engine, place=place, busy_timeout_s=busy_timeout_s)
    else:
        engine = _create_postgresql(parsed, busy_timeout_s=busy_timeout_s, timeouts=timeouts)
    return Database(
        engine,
        place=place,
        clock=clock,
        busy_timeout_s=busy_timeout_s,
        seal=seal or Seal(),
        server_clock=server_clock,
    )


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        # The text itself may hold a password: it is not repeated.
        raise _wrong_url("not a database URL") from None
    backend = parsed.get_backend_name()
    if backend not in ("sqlite", "postgresql"):
        raise _wrong_url(f"{backend} is not supported")
    if backend == "sqlite" and (not parsed.database or parsed.database == ":memory:"):
        raise _wrong_url("a database in memory forgets what was written when the process ends")
    return parsed


def _wrong_url(observed: str) -> ConfigError:
    remedy = "use sqlite:///path/to/connector.db or postgresql://user@host/database"
    return ConfigError([Problem(where=_SETTING, observed=observed, remedy=remedy)])


def _create_file(path: Path) -> None:
    """The folder and the file are the owner's alone: links and bodies hold names and addresses."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))


def _set_up_sqlite(engine: Engine, *, place: str, busy_timeout_s: float) -> None:
    @event.listens_for(engine, "connect")
    def _connected(connection: sqlite3.Connection, _record: Any) -> None:
        # The driver neither begins nor commits by itself; the `begin` event below does.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {round(busy_timeout_s * 1000)}")
        # Without fetching the answer an error in switching is swallowed (invariants.md T3).
        _require(connection, "PRAGMA journal_mode = WAL", "wal", place)
        connection.execute("PRAGMA synchronous = FULL")
        _require(connection, "PRAGMA synchronous", _SYNCHRONOUS_FULL, place)
        connection.execute("PRAGMA foreign_keys = ON")
        _require(connection, "PRAGMA foreign_keys", 1, place)

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _require(connection: sqlite3.Connection, pragma: str, wanted: object, place: str) -> None:
    row = connection.execute(pragma).fetchone()
    if row is None or row[0] != wanted:
        raise StoreUnusable(
            f"{place}: `{pragma}` answered {row}, not {wanted!r}; keep the file on a local disk that allows it"
        )


def _create_postgresql(url: URL, *, busy_timeout_s: float, timeouts: Timeouts) -> Engine:
    try:
        # Imported here: who keeps the state in a file needs no driver.
        from connector.store import postgresql  # noqa: PLC0415 -- see above

        return postgresql.create(url, busy_timeout_s=busy_timeout_s, timeouts=timeouts, options=_ENGINE_OPTIONS)
    except ModuleNotFoundError as error:
        problem = Problem(
            where=_SETTING,
            observed=f"PostgreSQL needs the Python package {error.name}, which is not installed",
            remedy="pip install 'connector[postgres]'",
        )
        raise ConfigError([problem]) from error
