"""`ports.Store` on SQLAlchemy Core: each method is one transaction, the work is in the neighbours.

May not call a remote system and may not decide: what to write is decided by the flows, what wins a
race by the database's own unique indexes.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from connector.core.chain import AuditEntry
from connector.core.errors import StoreUnusable
from connector.core.model import Identity
from connector.core.pace import span_of
from connector.core.pulse import LastTick, Pulse
from connector.ports import Store
from connector.store import audit, intake, journal, links, operations, pulse, settle, signals
from connector.store.audit import SqlAuditTrail
from connector.store.brakes import SqlBrakeMemory
from connector.store.certificates import SqlCertificateMemory
from connector.store.database import Database, open_database
from connector.store.events import SqlEventInbox
from connector.store.job_queue import SqlJobQueue
from connector.store.leases import SqlLeases
from connector.store.marks import SqlMarkMemory
from connector.store.migrate import upgrade
from connector.store.pace_memory import SqlPaceMemory
from connector.store.processes import SqlProcesses
from connector.store.rows import cursor_from_row
from connector.store.schedule_memory import SqlScheduleMemory
from connector.store.strangers import SqlStrangerMemory
from connector.store.tables import cursor, scope
from connector.store.timeouts import Timeouts
from connector.store.verify_memory import SqlVerifyMemory, newest_org

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime
    from typing import Any

    from connector.core.chain import Seal
    from connector.core.model import Cursor, Finding, Key, Link, Operation, Side, Signal
    from connector.core.service import Lease
    from connector.ports import Clock, HeldBack, Settlement, StoredSignal

#: the one pair of this release; the first migration makes its row
_SCOPE_ID = 1
_TIMEOUTS = Timeouts()


def open_store(
    url: str,
    *,
    clock: Clock,
    identity: Identity | None = None,
    busy_timeout_s: float = 30.0,
    seal: Seal | None = None,
    timeouts: Timeouts = _TIMEOUTS,
    server_clock: bool = False,
) -> SqlStore:
    """Opens, and creates or upgrades, the database at `url`; with `identity` also pins it.

    `url` is `sqlite:///path` or `postgresql://...`; `seal` holds the keys of the audit trail. A write waits `busy_timeout_s` for another
    process before StoreBusy; `server_clock` is as in `open_database`. Raises ConfigError, StoreBusy, StoreAway, SchemaTooNew, or StoreUnusable, also
    when the database belongs to another pair than `identity`.
    """
    database = open_database(
        url, clock=clock, busy_timeout_s=busy_timeout_s, seal=seal, timeouts=timeouts, server_clock=server_clock
    )
    try:
        upgrade(database)
        store = SqlStore(database)
        if identity is not None:
            _require_identity(store, identity, database.place)
    except BaseException:
        database.close()
        raise
    return store


def _require_identity(store: SqlStore, identity: Identity, place: str) -> None:
    pinned = store.pin_identity(identity)
    if pinned != identity:
        raise StoreUnusable(
            f"{place}: belongs to {pinned.words}, not to {identity.words};"
            " give each pair of systems a database of its own"
        )


class SqlStore(Store):
    """See `ports.Store` for what each method promises. Safe to share between threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._brakes = SqlBrakeMemory(database, scope_id=_SCOPE_ID)
        self._certificates = SqlCertificateMemory(database, scope_id=_SCOPE_ID)
        self._audit = SqlAuditTrail(database, scope_id=_SCOPE_ID)
        self._marks = SqlMarkMemory(database, scope_id=_SCOPE_ID)
        self._strangers = SqlStrangerMemory(database, scope_id=_SCOPE_ID)
        self._events = SqlEventInbox(database, scope_id=_SCOPE_ID)
        self._leases = SqlLeases(database, scope_id=_SCOPE_ID)
        self._schedule = SqlScheduleMemory(database, scope_id=_SCOPE_ID)
        self._pace = SqlPaceMemory(database, scope_id=_SCOPE_ID)
        self._processes = SqlProcesses(database, scope_id=_SCOPE_ID)
        self._queue = SqlJobQueue(database, scope_id=_SCOPE_ID)

    @property
    def brakes(self) -> SqlBrakeMemory:
        return self._brakes

    @property
    def certificates(self) -> SqlCertificateMemory:
        return self._certificates

    @property
    def audit(self) -> SqlAuditTrail:
        return self._audit

    @property
    def seal(self) -> Seal:
        """The keys with which this store's trail is made."""
        return self._database.seal

    @property
    def marks(self) -> SqlMarkMemory:
        return self._marks

    @property
    def strangers(self) -> SqlStrangerMemory:
        return self._strangers

    @property
    def events(self) -> SqlEventInbox:
        return self._events

    @property
    def leases(self) -> SqlLeases:
        return self._leases

    @property
    def schedule(self) -> SqlScheduleMemory:
        return self._schedule

    @property
    def pace(self) -> SqlPaceMemory:
        return self._pace

    @property
    def processes(self) -> SqlProcesses:
        return self._processes

    @property
    def queue(self) -> SqlJobQueue:
        return self._queue

    def fenced(self, held: Lease) -> SqlStore:
        """The same store for who works under this lease: once somebody took it over, every write raises
        LeaseLost and changes nothing.
        """
        return SqlStore(self._database.fenced(held))

    def traced(self, trace_id: str) -> SqlStore:
        return SqlStore(self._database.traced(trace_id))

    @property
    def place(self) -> str:
        """The database's address, without its password."""
        return self._database.place

    def pin_identity(self, identity: Identity) -> Identity:
        with self._database.write(_SCOPE_ID) as tx:
            first = update(scope).where(scope.c.id == tx.scope_id, scope.c.org_id.is_(None))
            pinned = tx.connection.execute(
                first.values(
                    org_id=identity.org_id,
                    is_sandbox=identity.is_sandbox,
                    account_id=identity.account_id,
                    livemode=identity.livemode,
                    pinned_at=tx.now,
                )
            )
            if pinned.rowcount:
                audit.append(tx, [AuditEntry(event="identity pinned", cause="first contact", detail=asdict(identity))])
            row = tx.connection.execute(select(scope).where(scope.c.id == tx.scope_id)).one()
            return Identity(
                org_id=row.org_id, is_sandbox=row.is_sandbox, account_id=row.account_id, livemode=row.livemode
            )

    def load_identity(self) -> Identity | None:
        """The pair this database belongs to; None before first contact."""
        with self._database.read(_SCOPE_ID) as tx:
            row = tx.connection.execute(select(scope).where(scope.c.id == tx.scope_id)).one()
        if row.org_id is None:
            return None
        return Identity(org_id=row.org_id, is_sandbox=row.is_sandbox, account_id=row.account_id, livemode=row.livemode)

    def load_cursors(self, side: Side) -> Mapping[str, Cursor]:
        with self._database.read(_SCOPE_ID) as tx:
            rows = tx.connection.execute(
                select(cursor).where(cursor.c.scope_id == tx.scope_id, cursor.c.side == side.value)
            )
            return {row.stream: cursor_from_row(row) for row in rows}

    def record_signals(
        self, signals: Sequence[Signal], cursors: Sequence[Cursor], *, shard_of: Callable[[Signal], int]
    ) -> int:
        with self._database.write(_SCOPE_ID) as tx:
            return intake.record(tx, signals, cursors, shard_of=shard_of)

    def load_news(self, signals: Sequence[Signal]) -> Sequence[Signal]:
        with self._database.read(_SCOPE_ID) as tx:
            return intake.load_news(tx, signals)

    def load_signals(
        self, *, shards: Sequence[int] | None, kinds: Sequence[str], limit: int, after_seq: int = 0
    ) -> Sequence[StoredSignal]:
        with self._database.read(_SCOPE_ID) as tx:
            return signals.load(tx, shards=shards, kinds=kinds, limit=limit, after_seq=after_seq)

    def forget_signals(self, seen: Sequence[StoredSignal]) -> None:
        with self._database.write(_SCOPE_ID) as tx:
            signals.forget(tx, seen)

    def load_links(self, keys: Sequence[Key]) -> Mapping[Key, Link]:
        with self._database.read(_SCOPE_ID) as tx:
            return links.load(tx, keys)

    def load_links_in(
        self, *, kind: str | None = None, states: Sequence[str] = (), limit: int = 1000, after_born_id: str = ""
    ) -> Sequence[Link]:
        """In order of the birthplace id; pages are exact for one kind."""
        with self._database.read(_SCOPE_ID) as tx:
            return links.load_in(tx, kind=kind, states=states, limit=limit, after_born_id=after_born_id)

    def load_due(self, *, kind: str, newest_epoch: int) -> Sequence[Key]:
        with self._database.read(_SCOPE_ID) as tx:
            return links.load_due(tx, kind=kind, newest_epoch=newest_epoch)

    def load_unresolved(self, born: Sequence[Key] | None = None) -> Sequence[Operation]:
        with self._database.read(_SCOPE_ID) as tx:
            return operations.load_unresolved(tx, born)

    def load_under_way(self, at_work: Collection[str] = ()) -> frozenset[int]:
        with self._database.read(_SCOPE_ID) as tx:
            return operations.load_under_way(tx, at_work)

    def begin(self, links: Sequence[Link], operations: Sequence[Operation]) -> Sequence[Operation]:
        """Raises LeaseLost, and stores nothing, when a link was moved on by another worker."""
        with self._database.write(_SCOPE_ID) as tx:
            return settle.begin(tx, links, operations)

    def settle(self, settlements: Sequence[Settlement]) -> None:
        """Raises LeaseLost, and stores nothing, when another worker settled one of these first."""
        with self._database.write(_SCOPE_ID) as tx:
            settle.settle(tx, settlements)

    def report(self, findings: Sequence[Finding], *, cleared: Sequence[tuple[str, str]] = ()) -> None:
        with self._database.write(_SCOPE_ID) as tx:
            journal.report(tx, findings, cleared=cleared)

    def load_findings(self, *, include_cleared: bool = False) -> Sequence[Finding]:
        """In order of code, then subject."""
        with self._database.read(_SCOPE_ID) as tx:
            return journal.load_findings(tx, include_cleared=include_cleared)

    def count_links(self) -> Mapping[str, Mapping[str, int]]:
        with self._database.read(_SCOPE_ID) as tx:
            return links.count(tx)

    def load_held_back(self) -> Sequence[HeldBack]:
        with self._database.read(_SCOPE_ID) as tx:
            return links.load_held_back(tx)

    def count_signals(self) -> Mapping[str, int]:
        with self._database.read(_SCOPE_ID) as tx:
            return signals.count(tx)

    def load_audit(self, born: Key, *, limit: int = 100) -> Sequence[Mapping[str, Any]]:
        """Newest first: `seq`, `at`, `event`, `detail`."""
        with self._database.read(_SCOPE_ID) as tx:
            return audit.load_of_record(tx, born, limit=limit)

    def start_run(self, command: str, at: datetime, *, by: str | None = None) -> int:
        with self._database.write(_SCOPE_ID) as tx:
            return journal.start_run(tx, command, at, by=by)

    def finish_run(self, run_id: int, at: datetime, summary: Mapping[str, Any]) -> None:
        with self._database.write(_SCOPE_ID) as tx:
            journal.finish_run(tx, run_id, at, summary)

    def load_runs(self, limit: int = 20) -> Sequence[Mapping[str, Any]]:
        """Newest first: `id`, `command`, `started_at`, `finished_at`, `summary`."""
        with self._database.read(_SCOPE_ID) as tx:
            return journal.load_runs(tx, limit)

    def load_run(self, run_id: int) -> Mapping[str, Any] | None:
        with self._database.read(_SCOPE_ID) as tx:
            return journal.load_run(tx, run_id)

    def load_busy_shards(self) -> Sequence[int]:
        with self._database.read(_SCOPE_ID) as tx:
            return pulse.busy_shards(tx)

    def load_used_shards(self) -> Sequence[int]:
        with self._database.read(_SCOPE_ID) as tx:
            return pulse.used_shards(tx)

    def load_note(self, name: str) -> str | None:
        with self._database.read(_SCOPE_ID) as tx:
            return journal.load_note(tx, name)

    def save_note(self, name: str, value: str) -> None:
        with self._database.write(_SCOPE_ID) as tx:
            journal.save_note(tx, name, value)

    def load_pulse(self, kinds: Sequence[str]) -> Pulse:
        """What is known of the service's state now; the queries are cheap, and of one moment each."""
        with self._database.read(_SCOPE_ID) as tx:
            now = tx.now
            an_hour_ago = now - timedelta(hours=1)
            events, last_event_at = pulse.events(tx, an_hour_ago)
            seen: dict[str, Any] = {
                "streams": pulse.streams(tx, tuple(kinds)),
                "shards": pulse.shards(tx),
                "unresolved": pulse.unresolved(tx),
                "certified_at": pulse.certified_at(tx),
                "quotas": pulse.quotas(tx),
                "quotas_until": pulse.quotas_until(tx),
                "verified": pulse.verified(tx),
            }
        return Pulse(
            at=now,
            **seen,
            events=events,
            last_event_at=last_event_at,
            pace=self._pace.load(span_of(an_hour_ago)),
            ticks={name: LastTick(**tick) for name, tick in self._schedule.load_last().items()},
            brakes=self._brakes.load_open(),
            pauses=self._schedule.load_pauses(),
            leases=self._leases.load(),
            processes=self._processes.load(),
        )

    def verify_memory(self, org_id: str | None) -> SqlVerifyMemory:
        """The verifier's memory of this org; without one, of the org that was verified last."""
        if org_id is None:
            with self._database.read(_SCOPE_ID) as tx:
                org_id = newest_org(tx)
        return SqlVerifyMemory(self._database, scope_id=_SCOPE_ID, org_id=org_id or "")

    def close(self) -> None:
        self._database.close()
