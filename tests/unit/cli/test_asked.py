"""A person asks a running service for a job: what comes of it, and what when nobody is there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connector.cli.asked import NOT_TAKEN, TAKEN_WITHIN_S, ask_and_wait
from tests.support.clock import ManualClock
from tests.support.stores import open_new_store


class Waited(ManualClock):
    """While somebody waits, the service goes on: `goes_on` is called for every wait."""

    goes_on = staticmethod(lambda: None)

    def sleep(self, seconds):
        self.advance(timedelta(seconds=seconds))
        self.goes_on()


@pytest.fixture
def clock():
    return Waited(datetime(2026, 11, 21, 12, tzinfo=UTC))


@pytest.fixture
def memory(tmp_path, clock):
    store = open_new_store(tmp_path / "state.sqlite", clock=clock)
    yield store.schedule
    store.close()


def test_how_it_ended_is_waited_for_and_told(memory, clock):
    def service():
        for job, due_at in memory.take_asked(holder="clock"):
            memory.finish(job, due_at, outcome="failed", reason="Salesforce 503")

    clock.goes_on = service
    assert ask_and_wait(memory, clock, ["poll"], by="ann", waits=True) == [
        {"job": "poll", "outcome": "failed", "reason": "Salesforce 503"}
    ]


def test_who_does_not_wait_is_told_that_it_was_taken(memory, clock):
    clock.goes_on = lambda: memory.take_asked(holder="clock")
    assert ask_and_wait(memory, clock, ["poll"], by="ann", waits=False)[0]["outcome"] is None


def test_what_no_service_takes_is_withdrawn(memory, clock):
    began = clock.now()
    [ended] = ask_and_wait(memory, clock, ["poll"], by="ann", waits=True)
    assert ended["outcome"] == NOT_TAKEN
    assert "connector run" in ended["reason"]
    assert (clock.now() - began).total_seconds() == pytest.approx(TAKEN_WITHIN_S, abs=1)
    assert memory.take_asked(holder="a clock that comes later") == []


def test_what_is_taken_is_waited_for_however_long_it_takes(memory, clock):
    began = clock.now()

    def service():
        memory.take_asked(holder="clock")
        if clock.now() - began > timedelta(minutes=10):
            memory.finish("sweep", began, outcome="done")

    clock.goes_on = service
    assert ask_and_wait(memory, clock, ["sweep"], by="ann", waits=True)[0]["outcome"] == "done"
