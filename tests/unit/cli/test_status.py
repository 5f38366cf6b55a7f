"""`connector status`: what it knows without asking anybody, how it looks on a small screen, and `--watch`."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import click
import pytest
from rich.console import Console

from connector.cli.status_answer import is_degraded, service_answer
from connector.cli.status_view import print_head, print_service, print_streams
from connector.cli.watching import period_s, repeat
from connector.core.pace import Pace, span_of
from connector.core.pulse import LastTick, Pulse, QuotaSeen, Stream
from connector.core.schedule import ScheduledJob, Work
from connector.core.service import TOGETHER, Lease, Pause, ProcessSeen, Refusals
from tests.support.clock import ManualClock

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
POLL = ScheduledJob(name="poll", work=Work.POLL, every_s=15, cron=None, time_zone=ZoneInfo("UTC"))
SWEEP = ScheduledJob(name="sweep", work=Work.SWEEP, every_s=None, cron="20 2 * * *", time_zone=ZoneInfo("UTC"))
NEXT = {"poll": NOW + timedelta(seconds=13), "sweep": NOW + timedelta(hours=14)}
IDENTITY = {
    "org_id": "00D8d000008ZAAAEA4",
    "is_sandbox": False,
    "account_id": "acct_1JaKdP9OtXdEApxY",
    "livemode": True,
}


def ago(**span) -> datetime:
    return NOW - timedelta(**span)


def pace(counts: dict[int, int], **span) -> Pace:
    return Pace(kind="invoice", began_at=span_of(ago(**span)), counts=counts)


PULSE = Pulse(
    at=NOW,
    streams=[
        Stream(kind="customer"),
        Stream(kind="invoice", waiting=212, oldest_at=ago(minutes=31), parked={"invoice.conflict": 14}),
        Stream(kind="offline_payment", waiting=3, held_back=3, next_attempt_at=NOW + timedelta(minutes=2)),
        Stream(kind="quote"),
    ],
    shards={1: 212},
    ticks={
        "poll": LastTick(due_at=ago(seconds=12), finished_at=ago(seconds=12), outcome="done", reason=None),
        "sweep": LastTick(due_at=ago(hours=9), finished_at=ago(hours=9), outcome="failed", reason="Salesforce 503"),
    },
    brakes=[],
    pauses=[Pause(subject="quote", reason="SF release", person="ann", since=ago(minutes=5))],
    leases=[
        Lease(name="service", holder="host-a pid 7", epoch=1, taken_at=NOW, expires_at=NOW + timedelta(seconds=30)),
        Lease(name="alerts", holder="host-a pid 7", epoch=9, taken_at=NOW, expires_at=NOW + timedelta(seconds=30)),
        Lease(name="service", holder="host-b pid 8", epoch=1, taken_at=NOW, expires_at=ago(seconds=1), lasts=False),
    ],
    certified_at=ago(hours=9),
    unresolved=2,
    pace=[pace({1: 900, 600: 2}, minutes=40), pace({300: 60}, minutes=5)],
    quotas={"salesforce": QuotaSeen(used=61_000, total=100_000, at=ago(seconds=12))},
    last_event_at=ago(minutes=3),
    events=77,
)


def answer(pulse: Pulse = PULSE) -> dict:
    return service_answer(pulse, [POLL, SWEEP], next_at=NEXT)


def stream(kind: str, pulse: Pulse = PULSE) -> dict:
    return next(each for each in answer(pulse)["streams"] if each["kind"] == kind)


def screen(width: int, pulse: Pulse = PULSE) -> list[str]:
    console = Console(file=io.StringIO(), width=width, highlight=False, markup=False, emoji=False, soft_wrap=True)
    service = answer(pulse)
    links = {"customer": {"open": 4}, "invoice": {"open": 902, "parked": 14}}
    print_head(console, {"service": service, "identity": IDENTITY}, version="1.4.2")
    print_streams(console, {"service": service, "links": links})
    print_service(console, service, now=NOW)
    return console.file.getvalue().splitlines()


def test_a_stream_is_told_with_its_lag_its_p95_and_what_stands_still():
    invoice = stream("invoice")
    assert (invoice["lag_s"], invoice["waiting"], invoice["parked"]) == (1860, 212, 14)
    assert (invoice["done"], invoice["p95_s"]) == (962, 300)
    assert invoice["health"] == "degraded"
    held = stream("offline_payment")
    assert (held["lag_s"], held["held_back"], held["health"]) == (None, 3, "warning")
    assert (stream("customer")["p95_s"], stream("customer")["health"]) == (None, "ok")
    assert (stream("quote")["paused"], stream("quote")["health"]) == ("SF release", "warning")


def test_a_pause_of_all_is_a_pause_of_each_kind():
    everything = replace(PULSE, pauses=[Pause(subject="all", reason="move", person="ann", since=NOW)])
    assert stream("customer", everything)["paused"] == "move"


def test_only_who_holds_it_now_is_named():
    assert answer()["held_by"] == ["host-a pid 7"]


def test_a_person_is_needed_only_where_a_service_is_meant_to_run():
    assert is_degraded(answer())
    by_hand = replace(PULSE, ticks={}, leases=[])
    assert answer(by_hand)["health"] == "degraded"
    assert not is_degraded(answer(by_hand))
    quiet = answer(replace(by_hand, streams=[Stream(kind="invoice")], pauses=[]))
    assert (quiet["health"], quiet["reasons"]) == ("ok", []), "a poll that never ran is not missed by who runs none"


@pytest.mark.parametrize("width", [80, 120])
def test_it_fits_on_a_screen(width):
    lines = screen(width)
    assert max(len(line) for line in lines if not line.startswith("  ")) <= width
    assert len(lines) <= 24
    for wanted in (
        "✗ degraded  connector 1.4.2",
        "Salesforce 00D8d000008ZAAAEA4 production · Stripe acct_1JaKdP9OtXdEApxY live",
        "  ✗ invoice: 212 records wait, the oldest since 31 min",
        "poll      done 12 s ago  ·  next in 13 s",
        "sweep     failed 9 h ago (Salesforce 503)  ·  next in 14 h",
        "webhooks  77 in the last hour, the newest 3 min ago",
        "waiting   215, the oldest 31 min  ·  2 writes without a known end",
        "quota     salesforce 61% of the day's 100,000 calls used (61,000), told 12 s ago",
        "process   host-a pid 7",
    ):
        assert wanted in lines
    rows = {line.split()[0]: line.split() for line in lines if " ≤" in line or " - " in line}
    assert rows["invoice"] == ["invoice", "✗", "degraded", "31", "min", "≤5", "min", "962", "212", "0", "14", "902"]
    assert rows["offline_payment"][3:] == ["-", "-", "0", "3", "3", "0", "0"]


def test_a_service_that_stopped_or_never_ran_is_not_left_out():
    assert "process   none: the service does not run now" in screen(80, replace(PULSE, leases=[]))
    never = screen(80, replace(PULSE, ticks={}, leases=[]))
    assert "The service has never run here; `connector run` starts it." in never
    assert not [line for line in never if line.startswith(("poll", "process"))]


def test_a_service_that_has_just_started_runs():
    assert answer(replace(PULSE, ticks={}))["has_run"]


def test_a_job_at_work_and_a_paused_one_say_so():
    at_work = LastTick(due_at=ago(minutes=3), finished_at=None, outcome=None, reason=None)
    paused = Pause(subject="sweep", reason="month end", person="ann", since=NOW)
    lines = screen(80, replace(PULSE, ticks={"poll": at_work}, pauses=[paused]))
    assert "poll      at work since 3 min  ·  next in 13 s" in lines
    assert "sweep     never ran  ·  paused: month end" in lines


def test_each_process_is_named_with_what_keeps_it_from_its_work():
    together = Lease(name="service", holder=TOGETHER, epoch=1, taken_at=NOW, expires_at=NOW + timedelta(seconds=30))
    processes = [
        ProcessSeen(holder="host-a pid 9", role="clock", lives=False),
        ProcessSeen(holder="host-b pid 8", role="web"),
        ProcessSeen(holder="host-a pid 7", role="worker", why_not="stripe: 401", why_not_since=ago(minutes=20)),
        ProcessSeen(holder="host-c pid 6", role="worker", troubles={"3": "Salesforce 503"}),
    ]
    lines = screen(80, replace(PULSE, leases=[*PULSE.leases, together], processes=processes))
    assert [line for line in lines if line.startswith("process")] == [
        "process   web  host-b pid 8",
        "process   worker  host-a pid 7  ·  not connected: stripe: 401",
        "process   worker  host-c pid 6",
    ]
    assert lines[lines.index("process   worker  host-c pid 6") + 1] == "          shard 3: Salesforce 503"
    assert "  ✗ not connected (1 of 3 processes): stripe: 401" in lines


def test_webhooks_that_were_not_taken_are_told_below_those_that_were():
    refused = Refusals(counts={"signature": 3, "busy": 1}, newest="busy", newest_at=ago(minutes=4))
    lines = screen(80, replace(PULSE, processes=[ProcessSeen(holder="host-a pid 7", role="web", refused=refused)]))
    at = lines.index("webhooks  77 in the last hour, the newest 3 min ago")
    assert lines[at + 1] == "          not taken in the last hour: 1 busy, 3 signature; the newest 4 min ago: busy"


def test_a_system_whose_calls_are_used_up_says_until_when_it_is_left_alone():
    until = {side: NOW + timedelta(hours=1) for side in ("salesforce", "stripe")}
    used = {"salesforce": QuotaSeen(used=97_000, total=100_000, at=ago(seconds=12))}
    lines = screen(80, replace(PULSE, quotas=used, quotas_until=until))
    assert [line for line in lines if line.startswith("quota")] == [
        "quota     salesforce 97% of the day's 100,000 calls used (97,000), told 12 s ago, waits until 2026-11-21 13:00 UTC",
        "quota     stripe the day's calls are used up, waits until 2026-11-21 13:00 UTC",
    ]


@pytest.mark.parametrize(("text", "seconds"), [("1s", 1), ("5", 5), ("2m", 120)])
def test_a_watch_may_be_as_quick_as_a_second(text, seconds):
    assert period_s(text, shortest_s=1) == seconds
    with pytest.raises(click.BadParameter, match="at least 1s"):
        period_s("0s", shortest_s=1)


def test_it_looks_every_so_often_and_ends_at_once_when_told():
    clock, looked = ManualClock(), []

    def stop() -> bool:
        return clock.monotonic_s() >= 11

    repeat(lambda: looked.append(round(clock.monotonic_s())), 5, clock=clock, stop=stop)
    assert looked == [0, 5, 10]
    assert clock.monotonic_s() < 11.5
