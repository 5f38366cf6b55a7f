"""Shards work side by side: a slow or failing one is nobody else's matter."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from connector.core.errors import Interrupted, StoreBusy, Superseded
from connector.runtime.dispatch import embedded as module
from connector.runtime.dispatch.embedded import ShardWorkers
from tests.support.clock import ManualClock

PATIENCE_S = 60


@pytest.fixture(autouse=True)
def nothing_is_kept_apart(monkeypatch):
    """But where it is what is tried."""
    monkeypatch.setattr(module, "APART_S", 0)


class Bench:
    def __init__(self, drain, numbers=(0, 1), busy=lambda: (0, 1), clock=None):
        self.failures: list[tuple[int, str]] = []
        self.lost = threading.Event()
        self.workers = ShardWorkers(
            numbers,
            drain=drain,
            busy=busy,
            failed=lambda number, error: self.failures.append((number, str(error))),
            lost=self.lost.set,
            clock=clock or ManualClock(),
        )

    def __enter__(self):
        self.workers.start()
        return self

    def __exit__(self, *_):
        self.workers.stop()


def test_every_shard_looks_at_the_start_and_when_it_is_woken(monkeypatch):
    monkeypatch.setattr(module, "LOOK_EVERY_S", 3600)
    looked = {number: threading.Semaphore(0) for number in (0, 1)}

    def drain(number):
        looked[number].release()
        return False

    with Bench(drain) as bench:
        assert all(each.acquire(timeout=PATIENCE_S) for each in looked.values())
        bench.workers.wake()
        assert all(each.acquire(timeout=PATIENCE_S) for each in looked.values())


def test_it_looks_by_itself_for_what_was_held_back(monkeypatch):
    monkeypatch.setattr(module, "LOOK_EVERY_S", 0.01)
    looks = threading.Semaphore(0)
    with Bench(lambda _number: looks.release() or False, numbers=(0,)):
        assert all(looks.acquire(timeout=PATIENCE_S) for _ in range(3))


def test_a_look_that_finds_nothing_is_no_drain(monkeypatch):
    monkeypatch.setattr(module, "LOOK_EVERY_S", 0.01)
    looks, drained = threading.Semaphore(0), []
    with Bench(drained.append, numbers=(0,), busy=lambda: looks.release() or (1,)):
        assert all(looks.acquire(timeout=PATIENCE_S) for _ in range(3))
    assert drained == [0], "at the start"


def test_a_look_that_fails_is_left_to_the_drain_to_tell(monkeypatch):
    monkeypatch.setattr(module, "LOOK_EVERY_S", 0.01)
    drains = threading.Semaphore(0)

    def busy():
        raise StoreBusy("the database is locked")

    with Bench(lambda _number: drains.release() or False, numbers=(0,), busy=busy):
        assert all(drains.acquire(timeout=PATIENCE_S) for _ in range(2))


def test_one_with_more_to_do_goes_on_at_once(monkeypatch):
    monkeypatch.setattr(module, "LOOK_EVERY_S", 3600)
    left, done = [3], threading.Event()

    def drain(_number):
        left[0] -= 1
        if left[0] == 0:
            done.set()
        return left[0] > 0

    with Bench(drain, numbers=(0,)):
        assert done.wait(PATIENCE_S)


class Passing(threading.Event):
    """An event nobody waits for: what is waited passes on the clock, and is written down."""

    def __init__(self, clock):
        super().__init__()
        self._clock = clock
        self.waited = []

    def wait(self, timeout=None):
        if not self.is_set():
            self.waited.append(round(timeout, 6))
            self._clock.advance(timedelta(seconds=timeout))
        return self.is_set()


def drained_by_wakes(monkeypatch, *, took_s, again=False):
    """What a shard waits that is woken while it drains, three times; when each drain began."""
    monkeypatch.setattr(module, "APART_S", 0.5)
    monkeypatch.setattr(module, "LOOK_EVERY_S", 3600)
    clock, began, done = ManualClock(), [], threading.Event()

    def drain(_number):
        began.append(clock.monotonic_s())
        clock.advance(timedelta(seconds=took_s))
        bench.workers.wake()
        if len(began) == 3:
            bench.workers._stopping.set()
            done.set()
        return again

    bench = Bench(drain, numbers=(0,), clock=clock)
    bench.workers._stopping = Passing(clock)
    with bench:
        assert done.wait(PATIENCE_S)
    return bench.workers._stopping.waited, began


def test_what_comes_soon_after_a_drain_began_is_looked_at_together(monkeypatch):
    assert drained_by_wakes(monkeypatch, took_s=0.2) == ([0.3, 0.3], [0.0, 0.5, 1.0])


def test_a_drain_that_took_its_time_is_followed_at_once(monkeypatch):
    assert drained_by_wakes(monkeypatch, took_s=0.7) == ([], [0.0, 0.7, 1.4])


def test_a_drain_that_found_more_to_do_is_followed_at_once(monkeypatch):
    assert drained_by_wakes(monkeypatch, took_s=0.2, again=True) == ([], [0.0, 0.2, 0.4])


def test_a_slow_shard_does_not_delay_the_others():
    may_end, others = threading.Event(), threading.Event()

    def drain(number):
        if number == 0:
            may_end.wait(PATIENCE_S)
        else:
            others.set()
        return False

    with Bench(drain):
        assert others.wait(PATIENCE_S)
        may_end.set()


def test_a_failure_is_told_named_and_waited_out_and_forgotten_when_it_goes_well(monkeypatch):
    monkeypatch.setattr(module, "_WAITS_S", (0.001,))
    monkeypatch.setattr(module, "LOOK_EVERY_S", 0.001)
    healed, went_well = threading.Event(), threading.Semaphore(0)
    failed = threading.Semaphore(0)

    def drain(_number):
        if not healed.is_set():
            failed.release()
            raise RuntimeError("Salesforce 503")
        went_well.release()
        return False

    with Bench(drain, numbers=(3,), busy=lambda: (3,)) as bench:
        assert all(failed.acquire(timeout=PATIENCE_S) for _ in range(3))
        assert bench.workers.troubles() == {3: "Salesforce 503"}
        assert bench.failures[0] == (3, "Salesforce 503")
        healed.set()
        assert all(went_well.acquire(timeout=PATIENCE_S) for _ in range(2))
        assert bench.workers.troubles() == {}


def test_who_lost_the_lease_says_so_and_writes_no_more():
    calls = []

    def drain(number):
        calls.append(number)
        raise Superseded("held by host-b now")

    with Bench(drain, numbers=(0,)) as bench:
        assert bench.lost.wait(PATIENCE_S)
        bench.workers._threads[0].join(PATIENCE_S)
        bench.workers.wake()
        assert not bench.workers.is_alive()
    assert calls == [0]


def test_a_shard_that_was_told_to_stop_ends():
    def drain(_number):
        raise Interrupted("draining")

    bench = Bench(drain)
    bench.workers.start()
    for thread in bench.workers._threads:
        thread.join(PATIENCE_S)
    assert not bench.workers.is_alive()
    assert bench.failures == []


def test_stopping_waits_for_the_drain_under_way():
    began, may_end, ended = threading.Event(), threading.Event(), []

    def drain(_number):
        began.set()
        may_end.wait(PATIENCE_S)
        ended.append(True)
        return True

    bench = Bench(drain, numbers=(0,))
    bench.workers.start()
    assert began.wait(PATIENCE_S)
    stopper = threading.Thread(target=bench.workers.stop)
    stopper.start()
    # told to: who is not drains what more there is first
    assert bench.workers._stopping.wait(PATIENCE_S)
    assert ended == []
    may_end.set()
    stopper.join(PATIENCE_S)
    assert ended == [True]


@pytest.mark.parametrize("numbers", [(), (0,), range(16)])
def test_any_number_of_shards(numbers):
    with Bench(lambda _number: False, numbers=numbers) as bench:
        assert bench.workers.is_alive()
