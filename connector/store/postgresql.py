"""Connections to PostgreSQL on which neither end waits for ever for the other.

A network that swallows what is sent closes nothing: without limits this end would wait for an answer until
TCP gives up, hours later, and the server would keep the locks of a transaction whose client is gone. So both
ends are told how long to wait, for locks, for statements, for the next statement, and for a sign of life.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg import errors
from sqlalchemy import create_engine, event, text

from connector.core.errors import ConfigError, Problem
from connector.store import pooler

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from psycopg.abc import PQGen
    from sqlalchemy import URL
    from sqlalchemy.engine import Connection, Engine

    from connector.store.timeouts import Timeouts

#: the server ends a statement by itself; when it has not answered so much later, it is out of reach
_GRACE_S: Final = 5
#: signs of life that fail before the other end counts as gone
_KEEPALIVES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waits:
    """How often a silent connection is asked for a sign of life, in seconds, and when it counts as gone."""

    idle_s: int
    interval_s: int

    @classmethod
    def within(cls, timeout_s: int) -> _Waits:
        return cls(idle_s=max(1, timeout_s // 2), interval_s=max(1, timeout_s // (2 * _KEEPALIVES)))


class PatientConnection(psycopg.Connection[Any]):
    """Closes itself, and raises OperationalError, when an answer does not come in time."""

    #: seconds; None waits for ever
    patience_s: float | None = None

    def wait(self, gen: PQGen[Any], interval: float = 0.1, timeout: float | None = None) -> Any:
        patience_s = self.patience_s if timeout is None else timeout
        try:
            return super().wait(gen, interval, patience_s)
        except errors._WaitTimeout as error:  # noqa: SLF001 -- what the library tells to convert
            if timeout is not None:
                raise
            # Whatever comes later belongs to nobody: this connection cannot be used again.
            self.pgconn.finish()
            raise psycopg.OperationalError(f"no answer from the server within {patience_s:g} s") from error


def create(url: URL, *, busy_timeout_s: float, timeouts: Timeouts, options: Mapping[str, Any]) -> Engine:
    """`busy_timeout_s` is how long a statement waits for a lock."""
    # READ COMMITTED (the server's default, made explicit): after waiting for a lock the next
    # statement sees what the other writer committed, which is what the store relies on.
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        **options,
        pool_pre_ping=True,
        isolation_level="READ COMMITTED",
        connect_args=connect_arguments(busy_timeout_s=busy_timeout_s, timeouts=timeouts),
    )

    place = url.render_as_string(hide_password=True)
    limits = _limits(busy_timeout_s=busy_timeout_s, timeouts=timeouts)

    @event.listens_for(engine, "do_connect")
    def _connect(_dialect: Any, _record: Any, arguments: Any, named: Any) -> PatientConnection:
        def connect() -> PatientConnection:
            made = PatientConnection.connect(*arguments, **named)
            made.patience_s = timeouts.statement_timeout_s + _GRACE_S
            return made

        made = connect()
        try:
            _require_unicode(made, place)
            pooler.require_whole(made, limits, place=place, another=connect)
        except BaseException:
            made.close()
            raise
        return made

    return engine


def _require_unicode(made: psycopg.Connection[Any], place: str) -> None:
    """The server says how a database keeps text when a connection is made. One made without a locale keeps bytes and
    gives them back as such; others lack letters of names that come from both systems.
    """
    encoding = made.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        observed = f"{place}: the database keeps text as {encoding}, which does not hold every name"
        remedy = "make it anew: CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0"
        raise ConfigError([Problem(where="CONNECTOR_DATABASE__URL", observed=observed, remedy=remedy)])


@contextmanager
def unhurried(connection: Connection) -> Iterator[None]:
    """For one transaction that may take as long as it takes, such as an upgrade of every row."""
    made = connection.connection.driver_connection
    assert isinstance(made, PatientConnection)
    patience_s, made.patience_s = made.patience_s, None
    try:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        yield
    finally:
        made.patience_s = patience_s


def _limits(*, busy_timeout_s: float, timeouts: Timeouts) -> dict[str, int]:
    """In milliseconds: what the server holds us to, whatever the way to it."""
    return {
        "lock_timeout": round(busy_timeout_s * 1000),
        "statement_timeout": timeouts.statement_timeout_s * 1000,
        "idle_in_transaction_session_timeout": timeouts.idle_timeout_s * 1000,
    }


def connect_arguments(*, busy_timeout_s: float, timeouts: Timeouts) -> dict[str, Any]:
    """For whoever connects, ourselves or a library: how long either end waits for the other."""
    signs = _Waits.within(timeouts.silence_timeout_s)
    at_the_server = {
        **_limits(busy_timeout_s=busy_timeout_s, timeouts=timeouts),
        "tcp_keepalives_idle": signs.idle_s,
        "tcp_keepalives_interval": signs.interval_s,
        "tcp_keepalives_count": _KEEPALIVES,
        "tcp_user_timeout": timeouts.silence_timeout_s * 1000,
        "synchronous_commit": "on",
    }
    return {
        "options": " ".join(f"-c {name}={value}" for name, value in at_the_server.items()),
        "connect_timeout": timeouts.connect_timeout_s,
        "keepalives_idle": signs.idle_s,
        "keepalives_interval": signs.interval_s,
        "keepalives_count": _KEEPALIVES,
        "tcp_user_timeout": timeouts.silence_timeout_s * 1000,
    }
