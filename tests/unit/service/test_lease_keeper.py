"""A lease is renewed in time, given back at the end, and its loss is told once."""

from __future__ import annotations

import itertools
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connector.core.errors import StoreBusy, Superseded
from connector.core.service import Lease
from connector.service.lease import Joint, LeaseKeeper, holding, take
from tests.support.clock import ManualClock
from tests.support.stores import open_new_store

AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LEASE = Lease(name="service", holder="host-a pid 1", epoch=3, taken_at=AT, expires_at=AT)
PATIENCE_S = 60


class FakeLeases:
    def __init__(self, *answers):
        self.answers = list(answers)
        self.renewals = threading.Semaphore(0)
        self.released: list[Lease] = []

    def renew(self, held, *, lease_s):
        del lease_s
        self.renewals.release()
        answer = self.answers.pop(0) if self.answers else held
        if isinstance(answer, Exception):
            raise answer
        return answer

    def release(self, held):
        self.released.append(held)


class AwayLeases(FakeLeases):
    """The database does not come back, however often it is asked meanwhile."""

    def renew(self, held, *, lease_s):
        super().renew(held, lease_s=lease_s)
        raise StoreBusy("busy")


def keeper_of(leases, *, times=(), lost=None):
    moments = iter(times)
    last = [0.0]

    def monotonic_s():
        last[0] = next(moments, last[0])
        return last[0]

    lost = lost if lost is not None else []
    return LeaseKeeper(leases, LEASE, lease_s=0.03, monotonic_s=monotonic_s, lost=lost.append)


class HeldLeases:
    """A lease of somebody else's, as it is found at each look; ours once nobody's is left."""

    def __init__(self, *found):
        self.found = list(found)

    def acquire(self, name, *, holder, lease_s):
        del lease_s
        if self.found:
            return self.found.pop(0)
        return replace(LEASE, name=name, holder=holder, epoch=LEASE.epoch + 1)


def taken_from(leases, *, lease_s=30, stop_at_s=None):
    """What `take` comes to, and how long it waited; waiting takes no time here."""
    waited_s = [0.0]

    def wait(seconds):
        waited_s[0] += seconds
        return stop_at_s is not None and waited_s[0] >= stop_at_s

    try:
        lease = take(
            leases, "service", holder="host-b pid 2", lease_s=lease_s, monotonic_s=lambda: waited_s[0], wait=wait
        )
    except Superseded as error:
        return str(error), waited_s[0]
    return lease, waited_s[0]


def test_one_that_is_free_is_taken_at_once():
    lease, waited_s = taken_from(HeldLeases())
    assert (lease.holder, waited_s) == ("host-b pid 2", 0)


def test_the_lease_of_a_killed_process_is_waited_for_until_it_runs_out():
    lease, waited_s = taken_from(HeldLeases(*[LEASE] * 30))
    assert (lease.holder, lease.epoch, waited_s) == ("host-b pid 2", 4, 30)


def test_one_whose_holder_gives_a_sign_of_life_is_refused_at_once_saying_who():
    renewed = replace(LEASE, expires_at=LEASE.expires_at + timedelta(seconds=10))
    told, waited_s = taken_from(HeldLeases(LEASE, LEASE, renewed))
    assert told == "this database is worked on by host-a pid 1, until 12:00:10 UTC at least"
    assert waited_s == 2


def test_a_lease_that_lasts_longer_than_ours_would_is_not_waited_for_to_its_end():
    told, waited_s = taken_from(HeldLeases(*[LEASE] * 1000), lease_s=3)
    assert "host-a pid 1" in told
    assert 3 <= waited_s <= 4


def test_who_is_told_to_stop_while_waiting_has_none():
    assert taken_from(HeldLeases(*[LEASE] * 30), stop_at_s=5) == (None, 5)


def test_it_is_renewed_again_and_again_and_given_back():
    leases = FakeLeases()
    keeper = keeper_of(leases)
    keeper.start()
    assert all(leases.renewals.acquire(timeout=PATIENCE_S) for _ in range(3))
    keeper.stop()
    assert leases.released == [LEASE]


