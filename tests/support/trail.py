"""Reading a store's audit trail whole, and getting around what protects it, as an intruder would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import text

from connector.core.chain_check import ChainReport, Expectation, check_chain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.chain import AuditRow, ChainHead, Seal
    from connector.store import SqlStore


def rows_of(store: SqlStore) -> list[AuditRow]:
    return list(store.audit.load_rows(limit=100_000))


def told(store: SqlStore) -> list[tuple[str, str]]:
    """(event, cause) of every row, in their order."""
    return [(row.event, orjson.loads(row.detail_json)["cause"]) for row in rows_of(store)]


def details(store: SqlStore, event: str) -> list[dict[str, Any]]:
    return [orjson.loads(row.detail_json) for row in rows_of(store) if row.event == event]


def check(store: SqlStore, *, anchors: Sequence[ChainHead] = (), seal: Seal | None = None) -> ChainReport:
    expected = Expectation(head=store.audit.load_head(), anchors=anchors)
    return check_chain(rows_of(store), expected, store.seal if seal is None else seal)


def forge(store: SqlStore, *statements: str, **values: Any) -> None:
    """Changes the trail as somebody may who owns the database: the triggers are out of the way meanwhile."""
    with store._database.write(1) as tx:
        if tx.dialect == "sqlite":
            kept = tx.connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")).all()
            for trigger in kept:
                tx.connection.execute(text(f"DROP TRIGGER {trigger.name}"))
        else:
            tx.connection.execute(text("ALTER TABLE audit DISABLE TRIGGER audit_refuses_change"))
        for statement in statements:
            tx.connection.execute(text(statement), values)
        if tx.dialect == "sqlite":
            for trigger in kept:
                tx.connection.execute(text(trigger.sql))
        else:
            tx.connection.execute(text("ALTER TABLE audit ENABLE TRIGGER audit_refuses_change"))


def rewrite(store: SqlStore, seq: int, *, seal: Seal, **changes: Any) -> None:
    """Changes one row and computes the chain anew from it to its end, the store's own memory of it included."""
    from dataclasses import replace

    rows = [row for row in rows_of(store) if row.seq >= seq]
    rows[0] = replace(rows[0], **changes)
    last_hash = rows[0].previous_hash
    for row in rows:
        chained = replace(row, previous_hash=last_hash)
        last_hash = seal.hash_of(chained)
        statement = "UPDATE audit SET event = :event, previous_hash = :previous, hash = :hash WHERE seq = :seq"
        forge(store, statement, event=chained.event, previous=chained.previous_hash, hash=last_hash, seq=row.seq)
    forge(store, "UPDATE scope SET audit_hash = :hash", hash=last_hash)
