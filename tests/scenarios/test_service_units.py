"""What the service does is found again: one line per unit of work, the rows it wrote, the requests it made."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import orjson
import pytest
import structlog

from connector.core.errors import Transient
from connector.core.model import Side
from connector.core.quota import Quota
from connector.core.schedule import ScheduledJob, Work
from connector.flows.quota import sides_to_ask
from connector.runtime.metrics import Metrics
from connector.service.counting import Counting
from connector.service.jobs import Jobs
from tests.support import builders as b

if TYPE_CHECKING:
    from connector.flows.workspace import Workspace
    from tests.support.world import World


def logged() -> Any:
    return structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars])


def job(work: Work) -> ScheduledJob:
    return ScheduledJob(name=work.value, work=work, every_s=15, cron=None, time_zone=ZoneInfo("UTC"))


def jobs_of(workspace: Workspace) -> tuple[Jobs, Counting]:
    counting = Counting(Metrics(), pace=workspace.store.pace, clock=workspace.clock)
    jobs = Jobs(
        workspace,
        keep_events=timedelta(days=30),
        counting=counting,
        verify=lambda: None,
        wake=lambda: None,
        require_room=lambda: None,
        stopping=threading.Event(),
    )
    return jobs, counting


@pytest.fixture
def workspace(world: World) -> Workspace:
    numbers = count(1)
    return world.open(new_trace_id=lambda: f"{next(numbers):032x}")


def test_a_change_is_followed_from_the_log_to_the_key_and_the_request(world: World, workspace: Workspace) -> None:
    invoice = b.invoice(world)
    jobs, counting = jobs_of(workspace)
    with logged() as lines:
        jobs.begin()
        jobs.do(job(Work.POLL))
        world.clock.advance(timedelta(seconds=40))
        drained = [shard for shard in range(workspace.shards) if jobs.drain(shard)]
        # nothing is left, and nothing is said about that
        assert not any(jobs.drain(shard) for shard in drained)
    told = [line for line in lines if line["event"] == "drain"]
    assert [line["event"] for line in lines] == ["begin", "poll", *["drain"] * len(drained)]
    assert len({line["trace_id"] for line in lines}) == len(lines), "each unit has a trace of its own"
    written = {line["trace_id"]: workspace.store.audit.load_of_trace(line["trace_id"]) for line in told}
    rows = [row for found in written.values() for row in found if row.born_id == invoice]
    applied = [orjson.loads(row.detail_json) for row in rows if row.event == "invoice.create applied"]
    [detail] = applied
    request = b.the_one(world, "invoices", invoice)
    assert detail["result_id"] == request["id"]
    assert detail["request_id"].startswith("req_")
    assert detail["idempotency_key"]
    # how long it had waited is told to Prometheus at once, and to the store when somebody collects
    counting.flush()
    pace = {each.kind: each.counts for each in workspace.store.load_pulse(["invoice"]).pace}
    assert pace["invoice"] == {45: 1}
    assert workspace.store.load_pulse(["invoice"]).quotas[Side.SALESFORCE.value].used > 0


@pytest.mark.parametrize(
    ("share", "moments_kept"), [(0.5, 8), (0.72, 4), (0.94, 1)], ids=["plenty", "short", "nearly none"]
)
def test_where_the_days_calls_run_short_salesforce_is_asked_less_often_and_stripe_as_before(
    world: World, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, share: float, moments_kept: int
) -> None:
    jobs, _ = jobs_of(workspace)
    jobs.begin()
    quota = Quota(used=int(share * 1_000_000), total=1_000_000)
    monkeypatch.setattr(type(workspace.salesforce), "quota", property(lambda _: quota))
    asked = dict.fromkeys(Side, 0)
    for side in Side:
        system = workspace.system(side)

        def changes(*given: Any, _side: Side = side, _changes: Any = system.changes, **options: Any) -> Any:
            asked[_side] += 1
            return _changes(*given, **options)

        monkeypatch.setattr(system, "changes", changes)
    # the clock of the world begins at a moment that is a multiple of all of them
    assert int(world.clock.now().timestamp()) % (15 * 16) == 0
    for _ in range(8):
        jobs.do(job(Work.POLL))
        world.clock.advance(timedelta(seconds=15))
    assert asked == {Side.SALESFORCE: moments_kept, Side.STRIPE: 8}


def test_a_poll_of_the_catalogue_alone_is_left_out_while_the_catalogue_waits(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    quota = Quota(used=70, total=100)
    monkeypatch.setattr(type(workspace.salesforce), "quota", property(lambda _: quota))
    poll = replace(job(Work.POLL), side=Side.SALESFORCE)
    assert sides_to_ask(workspace, replace(poll, kinds=("product", "customer"))) == ()
    assert sides_to_ask(workspace, replace(poll, kinds=("product", "invoice"))) == (Side.SALESFORCE,)
    # how often a job by `cron` comes is its own matter
    assert sides_to_ask(workspace, replace(poll, every_s=None, cron="* * * * *")) == (Side.SALESFORCE,)


def test_what_ends_badly_is_a_line_with_its_trace(world: World, workspace: Workspace, monkeypatch: Any) -> None:
    b.invoice(world)
    jobs, _ = jobs_of(workspace)
    jobs.begin()

    def broken(*_args: Any, **_given: Any) -> None:
        raise Transient("the line is dead", side=Side.SALESFORCE, action="fetch invoice")

    monkeypatch.setattr(type(workspace.salesforce), "fetch_many", broken)

    def drain_all() -> None:
        for shard in range(workspace.shards):
            jobs.drain(shard)

    with logged() as lines, pytest.raises(Transient):
        drain_all()
    assert (lines[-1]["event"], lines[-1]["outcome"]) == ("drain", "failed")
    assert len(lines[-1]["trace_id"]) == 32


def test_sweeps_and_the_like_are_runs_and_polls_are_not(workspace: Workspace) -> None:
    jobs, _ = jobs_of(workspace)
    with logged() as lines:
        jobs.do(job(Work.POLL))
        jobs.do(job(Work.SWEEP))
        jobs.do(job(Work.PURGE))
    runs = workspace.store.load_runs()
    assert [run["command"] for run in runs] == ["purge", "sweep"]
    assert {run["trace_id"] for run in runs} == {line["trace_id"] for line in lines if line["event"] != "poll"}
    assert runs[1]["summary"]["complete"] is True
