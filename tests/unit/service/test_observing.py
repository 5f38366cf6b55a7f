"""Metrics, health and readiness say what the database says, and name no record."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from prometheus_client import generate_latest

from connector.core.brake import TrippedBrake
from connector.core.certificate import Certificate
from connector.core.errors import StoreUnusable
from connector.core.model import LinkState, Side
from connector.core.quota import quota_note
from connector.core.schedule import ScheduledJob, Work
from connector.core.service import Pause, ProcessSeen
from connector.core.verify.memory import PastRun
from connector.remote import CODES, Ear
from connector.runtime.metrics import CAUSES_MAX, Metrics
from connector.service.counting import Counting
from connector.service.observing import Observer, readiness
from connector.store import open_store
from tests.support.clock import ManualClock
from tests.support.memory import link_of, raise_signals, remember, salesforce, stripe

KINDS = ("customer", "invoice")
POLL = ScheduledJob(name="poll", work=Work.POLL, every_s=15, cron=None, time_zone=ZoneInfo("UTC"))


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def store(tmp_path, clock):
    store = open_store(f"sqlite:///{tmp_path}/state.sqlite", clock=clock)
    yield store
    store.close()


@pytest.fixture
def observer(store):
    counting = Counting(Metrics(), pace=store.pace, clock=store._database._clock)
    return Observer(store=store, kinds=KINDS, jobs=[POLL], shards=4, counting=counting)


def collected(observer) -> dict[str, float]:
    observer.collect()
    lines = generate_latest(observer.counting.metrics.registry).decode().splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


def test_the_gauges_say_what_waits_and_since_when(observer, store, clock):
    raise_signals(store, stripe("invoice", "in_1"), stripe("invoice", "in_2"), shard=3)
    clock.advance(timedelta(seconds=90))
    found = collected(observer)
    assert found["connector_inbox_signals"] == 2
    assert found["connector_inbox_oldest_seconds"] == 90
    assert found['connector_lag_seconds{stream="invoice"}'] == 90
    assert found['connector_lag_seconds{stream="customer"}'] == 0
    assert found['connector_shard_signals{shard="3"}'] == 2


def test_what_keeps_this_process_from_both_systems_is_a_reason(observer):
    me = ProcessSeen(holder="host pid 1", role="all", why_not="salesforce: invalid_client")
    cut_off = replace(observer, own=lambda: me)
    assert "not connected: salesforce: invalid_client" in cut_off.as_json(troubles={})["reasons"]
    assert not any("connected" in reason for reason in observer.as_json(troubles={})["reasons"])


def test_what_is_over_is_gone_from_the_gauges(observer, store, clock):
    parked = link_of(salesforce("invoice", "a"), state=LinkState.PARKED, reason_code="invoice.conflict")
    remember(store, parked)
    brake = TrippedBrake(name="mass_void", subject="", tripped_at=clock.now(), observed="", allowed="", plan={})
    store.brakes.trip([brake])
    found = collected(observer)
    assert found['connector_dead_letters{cause="invoice.conflict",stream="invoice"}'] == 1
    assert found['connector_braked{brake="mass_void"}'] == 1
    remember(store, link_of(parked.born, revision=1))
    store.brakes.release("mass_void", "", by="ann", reason="r", at=clock.now())
    found = collected(observer)
    assert not [name for name in found if "dead_letters" in name or "braked" in name]


def test_jobs_pauses_and_the_certificate(observer, store, clock):
    assert collected(observer)["connector_certificate_age_seconds"] == -1
    store.schedule.claim("poll", clock.now(), holder="a")
    store.schedule.finish("poll", clock.now(), outcome="done")
    store.schedule.pause(Pause(subject="invoice", reason="r", person="ann", since=clock.now()))
    store.certificates.save(Certificate(started_at=clock.now(), as_of=clock.now(), is_complete=True, detail={}))
    clock.advance(timedelta(hours=1))
    found = collected(observer)
    assert found["connector_certificate_age_seconds"] == 3600
    assert found['connector_last_success_timestamp_seconds{stream="poll"}'] == clock.now().timestamp() - 3600
    assert (found['connector_paused{stream="invoice"}'], found['connector_paused{stream="all"}']) == (1, 0)


def test_health_is_a_level(observer, store, clock):
    store.schedule.claim("poll", clock.now(), holder="a")
    store.schedule.finish("poll", clock.now(), outcome="done")
    assert collected(observer)["connector_health_level"] == 2, "unknown: there is no certificate"
    store.certificates.save(Certificate(started_at=clock.now(), as_of=clock.now(), is_complete=True, detail={}))
    assert collected(observer)["connector_health_level"] == 0
    store.schedule.pause(Pause(subject="invoice", reason="r", person="ann", since=clock.now()))
    assert collected(observer)["connector_health_level"] == 1
    remember(store, link_of(salesforce("invoice", "a"), state=LinkState.PARKED, reason_code="x"))
    assert collected(observer)["connector_health_level"] == 3


def test_one_full_shard_among_empty_ones_shows(observer, store):
    assert collected(observer)["connector_shard_skew_ratio"] == 1
    raise_signals(store, *(stripe("invoice", f"in_{number}") for number in range(6)), shard=3)
    assert collected(observer)["connector_shard_skew_ratio"] == 4
    for shard in range(3):
        raise_signals(store, *(stripe("invoice", f"in_{shard}_{number}") for number in range(6)), shard=shard)
    assert collected(observer)["connector_shard_skew_ratio"] == 1


def test_what_salesforce_told_of_its_calls_and_what_a_verification_left_open(observer, store, clock):
    assert not [name for name in collected(observer) if "verify" in name]
    store.save_note(quota_note(Side.SALESFORCE), '{"used":85,"total":100}')
    report = {"checks": [{"severity": "blocker", "open": True, "outcome": "fail"}], "summary": {"ready": False}}
    run = PastRun(run_id="1", at=clock.now(), profile="full", verdicts={}, report=report)
    store.verify_memory("00D8d000008ZAAAEA4").save_verification(run)
    found = collected(observer)
    assert found["connector_sf_api_limit_ratio"] == 0.85
    assert found['connector_verify_failed{severity="blocker"}'] == 1
    assert found['connector_verify_failed{severity="error"}'] == 0


def test_labels_take_few_values_whatever_systems_and_records_say(observer, store):
    """Every value that comes from outside is tried with many; what is left is bounded by our own lists."""
    remember(
        store,
        *(
            link_of(
                salesforce("invoice", f"a{number}"), state=LinkState.PARKED, reason_code=f"invoice.refused.C{number}"
            )
            for number in range(300)
        ),
    )
    ear = Ear(Side.STRIPE, monotonic_s=lambda: 1.0, heard=observer.counting.heard)
    for status in range(1000):
        ear.answered(0.0, status, f"req_{status}")
    found = collected(observer)
    causes = [name for name in found if name.startswith("connector_dead_letters")]
    assert len(causes) == CAUSES_MAX + 1
    assert sum(found[name] for name in causes) == 300
    assert found['connector_dead_letters{cause="other",stream="invoice"}'] == 300 - CAUSES_MAX
    assert len([name for name in found if name.startswith("connector_api_requests_total")]) <= len(CODES)


def test_no_id_is_ever_a_label(observer, store):
    raise_signals(store, stripe("invoice", "in_secret"))
    remember(store, link_of(salesforce("invoice", "a0Isecret"), state=LinkState.PARKED, reason_code="x"))
    observer.collect()
    assert b"secret" not in generate_latest(observer.counting.metrics.registry)


def test_health_for_people(observer, store, clock):
    store.schedule.claim("poll", clock.now(), holder="a")
    store.schedule.finish("poll", clock.now(), outcome="done")
    answer = observer.as_json(troubles={2: "Salesforce 503"})
    assert answer["health"] == "unknown"
    assert answer["reasons"] == ["no sweep has found both systems in step yet"]
    assert answer["troubles"] == {"2": "Salesforce 503"}
    assert [stream["kind"] for stream in answer["streams"]] == list(KINDS)


def test_readiness_is_about_our_own_things_only(store, monkeypatch):
    assert readiness(store, missing=dict) == {}
    assert readiness(store, missing=lambda: {"lease": "held by host-b"}) == {"lease": "held by host-b"}

    def gone(_name):
        raise StoreUnusable("disk full")

    monkeypatch.setattr(store, "load_note", gone)
    assert readiness(store, missing=dict) == {"database": "disk full"}


def test_a_database_that_is_gone_is_unknown_not_ok(observer, store, monkeypatch):
    def gone(_kinds):
        raise StoreUnusable("disk full")

    monkeypatch.setattr(store, "load_pulse", gone)
    assert observer.as_json(troubles={}) == {"health": "unknown", "reasons": ["disk full"]}
