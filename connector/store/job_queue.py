"""`ports.JobQueue`: procrastinate's tables in our own database, filled within our own transactions.

Its workers, who empty them, are runtime/dispatch/engine.py. Its tables carry its name as a prefix. What version of
them is there is kept as a note of ours, because the tables do not say.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, inspect, select, text

from connector.core.errors import ConfigError, Problem, SchemaTooNew
from connector.ports.dispatch import JobQueue
from connector.store import journal
from connector.store.errors import raise_for
from connector.store.migrate import alone

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from procrastinate import App

    from connector.ports.dispatch import QueuedJob
    from connector.store.database import Database, Tx

_SETTING: Final = "CONNECTOR_DISPATCH"
_TABLE: Final = "procrastinate_jobs"
#: the note that says of which version of procrastinate the tables are
NOTE: Final = "queue.schema"


class SqlJobQueue(JobQueue):
    """See `ports.JobQueue` for what each method promises. Safe to share between threads."""

    def __init__(self, database: Database, *, scope_id: int) -> None:
        self._database = database
        self._scope_id = scope_id

    def open(self) -> None:
        with self._database.read(self._scope_id) as tx:
            if tx.dialect != "postgresql":
                raise ConfigError(
                    [
                        Problem(
                            where=_SETTING,
                            observed=f"is procrastinate, whose queue needs PostgreSQL; the database is {self._database.place}",
                            remedy="set CONNECTOR_DATABASE__URL to postgresql://..., or CONNECTOR_DISPATCH to embedded",
                        )
                    ]
                )
            made = load_queue_version(tx)
        wanted = _installed_version()
        if made == wanted:
            return
        with self._database.write(self._scope_id) as tx, alone(tx):
            # another process may have made it while this one waited for the lock
            _bring_to(tx, load_queue_version(tx), wanted, place=self._database.place)

    def put(self, job: QueuedJob, *, tx: Any = None) -> bool:
        if tx is not None:
            return self._put(tx, job)
        with self._database.write(self._scope_id) as own:
            return self._put(own, job)

    def depth(self) -> Mapping[str, Mapping[str, int]]:
        counted = text(f"SELECT queue_name, status::text, count(*) FROM {_TABLE} GROUP BY 1, 2")  # noqa: S608 -- our own constant
        found: dict[str, dict[str, int]] = {}
        with self._database.read(self._scope_id) as tx:
            for queue, status, number in tx.connection.execute(counted):
                found.setdefault(queue, {})[status] = number
        return found

    def _put(self, tx: Tx, job: QueuedJob) -> bool:
        # Imported here: only who shares the work has the package.
        from procrastinate.exceptions import AlreadyEnqueued, ConnectorException  # noqa: PLC0415 -- see above

        deferrer = _app().configure_task(
            job.task,
            queue=job.task,
            lock=job.lock,
            queueing_lock=job.lock,
            schedule_at=None if job.at is None else _by_server(tx, job.at),
            connection=_driver_connection(tx),
        )
        try:
            # what breaks the index must not break the transaction it is part of
            with tx.connection.begin_nested():
                deferrer.defer(**job.arguments)
        except AlreadyEnqueued:
            return False
        except ConnectorException as error:
            raise_for(self._database.place, error.__cause__, error)
        return True


def _by_server(tx: Tx, at: datetime) -> datetime:
    """A moment of this host's clock as the server's has it, by which the engine lets jobs wait."""
    if not tx.by_server:
        return at
    server_now: datetime = tx.connection.execute(select(func.clock_timestamp())).scalar_one()
    return at + (server_now - tx.now)


def load_queue_version(tx: Tx) -> str | None:
    """Of which version of procrastinate the queue's tables are; None when there is no queue, or no database of ours."""
    return journal.load_note(tx, NOTE) if inspect(tx.connection).has_table("note") else None


@cache
def _app() -> App:
    """Knows no task: jobs are put by name, on a connection that is handed in."""
    # Imported here: only who shares the work has the package.
    from procrastinate import App, SyncPsycopgConnector  # noqa: PLC0415 -- see above

    return App(connector=SyncPsycopgConnector())


def _installed_version() -> str:
    try:
        import procrastinate  # noqa: PLC0415 -- only who shares the work has the package
    except ModuleNotFoundError as error:
        problem = Problem(
            where=_SETTING,
            observed=f"is procrastinate, and the Python package {error.name} is not installed",
            remedy="pip install 'connector[postgres]', or set CONNECTOR_DISPATCH to embedded",
        )
        raise ConfigError([problem]) from error
    return procrastinate.__version__


def _bring_to(tx: Tx, made: str | None, wanted: str, *, place: str) -> None:
    if made == wanted:
        return
    if made is None and inspect(tx.connection).has_table(_TABLE):
        raise ConfigError(
            [
                Problem(
                    where=_SETTING,
                    observed=f"{place} holds procrastinate's tables of another program",
                    remedy="give connector a database of its own",
                )
            ]
        )
    if made is not None and _numbers(made) > _numbers(wanted):
        raise SchemaTooNew(
            f"{place}: its queue is of procrastinate {made}, installed is {wanted}; run the version that made it"
        )
    connection = _driver_connection(tx)
    for statements in _statements(made, wanted):
        # without parameters: then several statements may stand in one text
        connection.execute(statements)
    journal.save_note(tx, NOTE, wanted)


def _statements(made: str | None, wanted: str) -> Iterable[str]:
    """All tables, or what the versions after `made` change, in the order procrastinate documents."""
    # Imported here: only who shares the work has the package.
    from procrastinate.schema import SchemaManager  # noqa: PLC0415 -- see above

    if made is None:
        return [SchemaManager.get_schema()]
    # named as 03.04.00_01_pre_what_it_does.sql
    scripts = sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"))
    between = [path for path in scripts if _numbers(made) < _numbers(path.name.partition("_")[0]) <= _numbers(wanted)]
    return [path.read_text(encoding="utf-8") for path in between]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:3])


def _driver_connection(tx: Tx) -> Any:
    """Psycopg's own connection, in the transaction that SQLAlchemy began on it."""
    return tx.connection.connection.driver_connection
