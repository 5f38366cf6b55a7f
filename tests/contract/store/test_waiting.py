"""Who waits for a parent is signalled when the parent is ready, whichever of the two comes first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.core.errors import StoreBusy
from connector.core.model import LinkState, Signal
from connector.ports import Settlement
from connector.store import open_store
from connector.store.settle import settle
from tests.support.memory import (
    link_of,
    mirror,
    raise_signals,
    remember,
    salesforce,
    stripe,
    wait_for,
    waiting,
    waiting_keys,
)

CUSTOMER = salesforce("customer", "0010000000000001AA")
INVOICES = [salesforce("invoice", f"a0I00000000000{n}AAA") for n in range(3)]
PAYMENT = stripe("payment", "pi_1")


def test_children_are_signalled_when_their_parent_settles(store):
    remember(store, *(wait_for(link_of(key, shard=2), CUSTOMER) for key in INVOICES[:2]), link_of(INVOICES[2]))
    assert waiting(store) == []
    mirror(store, link_of(CUSTOMER), "cus_1")
    signals = waiting(store)
    assert [stored.signal for stored in signals] == [Signal(key=key, cause="parent") for key in INVOICES[:2]]
    assert {stored.shard for stored in signals} == {2}


def test_a_child_may_wait_for_the_parents_other_side(store):
    """A payment born at Stripe knows the Stripe invoice it pays."""
    remember(store, wait_for(link_of(PAYMENT), stripe("invoice", "in_1")))
    mirror(store, link_of(INVOICES[0]), "in_1")
    assert waiting_keys(store) == [PAYMENT]


def test_children_also_hear_that_nobody_follows_their_parent(store):
    remember(store, wait_for(link_of(INVOICES[0]), CUSTOMER))
    remember(store, link_of(CUSTOMER, state=LinkState.CLOSED))
    assert waiting_keys(store) == [INVOICES[0]]


@pytest.mark.parametrize(
    "parent",
    [
        link_of(CUSTOMER),
        wait_for(link_of(CUSTOMER), salesforce("customer", "0")),
        link_of(CUSTOMER, state=LinkState.PARKED),
    ],
    ids=["not there yet", "waits itself", "parked: its child would park it again"],
)
def test_a_parent_that_is_not_ready_wakes_nobody(store, parent):
    remember(store, wait_for(link_of(INVOICES[0]), CUSTOMER))
    remember(store, parent)
    assert waiting(store) == []


def test_a_child_that_begins_to_wait_too_late_is_signalled_at_once(store):
    mirror(store, link_of(CUSTOMER), "cus_1")
    remember(store, wait_for(link_of(INVOICES[0], shard=1), CUSTOMER))
    [stored] = waiting(store)
    assert (stored.signal, stored.shard) == (Signal(key=INVOICES[0], cause="parent"), 1)


def test_parent_and_child_in_one_transaction_do_not_miss_each_other(store):
    remember(store, wait_for(link_of(INVOICES[0]), CUSTOMER), link_of(CUSTOMER, mate_id="cus_1"))
    assert waiting_keys(store) == [INVOICES[0]]


def test_a_child_that_begins_to_wait_and_a_parent_that_gets_ready_take_turns(store, url, clock):
    """Side by side, each would read the other's old state and nobody would ever wake the child."""
    other = open_store(url, clock=clock, busy_timeout_s=0.1)
    parent = Settlement(link=link_of(CUSTOMER, mate_id="cus_1"))
    with store._database.write(1) as tx:
        settle(tx, [Settlement(link=wait_for(link_of(INVOICES[0]), CUSTOMER))])
        with pytest.raises(StoreBusy):
            other.settle([parent])
    other.settle([parent])
    assert waiting_keys(store) == [INVOICES[0]]
    other.close()


def test_waiting_for_a_parked_parent_does_not_spin(store):
    remember(store, link_of(CUSTOMER, state=LinkState.PARKED, mate_id="cus_1"))
    remember(store, wait_for(link_of(INVOICES[0]), CUSTOMER))
    assert waiting(store) == []


def test_who_no_longer_waits_is_left_alone(store):
    child = wait_for(link_of(INVOICES[0]), CUSTOMER)
    remember(store, child)
    remember(store, replace(child, state=LinkState.PARKED, waiting_on=None))
    mirror(store, link_of(CUSTOMER), "cus_1")
    assert waiting(store) == []


def test_a_record_parked_because_of_its_parent_is_looked_at_again_when_that_is_settled(store):
    remember(store, replace(wait_for(link_of(INVOICES[0]), CUSTOMER), state=LinkState.PARKED))
    mirror(store, link_of(CUSTOMER), "cus_1")
    assert waiting_keys(store) == [INVOICES[0]]


def test_hundreds_of_children_wake_together(store):
    children = [salesforce("invoice", f"a0I{n:012d}AAA") for n in range(600)]
    remember(store, *(wait_for(link_of(key), CUSTOMER) for key in children))
    mirror(store, link_of(CUSTOMER), "cus_1")
    assert {stored.signal.key for stored in waiting(store, limit=1000)} == set(children)


def test_further_signals_go_to_their_links_shard_or_else_to_the_shard_that_asks(store):
    remember(store, link_of(INVOICES[0], shard=3))
    asked = tuple(Signal(key=key, cause="settle") for key in (INVOICES[0], INVOICES[1]))
    store.settle([Settlement(link=link_of(PAYMENT, shard=1), signals=asked)])
    assert {stored.signal.key: stored.shard for stored in waiting(store)} == {INVOICES[0]: 3, INVOICES[1]: 1}


def test_a_signal_from_settling_survives_the_drain_that_caused_it(store):
    raise_signals(store, INVOICES[0])
    seen = waiting(store)
    again = Signal(key=INVOICES[0], cause="settle")
    store.settle([Settlement(link=link_of(INVOICES[0]), signals=(again,))])
    store.forget_signals(seen)
    assert [stored.signal for stored in waiting(store)] == [again]
