"""Database errors become core.errors here, and nowhere else in the store.

The caller gets StoreBusy (wait, then try again), StoreAway (the same; whether the transaction was stored is
not known), StoreUnusable (a person has to act; the message says how) or, for a constraint that our own code
broke, an AssertionError.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from connector.core.errors import StoreAway, StoreBusy, StoreError, StoreUnusable
from connector.store.pooler import NOT_PASSED_ON, no_options

if TYPE_CHECKING:
    from collections.abc import Iterator

#: sqlite's primary result codes (https://www.sqlite.org/rescode.html) -> what the operator should do
_SQLITE_REMEDIES = {
    sqlite3.SQLITE_PERM: "make the file readable and writable for the user that runs connector",
    sqlite3.SQLITE_READONLY: "make the file and its folder writable for the user that runs connector",
    sqlite3.SQLITE_IOERR: "check the disk and its free space; the last transaction was not stored",
    sqlite3.SQLITE_CORRUPT: "restore the file from a backup; do not delete it, it is the memory of what was written",
    sqlite3.SQLITE_FULL: "free disk space; the last transaction was not stored, nothing else is lost",
    sqlite3.SQLITE_CANTOPEN: "check that the folder exists and is writable for the user that runs connector",
    sqlite3.SQLITE_NOTADB: "the file is not a SQLite database; point CONNECTOR_DATABASE__URL somewhere else",
}
_SQLITE_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}

_SOMEBODY_WRITES = "another process is writing ({}); wait for it to end"
#: PostgreSQL's SQLSTATE codes (appendix A of its manual): nothing was stored, and the same may succeed later
_POSTGRESQL_BUSY = {
    "55P03": _SOMEBODY_WRITES,
    "40001": _SOMEBODY_WRITES,
    "40P01": _SOMEBODY_WRITES,
    "57014": "a statement took too long ({}); see CONNECTOR_DATABASE__STATEMENT_TIMEOUT_S",
    "25P03": "this process stood still in a transaction, which was undone ({})",
    "53300": "{}; allow more connections, or let fewer processes connect",
}
_OUT_OF_REACH = "check that the server is reachable; whether the last transaction was stored is read again"
#: SQLSTATE or its class: the connection is gone, or nobody is there to connect to
_POSTGRESQL_AWAY = {
    "08": _OUT_OF_REACH,
    "57P": "the server is shutting down or starting; whether the last transaction was stored is read again",
}
#: SQLSTATE or its class -> what the operator should do
_POSTGRESQL_REMEDIES = {
    "25006": "the server is read-only (a standby?); point CONNECTOR_DATABASE__URL at the primary",
    "28": "check user and password in CONNECTOR_DATABASE__URL",
    "3D": "create the database, or correct its name in CONNECTOR_DATABASE__URL",
    "42501": "grant this user the right to create and write tables in its schema",
    "53": "the server is out of disk or memory",
    "58": "the server reports a system error; see its log",
    "XX": "the server reports damage; see its log",
}
#: a connection that is refused has no code: the server's own word for what will not pass by itself
_REFUSED = "FATAL"
#: and what passes, of those it has the word for
_PASSES = ("starting up", "shutting down", "recovery", "not yet accepting", "too many", "connection slots")


@contextmanager
def translated(place: str) -> Iterator[None]:
    """Raises core.errors for what the database raises inside. `place` names the database, without secrets."""
    try:
        yield
    except PoolTimeoutError as error:
        raise StoreBusy(f"{place}: every connection is in use") from error
    except IntegrityError as error:
        raise AssertionError(f"{place}: our own write broke a constraint: {error.orig}") from error
    except DBAPIError as error:
        raise_for(place, error.orig, error)
    except sqlite3.Error as error:
        # Raised as it is while a connection is being set up, before SQLAlchemy wraps anything.
        raise_for(place, error, error)
    except OSError as error:
        raise StoreUnusable(f"{place}: {error}; check path and permissions") from error


def raise_for(place: str, original: BaseException | None, error: Exception) -> NoReturn:
    """Raises what the driver's own error `original` comes to; what nobody but us can have caused, as it is."""
    if isinstance(original, sqlite3.Error):
        _raise_for_sqlite(place, original)
    else:
        _raise_for_postgresql(place, original)
    # Not the environment's fault: SQL of ours that the database does not accept.
    raise error


def _raise_for_sqlite(place: str, original: sqlite3.Error) -> None:
    code = getattr(original, "sqlite_errorcode", None)
    if code is None:
        return
    primary = code & 0xFF
    if primary in _SQLITE_BUSY:
        raise StoreBusy(f"{place}: {_SOMEBODY_WRITES.format(original)}") from original
    remedy = _SQLITE_REMEDIES.get(primary)
    if remedy is not None:
        raise StoreUnusable(f"{place}: {original}; {remedy}") from original


def _raise_for_postgresql(place: str, original: BaseException | None) -> None:
    state = getattr(original, "sqlstate", None)
    if state is None:
        if NOT_PASSED_ON in str(original):
            raise no_options(place) from original
        # By name, the driver being optional; a connection that takes too long is a kind of it.
        if any(kind.__name__ == "OperationalError" for kind in type(original).__mro__):
            raise _unconnected(place, str(original)) from original
        return
    if state in _POSTGRESQL_BUSY:
        raise StoreBusy(f"{place}: {_POSTGRESQL_BUSY[state].format(original)}") from original
    for prefix, remedy in _POSTGRESQL_AWAY.items():
        if state.startswith(prefix):
            raise StoreAway(f"{place}: {original}; {remedy}") from original
    for prefix, remedy in _POSTGRESQL_REMEDIES.items():
        if state.startswith(prefix):
            raise StoreUnusable(f"{place}: {original}; {remedy}") from original


def _unconnected(place: str, told: str) -> StoreError:
    """The connection itself failed: the server had no chance to name a code, or the library does not hand it on."""
    if _REFUSED in told and not any(word in told for word in _PASSES):
        return StoreUnusable(f"{place}: {told}; check database, user and password in CONNECTOR_DATABASE__URL")
    return StoreAway(f"{place}: {told}; {_OUT_OF_REACH}")
