"""What a poll or an event brings in: which signals are news, and the cursors that go with them.

A signal is dropped only when it surely tells us what we did or know ourselves; a doubtful one is
kept, a needless look is cheap and a missed one is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select

from connector.core.model import OperationState
from connector.store import links
from connector.store.batches import chunks, upsert_many
from connector.store.rows import born_key, cursor_row, versions_from_json
from connector.store.signals import raise_all
from connector.store.tables import cursor, link, operation
from connector.store.turn import wait_for_turn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from sqlalchemy import Row

    from connector.core.model import Cursor, Key, Signal
    from connector.store.database import Tx


def record(tx: Tx, signals: Sequence[Signal], cursors: Sequence[Cursor], *, shard_of: Callable[[Signal], int]) -> int:
    """Raises those signals that may hold news and moves the cursors; returns how many rows were raised."""
    wait_for_turn(tx)
    raised = raise_news(tx, signals, shard_of=shard_of)
    moved = {(item.side, item.stream): item for item in cursors}
    upsert_many(tx, cursor, [cursor_row(tx, item) for item in moved.values()])
    return raised


def raise_news(tx: Tx, signals: Sequence[Signal], *, shard_of: Callable[[Signal], int]) -> int:
    """`record` without cursors, by who has waited for its turn already."""
    return raise_all(tx, _news(tx, signals, shard_of=shard_of))


def load_news(tx: Tx, signals: Sequence[Signal]) -> list[Signal]:
    """Those of `signals` that `record` would raise."""
    return [signal for signal, _ in _news(tx, signals, shard_of=lambda _signal: 0)]


def _news(tx: Tx, signals: Sequence[Signal], *, shard_of: Callable[[Signal], int]) -> Iterator[tuple[Signal, int]]:
    linked = dict(
        links.find_rows(
            tx,
            [signal.key for signal in signals],
            (link.c.born_side, link.c.kind, link.c.born_id, link.c.shard, link.c.versions_json),
        )
    )
    ours = _load_settled(tx, [signal.caused_by for signal in signals if signal.caused_by])
    for signal in signals:
        row = linked.get(signal.key)
        if row is not None and _is_seen(signal, row):
            continue
        if signal.caused_by in ours and _is_about(ours[signal.caused_by], signal.key, row):
            continue
        yield signal, shard_of(signal) if row is None else row.shard


def _is_seen(signal: Signal, linked: Row[Any]) -> bool:
    """Whether the source told the very version that the link was settled with."""
    return bool(signal.version) and versions_from_json(linked.versions_json).get(signal.key.side) == signal.version


def _load_settled(tx: Tx, idempotency_keys: Iterable[str]) -> Mapping[str | None, Any]:
    settled: dict[str | None, Any] = {}
    for chunk in chunks(idempotency_keys):
        for row in tx.connection.execute(_SETTLED, {"scope": tx.scope_id, "causes": chunk}):
            settled[row.idempotency_key] = row
    return settled


# Kept: every batch of webhooks asks, and making a statement costs more than what SQLite does with it.
_SETTLED = select(
    operation.c.idempotency_key,
    operation.c.kind,
    operation.c.born_side,
    operation.c.born_id,
    operation.c.target,
    operation.c.target_id,
    operation.c.result_id,
).where(
    operation.c.scope_id == bindparam("scope"),
    operation.c.idempotency_key.in_(bindparam("causes", expanding=True)),
    operation.c.state == OperationState.SETTLED.value,
)


def _is_about(cause: Row[Any], key: Key, linked: Row[Any] | None) -> bool:
    """Whether our operation was on exactly this record. A write that moves another record as well
    (a payment record attached to an invoice) is news to that other record's link.
    """
    if cause.kind != key.kind:
        return False
    if linked is not None:
        return born_key(linked) == born_key(cause)
    # No link has this key: an earlier mate, whose end we asked for ourselves.
    return cause.target == key.side.value and key.id in (cause.target_id, cause.result_id)
