"""The service seen from outside: the database's pulse as metrics, as JSON for people, and as readiness."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

from connector import __version__
from connector.core.errors import StoreError
from connector.core.health import Health, Limits, Word, judge
from connector.core.model import Severity, Side
from connector.core.schedule import ALL, often
from connector.runtime.metrics import most_frequent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from connector.core.pulse import Pulse
    from connector.core.schedule import ScheduledJob
    from connector.core.service import ProcessSeen
    from connector.ports import Store
    from connector.service.counting import Counting

#: as in the metric's help
LEVELS: Final = {Word.OK: 0, Word.WARNING: 1, Word.UNKNOWN: 2, Word.DEGRADED: 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Observer:
    """Asks the database when somebody looks; holds nothing."""

    store: Store
    kinds: Sequence[str]
    jobs: Sequence[ScheduledJob]
    #: how many there are, empty ones too
    shards: int
    counting: Counting
    limits: Limits = field(default_factory=Limits)
    #: what this process knows of itself, newer than what it told the store
    own: Callable[[], ProcessSeen | None] = lambda: None

    def pulse(self) -> Pulse:
        return self.store.load_pulse(self.kinds)

    def health(self, pulse: Pulse) -> Health:
        return judge(pulse, every_s=often(self.jobs), limits=self.limits, asking=self.own())

    def collect(self) -> Pulse:
        """Brings the gauges up to date; what they were made of. Raises StoreError."""
        self.counting.flush()
        pulse, gauges = self.pulse(), self.counting.metrics.gauges
        gauges["build_info"].labels(version=__version__).set(1)
        gauges["health"].set(LEVELS[self.health(pulse).word])
        gauges["inbox_size"].set(pulse.waiting)
        oldest_at = pulse.oldest_at
        gauges["inbox_oldest"].set(0 if oldest_at is None else _age_s(pulse, oldest_at))
        gauges["unresolved"].set(pulse.unresolved)
        gauges["dead_letters"].clear()
        for stream in pulse.streams:
            lag_s = 0 if stream.oldest_at is None else _age_s(pulse, stream.oldest_at)
            gauges["lag"].labels(stream=stream.kind).set(lag_s)
            gauges["held_back"].labels(stream=stream.kind).set(stream.held_back)
            for cause, number in most_frequent(stream.parked).items():
                gauges["dead_letters"].labels(stream=stream.kind, cause=cause).set(number)
        self._collect_shards(pulse)
        self._collect_jobs(pulse)
        gauges["braked"].clear()
        for brake in pulse.brakes:
            gauges["braked"].labels(brake=brake.name).set(1)
        self._collect_checks(pulse)
        return pulse

    def _collect_shards(self, pulse: Pulse) -> None:
        gauges = self.counting.metrics.gauges
        gauges["shard_signals"].clear()
        for shard, number in pulse.shards.items():
            gauges["shard_signals"].labels(shard=str(shard)).set(number)
        waiting = sum(pulse.shards.values())
        gauges["shard_skew"].set(max(pulse.shards.values()) * self.shards / waiting if waiting else 1)

    def _collect_jobs(self, pulse: Pulse) -> None:
        gauges = self.counting.metrics.gauges
        for name, tick in pulse.ticks.items():
            if tick.outcome == "done" and tick.finished_at is not None:
                gauges["last_success"].labels(stream=name).set(tick.finished_at.timestamp())
        paused = {pause.subject for pause in pulse.pauses}
        for subject in (ALL, *(job.name for job in self.jobs), *self.kinds):
            gauges["paused"].labels(stream=subject).set(int(subject in paused))

    def _collect_checks(self, pulse: Pulse) -> None:
        """What other work found: a sweep, a verification, Salesforce's own word on its calls."""
        gauges = self.counting.metrics.gauges
        certified_at = pulse.certified_at
        gauges["certificate_age"].set(-1 if certified_at is None else _age_s(pulse, certified_at))
        if pulse.verified is not None:
            for severity in Severity:
                gauges["verify_failed"].labels(severity=severity.value).set(
                    pulse.verified.failed.get(severity.value, 0)
                )
        quota = pulse.quotas.get(Side.SALESFORCE.value)
        if quota is not None:
            gauges["api_limit"].set(quota.ratio)

    def as_json(self, *, troubles: Mapping[int, str]) -> dict[str, Any]:
        """For people, in a browser or with curl; the keys are documented in docs/service.md."""
        try:
            pulse = self.pulse()
        except StoreError as error:
            return {"health": "unknown", "reasons": [str(error)]}
        health = self.health(pulse)
        return {
            "health": health.word.value,
            "reasons": [reason.text for reason in health.reasons],
            "version": __version__,
            "at": pulse.at.isoformat(),
            "streams": [_plain(asdict(stream)) for stream in pulse.streams],
            "shards": {str(shard): number for shard, number in pulse.shards.items()},
            "troubles": {str(shard): text for shard, text in troubles.items()},
            "jobs": {name: _plain(asdict(tick)) for name, tick in pulse.ticks.items()},
            "paused": [_plain(asdict(pause)) for pause in pulse.pauses],
            "brakes": [brake.name for brake in pulse.brakes],
            "leases": [_plain(asdict(lease)) for lease in pulse.leases],
            "processes": [_plain(asdict(each)) for each in pulse.processes if each.lives],
            "refused": _plain(asdict(pulse.refused)),
            "quotas": {side: _plain(told) for side, told in pulse.quotas_told(self.limits.shares).items()},
            "certified_at": None if pulse.certified_at is None else pulse.certified_at.isoformat(),
            "unresolved": pulse.unresolved,
        }


def readiness(store: Store, *, missing: Callable[[], Mapping[str, str]]) -> dict[str, str]:
    """What is not as it must be for this process to do its work; never a remote system's matter."""
    found = dict(missing())
    try:
        store.load_note("readiness")
    except StoreError as error:
        found["database"] = str(error)
    return found


def _age_s(pulse: Pulse, moment: Any) -> float:
    return float(max(0.0, (pulse.at - moment).total_seconds()))


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _plain(value) if isinstance(value, dict) else value.isoformat() if hasattr(value, "isoformat") else value
        for name, value in row.items()
    }
