"""`ports.BrakeMemory`: tripped brakes survive restarts until a person releases them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, or_, select, update

from connector.core.brake import TrippedBrake
from connector.core.chain import AuditEntry
from connector.core.model import OperationState
from connector.ports.memory import BrakeMemory
from connector.store import audit
from connector.store.batches import chunks, claim_many, insert
from connector.store.rows import born_key, json_content, json_text
from connector.store.tables import brake, operation, tally
from connector.store.turn import take_turn

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from datetime import datetime
    from typing import Any

    from sqlalchemy import Row

    from connector.core.model import Key
    from connector.store.database import Database, Tx


def trip_all(tx: Tx, tripped: Sequence[TrippedBrake]) -> None:
    for each in tripped:
        # the partial unique index: one that is open already keeps its first moment and plan
        row = {
            "scope_id": tx.scope_id,
            "name": each.name,
            "subject": each.subject,
            "tripped_at": each.tripped_at,
            "observed": each.observed,
            "allowed": each.allowed,
            "plan_json": json_text(each.plan),
        }
        made = insert(tx, brake).values(row).on_conflict_do_nothing().returning(brake.c.id)
        if tx.connection.execute(made).one_or_none() is not None:
            audit.append(tx, [_tripping(each)])


class SqlBrakeMemory(BrakeMemory):
    """See `ports.BrakeMemory` for what each method promises. Safe to share between threads."""

    def __init__(self, database: Database, *, scope_id: int) -> None:
        self._database = database
        self._scope_id = scope_id

    def load_open(self) -> Sequence[TrippedBrake]:
        wanted = select(brake).where(brake.c.scope_id == self._scope_id, brake.c.released_at.is_(None))
        with self._database.read(self._scope_id) as tx:
            return [_tripped(row) for row in tx.connection.execute(wanted.order_by(brake.c.id))]

    def load_recent(self, limit: int = 50) -> Sequence[TrippedBrake]:
        wanted = select(brake).where(brake.c.scope_id == self._scope_id).order_by(brake.c.id.desc()).limit(limit)
        with self._database.read(self._scope_id) as tx:
            return [_tripped(row) for row in tx.connection.execute(wanted)]

    def load_released(self, since: datetime) -> Sequence[TrippedBrake]:
        wanted = select(brake).where(brake.c.scope_id == self._scope_id, brake.c.released_at >= since)
        with self._database.read(self._scope_id) as tx:
            return [_tripped(row) for row in tx.connection.execute(wanted.order_by(brake.c.id.desc()))]

    def trip(self, tripped: Sequence[TrippedBrake]) -> None:
        with self._database.write(self._scope_id) as tx:
            trip_all(tx, tripped)

    def release(self, name: str, subject: str, *, by: str, reason: str, at: datetime) -> bool:
        ended = update(brake).where(
            brake.c.scope_id == self._scope_id,
            brake.c.name == name,
            brake.c.subject == subject,
            brake.c.released_at.is_(None),
        )
        with self._database.write(self._scope_id) as tx:
            done = tx.connection.execute(ended.values(released_at=at, released_by=by, release_reason=reason))
            if done.rowcount:
                detail = {"brake": name, "subject": subject, "reason": reason}
                audit.append(tx, [AuditEntry(event="brake released", cause=f"person {by}", detail=detail)])
            return bool(done.rowcount)

    def load_tallied(self, records: Collection[str], *, since: datetime) -> Mapping[str, AbstractSet[str]]:
        found: dict[str, set[str]] = {}
        with self._database.read(self._scope_id) as tx:
            for chunk in chunks(records):
                wanted = select(tally.c.record, tally.c.weight).where(
                    tally.c.scope_id == tx.scope_id, tally.c.record.in_(chunk), tally.c.at > since
                )
                for row in tx.connection.execute(wanted):
                    found.setdefault(row.record, set()).add(row.weight)
        return found

    def tally(self, adding: Mapping[str, Collection[str]], *, since: datetime) -> Mapping[str, int]:
        with self._database.write(self._scope_id) as tx:
            # the turn is what makes of two workers the second see what the first added
            take_turn(tx)
            tx.connection.execute(delete(tally).where(tally.c.scope_id == tx.scope_id, tally.c.at <= since))
            rows = [
                {"scope_id": tx.scope_id, "weight": weight, "record": record, "at": tx.now}
                for weight, records in adding.items()
                for record in sorted(records)
            ]
            if rows:
                claim_many(tx, tally, rows, returning=("record",))
            counted = select(tally.c.weight, func.count().label("number")).where(tally.c.scope_id == tx.scope_id)
            return {row.weight: row.number for row in tx.connection.execute(counted.group_by(tally.c.weight))}

    def untally(self, taken_back: Mapping[str, Collection[str]]) -> None:
        with self._database.write(self._scope_id) as tx:
            for weight, records in taken_back.items():
                for chunk in chunks(records):
                    gone = delete(tally).where(
                        tally.c.scope_id == tx.scope_id, tally.c.weight == weight, tally.c.record.in_(chunk)
                    )
                    tx.connection.execute(gone)

    def count_repeats(self, born: Sequence[Key], *, since: datetime) -> Mapping[Key, int]:
        wanted = set(born)
        counts: dict[Key, int] = {}
        of_link = (operation.c.born_side, operation.c.kind, operation.c.born_id)
        with self._database.read(self._scope_id) as tx:
            for kind in sorted({key.kind for key in wanted}):
                for chunk in chunks(sorted(key.id for key in wanted if key.kind == kind)):
                    repeats = (
                        select(*of_link, func.count().label("number"))
                        .where(
                            operation.c.scope_id == tx.scope_id,
                            operation.c.kind == kind,
                            operation.c.born_id.in_(chunk),
                            operation.c.first_sent_at >= since,
                            operation.c.state == OperationState.SETTLED.value,
                            # companions are many, and each is written once
                            or_(operation.c.target_id.is_not(None), operation.c.action == "create"),
                        )
                        .group_by(*of_link, operation.c.target, operation.c.action, operation.c.target_id)
                    )
                    for row in tx.connection.execute(repeats):
                        key = born_key(row)
                        counts[key] = max(counts.get(key, 0), row.number)
        return {key: number for key, number in counts.items() if key in wanted}


def _tripping(tripped: TrippedBrake) -> AuditEntry:
    """The plan is named by its digest: it stands with the brake."""
    detail = {
        "subject": tripped.subject,
        "observed": tripped.observed,
        "allowed": tripped.allowed,
        "plan_sha256": hashlib.sha256(json_text(tripped.plan).encode()).hexdigest(),
    }
    return AuditEntry(event="brake tripped", cause=f"brake {tripped.name}", detail=detail)


def _tripped(row: Row[Any]) -> TrippedBrake:
    return TrippedBrake(
        name=row.name,
        subject=row.subject,
        tripped_at=row.tripped_at,
        observed=row.observed,
        allowed=row.allowed,
        plan=json_content(row.plan_json),
        released_at=row.released_at,
        released_by=row.released_by,
        release_reason=row.release_reason,
    )
