"""Signals: one row per key, none lost while somebody drains, our own echoes dropped."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.core.model import Cursor, OperationState, Side, Signal, Unknown
from tests.support.memory import (
    ended,
    link_of,
    mirror,
    operation_on,
    raise_signals,
    raised,
    remember,
    salesforce,
    stripe,
    waiting,
    waiting_keys,
)

A, B, C = (salesforce("invoice", f"a0I00000000000{letter}AAA") for letter in "123")


def test_a_thousand_signals_for_one_record_are_one_row(store):
    assert raise_signals(store, *[A] * 1000) == 1
    assert raise_signals(store, A) == 1
    assert waiting_keys(store) == [A]
    assert store.count_signals() == {"invoice": 1}


def test_thousands_of_keys_travel_in_one_call(store):
    keys = [salesforce("invoice", f"a0I{number:012d}AAA") for number in range(2500)]
    assert raise_signals(store, *keys) == 2500
    assert [stored.signal.key for stored in waiting(store, limit=5000)] == keys


def test_what_a_signal_says_comes_back(store):
    raise_signals(store, Signal(key=A, cause="event", version="2026-11-02T09:00:00.000+0000"), shard=3)
    [stored] = waiting(store)
    assert stored.signal == Signal(key=A, cause="event", version="2026-11-02T09:00:00.000+0000")
    assert stored.shard == 3


def test_a_signal_raised_during_a_drain_is_not_forgotten_with_the_one_that_was_seen(store):
    raise_signals(store, A, B)
    seen = waiting(store)
    raise_signals(store, A)
    store.forget_signals(seen)
    [kept] = waiting(store)
    assert kept.signal.key == A
    assert kept.seq > max(stored.seq for stored in seen)


def test_seqs_rise_also_after_the_table_was_emptied(store):
    raise_signals(store, A)
    [first] = waiting(store)
    store.forget_signals([first])
    raise_signals(store, A)
    [second] = waiting(store)
    assert second.seq > first.seq
    store.forget_signals([first])
    assert waiting_keys(store) == [A]


def test_signals_come_in_the_order_of_kinds_then_of_age(store):
    customer = salesforce("customer", "0010000000000001AA")
    raise_signals(store, B)
    raise_signals(store, A)
    raise_signals(store, customer)
    assert waiting_keys(store, "customer", "invoice") == [customer, B, A]
    assert waiting_keys(store, "invoice", "customer") == [B, A, customer]
    assert waiting_keys(store, "customer") == [customer]


def test_the_limit_holds_over_all_kinds_and_pages_go_on_after_a_seq(store):
    customer = salesforce("customer", "0010000000000001AA")
    raise_signals(store, customer, A, B, C)
    page = store.load_signals(shards=None, kinds=("customer", "invoice"), limit=2)
    assert [stored.signal.key for stored in page] == [customer, A]
    rest = store.load_signals(shards=None, kinds=("invoice",), limit=5, after_seq=page[-1].seq)
    assert [stored.signal.key for stored in rest] == [B, C]


def test_a_drain_gets_its_own_shards_only(store):
    raise_signals(store, A, shard=0)
    raise_signals(store, B, shard=1)
    assert waiting_keys(store, shards=[1]) == [B]
    assert waiting_keys(store, shards=[0, 1]) == [A, B]
    assert waiting_keys(store, shards=[]) == []


def test_a_key_with_a_link_gets_the_links_shard_whatever_side_it_is_on(store):
    remember(store, link_of(A, mate_id="in_1", shard=2))
    raise_signals(store, A, stripe("invoice", "in_1"), B, shard=1)
    shards = {stored.signal.key: stored.shard for stored in waiting(store)}
    assert shards == {A: 2, stripe("invoice", "in_1"): 2, B: 1}


def test_cursors_move_with_their_signals_and_stay_apart_by_side(store):
    moved = [
        Cursor(side=Side.STRIPE, stream="events", value='{"after": 1}'),
        Cursor(side=Side.SALESFORCE, stream="blng__Invoice__c", value='{"stamp": "x"}'),
    ]
    assert store.record_signals([], moved, shard_of=lambda _signal: 0) == 0
    assert store.load_cursors(Side.STRIPE) == {"events": moved[0]}
    later = replace(moved[0], value='{"after": 2}')
    store.record_signals([], [later], shard_of=lambda _signal: 0)
    assert store.load_cursors(Side.STRIPE) == {"events": later}
    assert store.load_cursors(Side.SALESFORCE) == {"blng__Invoice__c": moved[1]}


def test_a_cursor_does_not_move_when_its_signals_cannot_be_stored(store):
    class BugError(Exception):
        pass

    def broken(_signal):
        raise BugError

    cursor = Cursor(side=Side.STRIPE, stream="events", value="1")
    with pytest.raises(BugError):
        store.record_signals([Signal(key=A)], [cursor], shard_of=broken)
    assert store.load_cursors(Side.STRIPE) == {}
    assert waiting(store) == []


class TestVersions:
    def test_a_version_the_link_was_settled_with_needs_no_look(self, store):
        remember(store, link_of(A, versions={Side.SALESFORCE: "v7"}))
        assert raise_signals(store, Signal(key=A, version="v7")) == 0
        assert waiting(store) == []

    def test_another_version_does(self, store):
        remember(store, link_of(A, versions={Side.SALESFORCE: "v7"}))
        assert raise_signals(store, Signal(key=A, version="v8")) == 1

    def test_versions_are_compared_on_the_signals_own_side(self, store):
        remember(store, link_of(A, mate_id="in_1", versions={Side.SALESFORCE: "v7", Side.STRIPE: "w1"}))
        assert raise_signals(store, Signal(key=stripe("invoice", "in_1"), version="v7")) == 1

    def test_an_unknown_version_never_counts_as_equal(self, store):
        remember(store, link_of(A, versions={Side.SALESFORCE: ""}))
        assert raise_signals(store, Signal(key=A, version="")) == 1
        assert raise_signals(store, Signal(key=A)) == 1


class TestEchoes:
    def test_an_event_caused_by_our_settled_write_on_that_record_is_dropped(self, store):
        _, operation = mirror(store, link_of(A), "in_1")
        echo = Signal(key=stripe("invoice", "in_1"), cause="event", caused_by=operation.idempotency_key)
        assert raise_signals(store, echo) == 0
        assert waiting(store) == []

    def test_the_same_record_changed_by_somebody_else_is_news(self, store):
        mirror(store, link_of(A), "in_1")
        edit = Signal(key=stripe("invoice", "in_1"), cause="event", caused_by="their-own-key")
        assert raise_signals(store, edit) == 1

    def test_an_echo_does_not_hide_news_of_the_same_batch(self, store):
        _, operation = mirror(store, link_of(A), "in_1")
        key = stripe("invoice", "in_1")
        echo = Signal(key=key, cause="event", caused_by=operation.idempotency_key)
        assert raise_signals(store, Signal(key=key, cause="event"), echo) == 1

    def test_a_write_that_moved_another_record_is_news_to_that_one(self, store):
        """A payment record attached to an invoice pays the invoice."""
        remember(store, link_of(A, mate_id="in_1"))
        cheque = link_of(salesforce("offline_payment", "a0P000000000001AAA"), mate_id="pr_1")
        begun = raised(cheque)
        [operation] = store.begin([begun], [operation_on(begun, "attach", target_id="in_1")])
        store.settle([ended(operation, begun, Unknown(code="x", message="y"), OperationState.SETTLED)])
        paid = Signal(key=stripe("invoice", "in_1"), cause="event", caused_by=operation.idempotency_key)
        assert raise_signals(store, paid) == 1

    def test_while_the_outcome_is_not_known_the_event_is_news(self, store):
        begun = raised(link_of(A, mate_id="in_1"))
        [operation] = store.begin([begun], [operation_on(begun, "finalize")])
        signal = Signal(key=stripe("invoice", "in_1"), caused_by=operation.idempotency_key)
        assert raise_signals(store, signal) == 1

    def test_the_end_of_an_earlier_mate_that_we_asked_for_is_our_echo(self, store):
        """A quote taken back is cancelled at Stripe, and later presented as another one."""
        quote = salesforce("quote", "aQ0000000000001AAA")
        link, _ = mirror(store, link_of(quote), "qt_1")
        link, cancelled = mirror(store, link, "qt_1", "cancel")
        mirror(store, replace(link, mate_id=None, earlier_mates=("qt_1",)), "qt_2")
        echo = Signal(key=stripe("quote", "qt_1"), caused_by=cancelled.idempotency_key)
        assert raise_signals(store, echo) == 0
        assert raise_signals(store, Signal(key=stripe("quote", "qt_1"))) == 1


def test_what_would_be_news_can_be_asked_without_storing_anything(store):
    _, operation = mirror(store, link_of(A, versions={Side.SALESFORCE: "v7"}), "in_1")
    news = [Signal(key=A, version="v8"), Signal(key=B), Signal(key=stripe("invoice", "in_1"))]
    old = [Signal(key=A, version="v7"), Signal(key=news[2].key, caused_by=operation.idempotency_key)]
    assert list(store.load_news([*old, *news])) == news
    assert waiting(store) == []
    assert raise_signals(store, *old) == 0
