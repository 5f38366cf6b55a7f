"""`ports.EventInbox`: events are stored with the signals they raise, each once, in one transaction."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, func, select, update

from connector.core.service import ReceivedEvent
from connector.ports.service import EventInbox
from connector.store import intake
from connector.store.batches import claim_many
from connector.store.service_tables import stripe_event as table
from connector.store.tables import signal
from connector.store.turn import wait_for_turn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Row

    from connector.core.model import Signal
    from connector.store.database import Database, Tx


class SqlEventInbox(EventInbox):
    """See `ports.EventInbox` for what each method promises. Safe to share between threads."""

    def __init__(self, database: Database, *, scope_id: int) -> None:
        self._database = database
        self._scope_id = scope_id

    def receive(
        self,
        events: Sequence[tuple[ReceivedEvent, Sequence[Signal]]],
        *,
        shard_of: Callable[[Signal], int],
    ) -> int:
        with self._database.write(self._scope_id) as tx:
            # two receivers may store one event at the same time: the primary key lets one of them
            wait_for_turn(tx)
            first: dict[str, tuple[ReceivedEvent, Sequence[Signal]]] = {}
            for event, raised in events:
                first.setdefault(event.id, (event, raised))
            rows = [_row(tx, event, len(raised)) for event, raised in first.values()]
            new = {row.event_id for row in claim_many(tx, table, rows, returning=("event_id",))}
            deliveries = Counter(event.id for event, _ in events)
            _count_again(tx, deliveries - Counter(new))
            wanted = [each for event_id in first if event_id in new for each in first[event_id][1]]
            if wanted:
                intake.raise_news(tx, wanted, shard_of=shard_of)
            return len(new)

    def load_recent(
        self, limit: int = 50, *, type_prefix: str = "", before: str | None = None
    ) -> Sequence[ReceivedEvent]:
        wanted = select(table).where(table.c.scope_id == self._scope_id)
        if type_prefix:
            wanted = wanted.where(table.c.type.startswith(type_prefix, autoescape=True))
        with self._database.read(self._scope_id) as tx:
            if before is not None:
                moment = select(table.c.received_at).where(
                    table.c.scope_id == self._scope_id, table.c.event_id == before
                )
                wanted = wanted.where(table.c.received_at < moment.scalar_subquery())
            rows = tx.connection.execute(wanted.order_by(table.c.received_at.desc(), table.c.event_id).limit(limit))
            return [_event(row) for row in rows]

    def load(self, event_id: str) -> ReceivedEvent | None:
        wanted = select(table).where(table.c.scope_id == self._scope_id, table.c.event_id == event_id)
        with self._database.read(self._scope_id) as tx:
            row = tx.connection.execute(wanted).one_or_none()
            return None if row is None else _event(row)

    def purge(self, before: datetime) -> int:
        with self._database.write(self._scope_id) as tx:
            done = tx.connection.execute(
                delete(table).where(table.c.scope_id == tx.scope_id, table.c.received_at < before)
            )
            return done.rowcount

    def backlog(self) -> tuple[int, datetime | None]:
        counted = select(func.count(), func.min(signal.c.raised_at)).where(signal.c.scope_id == self._scope_id)
        with self._database.read(self._scope_id) as tx:
            number, oldest = tx.connection.execute(counted).one()
            return int(number), oldest


def _count_again(tx: Tx, repeats: Mapping[str, int]) -> None:
    if not repeats:
        return
    counted = (
        update(table)
        .where(table.c.scope_id == tx.scope_id, table.c.event_id == bindparam("repeated_id"))
        .values(deliveries=table.c.deliveries + bindparam("times"))
    )
    rows = [{"repeated_id": event_id, "times": times} for event_id, times in sorted(repeats.items())]
    tx.connection.execute(counted, rows)


def _row(tx: Tx, event: ReceivedEvent, signalled: int) -> dict[str, Any]:
    return {
        "scope_id": tx.scope_id,
        "event_id": event.id,
        "type": event.type,
        "created": event.created,
        "livemode": event.livemode,
        "account": event.account,
        "api_version": event.api_version,
        "body": event.body,
        "received_at": event.received_at or tx.now,
        "deliveries": event.deliveries,
        "signalled": signalled,
        "trace_id": tx.trace_id,
    }


def _event(row: Row[Any]) -> ReceivedEvent:
    return ReceivedEvent(
        id=row.event_id,
        type=row.type,
        created=row.created,
        livemode=row.livemode,
        account=row.account,
        api_version=row.api_version,
        body=bytes(row.body),
        received_at=row.received_at,
        deliveries=row.deliveries,
        signalled=row.signalled,
        trace_id=row.trace_id,
    )
