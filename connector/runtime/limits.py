"""Token buckets for calls to a remote system: one for all calls, one per endpoint.

Requests leave evenly spaced, oldest first, and never faster than the rate plus a small burst, so
that a server that counts the same way has nothing to refuse. An endpoint that is at its limit
holds back only its own requests. Where the server refuses some all the same (others use the account,
too), all requests leave more slowly for a while. May not know what the calls are.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.ports import Clock

#: The shortest wait: a waiter whose turn is due but who is not the oldest looks again after this.
_TICK_S = 0.001
#: A refusal doubles the distance between requests, up to this; refusals that follow each other at once are one.
_SLOWEST = 16.0
_SAME_REFUSAL_S = 1.0
#: The distance halves again in so many seconds without a refusal.
_RECOVERS_IN_S = 20.0


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

    def take(self, now_s: float, *, slower: float = 1.0) -> None:
        """`slower` is how many times the usual distance the next one keeps."""
        self._full_at_s = max(self._full_at_s, now_s) + self._interval_s * slower


@dataclass(slots=True, kw_only=True)
class _Queue:
    bucket: Bucket
    tickets: list[int] = field(default_factory=list)


def untold(_waited_s: float) -> None:
    """Nobody is told."""


class RateLimiter:
    """Shared by all threads that call one system. `waited` is told of each request that was held up, how long."""

    def __init__(
        self, *, total: Rate, per_endpoint: Rate, clock: Clock, waited: Callable[[float], None] = untold
    ) -> None:
        assert total.per_s > 0
        assert per_endpoint.per_s > 0
        self._per_endpoint = per_endpoint
        self._clock = clock
        self._waited = waited
        self._lock = threading.Lock()
        self._total = Bucket(total, now_s=clock.monotonic_s())
        self._queues: dict[str, _Queue] = {}
        self._tickets = count()
        self._slower = 1.0
        self._refused_at_s: float | None = None

    def slow_down(self) -> None:
        """The server refused a request for its number: all leave more slowly, and faster again by and by."""
        with self._lock:
            now_s = self._clock.monotonic_s()
            slower = self._slower_now(now_s)
            if self._refused_at_s is None or now_s - self._refused_at_s >= _SAME_REFUSAL_S:
                self._slower, self._refused_at_s = min(_SLOWEST, slower * 2), now_s

    def _slower_now(self, now_s: float) -> float:
        if self._refused_at_s is None:
            return 1.0
        return float(max(1.0, self._slower / 2 ** ((now_s - self._refused_at_s) / _RECOVERS_IN_S)))

    def acquire(self, endpoint: str) -> None:
        """Returns when one more request of `endpoint` may be sent."""
        queue, ticket = self._join(endpoint)
        began_s: float | None = None
        try:
            while (wait_s := self._try_take(queue, ticket)) > 0:
                began_s = self._clock.monotonic_s() if began_s is None else began_s
                self._clock.sleep(wait_s)
        except BaseException:
            # An interrupted waiter must not hold up those behind it.
            with self._lock:
                queue.tickets.remove(ticket)
            raise
        if began_s is not None:
            self._waited(self._clock.monotonic_s() - began_s)

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
            self._total.take(now_s, slower=self._slower_now(now_s))
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

    def slow_down(self) -> None:
        pass
