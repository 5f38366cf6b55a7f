"""While too much waits nothing more is read; what waits is worked off, and then reading goes on by itself."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from connector.core.schedule import ScheduledJob, Work
from connector.runtime.metrics import Metrics
from connector.service.backlog import Backlog, TooMuchWaits
from connector.service.counting import Counting
from connector.service.jobs import Jobs
from tests.support import builders as b
from tests.support.recovering import lose_store, recover, writes

if TYPE_CHECKING:
    from tests.support.world import World

POLL = ScheduledJob(name="poll", work=Work.POLL, every_s=15, cron=None, time_zone=ZoneInfo("UTC"))


def _jobs(world: World, *, most: int) -> Jobs:
    workspace = world.workspace or world.open()
    clock = workspace.clock
    backlog = Backlog(workspace.store.events, most=most, monotonic_s=clock.monotonic_s)
    return Jobs(
        workspace,
        keep_events=timedelta(days=40),
        counting=Counting(Metrics(), pace=workspace.store.pace, clock=clock),
        verify=lambda: None,
        wake=lambda: None,
        require_room=backlog.require_room,
        stopping=threading.Event(),
    )


def _waiting(world: World) -> int:
    assert world.workspace is not None
    return sum(world.workspace.store.count_signals().values())


def _drain(world: World, jobs: Jobs) -> None:
    assert world.workspace is not None
    for _ in range(10):
        for shard in range(world.workspace.shards):
            jobs.drain(shard)
        if not _waiting(world):
            return
    raise AssertionError(f"{_waiting(world)} still wait")


def test_nothing_is_read_until_what_waits_was_worked_off(world: World) -> None:
    jobs = _jobs(world, most=2)
    jobs.begin()
    for _ in range(2):
        b.invoice(world)
    world.clock.advance(timedelta(seconds=15))
    jobs.do(POLL)
    waiting = _waiting(world)
    assert waiting > 2
    late = b.invoice(world)
    world.clock.advance(timedelta(seconds=15))
    asked = (world.org.counters["requests"], world.account.counters["requests"])
    with pytest.raises(TooMuchWaits, match=f"{waiting} records wait"):
        jobs.do(POLL)
    assert (world.org.counters["requests"], world.account.counters["requests"]) == asked
    _drain(world, jobs)
    world.clock.advance(timedelta(seconds=15))
    jobs.do(POLL)
    _drain(world, jobs)
    assert b.the_one(world, "invoices", late)["status"] == "open"


def test_a_service_that_waits_for_recover_goes_on_however_much_was_signalled_meanwhile(world: World) -> None:
    """Nothing is worked off before the systems were read once without an objection: that reading is never put off."""
    account = b.account(world)
    for _ in range(3):
        b.invoice(world, account_id=account)
    world.sync()
    lose_store(world)
    jobs = _jobs(world, most=2)
    with pytest.raises(Exception, match="store_restored"):
        jobs.begin()
    before = writes(world)
    recover(world)
    assert _waiting(world) > 2
    world.clock.advance(timedelta(seconds=15))
    jobs.do(POLL)
    _drain(world, jobs)
    assert len(world.stripe_list("/v1/invoices")) == 3
    assert writes(world)[1] == before[1]
