"""`ports.trail.AuditTrail`: appends to the chain, in the transaction of what is told, and reads it for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from connector.core.chain import AuditRow, ChainHead
from connector.ports.trail import AuditTrail
from connector.store.batches import insert_many
from connector.store.rows import json_content, json_text
from connector.store.tables import audit, scope
from connector.store.turn import remember_head, take_turn

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from sqlalchemy import Row

    from connector.core.chain import AuditEntry
    from connector.core.model import Key
    from connector.store.database import Database, Tx


def append(tx: Tx, entries: Sequence[AuditEntry], *, after: ChainHead | None = None) -> None:
    """`after` is what `take_turn` answered at the beginning of this transaction, where that was done."""
    if not entries:
        return
    head = take_turn(tx) if after is None else after
    rows = []
    for entry in entries:
        row = _row(tx, entry, head)
        head = ChainHead(seq=row["seq"], hash=row["hash"])
        rows.append(row)
    insert_many(tx, audit, rows)
    remember_head(tx, head)


def load_of_record(tx: Tx, born: Key, *, limit: int) -> list[dict[str, Any]]:
    statement = select(audit).where(
        audit.c.scope_id == tx.scope_id,
        audit.c.kind == born.kind,
        audit.c.born_id == born.id,
        audit.c.born_side == born.side.value,
    )
    rows = tx.connection.execute(statement.order_by(audit.c.seq.desc()).limit(limit))
    return [{"seq": row.seq, "at": row.at, "event": row.event, "detail": json_content(row.detail_json)} for row in rows]


class SqlAuditTrail(AuditTrail):
    """See `ports.trail.AuditTrail` for what each method promises. Safe to share between threads."""

    def __init__(self, database: Database, *, scope_id: int) -> None:
        self._database = database
        self._scope_id = scope_id

    def append(self, entries: Sequence[AuditEntry]) -> None:
        with self._database.write(self._scope_id) as tx:
            append(tx, entries)

    def load_rows(self, *, after_seq: int = 0, limit: int = 1000) -> Sequence[AuditRow]:
        wanted = select(audit).where(audit.c.scope_id == self._scope_id, audit.c.seq > after_seq)
        with self._database.read(self._scope_id) as tx:
            return [audit_row(row) for row in tx.connection.execute(wanted.order_by(audit.c.seq).limit(limit))]

    def load_of_trace(self, trace_id: str, *, limit: int = 1000) -> Sequence[AuditRow]:
        """Reads through the trail: for people, now and then. Nothing but what we made ourselves looks like it."""
        named = audit.c.detail_json.contains(f'"trace_id":"{trace_id}"', autoescape=True)
        wanted = select(audit).where(audit.c.scope_id == self._scope_id, named)
        with self._database.read(self._scope_id) as tx:
            return [audit_row(row) for row in tx.connection.execute(wanted.order_by(audit.c.seq).limit(limit))]

    def load_head(self) -> ChainHead:
        wanted = select(scope.c.audit_seq, scope.c.audit_hash).where(scope.c.id == self._scope_id)
        with self._database.read(self._scope_id) as tx:
            row = tx.connection.execute(wanted).one()
            return ChainHead(seq=row.audit_seq, hash=row.audit_hash)


def audit_row(row: Row[Any]) -> AuditRow:
    return AuditRow(
        seq=row.seq,
        scope_id=row.scope_id,
        at=row.at,
        kind=row.kind,
        born_side=row.born_side,
        born_id=row.born_id,
        event=row.event,
        detail_json=row.detail_json,
        previous_hash=row.previous_hash,
        hash=row.hash,
    )


def _row(tx: Tx, entry: AuditEntry, head: ChainHead) -> dict[str, Any]:
    born = entry.born
    detail = {"cause": entry.cause, **entry.detail, "trace_id": tx.trace_id}
    content: dict[str, Any] = {
        "seq": head.seq + 1,
        "scope_id": tx.scope_id,
        "at": tx.now,
        "kind": born.kind if born else "",
        "born_side": born.side.value if born else "",
        "born_id": born.id if born else "",
        "event": entry.event,
        "detail_json": json_text({name: value for name, value in detail.items() if value is not None}),
        "previous_hash": head.hash,
    }
    content["hash"] = tx.seal.hash_of(AuditRow(**content))
    return content
