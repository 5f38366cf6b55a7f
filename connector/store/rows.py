"""Between rows and what travels: no SQL, no decisions.

Flat JSON (names and neutral values) goes through orjson. What a lifecycle remembers may hold
Decimals and goes through the canonical body form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from connector.core.body import decode_body, encode_body
from connector.core.model import (
    Applied,
    Cursor,
    Delay,
    Finding,
    Key,
    Link,
    LinkState,
    Operation,
    OperationState,
    Refusal,
    Severity,
    Side,
    Signal,
)
from connector.ports import StoredSignal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Row

    from connector.core.model import Outcome
    from connector.store.database import Tx

#: the states in which a write may still be under way
UNRESOLVED = (OperationState.SENT, OperationState.UNKNOWN)


def link_row(tx: Tx, link: Link) -> dict[str, Any]:
    waiting_on = link.waiting_on
    return {
        "scope_id": tx.scope_id,
        "kind": link.born.kind,
        "born_id": link.born.id,
        "born_side": link.born.side.value,
        "mate_id": link.mate_id,
        "earlier_mates_json": _to_json(link.earlier_mates),
        "shadow_json": _to_json(link.shadow),
        "versions_json": _to_json({side.value: version for side, version in link.versions.items()}),
        "progress_json": encode_body(dict(link.progress)).decode() if link.progress else "{}",
        "revision": link.revision,
        "state": link.state.value,
        "reason": link.reason,
        "reason_code": link.reason_code,
        "waiting_on_side": waiting_on.side.value if waiting_on else None,
        "waiting_on_kind": waiting_on.kind if waiting_on else None,
        "waiting_on_id": waiting_on.id if waiting_on else None,
        "shard": link.shard,
        "updated_at": tx.now,
    }


def link_from_row(row: Row[Any]) -> Link:
    waiting_on = None
    if row.waiting_on_id is not None:
        waiting_on = Key(side=Side(row.waiting_on_side), kind=row.waiting_on_kind, id=row.waiting_on_id)
    shadow: dict[str, Any] = orjson.loads(row.shadow_json)
    return Link(
        born=born_key(row),
        mate_id=row.mate_id,
        earlier_mates=tuple(orjson.loads(row.earlier_mates_json)),
        shadow={name: (salesforce, stripe) for name, (salesforce, stripe) in shadow.items()},
        revision=row.revision,
        state=LinkState(row.state),
        reason=row.reason,
        reason_code=row.reason_code,
        waiting_on=waiting_on,
        shard=row.shard,
        versions=versions_from_json(row.versions_json),
        progress={} if row.progress_json == "{}" else decode_body(row.progress_json.encode()),
    )


def born_key(row: Row[Any]) -> Key:
    return Key(side=Side(row.born_side), kind=row.kind, id=row.born_id)


def versions_from_json(text: str) -> dict[Side, str]:
    return {Side(side): version for side, version in orjson.loads(text).items()}


def operation_row(tx: Tx, operation: Operation) -> dict[str, Any]:
    return {
        "scope_id": tx.scope_id,
        "kind": operation.born.kind,
        "born_side": operation.born.side.value,
        "born_id": operation.born.id,
        "target": operation.target.value,
        "action": operation.action,
        "target_id": operation.target_id,
        "body": operation.body,
        "revision": operation.revision,
        "idempotency_key": operation.idempotency_key,
        "state": OperationState.SENT.value,
        "attempts": operation.attempts,
        "first_sent_at": operation.first_sent_at or tx.now,
    }


def operation_from_row(row: Row[Any]) -> Operation:
    return Operation(
        born=born_key(row),
        target=Side(row.target),
        action=row.action,
        target_id=row.target_id,
        body=bytes(row.body),
        revision=row.revision,
        idempotency_key=row.idempotency_key,
        state=OperationState(row.state),
        first_sent_at=row.first_sent_at,
        attempts=row.attempts,
        id=row.id,
    )


def outcome_columns(outcome: Outcome | None) -> dict[str, Any]:
    """What of an outcome is kept with its operation and in the audit row; never the record itself."""
    empty: dict[str, Any] = dict.fromkeys(("outcome", "code", "message", "request_id", "result_id"))
    match outcome:
        case None:
            return empty
        case Applied():
            return empty | {
                "outcome": "applied",
                "request_id": outcome.request_id,
                "result_id": outcome.target_id,
            }
        case Refusal():
            return empty | {
                "outcome": "refused",
                "code": outcome.code,
                "message": outcome.message,
                "request_id": outcome.request_id,
            }
        case Delay():
            return empty | {"outcome": "delayed", "code": outcome.code, "message": outcome.message}
        case _:
            return empty | {"outcome": "unknown", "code": outcome.code, "message": outcome.message}


def signal_from_row(row: Row[Any]) -> StoredSignal:
    key = Key(side=Side(row.side), kind=row.kind, id=row.record_id)
    return StoredSignal(signal=Signal(key=key, cause=row.cause, version=row.version), seq=row.seq, shard=row.shard)


def cursor_row(tx: Tx, cursor: Cursor) -> dict[str, Any]:
    return {
        "scope_id": tx.scope_id,
        "side": cursor.side.value,
        "stream": cursor.stream,
        "value": cursor.value,
        "updated_at": tx.now,
    }


def cursor_from_row(row: Row[Any]) -> Cursor:
    return Cursor(side=Side(row.side), stream=row.stream, value=row.value)


def finding_from_row(row: Row[Any]) -> Finding:
    return Finding(
        code=row.code,
        subject=row.subject,
        severity=Severity(row.severity),
        observed=row.observed,
        wanted=row.wanted,
        why=row.why,
        remedy=row.remedy,
        # `row.count` is a tuple's own method.
        count=row._mapping["count"],  # noqa: SLF001 -- SQLAlchemy's public name for the row as a mapping
    )


def json_text(content: Mapping[str, Any]) -> str:
    """Canonical JSON of a summary or an audit detail."""
    return encode_body(dict(content)).decode()


def json_content(text: str) -> dict[str, Any]:
    return decode_body(text.encode())


def _to_json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
