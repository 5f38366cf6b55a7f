"""One table says what each database error means for the operator."""

from __future__ import annotations

import sqlite3

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from connector.core.errors import StoreAway, StoreBusy, StoreError, StoreUnusable
from connector.store.errors import translated


class OperationalError(Exception):
    """As psycopg raises it; the driver is optional, its error's shape is not."""

    def __init__(self, sqlstate: str | None, told: str = "what the server said") -> None:
        super().__init__(told)
        self.sqlstate = sqlstate


class ConnectionTimeout(OperationalError):
    pass


class ProgrammingError(Exception):
    def __init__(self, sqlstate: str | None) -> None:
        super().__init__("what the server said")
        self.sqlstate = sqlstate


def _sqlite(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("what sqlite said")
    error.sqlite_errorcode = code
    return error


def _wrapped(original: BaseException) -> DBAPIError:
    return DBAPIError("SELECT 1", {}, original)


def _translate(error: BaseException) -> BaseException:
    with pytest.raises(BaseException) as caught, translated("db"):
        raise error
    return caught.value


@pytest.mark.parametrize(
    ("error", "wanted", "says"),
    [
        (_sqlite(sqlite3.SQLITE_BUSY), StoreBusy, "another process"),
        (_sqlite(sqlite3.SQLITE_BUSY_SNAPSHOT), StoreBusy, "another process"),
        (_sqlite(sqlite3.SQLITE_LOCKED), StoreBusy, "another process"),
        (_sqlite(sqlite3.SQLITE_FULL), StoreUnusable, "free disk space"),
        (_sqlite(sqlite3.SQLITE_READONLY), StoreUnusable, "writable"),
        (_sqlite(sqlite3.SQLITE_READONLY_DBMOVED), StoreUnusable, "writable"),
        (_sqlite(sqlite3.SQLITE_CORRUPT), StoreUnusable, "backup"),
        (_sqlite(sqlite3.SQLITE_NOTADB), StoreUnusable, "somewhere else"),
        (_sqlite(sqlite3.SQLITE_IOERR_FSYNC), StoreUnusable, "disk"),
        (_sqlite(sqlite3.SQLITE_CANTOPEN), StoreUnusable, "folder"),
        (OperationalError("55P03"), StoreBusy, "another process"),
        (OperationalError("40P01"), StoreBusy, "another process"),
        (OperationalError("40001"), StoreBusy, "another process"),
        (OperationalError("57014"), StoreBusy, "STATEMENT_TIMEOUT_S"),
        (OperationalError("25P03"), StoreBusy, "stood still"),
        (OperationalError("53300"), StoreBusy, "connections"),
        (OperationalError("53100"), StoreUnusable, "out of disk"),
        (OperationalError("57P01"), StoreAway, "shutting down"),
        (OperationalError("57P03"), StoreAway, "starting"),
        (OperationalError("08006"), StoreAway, "reachable"),
        (OperationalError(None), StoreAway, "reachable"),
        (ConnectionTimeout(None), StoreAway, "reachable"),
        (OperationalError(None, "FATAL:  the database system is starting up"), StoreAway, "reachable"),
        (OperationalError(None, "FATAL:  sorry, too many clients already"), StoreAway, "too many"),
        (OperationalError(None, "FATAL:  password authentication failed"), StoreUnusable, "password"),
        (ProgrammingError("42501"), StoreUnusable, "grant"),
        (OperationalError("25006"), StoreUnusable, "primary"),
    ],
)
def test_a_known_error_says_what_to_do(error, wanted, says):
    found = _translate(_wrapped(error))
    assert type(found) is wanted
    assert str(found).startswith("db: ")
    assert says in str(found)


def test_an_error_while_connecting_comes_bare_and_is_translated_alike():
    assert isinstance(_translate(_sqlite(sqlite3.SQLITE_CORRUPT)), StoreUnusable)


@pytest.mark.parametrize("error", [_sqlite(sqlite3.SQLITE_ERROR), ProgrammingError("42601"), ProgrammingError(None)])
def test_sql_that_is_wrong_is_our_bug_and_stays_what_it_is(error):
    found = _translate(_wrapped(error))
    assert isinstance(found, DBAPIError)
    assert not isinstance(found, StoreError)


def test_a_broken_constraint_is_our_bug():
    assert isinstance(_translate(IntegrityError("INSERT", {}, Exception("UNIQUE"))), AssertionError)


def test_no_free_connection_is_being_busy():
    assert isinstance(_translate(PoolTimeoutError("QueuePool limit")), StoreBusy)


def test_a_path_error_names_the_path():
    found = _translate(PermissionError(13, "Permission denied", "home/connector.db"))
    assert isinstance(found, StoreUnusable)
    assert "home/connector.db" in str(found)


def test_our_own_errors_pass():
    ours = StoreUnusable("already said")
    assert _translate(ours) is ours
