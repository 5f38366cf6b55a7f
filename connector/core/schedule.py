"""What the service does by itself and when, as data, and the two decisions about a moment that has come.

APScheduler computes the moments (runtime/moments.py). They are the same in every clock of a service, so
that each can be claimed once in the database; the jitter is therefore drawn from job and moment, not from
a random number.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from connector.core.model import Side
    from connector.core.service import Pause

#: the subject of a pause that stops everything
ALL = "all"
#: jobs that come more seldom than this are not missed after a quarter of an hour
OFTEN_S = 3600


class Work(StrEnum):
    """What a job may do."""

    #: ask what changed since the last time, and look at it
    POLL = "poll"
    #: compare everything on both sides
    SWEEP = "sweep"
    #: is everything installed and permitted that is needed
    VERIFY = "verify"
    #: forget events and ticks that are old
    PURGE = "purge"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledJob:
    name: str
    work: Work
    #: seconds between two moments; None with `cron`
    every_s: int | None
    #: five fields, as in crontab; None with `every_s`
    cron: str | None
    #: the zone `cron` is meant in
    time_zone: ZoneInfo
    #: a moment is put off by up to so much, so that not everything happens at once
    jitter_s: int = 0
    #: a moment that could not be kept is still made up for so long
    grace_s: int = 60
    #: of a poll: one side only, and these kinds only; None and empty mean all
    side: Side | None = None
    kinds: tuple[str, ...] = ()


def often(jobs: Iterable[ScheduledJob]) -> dict[str, int]:
    """The jobs that come so often that standing still shows: name -> seconds between two."""
    return {job.name: job.every_s for job in jobs if job.every_s is not None and job.every_s <= OFTEN_S}


def delay_s(job: ScheduledJob, due_at: datetime) -> float:
    """By how much this moment of this job is put off: 0 to `jitter_s`, alike in every clock."""
    if job.jitter_s == 0:
        return 0.0
    drawn = hashlib.sha256(f"{job.name} {due_at.isoformat()}".encode()).digest()
    return int.from_bytes(drawn[:4]) / 2**32 * job.jitter_s


def pause_of(job: ScheduledJob, pauses: Iterable[Pause]) -> Pause | None:
    """What stops this job: a pause of everything, of the job, or of every kind it polls."""
    by_subject = {pause.subject: pause for pause in pauses}
    for subject in (ALL, job.name):
        if subject in by_subject:
            return by_subject[subject]
    paused = [by_subject.get(kind) for kind in job.kinds]
    return paused[0] if paused and all(paused) else None


def paused_kinds(kinds: Sequence[str], pauses: Iterable[Pause]) -> dict[str, str]:
    """Kind -> why it is not worked on now."""
    by_subject = {pause.subject: pause for pause in pauses}
    stopping = {kind: by_subject.get(ALL) or by_subject.get(kind) for kind in kinds}
    return {kind: f"paused by {pause.person}: {pause.reason}" for kind, pause in stopping.items() if pause is not None}
