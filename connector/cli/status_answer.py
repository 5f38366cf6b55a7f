"""What `connector status` knows, from our own memory alone: it answers whatever the two systems do."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from connector.core.health import DEFAULT_LIMITS, Word, judge, worst
from connector.core.pace import done
from connector.core.schedule import ALL, often, pause_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from connector.core.health import Health, Limits, Reason
    from connector.core.pulse import Pulse, Stream
    from connector.core.schedule import ScheduledJob
    from connector.core.service import ProcessSeen


def service_answer(
    pulse: Pulse, jobs: Sequence[ScheduledJob], *, next_at: Mapping[str, datetime], limits: Limits = DEFAULT_LIMITS
) -> dict[str, Any]:
    """The part `service` of the answer (docs/json.md)."""
    # where it never ran somebody runs passes by hand or by cron, and no job stands still
    has_run = bool(pulse.ticks or pulse.leases)
    health = judge(pulse, every_s=often(jobs) if has_run else {}, limits=limits)
    return {
        "has_run": has_run,
        "health": health.word.value,
        "reasons": [asdict(reason) for reason in health.reasons],
        "streams": [_stream(pulse, stream, health) for stream in pulse.streams],
        "jobs": [_job(pulse, job, next_at[job.name]) for job in jobs],
        "paused": [asdict(pause) for pause in pulse.pauses],
        "waiting": pulse.waiting,
        "oldest_s": _age_s(pulse, pulse.oldest_at),
        "webhooks": {"last_hour": pulse.events, "last_at": pulse.last_event_at, "refused": asdict(pulse.refused)},
        "quotas": pulse.quotas_told(limits.shares),
        "unresolved": pulse.unresolved,
        "processes": [_process(each) for each in pulse.processes if each.lives],
        "held_by": list(dict.fromkeys(lease.holder for lease in pulse.leases if lease.lasts)),
    }


def is_degraded(service: Mapping[str, Any]) -> bool:
    """Whether a person is needed, where a service is meant to run."""
    return bool(service["has_run"]) and service["health"] == Word.DEGRADED.value


def _stream(pulse: Pulse, stream: Stream, health: Health) -> dict[str, Any]:
    finished = done(pace for pace in pulse.pace if pace.kind == stream.kind)
    mine: list[Reason] = [reason for reason in health.reasons if reason.subject == stream.kind]
    paused = next((pause for pause in pulse.pauses if pause.subject in (stream.kind, ALL)), None)
    return {
        "kind": stream.kind,
        "health": worst(reason.word for reason in mine).value,
        "lag_s": _age_s(pulse, stream.oldest_at),
        "p95_s": finished.p95_s,
        "done": finished.number,
        "waiting": stream.waiting,
        "held_back": stream.held_back,
        "next_attempt_at": stream.next_attempt_at,
        "parked": sum(stream.parked.values()),
        "paused": None if paused is None else paused.reason,
    }


def _process(process: ProcessSeen) -> dict[str, Any]:
    return {
        "holder": process.holder,
        "role": process.role,
        "why_not": process.why_not,
        "why_not_since": process.why_not_since,
        "troubles": dict(process.troubles),
    }


def _job(pulse: Pulse, job: ScheduledJob, next_at: datetime) -> dict[str, Any]:
    tick, pause = pulse.ticks.get(job.name), pause_of(job, pulse.pauses)
    return {
        "name": job.name,
        "every_s": job.every_s,
        "cron": job.cron,
        "next_at": next_at,
        "last": None if tick is None else asdict(tick),
        "paused": None if pause is None else pause.reason,
    }


def _age_s(pulse: Pulse, moment: datetime | None) -> int | None:
    """None where nothing waits."""
    return None if moment is None else max(0, round((pulse.at - moment).total_seconds()))
