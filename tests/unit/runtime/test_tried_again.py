"""What the database or a system failed is tried again as long as it is worth it: a night's sweep is not lost to a minute
without one of them.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from connector.core.errors import QuotaSpent, Refused, StoreAway, Superseded, Throttled, Transient, Unreachable
from connector.core.model import Side
from connector.core.schedule import ScheduledJob, Work
from connector.runtime.moments import is_worth_another_try, wait_before_another_try_s
from connector.runtime.scheduler import Scheduler
from tests.support.clock import ManualClock
from tests.support.stores import open_new_store

AT_NIGHT = datetime(2026, 11, 22, 2, 20, tzinfo=UTC)
NIGHTLY = ScheduledJob(
    name="sweep", work=Work.SWEEP, every_s=None, cron="20 2 * * *", time_zone=ZoneInfo("UTC"), grace_s=21_600
)
AWAY = StoreAway("out of reach")
POLL = ScheduledJob(name="poll", work=Work.POLL, every_s=15, cron=None, time_zone=ZoneInfo("UTC"))


@pytest.fixture
def clock():
    return ManualClock(AT_NIGHT)


@pytest.fixture
def store(tmp_path, clock):
    store = open_new_store(tmp_path / "state.sqlite", clock=clock)
    yield store
    store.close()


def scheduler_of(store, clock, do, *, told=None, hand_on=None, job=NIGHTLY) -> Scheduler:
    told = [] if told is None else told
    made = Scheduler(
        [job],
        memory=store.schedule,
        clock=clock,
        holder="a",
        do=do,
        failed=lambda job, error: told.append((job.name, str(error))),
        hand_on=hand_on,
    )
    made.again_s = 0
    return made


def remote(kind):
    return kind("out of reach", side=Side.STRIPE, action="GET /v1/invoices")


def failing(times, *, then=None, error=AWAY):
    """Raises what a database does that is away, or another error, so many times."""
    left = [error] * times

    def do(*given):
        if left:
            raise left.pop()
        return then is None or then(*given)

    return do


def of_sweep(store):
    tick = store.schedule.load("sweep", AT_NIGHT)
    return None if tick is None else (tick["outcome"], tick["reason"])


def test_a_nightly_moment_the_database_failed_is_done_once_it_is_back(store, clock):
    done, told = [], []
    scheduler = scheduler_of(store, clock, failing(2, then=done.append), told=told)
    scheduler.keep("sweep", AT_NIGHT)
    assert (done, told) == ([NIGHTLY], [("sweep", "out of reach")] * 2)
    assert of_sweep(store) == ("done", None)


def test_a_nightly_moment_nobody_could_claim_is_claimed_later(store, clock):
    handed_on = []
    scheduler = scheduler_of(
        store, clock, None, hand_on=failing(2, then=lambda *given: handed_on.append(given) or True)
    )
    scheduler.keep("sweep", AT_NIGHT)
    assert len(handed_on) == 1


def test_a_claim_whose_answer_was_lost_is_ours_where_we_are_alone(store, clock):
    store.schedule.claim("sweep", AT_NIGHT, holder="a")
    done = []
    scheduler_of(store, clock, done.append).keep("sweep", AT_NIGHT, is_ours=True)
    assert done == [NIGHTLY]
    # and is not done again once it came to its end
    scheduler_of(store, clock, done.append).keep("sweep", AT_NIGHT, is_ours=True)
    assert done == [NIGHTLY]


def test_a_moment_the_database_fails_for_longer_than_its_grace_has_failed(store, clock):

    def away(_job):
        clock.advance(timedelta(hours=2))
        raise StoreAway("out of reach")

    told = []
    scheduler_of(store, clock, away, told=told).keep("sweep", AT_NIGHT)
    # after two, four and six hours, which is its grace, it is tried again
    assert len(told) == 4
    assert of_sweep(store) == ("failed", "out of reach")


def test_a_poll_the_database_failed_is_left_to_the_next_one(store, clock):
    told = []
    scheduler_of(store, clock, failing(1), told=told, job=POLL).keep("poll", AT_NIGHT)
    assert told == [("poll", "out of reach")]
    assert store.schedule.load("poll", AT_NIGHT)["outcome"] == "failed"


def test_one_that_is_taken_over_is_not_tried_again(store, clock):
    tried = []

    def taken_over(_job):
        tried.append(True)
        raise Superseded("held by host-b now")

    scheduler_of(store, clock, taken_over).keep("sweep", AT_NIGHT)
    assert len(tried) == 1
    assert of_sweep(store) == (None, None)


def test_a_clock_that_is_told_to_stop_tries_nothing_again(store, clock):
    tried = []

    def away(_job):
        tried.append(True)
        scheduler._stopping.set()
        raise StoreAway("out of reach")

    scheduler = scheduler_of(store, clock, away)
    scheduler.keep("sweep", AT_NIGHT)
    assert len(tried) == 1
    # so that the next start finds it unfinished
    assert of_sweep(store) == (None, None)


@pytest.mark.parametrize("kind", [Transient, Unreachable, Throttled])
def test_a_nightly_moment_a_system_failed_is_done_once_it_is_back(store, clock, kind):
    done, told = [], []
    scheduler = scheduler_of(store, clock, failing(2, then=done.append, error=remote(kind)), told=told)
    scheduler.keep("sweep", AT_NIGHT)
    assert (done, told) == ([NIGHTLY], [("sweep", str(remote(kind)))] * 2)
    assert of_sweep(store) == ("done", None)


@pytest.mark.parametrize("kind", [Refused, QuotaSpent])
def test_what_another_try_does_not_mend_has_failed(store, clock, kind):
    told = []
    scheduler_of(store, clock, failing(1, error=remote(kind)), told=told).keep("sweep", AT_NIGHT)
    assert (told, of_sweep(store)) == ([("sweep", str(remote(kind)))], ("failed", str(remote(kind))))


def test_a_system_that_is_away_for_longer_than_the_grace_has_failed_it(store, clock):
    def away(_job):
        clock.advance(timedelta(hours=2))
        raise remote(Unreachable)

    told = []
    scheduler_of(store, clock, away, told=told).keep("sweep", AT_NIGHT)
    assert len(told) == 4
    assert of_sweep(store) == ("failed", str(remote(Unreachable)))


def test_a_poll_a_system_failed_is_left_to_the_next_one(store, clock):
    told = []
    scheduler_of(store, clock, failing(1, error=remote(Transient)), told=told, job=POLL).keep("poll", AT_NIGHT)
    assert len(told) == 1
    assert store.schedule.load("poll", AT_NIGHT)["outcome"] == "failed"


def test_who_asked_for_it_is_told_at_once_that_a_system_failed_it(store, clock):
    clock.advance(timedelta(minutes=5))
    asked = store.schedule.ask_for("sweep", by="ops")
    clock.advance(timedelta(seconds=3))
    scheduler_of(store, clock, failing(1, error=remote(Transient))).look_for_asked()
    assert store.schedule.load("sweep", asked)["outcome"] == "failed"


def test_a_system_is_left_alone_longer_than_the_database():
    assert wait_before_another_try_s(AWAY, 60) == 60
    assert wait_before_another_try_s(remote(Transient), 60) == 600


@pytest.mark.parametrize(
    ("job", "late_s", "is_worth"),
    [
        pytest.param(NIGHTLY, 60, True, id="its grace lasts"),
        pytest.param(NIGHTLY, 21_601, False, id="its grace is over"),
        pytest.param(replace(NIGHTLY, jitter_s=600), 22_200, True, id="it was put off itself"),
        pytest.param(POLL, 0, False, id="the next one is near"),
    ],
)
def test_another_try_is_worth_it_while_nothing_else_makes_up_for_it(job, late_s, is_worth):
    now = AT_NIGHT + timedelta(seconds=late_s)
    assert is_worth_another_try(job, AT_NIGHT, AWAY, now=now) is is_worth
    assert is_worth_another_try(job, AT_NIGHT, remote(Transient), now=now) is is_worth
    assert not is_worth_another_try(job, AT_NIGHT, ValueError("a bug of ours"), now=now)
