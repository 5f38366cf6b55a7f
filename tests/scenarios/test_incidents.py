"""What the alerts `InboxAging` and `SfApiBudget` are about is caused, and the service tells of it by itself: one incident
each, opened, told again when it lasts, closed when it is over. The metrics that the rules ask for say the same.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import generate_latest

from connector.core.errors import ConnectorError
from connector.core.health import Limits
from connector.core.schedule import Work
from connector.runtime.scheduler import Scheduler
from connector.sandbox.http import Response
from connector.service.alerting import Alerter
from connector.service.observing import Observer
from tests.scenarios.test_retries import _use_up as use_up
from tests.scenarios.test_service_units import job, jobs_of
from tests.support import builders as b
from tests.support.memory import raise_signals, stripe

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.core.alerts import Alert
    from tests.support.world import World

POLL = job(Work.POLL)


class Watch:
    """A service that lives minute by minute: it polls, drains, looks after itself and tells."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.told: list[Alert] = []
        self.workspace = world.open()
        self.store, self.clock = self.workspace.store, world.clock
        self.jobs, counting = jobs_of(self.workspace)
        self.scheduler = Scheduler(
            [POLL],
            memory=self.store.schedule,
            clock=self.clock,
            holder="here",
            do=self.jobs.do,
            failed=lambda *_: None,
        )
        self.observer = Observer(
            store=self.store,
            kinds=tuple(self.workspace.kinds()),
            jobs=[POLL],
            shards=self.workspace.shards,
            counting=counting,
            limits=Limits(shares=self.workspace.shares),
        )
        self.alerter = Alerter(store=self.store, post=self.told.append)
        self.jobs.begin()

    def live(self, minutes: int) -> None:
        for _ in range(minutes):
            self.clock.advance(timedelta(minutes=1))
            self.scheduler.moment_came("poll", self.clock.now())
            for shard in range(self.workspace.shards):
                with suppress(ConnectorError):
                    # a shard that fails is tried again the next minute
                    self.jobs.drain(shard)
            pulse = self.observer.collect()
            self.alerter.look(self.observer.health(pulse).reasons, now=pulse.at)

    def changes(self, code: str) -> list[str]:
        mine = [alert for alert in self.told if alert.incident.code == code]
        assert len({alert.incident.key for alert in mine}) <= 1
        return [alert.change.value for alert in mine]

    def metric(self, name: str) -> float:
        lines = generate_latest(self.observer.counting.metrics.registry).decode().splitlines()
        [value] = [line.rpartition(" ")[2] for line in lines if line.rpartition(" ")[0] == name]
        return float(value)


@pytest.fixture
def make_watch(make_world: Callable[..., World]) -> Callable[..., Watch]:
    def make(**settings: Any) -> Watch:
        world = make_world(**settings)
        invoice = b.invoice(world, account_id=b.account(world))
        watch = Watch(world)
        watch.live(3)
        assert b.the_one(world, "invoices", invoice)["status"] == "open"
        return watch

    return make


def test_records_that_wait_are_one_incident_until_they_were_looked_at(make_watch: Callable[..., Watch]) -> None:
    watch = make_watch()
    world = watch.world
    [invoice] = world.stripe_list("/v1/invoices")
    b.pay(world, str(invoice["id"]))
    # Salesforce is down, and webhooks come in all the same
    world.org.faults = lambda _request: Response(status=503, headers={}, body=b"maintenance")
    raise_signals(watch.store, stripe("invoice", str(invoice["id"])))
    watch.live(14)
    assert watch.changes("lag") == []
    watch.live(4)
    assert watch.changes("lag") == ["opened"]
    # nothing is read either
    assert watch.changes("stalled") == ["opened"]
    watch.live(65)
    assert watch.changes("lag") == ["opened", "updated"]
    assert watch.metric("connector_inbox_oldest_seconds") > 3600
    world.org.faults = None
    watch.live(3)
    assert watch.changes("lag") == ["opened", "updated", "closed"]
    assert watch.changes("stalled")[-1] == "closed"
    assert watch.metric("connector_inbox_oldest_seconds") == 0
    # the payment itself had been put off, and comes by itself
    watch.live(60)
    assert len(b.rows(world, "blng__Payment__c")) == 1


def test_calls_of_the_day_that_are_used_up_are_one_incident_until_they_come_back(
    make_watch: Callable[..., Watch],
) -> None:
    watch = make_watch(org_settings={"daily_api_limit": 1000})
    use_up(watch.world, 0.82)
    watch.live(2)
    assert watch.metric("connector_sf_api_limit_ratio") > 0.8
    [reason] = [each for each in watch.observer.health(watch.observer.pulse()).reasons if each.code == "quota"]
    assert reason.text.endswith("products, customers and other catalogue kinds wait")
    assert watch.changes("quota") == []
    use_up(watch.world, 0.96)
    watch.live(20)
    assert watch.changes("quota") == ["opened"]
    assert "everything waits until" in watch.told[0].incident.text
    calls = watch.workspace.salesforce.calls
    watch.live(20)
    assert watch.workspace.salesforce.calls == calls
    watch.live(40)
    assert watch.changes("quota") == ["opened", "updated"]
    # the day is a rolling one
    watch.clock.advance(timedelta(hours=24))
    watch.live(3)
    assert watch.changes("quota") == ["opened", "updated", "closed"]
