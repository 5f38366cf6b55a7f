"""Between rows and what travels: no SQL, no decisions.

Flat JSON (names and neutral values) goes through orjson. What a lifecycle remembers may hold
Decimals and goes through the canonical body form.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from connector.core.body import decode_body, encode_body
from connector.core.due import counts_from_epoch
from connector.core.model import (
    Applied,
    Backoff,
    Condition,
    ConditionType,
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
    Unknown,
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
    waiting_on, condition, backoff = link.waiting_on, link.condition, link.backoff
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
        "condition_json": _condition_to_json(condition) if condition else None,
        "parked_at": link.parked_at,
        "backoff_attempts": backoff.attempts if backoff else None,
        "backoff_since": backoff.since if backoff else None,
        "backoff_code": backoff.code if backoff else None,
        "next_attempt_at": backoff.next_at if backoff else None,
        "shard": link.shard,
        "counts_from_epoch": counts_from_epoch(link),
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
        condition=None if row.condition_json is None else _condition_from_json(row.condition_json),
        parked_at=row.parked_at,
        backoff=_backoff_from_row(row),
        shard=row.shard,
        versions=versions_from_json(row.versions_json),
        progress={} if row.progress_json == "{}" else decode_body(row.progress_json.encode()),
    )


def _backoff_from_row(row: Row[Any]) -> Backoff | None:
    if row.next_attempt_at is None:
        return None
    return Backoff(
        attempts=row.backoff_attempts, since=row.backoff_since, next_at=row.next_attempt_at, code=row.backoff_code
    )


def _condition_to_json(condition: Condition) -> str:
    content: dict[str, Any] = {"type": condition.type.value, "subject": condition.subject, "wanted": condition.wanted}
    if condition.look_at is not None:
        content |= {"looks": condition.looks, "look_at": condition.look_at.isoformat()}
    return _to_json(content)


def _condition_from_json(text: str) -> Condition:
    content = orjson.loads(text)
    look_at = content.get("look_at")
    return Condition(
        type=ConditionType(content["type"]),
        subject=content["subject"],
        wanted=content["wanted"],
        looks=content.get("looks", 0),
        look_at=None if look_at is None else datetime.fromisoformat(look_at),
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
        "trace_id": tx.trace_id,
        "lease_name": tx.held.name if tx.held else None,
        "lease_epoch": tx.held.epoch if tx.held else None,
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
            return empty | {"outcome": "refused", **_failed(outcome)}
        case Delay():
            return empty | {"outcome": "delayed", **_failed(outcome)}
        case _:
            return empty | {"outcome": "unknown", **_failed(outcome)}


def _failed(outcome: Refusal | Delay | Unknown) -> dict[str, Any]:
    return {"code": outcome.code, "message": outcome.message, "request_id": outcome.request_id}


def signal_from_row(row: Row[Any]) -> StoredSignal:
    key = Key(side=Side(row.side), kind=row.kind, id=row.record_id)
    signal = Signal(key=key, cause=row.cause, version=row.version)
    return StoredSignal(signal=signal, seq=row.seq, shard=row.shard, raised_at=row.raised_at)


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
