"""`ports.PaceMemory`: counts that every process adds to; they commute, so nobody waits for an order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from connector.core.pace import Pace
from connector.ports.service import PaceMemory
from connector.store.batches import insert
from connector.store.service_tables import pace as table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from connector.core.pace import Tally
    from connector.store.database import Database


class SqlPaceMemory(PaceMemory):
    """See `ports.PaceMemory` for what each method promises. Safe to share between threads."""

    def __init__(self, database: Database, *, scope_id: int) -> None:
        self._database = database
        self._scope_id = scope_id

    def add(self, tally: Tally, *, began_at: datetime) -> None:
        # in one order for every writer, so that two of them never wait for each other
        rows = [
            {"scope_id": self._scope_id, "kind": kind, "began_at": began_at, "waited_s": waited_s, "number": number}
            for kind, counts in sorted(tally.counts.items())
            for waited_s, number in sorted(counts.items())
        ]
        if not rows:
            return
        with self._database.write(self._scope_id) as tx:
            made = insert(tx, table)
            added = made.on_conflict_do_update(
                index_elements=list(table.primary_key), set_={"number": table.c.number + made.excluded.number}
            )
            tx.connection.execute(added, rows)

    def load(self, since: datetime) -> Sequence[Pace]:
        wanted = select(table).where(table.c.scope_id == self._scope_id, table.c.began_at >= since)
        found: dict[tuple[datetime, str], dict[int, int]] = {}
        with self._database.read(self._scope_id) as tx:
            for row in tx.connection.execute(wanted.order_by(table.c.began_at, table.c.kind, table.c.waited_s)):
                found.setdefault((row.began_at, row.kind), {})[row.waited_s] = row.number
        return [Pace(kind=kind, began_at=began_at, counts=counts) for (began_at, kind), counts in found.items()]

    def purge(self, before: datetime) -> int:
        with self._database.write(self._scope_id) as tx:
            gone = delete(table).where(table.c.scope_id == tx.scope_id, table.c.began_at < before)
            return tx.connection.execute(gone).rowcount
