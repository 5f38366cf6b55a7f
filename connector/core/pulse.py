"""What the store knows of the service at one moment: plain data, of which core/health.py makes a word."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from connector.core.model import Side
from connector.core.quota import Quota
from connector.core.service import Refusals

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connector.core.brake import TrippedBrake
    from connector.core.pace import Pace
    from connector.core.quota import QuotaShares
    from connector.core.service import Lease, Pause, ProcessSeen


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """What waits and what stands still, of one kind."""

    kind: str
    waiting: int = 0
    #: since when the oldest waits of those that are not held back
    oldest_at: datetime | None = None
    #: cause -> parked links
    parked: Mapping[str, int] = field(default_factory=dict)
    #: links whose next attempt is not due yet, and when the first of them is
    held_back: int = 0
    next_attempt_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LastTick:
    """How a scheduled job ended last."""

    due_at: datetime
    finished_at: datetime | None
    #: `done`, `failed`, `missed`, `paused`; None while it is at work
    outcome: str | None
    reason: str | None
    #: when the job ended well last, or was due first if it never did; None when nobody knows
    well_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaSeen:
    """A system's calls of the rolling day, everybody's together, as it told them last."""

    used: int
    total: int
    at: datetime

    @property
    def quota(self) -> Quota:
        return Quota(used=self.used, total=self.total)

    @property
    def ratio(self) -> float:
        return self.used / self.total if self.total > 0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """How the newest verification ended."""

    at: datetime
    profile: str
    ready: bool
    #: severity -> checks that are open
    failed: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """What the store says of the service at one moment."""

    at: datetime
    streams: Sequence[Stream]
    #: shard -> signals waiting in it
    shards: Mapping[int, int]
    ticks: Mapping[str, LastTick]
    brakes: Sequence[TrippedBrake]
    pauses: Sequence[Pause]
    leases: Sequence[Lease]
    #: as of when the newest complete certificate vouches; None when there is none
    certified_at: datetime | None
    #: operations without a known end
    unresolved: int = 0
    #: what was worked off in the hour before
    pace: Sequence[Pace] = ()
    #: by side, as in `Side`
    quotas: Mapping[str, QuotaSeen] = field(default_factory=dict)
    #: by side: until when it was to be left alone, its calls being used up; the moment may be past
    quotas_until: Mapping[str, datetime] = field(default_factory=dict)
    #: None when nothing was ever verified
    verified: Verified | None = None
    #: when the newest event came in by webhook, and how many did in the hour before
    last_event_at: datetime | None = None
    events: int = 0
    #: of the service, those that live and those that ended lately
    processes: Sequence[ProcessSeen] = ()

    @property
    def waiting(self) -> int:
        return sum(stream.waiting for stream in self.streams)

    @property
    def refused(self) -> Refusals:
        """By all processes together, of the last hour."""
        an_hour_ago = self.at - timedelta(hours=1)
        mine = [
            (each.refused.newest_at, each.refused)
            for each in self.processes
            if each.refused.newest_at is not None and each.refused.newest_at > an_hour_ago
        ]
        counts: Counter[str] = Counter()
        for _, refused in mine:
            counts.update(refused.counts)
        newest_at, newest = max(mine, key=lambda told: told[0], default=(None, Refusals()))
        return Refusals(counts=dict(counts), newest=newest.newest, newest_at=newest_at)

    def waits_until(self, side: str, shares: QuotaShares) -> datetime | None:
        """Until when nothing is asked of this system, its calls of the day being used up; None while it is asked."""
        until, seen = self.quotas_until.get(side), self.quotas.get(side)
        if until is None or until <= self.at:
            return None
        # it has told better since
        is_open = seen is not None and shares.may_go_on(seen.quota, is_catalogue=False)
        return None if is_open else until

    def quotas_told(self, shares: QuotaShares) -> dict[str, dict[str, Any]]:
        """By side: `used`, `total` and `at` as it was told last, null when it never was; `until` as in `waits_until`."""
        never = {"used": None, "total": None, "at": None}
        told = {side: asdict(self.quotas[side]) if side in self.quotas else never for side in map(str, Side)}
        until = {side: self.waits_until(side, shares) for side in told}
        return {
            side: {**each, "until": until[side]}
            for side, each in told.items()
            if side in self.quotas or until[side] is not None
        }

    @property
    def oldest_at(self) -> datetime | None:
        return min((stream.oldest_at for stream in self.streams if stream.oldest_at is not None), default=None)
