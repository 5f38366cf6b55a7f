"""Signals: one row per key, with a `seq` that rises at every raise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Integer, bindparam, delete, func, select, update

from connector.store.batches import chunks, upsert_many
from connector.store.rows import signal_from_row
from connector.store.tables import scope
from connector.store.tables import signal as table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from connector.core.model import Signal
    from connector.ports import StoredSignal
    from connector.store.database import Tx


def raise_all(tx: Tx, wanted: Iterable[tuple[Signal, int]]) -> int:
    """Upserts signals with their shards, each with a new seq; of several for one key the last counts."""
    latest = {signal.key: (signal, shard) for signal, shard in wanted}
    if not latest:
        return 0
    given = {"scope": tx.scope_id, "number": len(latest)}
    first_seq = tx.connection.execute(_COUNTED, given).scalar_one() - len(latest) + 1
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
    # raised again, it still waits since it was raised first: a record that changes all the time must not look fresh
    return upsert_many(tx, table, rows, keep=("raised_at",))


_COUNTED = (
    update(scope)
    .where(scope.c.id == bindparam("scope"))
    .values(signal_seq=scope.c.signal_seq + bindparam("number", type_=Integer))
    .returning(scope.c.signal_seq)
)


def load(
    tx: Tx, *, shards: Sequence[int] | None, kinds: Sequence[str], limit: int, after_seq: int
) -> list[StoredSignal]:
    found: list[StoredSignal] = []
    for kind in kinds:
        if len(found) >= limit:
            break
        given = {"scope": tx.scope_id, "of_kind": kind, "after": after_seq, "rows_max": limit - len(found)}
        if shards is None:
            rows = tx.connection.execute(_OF_KIND, given)
        else:
            rows = tx.connection.execute(_OF_KIND_AND_SHARDS, {**given, "shards": list(shards)})
        found.extend(signal_from_row(row) for row in rows)
    return found


# Kept: a pass asks for every kind several times, and mostly there is nothing.
_OF_KIND = (
    select(table)
    .where(
        table.c.scope_id == bindparam("scope"), table.c.kind == bindparam("of_kind"), table.c.seq > bindparam("after")
    )
    .order_by(table.c.seq)
    .limit(bindparam("rows_max", type_=Integer))
)
_OF_KIND_AND_SHARDS = _OF_KIND.where(table.c.shard.in_(bindparam("shards", expanding=True)))


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
