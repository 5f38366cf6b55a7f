"""What the store knows of the service's state, in a few grouped queries; for status, health and metrics."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING

import orjson
from sqlalchemy import and_, case, func, select, tuple_, union, union_all

from connector.core.model import LinkState, Side
from connector.core.pulse import QuotaSeen, Stream, Verified
from connector.core.quota import quota_note, quota_until_note
from connector.store.operations import IS_UNRESOLVED
from connector.store.service_tables import stripe_event
from connector.store.tables import certificate, link, note, operation, signal
from connector.store.verify_tables import verification

if TYPE_CHECKING:
    from connector.store.database import Tx


def streams(tx: Tx, kinds: tuple[str, ...]) -> list[Stream]:
    """Of each of these kinds, in their order."""
    waiting = _waiting(tx)
    parked = _parked(tx)
    held = _held_back(tx)
    found = []
    for kind in kinds:
        number, oldest_at = waiting.get(kind, (0, None))
        held_back, next_attempt_at = held.get(kind, (0, None))
        found.append(
            Stream(
                kind=kind,
                waiting=number,
                oldest_at=oldest_at,
                parked=parked.get(kind, {}),
                held_back=held_back,
                next_attempt_at=next_attempt_at,
            )
        )
    return found


def shards(tx: Tx) -> dict[int, int]:
    counted = select(signal.c.shard, func.count().label("number")).where(signal.c.scope_id == tx.scope_id)
    rows = tx.connection.execute(counted.group_by(signal.c.shard).order_by(signal.c.shard))
    return {row.shard: row.number for row in rows}


def busy_shards(tx: Tx) -> list[int]:
    """Those that hold signals, or links of which a write has not come to its end."""
    signalled = select(signal.c.shard).where(signal.c.scope_id == tx.scope_id)
    of_link = and_(
        link.c.scope_id == operation.c.scope_id, link.c.kind == operation.c.kind, link.c.born_id == operation.c.born_id
    )
    in_doubt = select(link.c.shard).join(operation, of_link).where(operation.c.scope_id == tx.scope_id, IS_UNRESOLVED)
    return sorted(tx.connection.execute(union(signalled, in_doubt)).scalars())


def used_shards(tx: Tx) -> list[int]:
    """Those that anything was ever put into, whatever number of them there is now."""
    of_signals = select(signal.c.shard).where(signal.c.scope_id == tx.scope_id)
    of_links = select(link.c.shard).where(link.c.scope_id == tx.scope_id)
    return sorted(tx.connection.execute(union(of_signals, of_links)).scalars())


def unresolved(tx: Tx) -> int:
    counted = select(func.count()).where(operation.c.scope_id == tx.scope_id, IS_UNRESOLVED)
    return int(tx.connection.execute(counted).scalar_one())


def certified_at(tx: Tx) -> datetime | None:
    """As of when the newest complete certificate vouches."""
    complete = select(certificate.c.as_of).where(certificate.c.scope_id == tx.scope_id, certificate.c.is_complete)
    return tx.connection.execute(complete.order_by(certificate.c.id.desc()).limit(1)).scalar_one_or_none()


def quotas(tx: Tx) -> dict[str, QuotaSeen]:
    wanted = select(note.c.name, note.c.value, note.c.updated_at).where(
        note.c.scope_id == tx.scope_id, note.c.name.in_([quota_note(side) for side in Side])
    )
    found = {row.name: row for row in tx.connection.execute(wanted)}
    return {
        side.value: QuotaSeen(**orjson.loads(row.value), at=row.updated_at)
        for side in Side
        if (row := found.get(quota_note(side))) is not None
    }


def quotas_until(tx: Tx) -> dict[str, datetime]:
    """Until when a system was to be left alone, as it was remembered last."""
    names = {quota_until_note(side): side.value for side in Side}
    wanted = select(note.c.name, note.c.value).where(note.c.scope_id == tx.scope_id, note.c.name.in_(names))
    return {names[row.name]: datetime.fromisoformat(row.value) for row in tx.connection.execute(wanted)}


def verified(tx: Tx) -> Verified | None:
    """Of whichever org was verified last."""
    newest = select(verification).where(verification.c.scope_id == tx.scope_id).order_by(verification.c.id.desc())
    row = tx.connection.execute(newest.limit(1)).one_or_none()
    if row is None or row.report_json is None:
        return None
    report = orjson.loads(row.report_json)
    failed = Counter(each["severity"] for each in report["checks"] if each["open"] and each["outcome"] != "warn")
    return Verified(at=row.at, profile=row.profile, ready=report["summary"]["ready"], failed=failed)


def events(tx: Tx, since: datetime) -> tuple[int, datetime | None]:
    """How many came in by webhook since then, and when the newest of all did."""
    mine = stripe_event.c.scope_id == tx.scope_id
    newest = select(stripe_event.c.received_at).where(mine).order_by(stripe_event.c.received_at.desc()).limit(1)
    counted = select(func.count()).select_from(stripe_event).where(mine, stripe_event.c.received_at >= since)
    return (
        int(tx.connection.execute(counted).scalar_one()),
        tx.connection.execute(newest).scalar_one_or_none(),
    )


def _waiting(tx: Tx) -> dict[str, tuple[int, datetime | None]]:
    # what failed and is tried again later is told apart from what nobody looks at
    held = (link.c.scope_id == tx.scope_id, link.c.next_attempt_at > tx.now)
    held_ids = union_all(
        select(link.c.kind, link.c.born_id).where(*held),
        select(link.c.kind, link.c.mate_id).where(*held, link.c.mate_id.is_not(None)),
    )
    is_held = tuple_(signal.c.kind, signal.c.record_id).in_(held_ids)
    counted = (
        select(
            signal.c.kind,
            func.count().label("number"),
            func.min(case((~is_held, signal.c.raised_at))).label("oldest_at"),
        )
        .where(signal.c.scope_id == tx.scope_id)
        .group_by(signal.c.kind)
    )
    return {row.kind: (row.number, row.oldest_at) for row in tx.connection.execute(counted)}


def _parked(tx: Tx) -> dict[str, dict[str, int]]:
    counted = (
        select(link.c.kind, link.c.reason_code, func.count().label("number"))
        .where(link.c.scope_id == tx.scope_id, link.c.state == LinkState.PARKED.value)
        .group_by(link.c.kind, link.c.reason_code)
    )
    found: dict[str, dict[str, int]] = {}
    for row in tx.connection.execute(counted):
        found.setdefault(row.kind, {})[row.reason_code or "unnamed"] = row.number
    return found


def _held_back(tx: Tx) -> dict[str, tuple[int, datetime]]:
    counted = (
        select(link.c.kind, func.count().label("number"), func.min(link.c.next_attempt_at).label("next_at"))
        .where(link.c.scope_id == tx.scope_id, link.c.next_attempt_at > tx.now)
        .group_by(link.c.kind)
    )
    return {row.kind: (row.number, row.next_at) for row in tx.connection.execute(counted)}
