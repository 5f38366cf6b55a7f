"""`ports.ScheduleMemory`: ticks that some clock has claimed, and what people paused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, bindparam, delete, func, or_, select, update

from connector.core.chain import AuditEntry
from connector.core.service import Pause
from connector.ports.service import ScheduleMemory
from connector.store import audit
from connector.store.batches import claim_many, upsert_many
from connector.store.service_tables import pause, tick
from connector.store.tables import UtcDateTime

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Row, Select

    from connector.ports.service import AndThen
    from connector.store.database import Database, Tx

#: stands for the clock that will take what a person asked for
_NOBODY: Final = ""


class SqlScheduleMemory(ScheduleMemory):
    """See `ports.ScheduleMemory` for what each method promises. Safe to share between threads."""

    def __init__(self, database: Database, *, scope_id: int) -> None:
        self._database = database
        self._scope_id = scope_id

    def claim(self, job: str, due_at: datetime, *, holder: str, and_then: Callable[[Any], None] | None = None) -> bool:
        with self._database.write(self._scope_id) as tx:
            row = {
                "scope_id": tx.scope_id,
                "job": job,
                "due_at": due_at,
                "claimed_by": holder,
                "finished_at": None,
                "outcome": None,
                "reason": None,
            }
            is_ours = bool(claim_many(tx, tick, [row], returning=("job",)))
            if is_ours and and_then is not None:
                and_then(tx)
            return is_ours

    def finish(self, job: str, due_at: datetime, *, outcome: str, reason: str = "") -> None:
        with self._database.write(self._scope_id) as tx:
            ended = (
                update(tick)
                .where(tick.c.scope_id == tx.scope_id, tick.c.job == job, tick.c.due_at == due_at)
                .values(finished_at=tx.now, outcome=outcome, reason=reason or None)
            )
            tx.connection.execute(ended)

    def ask_for(self, job: str, *, by: str) -> datetime:
        with self._database.write(self._scope_id) as tx:
            row = {
                "scope_id": tx.scope_id,
                "job": job,
                "due_at": tx.now,
                "claimed_by": _NOBODY,
                "finished_at": None,
                "outcome": None,
                "reason": f"asked for by {by}",
            }
            claim_many(tx, tick, [row], returning=("job",))
            audit.append(tx, [AuditEntry(event="job asked for", cause=f"person {by}", detail={"job": job})])
            return tx.now

    def take_asked(self, *, holder: str, and_then: AndThen | None = None) -> Sequence[tuple[str, datetime]]:
        asked = (tick.c.scope_id == self._scope_id, tick.c.claimed_by == _NOBODY)
        with self._database.read(self._scope_id) as tx:
            found = [(row.job, row.due_at) for row in tx.connection.execute(select(tick).where(*asked))]
        return [each for each in sorted(found) if self._take(*each, holder, and_then)]

    def _take(self, job: str, due_at: datetime, holder: str, and_then: AndThen | None) -> bool:
        with self._database.write(self._scope_id) as tx:
            taken = update(tick).where(*_asked(tx, job, due_at)).values(claimed_by=holder)
            is_ours = bool(tx.connection.execute(taken).rowcount)
            if is_ours and and_then is not None:
                and_then(job, due_at, tx)
            return is_ours

    def withdraw(self, job: str, due_at: datetime) -> bool:
        with self._database.write(self._scope_id) as tx:
            return bool(tx.connection.execute(delete(tick).where(*_asked(tx, job, due_at))).rowcount)

    def load(self, job: str, due_at: datetime) -> Mapping[str, Any] | None:
        wanted = select(tick).where(tick.c.scope_id == self._scope_id, tick.c.job == job, tick.c.due_at == due_at)
        with self._database.read(self._scope_id) as tx:
            row = tx.connection.execute(wanted).one_or_none()
        if row is None:
            return None
        told = {"finished_at": row.finished_at, "outcome": row.outcome, "reason": row.reason}
        return {"is_taken": row.claimed_by != _NOBODY, **told}

    def load_last(self) -> Mapping[str, Mapping[str, Any]]:
        with self._database.read(self._scope_id) as tx:
            return {row.job: _told(row) for row in tx.connection.execute(_LAST, {"scope": tx.scope_id})}

    def purge(self, before: datetime) -> int:
        """The newest of each job stays, whatever its age."""
        with self._database.write(self._scope_id) as tx:
            later = tick.alias("later")
            has_later = (
                select(later.c.job)
                .where(later.c.scope_id == tick.c.scope_id, later.c.job == tick.c.job, later.c.due_at > tick.c.due_at)
                .exists()
            )
            done = tx.connection.execute(
                delete(tick).where(tick.c.scope_id == tx.scope_id, tick.c.due_at < before, has_later)
            )
            return done.rowcount

    def pause(self, given: Pause) -> None:
        with self._database.write(self._scope_id) as tx:
            row = {
                "scope_id": tx.scope_id,
                "subject": given.subject,
                "reason": given.reason,
                "person": given.person,
                "since": given.since,
                "until": given.until,
            }
            upsert_many(tx, pause, [row])
            told = {"subject": given.subject, "reason": given.reason, "until": given.until and given.until.isoformat()}
            audit.append(tx, [AuditEntry(event="paused", cause=f"person {given.person}", detail=told)])

    def unpause(self, subject: str, *, by: str) -> bool:
        with self._database.write(self._scope_id) as tx:
            gone = delete(pause).where(pause.c.scope_id == tx.scope_id, pause.c.subject == subject)
            was_paused = bool(tx.connection.execute(gone).rowcount)
            if was_paused:
                told = {"subject": subject}
                audit.append(tx, [AuditEntry(event="pause ended", cause=f"person {by}", detail=told)])
            return was_paused

    def load_pauses(self) -> Sequence[Pause]:
        with self._database.read(self._scope_id) as tx:
            still = or_(pause.c.until.is_(None), pause.c.until > tx.now)
            wanted = select(pause).where(pause.c.scope_id == self._scope_id, still).order_by(pause.c.subject)
            return [_pause(row) for row in tx.connection.execute(wanted)]


def _last() -> Select[Any]:
    """Of each job the newest tick, and when it ended well last. Ticks are many, jobs are few: of each only the ends of
    its index are looked at.
    """
    mine = tick.c.scope_id == bindparam("scope")
    jobs = select(tick.c.job).where(mine).distinct().subquery("jobs")
    of_job = tick.alias("of_job")
    ticks = (of_job.c.scope_id == bindparam("scope"), of_job.c.job == jobs.c.job)
    newest = select(func.max(of_job.c.due_at)).where(*ticks).scalar_subquery()
    first = select(func.min(of_job.c.due_at)).where(*ticks).scalar_subquery()
    well = (
        select(of_job.c.finished_at)
        .where(*ticks, of_job.c.outcome == "done")
        .order_by(of_job.c.due_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    well_at = func.coalesce(well, first, type_=UtcDateTime()).label("well_at")
    is_newest = and_(mine, tick.c.job == jobs.c.job, tick.c.due_at == newest)
    return select(tick, well_at).join_from(jobs, tick, is_newest).order_by(tick.c.job)


_LAST: Final = _last()


def _told(row: Row[Any]) -> Mapping[str, Any]:
    return {name: getattr(row, name) for name in ("due_at", "finished_at", "outcome", "reason", "well_at")}


def _asked(tx: Tx, job: str, due_at: datetime) -> tuple[ColumnElement[bool], ...]:
    """One moment that was asked for, as long as nobody has taken it."""
    return (
        tick.c.scope_id == tx.scope_id,
        tick.c.job == job,
        tick.c.due_at == due_at,
        tick.c.claimed_by == _NOBODY,
    )


def _pause(row: Row[Any]) -> Pause:
    return Pause(subject=row.subject, reason=row.reason, person=row.person, since=row.since, until=row.until)
