"""Token buckets: the permitted rate is used, never exceeded, and one endpoint does not hold up another."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from connector.runtime.limits import Rate, RateLimiter, Unlimited


class StepClock:
    def __init__(self) -> None:
        self.seconds = 0.0
        self._lock = threading.Lock()

    def now(self):
        return datetime(2026, 11, 21, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic_s(self):
        return self.seconds

    def sleep(self, seconds):
        with self._lock:
            self.seconds += seconds


class Server:
    """A token bucket as a server keeps it, of the given size."""

    def __init__(self, per_s, size):
        self.per_s, self.size, self.tokens, self.at_s = per_s, size, size, 0.0

    def accepts(self, now_s):
        self.tokens = min(self.size, self.tokens + (now_s - self.at_s) * self.per_s)
        self.at_s = now_s
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


def limiter(clock, *, total=100, per_endpoint=25, burst=2):
    return RateLimiter(
        total=Rate(per_s=total, burst=burst), per_endpoint=Rate(per_s=per_endpoint, burst=burst), clock=clock
    )


@pytest.mark.parametrize(("total", "endpoints"), [(25, 1), (25, 6), (100, 6), (100, 4)])
def test_at_least_95_percent_of_the_permitted_rate_without_one_refusal(total, endpoints):
    clock = StepClock()
    limits = limiter(clock, total=total)
    account = Server(total, size=2)
    operations = [Server(25, size=2) for _ in range(endpoints)]
    requests = total * 20
    for number in range(requests):
        endpoint = number % endpoints
        limits.acquire(f"POST /{endpoint}")
        assert account.accepts(clock.seconds)
        assert operations[endpoint].accepts(clock.seconds)
    permitted_per_s = min(total, 25 * endpoints)
    assert requests / clock.seconds >= 0.95 * permitted_per_s


@pytest.mark.parametrize("endpoints", [["a"] * 4, ["a", "b", "c", "d"]])
def test_after_a_pause_no_more_than_the_burst_leaves_at_once(endpoints):
    clock = StepClock()
    limits = limiter(clock, burst=3)
    limits.acquire("a")
    clock.sleep(3600)
    began_s = clock.seconds
    for endpoint in endpoints[:3]:
        limits.acquire(endpoint)
    assert clock.seconds == began_s
    limits.acquire(endpoints[3])
    assert clock.seconds > began_s


def test_an_endpoint_at_its_limit_does_not_use_up_the_rate_of_others():
    clock = StepClock()
    limits = limiter(clock, total=100, per_endpoint=1, burst=1)
    limits.acquire("slow")
    began_s = clock.seconds
    for number in range(50):
        limits.acquire(f"fast {number}")
    assert clock.seconds - began_s < 0.6


def test_threads_share_one_limit_and_each_request_is_let_through_once():
    clock = StepClock()
    limits = limiter(clock, total=100, per_endpoint=100)
    passed = Counter()

    def work(name):
        for _ in range(50):
            limits.acquire("GET /v1/invoices")
            passed[name] += 1

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert passed == dict.fromkeys(range(4), 50)
    assert clock.seconds >= 198 / 100


def test_the_oldest_waiter_goes_first_even_if_a_younger_one_looks_earlier():
    clock = StepClock()
    limits = limiter(clock, total=10, per_endpoint=10, burst=1)
    limits.acquire("a")
    old, young = limits._join("a"), limits._join("b")
    clock.sleep(1)
    assert limits._try_take(*young) > 0
    assert limits._try_take(*old) == 0
    clock.sleep(1)
    assert limits._try_take(*young) == 0


def test_an_interrupted_waiter_leaves_the_queue():
    clock = StepClock()
    limits = limiter(clock, total=1, per_endpoint=1, burst=1)
    limits.acquire("a")
    real_sleep = clock.sleep

    def interrupted(seconds):
        raise KeyboardInterrupt

    clock.sleep = interrupted
    with pytest.raises(KeyboardInterrupt):
        limits.acquire("a")
    clock.sleep = real_sleep
    limits.acquire("a")
    assert clock.seconds == pytest.approx(1, rel=0.05)


def test_without_a_limit_nothing_waits():
    assert Unlimited().acquire("GET /v1/events") is None


def _leave(limited, clock, number):
    """Seconds until so many requests of one endpoint have left."""
    started_s = clock.seconds
    for _ in range(number):
        limited.acquire("GET /v1/events")
    return clock.seconds - started_s


def test_a_refusal_by_number_slows_all_down_and_wears_off():
    """Others use the account, too: our own share of its rate is not known before it refuses."""
    clock = StepClock()
    limited = limiter(clock, total=25, per_endpoint=25)
    usual_s = _leave(limited, clock, 50)
    limited.slow_down()
    assert _leave(limited, clock, 50) > 1.5 * usual_s
    clock.seconds += 600
    _leave(limited, clock, 2)
    assert _leave(limited, clock, 50) == pytest.approx(usual_s, rel=0.1)


def test_refusals_of_one_moment_are_one_and_however_many_there_is_a_slowest():
    clock = StepClock()
    once, often = limiter(clock, total=25), limiter(clock, total=25)
    once.slow_down()
    for _ in range(8):
        often.slow_down()
    assert _leave(often, clock, 20) == pytest.approx(_leave(once, clock, 20), rel=0.2)
    for _ in range(100):
        clock.seconds += 1
        often.slow_down()
    assert _leave(often, clock, 20) <= 16 * 21 / (25 * 0.98)


def test_who_was_held_up_is_told_and_for_how_long():
    clock, waited = StepClock(), []
    limits = RateLimiter(
        total=Rate(per_s=100, burst=1, headroom=0),
        per_endpoint=Rate(per_s=10, burst=1, headroom=0),
        clock=clock,
        waited=waited.append,
    )
    limits.acquire("GET /a")
    limits.acquire("GET /a")
    clock.sleep(1)
    limits.acquire("GET /a")
    assert waited == [pytest.approx(0.1)]
