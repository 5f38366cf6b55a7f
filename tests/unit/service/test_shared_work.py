"""What a process does with what it took from the queue: under a lease, and what does not end is put back."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest

from connector.core.brake import TrippedBrake
from connector.core.errors import Braked, Interrupted, StoreAway, Superseded, Unreachable
from connector.core.model import Side
from connector.service.shared_work import SharedWork, drain_of, tick_of
from tests.support.clock import ManualClock
from tests.support.stores import open_new_store

LEASE_S = 30.0
AGAIN_S = 0.01
HERE, THERE = "host-a pid 1", "host-b pid 2"


class Queue:
    """What was put back."""

    def __init__(self):
        self.put_back = []
        #: what happens at the next times, before it takes anything
        self.script = []

    def put(self, job):
        answer = self.script.pop(0) if self.script else True
        if isinstance(answer, BaseException):
            raise answer
        if answer:
            self.put_back.append(job)
        return answer


class Store:
    """A real one but for its queue, which a file has not."""

    def __init__(self, store):
        self._store = store
        self.queue = Queue()

    def __getattr__(self, name):
        return getattr(self._store, name)


class Jobs:
    """Drains by a script: what `drain` answers or raises, one after the other."""

    def __init__(self, *script):
        self.script = list(script)
        self.may_write = True
        self.looks = 0
        self.done = []
        self.store = None

    def look(self):
        self.looks += 1
        self.may_write = True

    def under(self, store, *, stop):
        self.store, self.stop = store, stop
        return self

    def drain(self, shard):
        self.done.append(shard)
        answer = self.script.pop(0) if self.script else False
        if isinstance(answer, BaseException):
            raise answer
        return answer() if callable(answer) else answer

    def do(self, job):
        self.done.append(job)


class Moments:
    """A scheduler that performs by a script."""

    names = frozenset({"poll"})

    def __init__(self, failure=None):
        self.failure = failure
        self.performed = []
        self.tries_left = 9
        self.given_up = []

    def is_worth_another_try(self, _name, _due_at, _error):
        self.tries_left -= 1
        return self.tries_left >= 0

    def give_up(self, name, due_at, error):
        self.given_up.append((name, due_at, str(error)))

    def perform(self, name, due_at, *, do):
        if self.failure is not None:
            raise self.failure
        do(name)
        self.performed.append((name, due_at))


class Bench:
    def __init__(self, store, jobs, moments=None):
        self.clock = ManualClock()
        self.store, self.jobs, self.woken = Store(store), jobs, []
        self.moments = moments or Moments()
        self.work = SharedWork(
            jobs=jobs,
            scheduler=self.moments,
            store=self.store,
            clock=self.clock,
            holder=HERE,
            lease_s=LEASE_S,
            stopping=threading.Event(),
            wake=lambda: self.woken.append(True),
            again_s=AGAIN_S,
        )

    @property
    def put_back(self):
        return self.store.queue.put_back

    def in_s(self, seconds):
        return self.clock.now() + timedelta(seconds=seconds)


@pytest.fixture
def store(tmp_path):
    made = open_new_store(tmp_path / "state.sqlite", clock=ManualClock())
    yield made
    made.close()


def lease_of(store, name):
    return next((lease for lease in store.leases.load() if lease.name == name), None)


def test_a_shard_is_drained_under_its_own_lease_which_is_given_back(store):
    held = []
    jobs = Jobs(lambda: held.append(lease_of(store, "shard:3")) or False)
    bench = Bench(store, jobs)
    bench.work.drain(shard=3)
    assert held[0].holder == HERE
    assert held[0].expires_at == bench.in_s(LEASE_S)
    assert lease_of(store, "shard:3").expires_at == bench.clock.now()
    assert (jobs.done, bench.put_back) == ([3], [])


def test_what_was_written_wakes_whoever_waited_for_it_and_is_looked_at_until_it_rests(store):
    bench = Bench(store, Jobs(True, True, False))
    bench.work.drain(shard=0)
    assert (bench.jobs.done, len(bench.woken)) == ([0, 0, 0], 2)


def test_a_shard_with_no_end_to_it_goes_back_for_whoever_is_free(store):
    bench = Bench(store, Jobs())
    bench.jobs.script = [lambda: bench.clock.advance(timedelta(seconds=2)) or True] * 9
    bench.work.drain(shard=0)
    assert bench.put_back == [drain_of(0)]
    assert len(bench.jobs.done) == 3


def test_one_that_somebody_alive_is_draining_is_left_to_him(store):
    store.leases.acquire("shard:0", holder=THERE, lease_s=LEASE_S)
    bench = Bench(store, Jobs())
    bench.work.drain(shard=0)
    assert bench.jobs.done == []
    assert bench.put_back == [drain_of(0, at=bench.in_s(LEASE_S / 3))]


def test_who_was_taken_over_writes_nothing_and_begins_nothing_at_once(store):
    bench = Bench(store, Jobs())

    def taken_over():
        mine = lease_of(store, "shard:0")
        store.leases.release(mine)
        store.leases.acquire("shard:0", holder=THERE, lease_s=LEASE_S)
        bench.jobs.store.save_note("late", "news")

    bench.jobs.script = [taken_over]
    bench.work.drain(shard=0)
    assert store.load_note("late") is None
    assert bench.put_back == [drain_of(0, at=bench.in_s(LEASE_S))]
    assert bench.work.troubles() == {}


def test_one_that_is_told_to_stop_goes_back_at_once(store):
    bench = Bench(store, Jobs(Interrupted("draining")))
    bench.work.drain(shard=0)
    assert bench.put_back == [drain_of(0)]


def test_failures_are_waited_out_longer_and_longer_and_named_until_it_goes_well(store):
    bench = Bench(store, Jobs(RuntimeError("Salesforce 503"), RuntimeError("Salesforce 503"), False))
    bench.work.drain(shard=0)
    assert bench.work.troubles() == {0: "Salesforce 503"}
    # woken meanwhile
    bench.work.drain(shard=0)
    assert bench.put_back == [drain_of(0, at=bench.in_s(5)), drain_of(0, at=bench.in_s(5))]
    assert len(bench.jobs.done) == 1
    bench.clock.advance(timedelta(seconds=5))
    bench.work.drain(shard=0)
    assert bench.put_back[-1] == drain_of(0, at=bench.in_s(15))
    bench.clock.advance(timedelta(seconds=15))
    bench.work.drain(shard=0)
    assert bench.work.troubles() == {}


def test_nothing_is_written_before_the_systems_were_looked_at_once(store):
    bench = Bench(store, Jobs())
    bench.jobs.may_write = False
    bench.work.drain(shard=0)
    bench.work.drain(shard=1)
    assert (bench.jobs.looks, bench.jobs.done) == (1, [0, 1])


def test_while_a_brake_is_on_nobody_looks_either(store):
    tripped = TrippedBrake(
        name="mass_void", subject="", tripped_at=ManualClock().now(), observed="40 voids", allowed="10", plan={}
    )
    store.brakes.trip([tripped])
    bench = Bench(store, Jobs())
    bench.jobs.may_write = False
    with pytest.raises(Braked, match="40 voids"):
        bench.work.look_first()
    assert bench.jobs.looks == 0
    store.brakes.release("mass_void", "", by="ann", reason="wanted", at=bench.clock.now())
    bench.work.look_first()
    assert bench.jobs.looks == 1


DUE = datetime.fromisoformat("2026-11-02T09:00:00+00:00")


def test_a_moment_is_kept_under_its_own_lease(store):
    bench = Bench(store, Jobs())
    bench.work.tick(job="poll", due_at=DUE.isoformat())
    assert bench.moments.performed == [("poll", DUE)]
    assert bench.jobs.done == ["poll"]
    assert lease_of(store, "tick:poll").holder == HERE


def test_a_moment_that_did_not_end_goes_back_whole(store):
    bench = Bench(store, Jobs(), Moments(Interrupted("the sweep waited")))
    bench.work.tick(job="poll", due_at=DUE.isoformat())
    assert bench.put_back == [tick_of("poll", DUE)]


def test_a_moment_that_somebody_alive_is_at_comes_again_when_he_may_be_gone(store):
    store.leases.acquire("tick:poll", holder=THERE, lease_s=LEASE_S)
    bench = Bench(store, Jobs())
    bench.work.tick(job="poll", due_at=DUE.isoformat())
    assert bench.put_back == [tick_of("poll", DUE, at=bench.in_s(LEASE_S / 3))]


@pytest.mark.parametrize("failure", [Superseded("held by host-b now")])
def test_a_moment_that_was_taken_over_is_the_others(store, failure):
    bench = Bench(store, Jobs(), Moments(failure))
    bench.work.tick(job="poll", due_at=DUE.isoformat())
    assert bench.put_back == []


def test_a_job_of_another_schedule_is_left_out(store):
    bench = Bench(store, Jobs())
    bench.work.tick(job="sweep", due_at=DUE.isoformat())
    assert (bench.moments.performed, bench.put_back) == ([], [])


AWAY = StoreAway("out of reach")


def test_a_moment_the_database_failed_is_put_back_for_whoever_is_there_later(store):
    bench = Bench(store, Jobs(), Moments(AWAY))
    bench.work.tick(job="poll", due_at=DUE.isoformat())
    assert bench.put_back == [tick_of("poll", DUE, at=bench.in_s(AGAIN_S))]
    assert bench.moments.given_up == []


def test_a_moment_a_system_failed_is_put_back_for_later_still(store):
    failed = Unreachable("out of reach", side=Side.STRIPE, action="GET /v1/invoices")
    bench = Bench(store, Jobs(), Moments(failed))
    bench.work.tick(job="poll", due_at=DUE.isoformat())
    assert bench.put_back == [tick_of("poll", DUE, at=bench.in_s(10 * AGAIN_S))]


def test_it_is_put_back_as_soon_as_the_database_takes_it(store):
    bench = Bench(store, Jobs(), Moments(AWAY))
    bench.store.queue.script = [AWAY, AWAY]
    bench.work.tick(job="poll", due_at=DUE.isoformat())
    assert bench.put_back == [tick_of("poll", DUE, at=bench.in_s(AGAIN_S))]


def test_it_has_failed_once_no_try_is_worth_it(store):
    bench = Bench(store, Jobs(), Moments(AWAY))
    bench.moments.tries_left = 2
    bench.store.queue.script = [AWAY, AWAY]
    bench.work.tick(job="poll", due_at=DUE.isoformat())
    assert (bench.put_back, bench.moments.given_up) == ([], [("poll", DUE, "out of reach")])


def test_it_is_left_to_a_later_one_that_waits_already(store):
    bench = Bench(store, Jobs(), Moments(AWAY))
    bench.store.queue.script = [False]
    bench.work.tick(job="poll", due_at=DUE.isoformat())
    assert (bench.put_back, bench.moments.given_up) == ([], [("poll", DUE, "out of reach")])


def test_a_process_that_is_told_to_stop_leaves_it_at_work_to_be_put_back(store):
    bench = Bench(store, Jobs(), Moments(AWAY))
    bench.store.queue.script = [AWAY]
    bench.work.stopping.set()
    bench.work.tick(job="poll", due_at=DUE.isoformat())
    assert (bench.put_back, bench.moments.given_up) == ([], [])
