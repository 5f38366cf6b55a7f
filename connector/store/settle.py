"""The two transactions around a remote call: tx1 makes the intent durable, tx2 records what happened."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from connector.core.chain import AuditEntry
from connector.core.model import LinkState, Signal
from connector.store import audit, links, operations, signals
from connector.store.rows import outcome_columns
from connector.store.tables import link
from connector.store.turn import take_turn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from connector.core.model import Key, Link, Operation
    from connector.ports import Settlement
    from connector.store.database import Tx


def begin(tx: Tx, begun: Sequence[Link], intents: Sequence[Operation]) -> list[Operation]:
    head = take_turn(tx)
    stored = operations.claim(tx, intents)
    intended = {operation.born for operation in intents}
    claimed = {operation.born for operation in stored}
    links.begin(tx, (link for link in begun if link.born in claimed or link.born not in intended))
    audit.append(tx, [_intended(operation) for operation in stored], after=head)
    return stored


def settle(tx: Tx, settlements: Sequence[Settlement]) -> None:
    head = take_turn(tx)
    operations.finish(
        tx,
        [(settlement.operation, settlement.outcome) for settlement in settlements if settlement.operation is not None],
    )
    links.save(tx, (settlement.link for settlement in settlements))
    audit.append(tx, [_ended(settlement) for settlement in settlements if _is_event(settlement)], after=head)
    signals.raise_all(tx, [*_asked_for(tx, settlements), *_freed(tx, settlements)])


def _asked_for(tx: Tx, settlements: Sequence[Settlement]) -> Iterator[tuple[Signal, int]]:
    """The settlements' own signals: in the shard of the key's link, else of the link that asks."""
    keys = [signal.key for settlement in settlements for signal in settlement.signals]
    shards = {key: row.shard for key, row in links.find_rows(tx, keys, (link.c.shard,))}
    for settlement in settlements:
        for signal in settlement.signals:
            yield signal, shards.get(signal.key, settlement.link.shard)


def _freed(tx: Tx, settlements: Sequence[Settlement]) -> Iterator[tuple[Signal, int]]:
    """Links that waited for a settled one, and links that begin to wait for one that is ready."""
    latest = list({settlement.link.born: settlement.link for settlement in settlements}.values())
    parents = [key for item in latest if _releases(item) for key in _keys(item)]
    for born, shard in links.waiting_on(tx, parents):
        yield Signal(key=born, cause="parent"), shard
    waits = [(item, item.waiting_on) for item in latest if item.state is LinkState.WAITING and item.waiting_on]
    ready = links.ready_parents(tx, [parent for _, parent in waits])
    for child, parent in waits:
        if parent in ready:
            yield Signal(key=child.born, cause="parent"), child.shard


def _releases(link: Link) -> bool:
    """Whether a child should look again: the parent is ready, or nobody follows it and the child must say so.

    A parked parent releases nobody: the child would try it again, park it again and wake itself for ever.
    """
    if link.state is LinkState.OPEN:
        return link.mate_id is not None
    return link.state is LinkState.CLOSED


def _keys(link: Link) -> tuple[Key, ...]:
    return (link.born,) if link.mate is None else (link.born, link.mate)


def _is_event(settlement: Settlement) -> bool:
    return bool(settlement.event) or settlement.operation is not None


def _intended(operation: Operation) -> AuditEntry:
    """What is about to be asked of a system. The body is named by its digest: it stands with the operation."""
    detail = {
        **_named(operation),
        "revision": operation.revision,
        "body_sha256": hashlib.sha256(operation.body).hexdigest(),
    }
    event = f"{operation.kind}.{operation.action} begun"
    return AuditEntry(event=event, cause=operation.cause, born=operation.born, detail=detail)


def _ended(settlement: Settlement) -> AuditEntry:
    link, operation, event = settlement.link, settlement.operation, settlement.event
    detail: dict[str, Any] = {"link": link.state.value, "revision": link.revision}
    detail |= {"reason": link.reason, "reason_code": link.reason_code, "mate_id": link.mate_id}
    if operation is not None:
        detail |= {**_named(operation), "state": operation.state.value, "attempts": operation.attempts}
        event = event or f"{operation.kind}.{operation.action} {operation.state.value}"
    detail |= outcome_columns(settlement.outcome)
    return AuditEntry(event=event, cause=settlement.cause, born=link.born, detail=detail)


def _named(operation: Operation) -> dict[str, Any]:
    return {
        "operation": operation.id,
        "target": operation.target.value,
        "action": operation.action,
        "target_id": operation.target_id,
        "idempotency_key": operation.idempotency_key,
    }
