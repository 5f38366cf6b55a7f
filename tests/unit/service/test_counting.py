"""What a process counts reaches Prometheus at once and the store later, and no store that is away loses it."""

from __future__ import annotations

from datetime import timedelta

import pytest
import structlog
from prometheus_client import generate_latest

from connector.core.errors import StoreUnusable
from connector.core.model import Side
from connector.core.pace import Tally, span_of
from connector.flows.report import PassReport
from connector.remote import Exchange
from connector.runtime.metrics import Metrics
from connector.service.counting import Counting
from tests.support.clock import ManualClock


class Pace:
    def __init__(self):
        self.added, self.fails = [], False

    def add(self, tally, *, began_at):
        if self.fails:
            raise StoreUnusable("disk full")
        self.added.append((began_at, {kind: dict(counts) for kind, counts in tally.counts.items()}))


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def pace():
    return Pace()


@pytest.fixture
def counting(pace, clock):
    return Counting(Metrics(), pace=pace, clock=clock)


def report_of(**waits_s) -> PassReport:
    tally = Tally()
    for kind, seconds in waits_s.items():
        for each in seconds:
            tally.add(kind, timedelta(seconds=each))
    report = PassReport(looked_at=1, waited=tally)
    report.of("invoice").created = 2
    report.of("invoice").parked = 1
    return report


def collected(counting) -> dict[str, float]:
    lines = generate_latest(counting.metrics.registry).decode().splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


def test_a_drain_is_counted_for_prometheus_at_once(counting, pace):
    counting.drained(report_of(invoice=[1, 40]), took_s=0.3)
    found = collected(counting)
    assert found['connector_items_total{result="created",stream="invoice"}'] == 2
    assert found['connector_items_total{result="parked",stream="invoice"}'] == 1
    assert (found["connector_drain_seconds_count"], found["connector_drain_seconds_sum"]) == (1, 0.3)
    assert found['connector_wait_seconds_bucket{le="30.0",stream="invoice"}'] == 1
    assert found['connector_wait_seconds_bucket{le="45.0",stream="invoice"}'] == 2
    assert pace.added == []


def test_the_store_gets_what_was_counted_since_the_last_time_by_span(counting, pace, clock):
    first = span_of(clock.now())
    counting.drained(report_of(invoice=[1]), took_s=0)
    counting.drained(report_of(invoice=[1], payment=[3]), took_s=0)
    clock.advance(timedelta(minutes=5))
    counting.drained(report_of(invoice=[1]), took_s=0)
    counting.flush()
    counting.flush()
    assert pace.added == [
        (first, {"invoice": {1: 2}, "payment": {5: 1}}),
        (first + timedelta(minutes=5), {"invoice": {1: 1}}),
    ]


def test_a_store_that_is_away_gets_it_later(counting, pace, clock):
    counting.drained(report_of(invoice=[1]), took_s=0)
    pace.fails = True
    with pytest.raises(StoreUnusable):
        counting.flush()
    counting.drained(report_of(invoice=[1]), took_s=0)
    pace.fails = False
    counting.flush()
    assert pace.added == [(span_of(clock.now()), {"invoice": {1: 2}})]


def test_an_exchange_is_counted_by_system_and_answer_and_is_a_line_for_who_debugs(counting):
    with structlog.testing.capture_logs() as lines:
        told = counting.listeners()
        told.heard(Exchange(side=Side.STRIPE, code="429", took_s=0.12, request_id="req_1"))
        told.heard(Exchange(side=Side.SALESFORCE, code="200", took_s=0.4))
        told.waited(0.05)
    found = collected(counting)
    assert found['connector_api_requests_total{api="stripe",code="429"}'] == 1
    assert found['connector_api_requests_total{api="salesforce",code="200"}'] == 1
    assert found['connector_api_seconds_sum{api="stripe"}'] == 0.12
    assert found['connector_rate_wait_seconds_sum{api="stripe"}'] == 0.05
    assert "req_1" not in str(found)
    assert lines[0] == {
        "event": "request",
        "log_level": "debug",
        "api": "stripe",
        "code": "429",
        "duration_ms": 120,
        "request_id": "req_1",
    }


def test_webhooks_that_were_not_taken_are_counted_for_an_hour(counting, clock):
    counting.webhook("stored")
    assert (counting.refused().counts, counting.refused().newest) == ({}, None)
    counting.webhook("signature")
    clock.advance(timedelta(minutes=50))
    counting.webhook("mode")
    counting.webhook("mode")
    refused = counting.refused()
    assert (refused.counts, refused.newest, refused.newest_at) == ({"signature": 1, "mode": 2}, "mode", clock.now())
    clock.advance(timedelta(minutes=11))
    assert counting.refused().counts == {"mode": 2}
    clock.advance(timedelta(minutes=50))
    assert counting.refused().counts == {}
    assert collected(counting)['connector_webhooks_total{answer="mode"}'] == 2


def test_a_flood_of_them_is_a_few_numbers(counting, clock):
    for _ in range(40):
        counting.webhook("signature")
        clock.advance(timedelta(minutes=5))
    assert len(counting._refused) <= 14
