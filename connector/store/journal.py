"""What people read later: findings and runs; and small named notes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select, update

from connector.core.chain import AuditEntry
from connector.store import audit
from connector.store.batches import insert, upsert_many
from connector.store.rows import finding_from_row, json_content, json_text
from connector.store.tables import finding, note, run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from typing import Any

    from sqlalchemy import Row

    from connector.core.model import Finding
    from connector.store.database import Tx


def report(tx: Tx, findings: Sequence[Finding], *, cleared: Sequence[tuple[str, str]]) -> None:
    if cleared:
        statement = (
            update(finding)
            .where(
                finding.c.scope_id == tx.scope_id,
                finding.c.code == bindparam("cleared_code"),
                finding.c.subject == bindparam("cleared_subject"),
                finding.c.cleared_at.is_(None),
            )
            .values(cleared_at=tx.now)
        )
        pairs = [{"cleared_code": code, "cleared_subject": subject} for code, subject in cleared]
        tx.connection.execute(statement, pairs)
    latest = {(item.code, item.subject): item for item in findings}
    rows = [
        {
            "scope_id": tx.scope_id,
            "code": item.code,
            "subject": item.subject,
            "severity": item.severity.value,
            "observed": item.observed,
            "wanted": item.wanted,
            "why": item.why,
            "remedy": item.remedy,
            "count": item.count,
            "first_seen_at": tx.now,
            "last_seen_at": tx.now,
            "cleared_at": None,
        }
        for _, item in sorted(latest.items())
    ]
    upsert_many(tx, finding, rows, keep=("first_seen_at",))


def load_findings(tx: Tx, *, include_cleared: bool) -> list[Finding]:
    statement = select(finding).where(finding.c.scope_id == tx.scope_id)
    if not include_cleared:
        statement = statement.where(finding.c.cleared_at.is_(None))
    rows = tx.connection.execute(statement.order_by(finding.c.code, finding.c.subject))
    return [finding_from_row(row) for row in rows]


def start_run(tx: Tx, command: str, at: datetime, *, by: str | None) -> int:
    """`by` stands in the summary until the run's own takes its place: one that was killed has a name, too."""
    who = {} if by is None else {"by": by}
    statement = insert(tx, run).values(
        scope_id=tx.scope_id,
        command=command,
        started_at=at,
        trace_id=tx.trace_id,
        summary_json=json_text(who) if who else None,
    )
    run_id = int(tx.connection.execute(statement.returning(run.c.id)).scalar_one())
    audit.append(tx, [AuditEntry(event="run started", cause=f"command {command}", detail={"run": run_id, **who})])
    return run_id


def finish_run(tx: Tx, run_id: int, at: datetime, summary: Mapping[str, Any]) -> None:
    """Raises ValueError for a summary that could not be read back: one with a float in it."""
    text = json_text(summary)
    json_content(text)
    statement = update(run).where(run.c.scope_id == tx.scope_id, run.c.id == run_id)
    ended = statement.values(finished_at=at, summary_json=text).returning(run.c.command)
    command = tx.connection.execute(ended).scalar_one_or_none()
    assert command is not None, f"run {run_id} was never started"
    detail = {"run": run_id, "summary": dict(summary)}
    audit.append(tx, [AuditEntry(event="run ended", cause=f"command {command}", detail=detail)])


def load_runs(tx: Tx, limit: int) -> list[dict[str, Any]]:
    statement = select(run).where(run.c.scope_id == tx.scope_id).order_by(run.c.id.desc()).limit(limit)
    return [_run(row) for row in tx.connection.execute(statement)]


def load_run(tx: Tx, run_id: int) -> dict[str, Any] | None:
    row = tx.connection.execute(select(run).where(run.c.scope_id == tx.scope_id, run.c.id == run_id)).one_or_none()
    return None if row is None else _run(row)


def _run(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "command": row.command,
        "trace_id": row.trace_id,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "summary": None if row.summary_json is None else json_content(row.summary_json),
    }


def load_note(tx: Tx, name: str) -> str | None:
    statement = select(note.c.value).where(note.c.scope_id == tx.scope_id, note.c.name == name)
    return tx.connection.execute(statement).scalar_one_or_none()


def save_note(tx: Tx, name: str, value: str) -> None:
    row = {"scope_id": tx.scope_id, "name": name, "value": value, "updated_at": tx.now}
    upsert_many(tx, note, [row])
