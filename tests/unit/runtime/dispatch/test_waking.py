"""What was noticed is put into the queue behind who noticed it, and what nobody noticed is looked for."""

from __future__ import annotations

import threading

import pytest

from connector.core.errors import StoreAway
from connector.runtime.dispatch import waking as module
from connector.runtime.dispatch.waking import Waker

PATIENCE_S = 60


@pytest.fixture(autouse=True)
def nothing_is_kept_apart(monkeypatch):
    """But where it is what is tried."""
    monkeypatch.setattr(module, "APART_S", 0)


class Bench:
    def __init__(self, *, busy=(1, 3), look_every_s=None):
        self.put: list[int] = []
        self.was_put = threading.Semaphore(0)
        self.failures: list[str] = []
        self.busy = busy
        self.waker = Waker(
            busy=self._busy,
            put=self._put,
            failed=lambda error: self.failures.append(str(error)),
            look_every_s=look_every_s,
        )

    def _busy(self):
        if isinstance(self.busy, Exception):
            self.was_put.release()
            raise self.busy
        return self.busy

    def _put(self, shard):
        self.put.append(shard)
        self.was_put.release()

    def __enter__(self):
        self.waker.start()
        return self

    def __exit__(self, *_):
        self.waker.stop()

    def wait(self, number):
        assert all(self.was_put.acquire(timeout=PATIENCE_S) for _ in range(number))


def test_a_wake_up_puts_every_busy_shard():
    with Bench() as bench:
        bench.waker.wake()
        bench.wait(2)
        assert bench.put[:2] == [1, 3]


def test_woken_all_the_time_it_looks_now_and_then(monkeypatch):
    monkeypatch.setattr(module, "APART_S", 0.25)
    bench, waited = Bench(busy=(1,)), []

    class Passing(threading.Event):
        def wait(self, timeout=None):
            waited.append((len(bench.put), timeout))
            # webhooks come while it waits
            bench.waker.wake()
            if len(waited) == 3:
                self.set()
            return self.is_set()

    bench.waker._stopping = Passing()
    with bench:
        bench.waker.wake()
        bench.waker._thread.join(PATIENCE_S)
    assert waited[:3] == [(1, 0.25), (2, 0.25), (3, 0.25)]


def test_who_looks_by_itself_needs_no_wake_up():
    with Bench(look_every_s=0.001) as bench:
        bench.wait(6)


def test_what_was_noticed_before_the_end_is_put():
    bench = Bench()
    bench.waker.start()
    bench.waker.stop()
    assert bench.put == [1, 3]
    assert not bench.waker.is_alive()


def test_a_database_that_is_away_is_told_and_the_next_look_comes():
    with Bench(busy=StoreAway("out of reach")) as bench:
        bench.waker.wake()
        bench.wait(1)
        bench.busy = (2,)
        bench.waker.wake()
        bench.wait(1)
    assert bench.failures[0] == "out of reach"
    assert 2 in bench.put
