"""`ports.CertificateMemory`: what the sweeps found."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from connector.core.certificate import Certificate
from connector.core.chain import AuditEntry
from connector.ports.memory import CertificateMemory
from connector.store import audit
from connector.store.batches import insert
from connector.store.rows import json_content, json_text
from connector.store.tables import certificate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.store.database import Database


class SqlCertificateMemory(CertificateMemory):
    """See `ports.CertificateMemory` for what each method promises. Safe to share between threads."""

    def __init__(self, database: Database, *, scope_id: int) -> None:
        self._database = database
        self._scope_id = scope_id

    def save(self, given: Certificate) -> int:
        with self._database.write(self._scope_id) as tx:
            row: dict[str, Any] = {
                "scope_id": tx.scope_id,
                "as_of": given.as_of,
                "started_at": given.started_at,
                "is_complete": given.is_complete,
                "detail_json": json_text(given.detail),
            }
            made = insert(tx, certificate).values(row).returning(certificate.c.id)
            number = int(tx.connection.execute(made).scalar_one())
            told = {"certificate": number, "as_of": given.as_of.isoformat(), "complete": given.is_complete}
            told["detail_sha256"] = hashlib.sha256(row["detail_json"].encode()).hexdigest()
            audit.append(tx, [AuditEntry(event="certificate made", cause="sweep", detail=told)])
            return number

    def load_recent(self, limit: int = 20) -> Sequence[tuple[int, Certificate]]:
        wanted = select(certificate).where(certificate.c.scope_id == self._scope_id)
        with self._database.read(self._scope_id) as tx:
            rows = tx.connection.execute(wanted.order_by(certificate.c.id.desc()).limit(limit))
            return [
                (
                    row.id,
                    Certificate(
                        started_at=row.started_at,
                        as_of=row.as_of,
                        is_complete=row.is_complete,
                        detail=json_content(row.detail_json),
                    ),
                )
                for row in rows
            ]
