"""A process tells what is new of it at once, now and then that it lives, and at last that it ended."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connector.runtime.metrics import Metrics
from connector.service.counting import Counting
from connector.service.presence import Presence
from connector.service.roles import Role
from connector.service.running import Running
from connector.store.processes import TELL_EVERY_S
from tests.support.clock import ManualClock


class Processes:
    def __init__(self):
        self.told, self.purged = [], 0

    def tell(self, process):
        self.told.append(process)

    def purge(self):
        self.purged += 1


class Bench:
    def __init__(self, role=Role.WORKER):
        self.clock, self.running, self.processes = ManualClock(), Running(), Processes()
        self.counting = Counting(Metrics(), pace=None, clock=self.clock)
        self.presence = Presence(
            processes=self.processes,
            holder="host pid 1",
            role=role,
            running=self.running,
            counting=self.counting,
            clock=self.clock,
        )

    @property
    def told(self):
        return self.processes.told


@pytest.fixture
def bench():
    return Bench()


def test_it_tells_at_once_what_is_new_and_now_and_then_that_it_lives(bench):
    bench.presence.tell()
    bench.presence.tell()
    assert [(each.holder, each.role, each.why_not) for each in bench.told] == [("host pid 1", "worker", None)]
    bench.running.cut_off("salesforce: invalid_client", now=bench.clock.now())
    bench.presence.tell()
    assert bench.told[-1].why_not == "salesforce: invalid_client"
    bench.clock.advance(timedelta(seconds=TELL_EVERY_S))
    bench.presence.tell()
    assert len(bench.told) == 3
    bench.counting.webhook("signature")
    bench.presence.tell()
    assert bench.told[-1].refused.counts == {"signature": 1}
    assert bench.processes.purged == 1


def test_it_is_cut_off_since_the_first_try_that_failed_until_one_does_not(bench):
    since = bench.clock.now()
    bench.running.cut_off("stripe: 503", now=since)
    bench.running.cut_off("stripe: 502", now=since + timedelta(minutes=1))
    assert (bench.presence.now().why_not, bench.presence.now().why_not_since) == ("stripe: 502", since)
    bench.running.connected()
    assert (bench.presence.now().why_not, bench.presence.now().why_not_since) == (None, None)


@pytest.mark.parametrize("role", [Role.CLOCK, Role.WEB])
def test_who_needs_neither_system_is_not_cut_off(role):
    bench = Bench(role)
    bench.running.cut_off("stripe: 503", now=bench.clock.now())
    assert bench.presence.now().why_not is None


def test_one_that_only_starts_is_not_cut_off(bench):
    assert bench.presence.now().why_not is None


def test_at_last_it_says_that_it_ended(bench):
    bench.running.cut_off("stripe: 503", now=bench.clock.now())
    bench.presence.tell()
    bench.presence.end()
    assert (bench.told[-1].lives, bench.told[-1].why_not) == (False, None)


def test_what_keeps_it_from_a_shard_is_told_too(bench):
    class Dispatcher:
        def troubles(self):
            return {3: "Salesforce 503", 0: "Stripe 500"}

    bench.running.dispatcher = Dispatcher()
    bench.presence.tell()
    assert bench.told[-1].troubles == {"0": "Stripe 500", "3": "Salesforce 503"}
