"""Token buckets for calls to a remote system: one for all calls, one per endpoint.

Requests leave evenly spaced, oldest first, and never faster than the rate plus a small burst, so
that a server that counts the same way has nothing to refuse. An endpoint that is at its limit
holds back only its own requests. May not know what the calls are.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connector.ports import Clock

#: The shortest wait: a waiter whose turn is due but who is not the oldest looks again after this.
_TICK_S = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """`headroom` is the share of the permitted rate left unused: arrival times jitter on the way."""

    per_s: float
    #: how many requests may follow each other at once after a pause
    burst: int = 2
    headroom: float = 0.02

    @property
    def interval_s(self) -> float:
        return 1 / (self.per_s * (1 - self.headroom))


class Bucket:
    """When the next request may leave. Not safe for threads by itself."""

    def __init__(self, rate: Rate, *, now_s: float) -> None:
        self._interval_s = rate.interval_s
        self._tolerance_s = (rate.burst - 1) * rate.interval_s
        #: when the bucket will be full again
        self._full_at_s = now_s

    def wait_s(self, now_s: float) -> float:
        """Seconds until the next request may leave; 0 when it may leave now."""
        return max(0.0, self._full_at_s - self._tolerance_s - now_s)

    def take(self, now_s: float) -> None:
        self._full_at_s = max(self._full_at_s, now_s) + self._interval_s


@dataclass(slots=True, kw_only=True)
class _Queue:
    bucket: Bucket
    tickets: list[int] = field(default_factory=list)


class RateLimiter:
    """Shared by all threads that call one system."""

    def __init__(self, *, total: Rate, per_endpoint: Rate, clock: Clock) -> None:
        assert total.per_s > 0
        assert per_endpoint.per_s > 0
        self._per_endpoint = per_endpoint
        self._clock = clock
        self._lock = threading.Lock()
        self._total = Bucket(total, now_s=clock.monotonic_s())
        self._queues: dict[str, _Queue] = {}
        self._tickets = count()

    def acquire(self, endpoint: str) -> None:
        """Returns when one more request of `endpoint` may be sent."""
        queue, ticket = self._join(endpoint)
        try:
            while (wait_s := self._try_take(queue, ticket)) > 0:
                self._clock.sleep(wait_s)
        except BaseException:
            # An interrupted waiter must not hold up those behind it.
            with self._lock:
                queue.tickets.remove(ticket)
            raise

    def _join(self, endpoint: str) -> tuple[_Queue, int]:
        """A place behind everybody who came before."""
        with self._lock:
            queue = self._queues.get(endpoint)
            if queue is None:
                queue = _Queue(bucket=Bucket(self._per_endpoint, now_s=self._clock.monotonic_s()))
                self._queues[endpoint] = queue
            ticket = next(self._tickets)
            queue.tickets.append(ticket)
            return queue, ticket

    def _try_take(self, queue: _Queue, ticket: int) -> float:
        """Takes a token and returns 0, or says how long to wait before asking again."""
        with self._lock:
            now_s = self._clock.monotonic_s()
            wait_s = max(queue.bucket.wait_s(now_s), self._total.wait_s(now_s))
            if wait_s > 0:
                return max(wait_s, _TICK_S)
            if ticket != self._oldest_ready(now_s):
                return _TICK_S
            queue.tickets.remove(ticket)
            queue.bucket.take(now_s)
            self._total.take(now_s)
            return 0.0

    def _oldest_ready(self, now_s: float) -> int:
        """The oldest request whose endpoint lets it leave; those of a spent endpoint do not block others."""
        return min(
            queue.tickets[0] for queue in self._queues.values() if queue.tickets and queue.bucket.wait_s(now_s) <= 0
        )


class Unlimited:
    """No limit at all: for a benchmark against the sandbox, whose own limiter is off."""

    def acquire(self, endpoint: str) -> None:
        del endpoint
