"""Short words for what a store remembers: links, operations and how they end."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from connector.core.body import encode_body, idempotency_key
from connector.core.model import (
    Applied,
    Identity,
    Key,
    Link,
    LinkState,
    Operation,
    OperationState,
    Outcome,
    Side,
    Signal,
)
from connector.ports import Settlement

if TYPE_CHECKING:
    from connector.ports import Store, StoredSignal

IDENTITY = Identity(org_id="00D8d000008ZAAAEA4", is_sandbox=True, account_id="acct_1", livemode=False)


def salesforce(kind: str, record_id: str) -> Key:
    return Key(side=Side.SALESFORCE, kind=kind, id=record_id)


def stripe(kind: str, record_id: str) -> Key:
    return Key(side=Side.STRIPE, kind=kind, id=record_id)


def link_of(born: Key, **fields: Any) -> Link:
    return Link(born=born, **fields)


def raised(link: Link) -> Link:
    return replace(link, revision=link.revision + 1)


def operation_on(link: Link, action: str = "create", **fields: Any) -> Operation:
    """The write that the link's revision stands for."""
    key = idempotency_key(IDENTITY, kind=link.kind, born_id=link.born.id, revision=link.revision, action=action)
    wanted = {
        "target": link.born.side.other,
        "action": action,
        "target_id": link.mate_id,
        "body": encode_body({"name": link.born.id}),
        "revision": link.revision,
        "idempotency_key": key,
    }
    return Operation(born=link.born, **(wanted | fields))


def applied(operation: Operation, link: Link, target_id: str, **fields: Any) -> Settlement:
    """The call went well: the operation is settled and the link has its mate."""
    return Settlement(
        link=replace(link, mate_id=target_id, **fields),
        operation=replace(operation, state=OperationState.SETTLED, attempts=operation.attempts + 1),
        outcome=Applied(target_id=target_id, request_id="req_1"),
        event=f"{operation.kind}.{operation.action} applied",
    )


def ended(operation: Operation, link: Link, outcome: Outcome, state: OperationState) -> Settlement:
    return Settlement(
        link=link,
        operation=replace(operation, state=state, attempts=operation.attempts + 1),
        outcome=outcome,
        event=f"{operation.kind}.{operation.action} {state.value}",
    )


def mirror(store: Store, link: Link, mate_id: str, action: str = "create") -> tuple[Link, Operation]:
    """One whole write: intent, call, outcome. Returns the link and the operation as they are afterwards."""
    begun = raised(link)
    [operation] = store.begin([begun], [operation_on(begun, action)])
    settlement = applied(operation, begun, mate_id)
    store.settle([settlement])
    assert settlement.operation is not None
    return settlement.link, settlement.operation


def remember(store: Store, *links: Link) -> None:
    """Stores links as they are, without a call."""
    store.settle([Settlement(link=link) for link in links])


def wait_for(child: Link, parent: Key) -> Link:
    return replace(child, state=LinkState.WAITING, waiting_on=parent, reason=f"waits for {parent}")


def raise_signals(store: Store, *keys: Key | Signal, shard: int = 0) -> int:
    signals = [key if isinstance(key, Signal) else Signal(key=key) for key in keys]
    return store.record_signals(signals, [], shard_of=lambda _signal: shard)


def waiting(store: Store, *kinds: str, shards: list[int] | None = None, limit: int = 100) -> list[StoredSignal]:
    return list(store.load_signals(shards=shards, kinds=kinds or ("customer", "invoice", "payment"), limit=limit))


def waiting_keys(store: Store, *kinds: str, shards: list[int] | None = None) -> list[Key]:
    return [stored.signal.key for stored in waiting(store, *kinds, shards=shards)]
