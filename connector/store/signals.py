"""Signals: one row per key, with a `seq` that rises at every raise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select, update

from connector.store.batches import chunks, upsert_many
from connector.store.rows import signal_from_row
from connector.store.tables import scope
from connector.store.tables import signal as table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from connector.core.model import Signal
    from connector.ports import StoredSignal
    from connector.store.database import Tx


def take_turn(tx: Tx) -> None:
    """Waits until this is the only transaction that raises signals or settles.

    On PostgreSQL this is what keeps a child that starts to wait and a parent that becomes ready at
    the same time from missing each other, and lets seqs become visible in their order. On SQLite
    the transaction is alone from its beginning.
    """
    tx.connection.execute(select(scope.c.id).where(scope.c.id == tx.scope_id).with_for_update())


def raise_all(tx: Tx, wanted: Iterable[tuple[Signal, int]]) -> int:
    """Upserts signals with their shards, each with a new seq; of several for one key the last counts."""
    latest = {signal.key: (signal, shard) for signal, shard in wanted}
    if not latest:
        return 0
    counted = (
        update(scope)
        .where(scope.c.id == tx.scope_id)
        .values(signal_seq=scope.c.signal_seq + len(latest))
        .returning(scope.c.signal_seq)
    )
    first_seq = tx.connection.execute(counted).scalar_one() - len(latest) + 1
    rows = [
        {
            "scope_id": tx.scope_id,
            "side": key.side.value,
            "kind": key.kind,
            "record_id": key.id,
            "seq": seq,
            "shard": shard,
            "cause": signal.cause,
            "version": signal.version,
            "raised_at": tx.now,
        }
        for seq, (key, (signal, shard)) in enumerate(latest.items(), first_seq)
    ]
    return upsert_many(tx, table, rows)


def load(
    tx: Tx, *, shards: Sequence[int] | None, kinds: Sequence[str], limit: int, after_seq: int
) -> list[StoredSignal]:
    found: list[StoredSignal] = []
    for kind in kinds:
        if len(found) >= limit:
            break
        statement = select(table).where(table.c.scope_id == tx.scope_id, table.c.kind == kind, table.c.seq > after_seq)
        if shards is not None:
            statement = statement.where(table.c.shard.in_(shards))
        rows = tx.connection.execute(statement.order_by(table.c.seq).limit(limit - len(found)))
        found.extend(signal_from_row(row) for row in rows)
    return found


def forget(tx: Tx, seen: Sequence[StoredSignal]) -> None:
    # A seq is never given twice and rises with every raise: the row that still has the seq we saw
    # is the row we saw, and one raised since has another.
    for chunk in chunks(stored.seq for stored in seen):
        tx.connection.execute(delete(table).where(table.c.scope_id == tx.scope_id, table.c.seq.in_(chunk)))


def count(tx: Tx) -> dict[str, int]:
    statement = (
        select(table.c.kind, func.count().label("number"))
        .where(table.c.scope_id == tx.scope_id)
        .group_by(table.c.kind)
        .order_by(table.c.kind)
    )
    return {row.kind: row.number for row in tx.connection.execute(statement)}
