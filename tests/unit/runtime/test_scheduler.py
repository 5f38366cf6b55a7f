"""A moment is claimed, put off, skipped or done, and its end is stored; the clock itself never stops for a job."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from connector.core.errors import Interrupted, StoreAway, Superseded
from connector.core.schedule import ScheduledJob, Work
from connector.core.service import Pause
from connector.runtime.clock import SystemClock
from connector.runtime.moments import missed_moment, next_moment
from connector.runtime.scheduler import Scheduler
from connector.store import open_store
from tests.support.clock import ManualClock

DUE = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
JOB = ScheduledJob(name="poll", work=Work.POLL, every_s=15, cron=None, time_zone=ZoneInfo("UTC"))


@pytest.fixture
def clock():
    return ManualClock(DUE)


@pytest.fixture
def store(tmp_path, clock):
    store = open_store(f"sqlite:///{tmp_path}/state.sqlite", clock=clock)
    yield store
    store.close()


def scheduler_of(store, clock, do, *, holder="a", told=None, hand_on=None) -> Scheduler:
    told = [] if told is None else told
    return Scheduler(
        [JOB],
        memory=store.schedule,
        clock=clock,
        holder=holder,
        do=do,
        failed=lambda job, error: told.append((job.name, str(error))),
        hand_on=hand_on,
    )


def run_until(done, job, store):
    """A real clock with this job, until it was done."""
    scheduler = Scheduler(
        [job],
        memory=store.schedule,
        clock=SystemClock(),
        holder="a",
        do=lambda _job: done.set(),
        failed=lambda *_: None,
    )
    scheduler.start()
    try:
        assert done.wait(60)
    finally:
        scheduler.stop()


def last(store):
    tick = store.schedule.load_last()["poll"]
    return tick["outcome"], tick["reason"]


def test_a_moment_is_done_once_however_many_clocks_saw_it(store, clock):
    done = []
    for holder in "abc":
        scheduler_of(store, clock, done.append, holder=holder).moment_came("poll", DUE)
    assert done == [JOB]
    assert last(store) == ("done", None)


def test_a_job_that_fails_is_told_and_the_next_moment_comes(store, clock):
    told = []

    def fail(_job):
        raise RuntimeError("Salesforce 503")

    scheduler = scheduler_of(store, clock, fail, told=told)
    scheduler.moment_came("poll", DUE)
    assert told == [("poll", "Salesforce 503")]
    assert last(store) == ("failed", "Salesforce 503")
    clock.advance(timedelta(seconds=15))
    scheduler.moment_came("poll", clock.now())
    assert len(told) == 2


def test_a_paused_job_says_who_paused_it(store, clock):
    done = []
    store.schedule.pause(Pause(subject="poll", reason="release", person="ann", since=DUE))
    scheduler_of(store, clock, done.append).moment_came("poll", DUE)
    assert done == []
    assert last(store) == ("paused", "paused by ann: release")


def test_a_moment_within_its_grace_is_made_up_for_and_a_later_one_is_not(store, clock):
    done = []
    scheduler = scheduler_of(store, clock, done.append)
    clock.advance(timedelta(seconds=60))
    scheduler.moment_came("poll", DUE)
    assert done == [JOB]
    clock.advance(timedelta(seconds=16))
    scheduler.moment_came("poll", DUE + timedelta(seconds=15))
    assert done == [JOB]
    assert last(store) == ("missed", "61 s late, more than grace_s: 60")


def test_a_moment_that_is_handed_on_is_not_done_here_and_one_of_all_clocks_hands_it_on(store, clock):
    done, handed_on = [], []

    def hand_on(job, due_at, tx):
        assert tx.scope_id
        handed_on.append((job.name, due_at))
        return True

    for holder in "ab":
        scheduler_of(store, clock, done.append, holder=holder, hand_on=hand_on).moment_came("poll", DUE)
    assert (done, handed_on) == ([], [("poll", DUE)])
    # how it ends is told by whoever performs it
    assert last(store) == (None, None)
    scheduler_of(store, clock, done.append, holder="worker").perform("poll", DUE)
    assert done == [JOB]
    assert last(store) == ("done", None)


def test_a_moment_whose_predecessor_still_waits_for_a_worker_is_skipped(store, clock):
    scheduler_of(store, clock, None, hand_on=lambda *_: False).moment_came("poll", DUE)
    assert last(store) == ("skipped", "the moment before still waits for a worker")


def test_what_cannot_be_handed_on_is_not_claimed_either(store, clock):
    def away(*_):
        raise StoreAway("out of reach")

    with pytest.raises(StoreAway):
        scheduler_of(store, clock, None, hand_on=away).moment_came("poll", DUE)
    handed_on = []
    scheduler_of(store, clock, None, holder="b", hand_on=lambda *given: handed_on.append(given) or True).moment_came(
        "poll", DUE
    )
    assert len(handed_on) == 1


def test_a_paused_or_missed_moment_is_not_handed_on(store, clock):
    handed_on = []
    scheduler = scheduler_of(store, clock, None, hand_on=lambda *given: handed_on.append(given) or True)
    store.schedule.pause(Pause(subject="poll", reason="release", person="ann", since=DUE))
    scheduler.moment_came("poll", DUE)
    assert last(store)[0] == "paused"
    store.schedule.unpause("poll", by="ann")
    scheduler.moment_came("poll", DUE - timedelta(minutes=5))
    assert handed_on == []


def test_a_moment_that_was_told_to_stop_has_not_been_done(store, clock):
    def stopped(_job):
        raise Interrupted("the sweep waited")

    told = []
    scheduler = scheduler_of(store, clock, stopped, told=told)
    scheduler.moment_came("poll", DUE)
    assert (last(store), told) == (("stopped", "the sweep waited"), [])
    with pytest.raises(Interrupted):
        scheduler.perform("poll", DUE)


def test_a_moment_that_was_taken_over_is_ended_by_who_took_it(store, clock):
    def superseded(_job):
        raise Superseded("held by host-b now")

    scheduler = scheduler_of(store, clock, superseded)
    with pytest.raises(Superseded):
        scheduler.perform("poll", DUE)
    assert store.schedule.load_last() == {}


def test_intervals_are_counted_from_a_fixed_moment_not_from_the_start():
    moments = {next_moment(JOB, DUE + timedelta(seconds=n)) for n in range(1, 16)}
    assert moments == {DUE + timedelta(seconds=15)}


@pytest.mark.parametrize(
    ("now", "due"),
    [
        # the hour that does not exist, and the one that comes twice
        (datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 3, 29, 1, 20, tzinfo=UTC)),
        (datetime(2026, 10, 24, 12, tzinfo=UTC), datetime(2026, 10, 25, 0, 20, tzinfo=UTC)),
    ],
)
def test_a_job_at_night_comes_when_the_clocks_are_changed_too(now, due):
    nightly = ScheduledJob(
        name="sweep", work=Work.SWEEP, every_s=None, cron="20 2 * * *", time_zone=ZoneInfo("Europe/Berlin")
    )
    assert abs(next_moment(nightly, now) - due) <= timedelta(hours=1)


NIGHTLY = ScheduledJob(
    name="sweep", work=Work.SWEEP, every_s=None, cron="20 2 * * *", time_zone=ZoneInfo("UTC"), grace_s=21_600
)
AT_NIGHT = datetime(2026, 11, 22, 2, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("job", "hours_later", "last", "missed"),
    [
        pytest.param(NIGHTLY, 1, AT_NIGHT - timedelta(days=1), AT_NIGHT, id="nobody was there"),
        pytest.param(NIGHTLY, 1, AT_NIGHT - timedelta(hours=1), AT_NIGHT, id="a person had it done before"),
        pytest.param(NIGHTLY, 1, AT_NIGHT, None, id="somebody was there"),
        pytest.param(NIGHTLY, 1, AT_NIGHT + timedelta(minutes=30), None, id="a person has had it done since"),
        pytest.param(NIGHTLY, 7, AT_NIGHT - timedelta(days=1), None, id="longer ago than its grace"),
        pytest.param(NIGHTLY, 1, None, None, id="never due before"),
        pytest.param(JOB, 1, AT_NIGHT, None, id="the next one is near"),
    ],
)
def test_a_moment_that_came_while_no_clock_was_there_is_made_up_for(job, hours_later, last, missed):
    assert missed_moment(job, AT_NIGHT + timedelta(hours=hours_later), last=last) == missed


def test_a_clock_that_starts_makes_up_for_what_was_missed(store, clock):
    """The real clock of APScheduler says what is past: a day that is, by any clock, and a moment within its grace."""
    done = threading.Event()
    now = datetime.now(UTC)
    came = (now - timedelta(minutes=2)).replace(second=0, microsecond=0)
    daily = ScheduledJob(
        name="sweep",
        work=Work.SWEEP,
        every_s=None,
        cron=f"{came.minute} {came.hour} * * *",
        time_zone=ZoneInfo("UTC"),
        grace_s=3600,
    )
    store.schedule.claim("sweep", came - timedelta(days=1), holder="of yesterday")
    run_until(done, daily, store)
    assert store.schedule.load("sweep", came)["outcome"] == "done"


def test_the_real_clock_calls_it_and_stopping_waits_for_what_began(tmp_path):
    store = open_store(f"sqlite:///{tmp_path}/state.sqlite", clock=SystemClock())
    began, may_end, begun, ended = threading.Event(), threading.Event(), [], []
    quick = ScheduledJob(name="poll", work=Work.POLL, every_s=1, cron=None, time_zone=ZoneInfo("UTC"))

    def work(_job):
        begun.append(True)
        began.set()
        may_end.wait(60)
        ended.append(True)

    scheduler = Scheduler(
        [quick], memory=store.schedule, clock=SystemClock(), holder="a", do=work, failed=lambda *_: None
    )
    scheduler.start()
    assert began.wait(60)
    stopper = threading.Thread(target=scheduler.stop)
    stopper.start()
    assert ended == []
    may_end.set()
    stopper.join(60)
    assert not stopper.is_alive()
    # a second one may have been begun before the clock was stopped
    assert ended == begun
    store.close()


def test_what_a_person_asks_for_is_done_beside_the_schedule(store, clock):
    done = []
    due_at = store.schedule.ask_for("poll", by="ann")
    scheduler_of(store, clock, done.append).look_for_asked()
    assert done == [JOB]
    assert store.schedule.load("poll", due_at)["outcome"] == "done"
    scheduler_of(store, clock, done.append).look_for_asked()
    assert done == [JOB]


def test_what_is_paused_is_not_done_for_who_asks_either(store, clock):
    done = []
    store.schedule.pause(Pause(subject="poll", reason="release", person="bob", since=clock.now(), until=None))
    due_at = store.schedule.ask_for("poll", by="ann")
    scheduler_of(store, clock, done.append).look_for_asked()
    assert done == []
    assert store.schedule.load("poll", due_at)["outcome"] == "paused"


def test_a_job_of_another_schedule_is_told_to_be_unknown(store, clock):
    due_at = store.schedule.ask_for("report", by="ann")
    scheduler_of(store, clock, lambda _job: None).look_for_asked()
    assert store.schedule.load("report", due_at)["outcome"] == "skipped"


def test_a_job_never_overlaps_with_itself(store, clock):
    """Asked for while its own moment is at work: it waits."""
    at_work, go_on, order = threading.Event(), threading.Event(), []

    def do(_job):
        order.append("begun")
        at_work.set()
        assert go_on.wait(30)
        order.append("ended")

    scheduler = scheduler_of(store, clock, do)
    waits = threading.Event()

    class Turn:
        """The job's own lock, which tells when somebody has to wait for it."""

        def __init__(self):
            self._lock = threading.Lock()

        def __enter__(self):
            if not self._lock.acquire(blocking=False):
                waits.set()
                self._lock.acquire()

        def __exit__(self, *_):
            self._lock.release()

    scheduler._turns = {"poll": Turn()}
    own = threading.Thread(target=scheduler.moment_came, args=("poll", DUE - timedelta(seconds=15)))
    own.start()
    assert at_work.wait(30)
    store.schedule.ask_for("poll", by="ann")
    asked = threading.Thread(target=scheduler.look_for_asked)
    asked.start()
    assert waits.wait(30), "it began beside the one that is at work"
    go_on.set()
    own.join()
    asked.join()
    assert order == ["begun", "ended", "begun", "ended"]


