"""The state of the service as the store knows it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from connector.core.certificate import Certificate
from connector.core.model import Backoff, LinkState, Side, Signal
from connector.core.pace import Tally, span_of
from connector.core.pulse import QuotaSeen
from connector.core.quota import QuotaShares, quota_note, quota_until_note
from connector.core.verify.memory import PastRun
from connector.service.alone import shards_of
from tests.contract.store.test_events import event, receive
from tests.support.memory import link_of, operation_on, raise_signals, raised, remember, salesforce, stripe

KINDS = ("customer", "invoice")


def test_an_empty_store_has_an_empty_pulse(store):
    pulse = store.load_pulse(KINDS)
    assert [stream.kind for stream in pulse.streams] == list(KINDS)
    assert (pulse.waiting, pulse.oldest_at, pulse.unresolved, pulse.certified_at) == (0, None, 0, None)


def test_what_waits_by_kind_and_shard_and_since_when(store, clock):
    first = clock.now()
    raise_signals(store, stripe("invoice", "in_1"), shard=1)
    clock.advance(timedelta(minutes=5))
    raise_signals(store, stripe("invoice", "in_2"), stripe("customer", "cus_1"), shard=2)
    pulse = store.load_pulse(KINDS)
    assert {stream.kind: (stream.waiting, stream.oldest_at) for stream in pulse.streams} == {
        "customer": (1, clock.now()),
        "invoice": (2, first),
    }
    assert pulse.shards == {1: 1, 2: 2}
    assert pulse.oldest_at == first


def test_parked_links_by_cause_and_those_held_back(store, clock):
    now = clock.now()
    later = Backoff(attempts=1, since=now, next_at=now + timedelta(minutes=1), code="429")
    links = [
        link_of(salesforce("invoice", "a"), state=LinkState.PARKED, reason_code="invoice.conflict"),
        link_of(salesforce("invoice", "b"), state=LinkState.PARKED, reason_code="invoice.conflict"),
        link_of(salesforce("invoice", "c"), backoff=later),
        link_of(salesforce("invoice", "d"), backoff=replace(later, next_at=now)),
    ]
    remember(store, *links)
    [_, invoice] = store.load_pulse(KINDS).streams
    assert invoice.parked == {"invoice.conflict": 2}
    assert (invoice.held_back, invoice.next_attempt_at) == (1, later.next_at)


def test_a_shard_is_busy_while_it_holds_signals_or_a_write_without_an_end(store):
    assert store.load_busy_shards() == []
    raise_signals(store, stripe("invoice", "in_1"), stripe("invoice", "in_2"), shard=2)
    link = replace(raised(link_of(salesforce("customer", "001000000000001AAA"))), shard=5)
    store.begin([link], [operation_on(link, "create")])
    assert store.load_busy_shards() == [2, 5]


def test_a_shard_of_before_there_were_fewer_is_worked_on_as_long_as_anything_is_in_it(store):
    assert shards_of(2, store) == [0, 1]
    raise_signals(store, stripe("invoice", "in_1"), shard=3)
    remember(store, link_of(salesforce("invoice", "a"), shard=7))
    assert shards_of(2, store) == [0, 1, 3, 7]


def test_operations_without_an_end_are_counted(store):
    link = raised(link_of(salesforce("customer", "001000000000001AAA")))
    store.begin([link], [operation_on(link, "create")])
    assert store.load_pulse(KINDS).unresolved == 1


def test_jobs_and_the_newest_complete_certificate(store, clock):
    store.schedule.claim("poll", clock.now(), holder="a")
    store.schedule.finish("poll", clock.now(), outcome="failed", reason="Salesforce 503")
    for minutes, complete in ((0, True), (1, True), (2, False)):
        as_of = clock.now() + timedelta(minutes=minutes)
        store.certificates.save(Certificate(started_at=as_of, as_of=as_of, is_complete=complete, detail={}))
    pulse = store.load_pulse(KINDS)
    assert (pulse.ticks["poll"].outcome, pulse.ticks["poll"].reason) == ("failed", "Salesforce 503")
    assert pulse.certified_at == clock.now() + timedelta(minutes=1)


def test_kinds_nobody_asked_for_are_left_out(store):
    store.record_signals([Signal(key=stripe("payment", "pi_1"))], [], shard_of=lambda _signal: 0)
    assert store.load_pulse(KINDS).waiting == 0


def test_a_record_that_changes_all_the_time_waits_since_its_first_change(store, clock):
    """Raised anew every minute and never looked at: it must not look fresh."""
    first = clock.now()
    for _ in range(20):
        raise_signals(store, stripe("invoice", "in_1"))
        clock.advance(timedelta(minutes=1))
    assert store.load_pulse(KINDS).oldest_at == first
    store.forget_signals(store.load_signals(shards=None, kinds=["invoice"], limit=10))
    raise_signals(store, stripe("invoice", "in_1"))
    [stored] = store.load_signals(shards=None, kinds=["invoice"], limit=10)
    assert stored.raised_at == clock.now(), "it was looked at, and waits anew"


def test_what_is_held_back_is_no_lag_by_either_of_its_ids(store, clock):
    later = Backoff(attempts=1, since=clock.now(), next_at=clock.now() + timedelta(hours=3), code="429")
    remember(store, link_of(salesforce("invoice", "a"), mate_id="in_a", backoff=later))
    raise_signals(store, salesforce("invoice", "a"), stripe("invoice", "in_a"))
    clock.advance(timedelta(hours=1))
    [_, invoice] = store.load_pulse(KINDS).streams
    assert (invoice.waiting, invoice.oldest_at, invoice.held_back) == (2, None, 1)
    raise_signals(store, stripe("invoice", "in_b"))
    assert store.load_pulse(KINDS).oldest_at == clock.now()
    clock.advance(timedelta(hours=3))
    assert store.load_pulse(KINDS).oldest_at == clock.now() - timedelta(hours=4), "due, and not looked at"


def test_what_was_worked_off_in_the_last_hour(store, clock):
    for minutes in (0, 50, 70):
        tally = Tally()
        tally.add("invoice", timedelta(minutes=minutes))
        store.pace.add(tally, began_at=span_of(clock.now()))
        clock.advance(timedelta(minutes=30))
    assert [each.counts for each in store.load_pulse(KINDS).pace] == [{3600: 1}, {10_800: 1}]


def test_what_the_systems_told_of_their_calls_last(store, clock):
    assert store.load_pulse(KINDS).quotas == {}
    store.save_note(quota_note(Side.SALESFORCE), '{"used":61,"total":100}')
    seen = QuotaSeen(used=61, total=100, at=clock.now())
    assert store.load_pulse(KINDS).quotas == {"salesforce": seen}
    assert seen.ratio == 0.61


def test_how_the_newest_verification_ended(store, clock):
    assert store.load_pulse(KINDS).verified is None
    checks = [
        {"severity": "blocker", "open": True, "outcome": "fail"},
        {"severity": "error", "open": True, "outcome": "fail"},
        {"severity": "error", "open": True, "outcome": "unknown"},
        {"severity": "error", "open": True, "outcome": "warn"},
        {"severity": "error", "open": False, "outcome": "pass"},
    ]
    for number, found in enumerate((checks[:1], checks)):
        report = {"checks": found, "summary": {"ready": False}}
        run = PastRun(run_id=str(number), at=clock.now(), profile="full", verdicts={}, report=report)
        store.verify_memory("00D8d000008ZAAAEA4").save_verification(run)
        clock.advance(timedelta(minutes=1))
    verified = store.load_pulse(KINDS).verified
    assert (verified.profile, verified.ready, verified.failed) == ("full", False, {"blocker": 1, "error": 2})
    assert verified.at == clock.now() - timedelta(minutes=1)


def test_webhooks_of_the_last_hour(store, clock):
    now = clock.now()
    ages = {1: 61, 2: 59, 3: 3}
    receive(store, *(event(number, received_at=now - timedelta(minutes=age)) for number, age in ages.items()))
    pulse = store.load_pulse(KINDS)
    assert (pulse.events, pulse.last_event_at) == (2, now - timedelta(minutes=3))


def test_until_when_a_system_is_left_alone(store, clock):
    until = clock.now() + timedelta(hours=1)
    assert store.load_pulse(KINDS).quotas_told(QuotaShares()) == {}
    store.save_note(quota_until_note(Side.SALESFORCE), until.isoformat())
    told = store.load_pulse(KINDS).quotas_told(QuotaShares())
    assert told == {"salesforce": {"used": None, "total": None, "at": None, "until": until}}
    clock.advance(timedelta(hours=1))
    assert store.load_pulse(KINDS).quotas_told(QuotaShares()) == {}
