"""What Prometheus collects. No id, no name of a person or record is ever a label (experience.md C3).

Counters are raised where things happen; what the database knows (backlog, parked, certificate) is asked
when somebody collects, through `service.observing`. Every metric stands in the table of docs/service.md, and
nothing else does: a test holds it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from connector.core.pace import BOUNDS_S

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.flows.report import PassReport
    from connector.remote import Exchange

#: seconds; remote calls take 0.05 to 1, commits 0.005
_LATENCY_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
#: of a stream's causes the most frequent are told by name: what a system answers is not ours to bound
CAUSES_MAX: Final = 20
REST: Final = "other"

_GAUGES: Final[dict[str, tuple[str, str, tuple[str, ...]]]] = {
    "build_info": ("connector_build_info", "1, with the version", ("version",)),
    "health": ("connector_health_level", "0 ok, 1 warning, 2 unknown, 3 degraded", ()),
    "lag": ("connector_lag_seconds", "age of the oldest waiting signal of a kind", ("stream",)),
    "last_success": (
        "connector_last_success_timestamp_seconds",
        "when a scheduled job last ended well",
        ("stream",),
    ),
    "dead_letters": ("connector_dead_letters", "parked records by cause", ("stream", "cause")),
    "held_back": ("connector_held_back", "records that failed and are tried again later", ("stream",)),
    "unresolved": ("connector_unresolved_operations", "writes whose end is not known yet", ()),
    "inbox_oldest": ("connector_inbox_oldest_seconds", "age of the oldest waiting signal", ()),
    "inbox_size": ("connector_inbox_signals", "signals waiting", ()),
    "shard_signals": ("connector_shard_signals", "signals waiting in a shard", ("shard",)),
    "queue_jobs": ("connector_queue_jobs", "jobs in the queue of many processes", ("queue", "state")),
    "shard_skew": ("connector_shard_skew_ratio", "signals of the fullest shard over the mean of all", ()),
    "paused": ("connector_paused", "1 while a person paused it", ("stream",)),
    "braked": ("connector_braked", "1 while this brake is tripped", ("brake",)),
    "certificate_age": (
        "connector_certificate_age_seconds",
        "age of the newest complete certificate; -1 while there is none",
        (),
    ),
    "verify_failed": ("connector_verify_failed", "checks open in the newest verification", ("severity",)),
    "api_limit": ("connector_sf_api_limit_ratio", "share used of Salesforce's calls of the rolling day", ()),
}
_COUNTERS: Final[dict[str, tuple[str, str, tuple[str, ...]]]] = {
    "items": ("connector_items", "records worked on, by how they came out", ("stream", "result")),
    "webhooks": ("connector_webhooks", "webhooks by their answer", ("answer",)),
    "api_requests": (
        "connector_api_requests",
        "requests to a system by what came of them; repeated attempts count",
        ("api", "code"),
    ),
}
_HISTOGRAMS: Final[dict[str, tuple[str, str, tuple[str, ...], tuple[float, ...]]]] = {
    "waits": (
        "connector_wait_seconds",
        "how long a signal had waited when it was worked off",
        ("stream",),
        BOUNDS_S,
    ),
    "drains": ("connector_drain_seconds", "how long a drain of a shard took", (), _LATENCY_S),
    "api_seconds": ("connector_api_seconds", "how long a request to a system took", ("api",), _LATENCY_S),
    "held_up": (
        "connector_rate_wait_seconds",
        "how long our own rate limit held up a request; those it let through at once do not count",
        ("api",),
        _LATENCY_S,
    ),
}


@dataclass(frozen=True, slots=True)
class Metrics:
    """One registry per process, made once."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    gauges: Mapping[str, Gauge] = field(init=False)
    counters: Mapping[str, Counter] = field(init=False)
    histograms: Mapping[str, Histogram] = field(init=False)

    def __post_init__(self) -> None:
        made = self.registry
        gauges = {key: Gauge(*given, registry=made) for key, given in _GAUGES.items()}
        counters = {key: Counter(*given, registry=made) for key, given in _COUNTERS.items()}
        histograms = {
            key: Histogram(name, text, labels, buckets=buckets, registry=made)
            for key, (name, text, labels, buckets) in _HISTOGRAMS.items()
        }
        for name, value in (("gauges", gauges), ("counters", counters), ("histograms", histograms)):
            object.__setattr__(self, name, value)

    def count_drain(self, report: PassReport, *, took_s: float) -> None:
        self.histograms["drains"].observe(took_s)
        for kind, count in report.kinds.items():
            for result in ("created", "updated", "waiting", "parked", "delayed", "unclaimed"):
                number = getattr(count, result)
                if number:
                    self.counters["items"].labels(stream=kind, result=result).inc(number)
        for kind, waits in report.waited.counts.items():
            waited = self.histograms["waits"].labels(stream=kind)
            for bound_s, number in waits.items():
                for _ in range(number):
                    waited.observe(bound_s)

    def count_webhook(self, answer: str) -> None:
        self.counters["webhooks"].labels(answer=answer).inc()

    def count_exchange(self, exchange: Exchange) -> None:
        self.counters["api_requests"].labels(api=exchange.side.value, code=exchange.code).inc()
        self.histograms["api_seconds"].labels(api=exchange.side.value).observe(exchange.took_s)

    def count_held_up(self, waited_s: float) -> None:
        """By the only rate limit there is, that of Stripe."""
        self.histograms["held_up"].labels(api="stripe").observe(waited_s)


def most_frequent(causes: Mapping[str, int]) -> dict[str, int]:
    """At most CAUSES_MAX of them by name, what is left together."""
    ordered = sorted(causes.items(), key=lambda item: (-item[1], item[0]))
    named = dict(ordered[:CAUSES_MAX])
    rest = sum(number for _, number in ordered[CAUSES_MAX:])
    return {**named, REST: named.get(REST, 0) + rest} if rest else named