def test_a_moment_the_database_does_not_take_is_told_in_a_line(tmp_path, caplog):
    clock, told = SystemClock(), threading.Event()
    store = open_store(f"sqlite:///{tmp_path}/state.sqlite", clock=clock)
    lines = []

    def failed(job, error):
        lines.append((job.name, str(error)))
        told.set()

    def away(*_):
        raise StoreAway("out of reach")

    often = replace(JOB, every_s=1)
    scheduler = Scheduler(
        [often], memory=store.schedule, clock=clock, holder="a", do=lambda _job: None, failed=failed, hand_on=away
    )
    scheduler.start()
    assert told.wait(30)
    scheduler.stop()
    store.close()
    assert lines[0] == ("poll", "out of reach")
    # by nobody else, with a traceback of its own
    assert not [record for record in caplog.records if record.name.startswith("apscheduler") and record.exc_info]


@pytest.mark.parametrize("outcome", [None, "stopped"])
def test_what_a_dead_process_had_begun_is_found_within_its_grace(store, clock, outcome):
    store.schedule.claim("poll", DUE, holder="dead")
    if outcome is not None:
        store.schedule.finish("poll", DUE, outcome=outcome)
    clock.advance(timedelta(seconds=JOB.grace_s))
    assert scheduler_of(store, clock, print).find_unfinished() == [("poll", DUE)]
    clock.advance(timedelta(seconds=1))
    assert scheduler_of(store, clock, print).find_unfinished() == []


@pytest.mark.parametrize("outcome", ["done", "failed", "paused"])
def test_what_came_to_an_end_is_not_unfinished(store, clock, outcome):
    store.schedule.claim("poll", DUE, holder="dead")
    store.schedule.finish("poll", DUE, outcome=outcome)
    assert scheduler_of(store, clock, print).find_unfinished() == []


def test_what_a_person_asked_for_and_nobody_took_is_not_unfinished(store, clock):
    store.schedule.ask_for("poll", by="ann")
    assert scheduler_of(store, clock, print).find_unfinished() == []


def test_a_clock_that_starts_ends_what_a_dead_one_began(tmp_path):
    store = open_store(f"sqlite:///{tmp_path}/state.sqlite", clock=SystemClock())
    due_at = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=20)
    store.schedule.claim("sweep", due_at, holder="dead")
    done = threading.Event()
    # its own next moment is far away
    nightly = replace(NIGHTLY, cron=f"0 {(datetime.now(UTC).hour + 12) % 24} * * *")
    run_until(done, nightly, store)
    assert store.schedule.load("sweep", due_at)["outcome"] == "done"
    store.close()