def test_a_takeover_is_told_and_nothing_is_renewed_after_it():
    leases, lost = FakeLeases(None), []
    keeper = keeper_of(leases, lost=lost)
    keeper.start()
    keeper._thread.join(PATIENCE_S)
    assert lost == ["another process took the lease over"]
    assert leases.renewals.acquire(blocking=False)
    assert not leases.renewals.acquire(blocking=False)


def test_a_database_that_is_away_for_a_moment_is_no_loss():
    leases, lost = FakeLeases(StoreBusy("busy"), StoreBusy("busy")), []
    keeper = keeper_of(leases, times=(0.0, 0.01, 0.02), lost=lost)
    keeper.start()
    assert all(leases.renewals.acquire(timeout=PATIENCE_S) for _ in range(3))
    keeper.stop()
    assert lost == []


def test_one_that_is_away_until_the_lease_ran_out_is():
    leases, lost = AwayLeases(), []
    keeper = keeper_of(leases, times=(0.0, 0.01, 0.02), lost=lost)
    keeper.start()
    assert all(leases.renewals.acquire(timeout=PATIENCE_S) for _ in range(2))
    keeper._monotonic_s = lambda: 0.03
    keeper._watcher.join(PATIENCE_S)
    assert lost == ["the lease could not be renewed: busy"]


def test_a_renewal_that_never_comes_back_does_not_hide_that_the_lease_ran_out():
    """A network that swallows everything: no error, no answer."""
    answered, lost = threading.Event(), []

    class SilentLeases(FakeLeases):
        def renew(self, held, *, lease_s):
            super().renew(held, lease_s=lease_s)
            answered.wait(PATIENCE_S)
            return held

    leases = SilentLeases()
    keeper = keeper_of(leases, lost=lost)
    keeper.start()
    assert leases.renewals.acquire(timeout=PATIENCE_S)
    keeper._monotonic_s = lambda: 0.03
    keeper._watcher.join(PATIENCE_S)
    assert lost == ["the lease could not be renewed: the database does not answer"]
    # nor is the end held up: what is lost cannot be given back
    keeper.stop()
    assert leases.released == []
    answered.set()


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def leases(tmp_path, clock):
    store = open_new_store(tmp_path / "state.sqlite", clock=clock)
    yield store.leases
    store.close()


def held_by(leases, holder, **given):
    return holding(leases, "shard:0", holder=holder, lease_s=30, monotonic_s=lambda: 0.0, **given)


def test_a_piece_of_work_holds_its_lease_for_as_long_as_it_takes(leases, clock):
    with held_by(leases, "host-a pid 1") as mine:
        assert mine.lease.holder == "host-a pid 1"
        with held_by(leases, "host-b pid 2") as theirs:
            assert theirs is None
    with held_by(leases, "host-b pid 2") as theirs:
        assert theirs.lease.epoch == mine.lease.epoch + 1
    assert not mine.lost.is_set()


def test_processes_that_share_the_work_hold_one_lease_together_against_who_works_alone(leases, clock):
    together = Joint(leases)
    first = together.acquire("service", holder="together", lease_s=30)
    second = together.acquire("service", holder="together", lease_s=30)
    assert leases.acquire("service", holder="host-a pid 1", lease_s=30).holder == "together"
    clock.advance(timedelta(seconds=20))
    # each keeps it for all, whoever kept it last
    assert together.renew(first, lease_s=30).holder == together.renew(second, lease_s=30).holder == "together"
    clock.advance(timedelta(seconds=20))
    # the end of one is not the end of the others
    together.release(first)
    assert leases.acquire("service", holder="host-a pid 1", lease_s=30).holder == "together"
    clock.advance(timedelta(seconds=30))
    assert leases.acquire("service", holder="host-a pid 1", lease_s=30).holder == "host-a pid 1"
    assert together.renew(second, lease_s=30) is None


def test_one_that_may_lapse_is_taken_again_after_a_sleep():
    leases, lost = FakeLeases(), []
    moments = itertools.count(0, 1000)
    keeper = LeaseKeeper(
        leases, LEASE, lease_s=0.03, monotonic_s=lambda: next(moments), lost=lost.append, may_lapse=True
    )
    keeper.start()
    assert all(leases.renewals.acquire(timeout=PATIENCE_S) for _ in range(3))
    keeper.stop()
    assert lost == []
