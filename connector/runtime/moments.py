"""When a job is due: APScheduler's triggers, asked without a clock of their own.

Intervals are counted from a fixed moment, so that every clock of a service computes the same ones.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from connector.core.errors import RemoteError, StoreError
from connector.core.model import FailureClass
from connector.core.schedule import delay_s

if TYPE_CHECKING:
    from apscheduler.triggers.base import BaseTrigger

    from connector.core.schedule import ScheduledJob

#: what intervals are counted from, alike in every clock
_ANCHOR: Final = datetime(2026, 1, 1, tzinfo=UTC)
#: how a system fails in a way that may pass by itself; the day's calls are not a sweep's to use up
_MAY_PASS: Final = frozenset({FailureClass.UNREACHABLE, FailureClass.TRANSIENT, FailureClass.THROTTLED})
#: how much longer a system is left alone than the database: each try of a sweep asks it for everything anew
_SYSTEMS_NEED: Final = 10


def trigger_of(job: ScheduledJob) -> BaseTrigger:
    if job.every_s is not None:
        return IntervalTrigger(seconds=job.every_s, start_date=_ANCHOR, timezone=UTC)
    return CronTrigger.from_crontab(job.cron, timezone=job.time_zone)


def next_moment(job: ScheduledJob, now: datetime) -> datetime:
    """When the job is due next, its jitter included."""
    due_at: datetime = trigger_of(job).get_next_fire_time(None, now)
    return due_at + timedelta(seconds=delay_s(job, due_at))


def missed_moment(job: ScheduledJob, now: datetime, *, last: datetime | None) -> datetime | None:
    """A moment since `last` for which no clock was there, to be made up for: within its grace, and the next one is far.
    A job that was never due has missed nothing.
    """
    grace = timedelta(seconds=job.grace_s)
    if last is None or _comes_soon(job, now):
        return None
    came: datetime = trigger_of(job).get_next_fire_time(None, max(last + timedelta(seconds=1), now - grace))
    return came if came <= now else None


def is_worth_another_try(job: ScheduledJob, due_at: datetime, error: Exception, *, now: datetime) -> bool:
    """Whether a moment that failed is tried again: what failed it may pass, its grace lasts, and the next one is far."""
    lasts_s = job.grace_s + job.jitter_s
    # the moment itself is not the next one
    later = max(now, due_at + timedelta(seconds=1))
    in_time = now - due_at <= timedelta(seconds=lasts_s) and not _comes_soon(job, later)
    if isinstance(error, RemoteError):
        return in_time and error.failure in _MAY_PASS and _is_of_schedule(job, due_at)
    return in_time and isinstance(error, StoreError)


def wait_before_another_try_s(error: Exception, again_s: float) -> float:
    """`again_s` is how long to wait for the database."""
    return again_s * (_SYSTEMS_NEED if isinstance(error, RemoteError) else 1)


def _is_of_schedule(job: ScheduledJob, due_at: datetime) -> bool:
    """Not a moment that a person asked for, who waits to be told how it ended."""
    due: datetime = trigger_of(job).get_next_fire_time(None, due_at)
    return due == due_at


def _comes_soon(job: ScheduledJob, now: datetime) -> bool:
    """The next moment is so near that it makes up for one before."""
    next_at: datetime = trigger_of(job).get_next_fire_time(None, now)
    return next_at - now <= timedelta(seconds=job.grace_s)
