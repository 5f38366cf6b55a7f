"""Events are stored once, with their signals, whoever delivers them and how often."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from connector.core.model import Signal
from connector.core.service import ReceivedEvent
from tests.support.memory import stripe, waiting_keys

AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def event(number: int = 1, **changes) -> ReceivedEvent:
    given = {
        "id": f"evt_{number}",
        "type": "invoice.paid",
        "created": 1_700_000_000 + number,
        "livemode": False,
        "account": "",
        "api_version": "2026-10-28.endive",
        "body": b'{"id": "evt_%d"}' % number,
        "received_at": AT + timedelta(seconds=number),
    }
    return ReceivedEvent(**{**given, **changes})


def receive(store, *events, **signals_of) -> int:
    return store.events.receive(
        [(each, [Signal(key=key, cause="webhook") for key in signals_of.get(each.id, ())]) for each in events],
        shard_of=lambda _signal: 2,
    )


def test_a_new_event_is_stored_as_it_came_and_its_records_are_looked_at(store):
    assert receive(store, event(), evt_1=[stripe("invoice", "in_1"), stripe("payment", "pi_1")]) == 1
    [stored] = store.events.load_recent()
    assert stored == event(signalled=2)
    assert waiting_keys(store) == [stripe("invoice", "in_1"), stripe("payment", "pi_1")]
    assert store.events.load("evt_1") == stored
    assert store.events.load("evt_2") is None


def test_the_same_event_again_is_counted_and_raises_nothing(store):
    key = stripe("invoice", "in_1")
    receive(store, event(), evt_1=[key])
    store.forget_signals(store.load_signals(shards=None, kinds=["invoice"], limit=10))
    assert receive(store, event(), event(), event(2), evt_1=[key]) == 1
    assert waiting_keys(store) == []
    assert store.events.load("evt_1").deliveries == 3


def test_an_event_of_no_interest_is_kept_too(store):
    receive(store, event(type="payout.paid"))
    assert store.events.load("evt_1").signalled == 0


def test_many_receivers_at_once_store_it_once(store):
    barrier, counts = threading.Barrier(4), []

    def deliver():
        barrier.wait()
        counts.append(receive(store, event(), event(2), evt_1=[stripe("invoice", "in_1")]))

    threads = [threading.Thread(target=deliver) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(counts) == [0, 0, 0, 2]
    assert [each.deliveries for each in store.events.load_recent()] == [4, 4]
    assert len(waiting_keys(store)) == 1


def test_people_see_the_newest_first_by_type_and_page_by_page(store):
    receive(store, *(event(number) for number in range(1, 6)), event(6, type="customer.updated"))
    assert [each.id for each in store.events.load_recent(2)] == ["evt_6", "evt_5"]
    assert [each.id for each in store.events.load_recent(2, type_prefix="invoice.")] == ["evt_5", "evt_4"]
    assert [each.id for each in store.events.load_recent(2, before="evt_3")] == ["evt_2", "evt_1"]


def test_a_type_prefix_is_no_pattern(store):
    receive(store, event())
    assert store.events.load_recent(type_prefix="%") == []


def test_what_is_old_is_forgotten(store):
    receive(store, event(1), event(2))
    assert store.events.purge(AT + timedelta(seconds=2)) == 1
    assert [each.id for each in store.events.load_recent()] == ["evt_2"]


def test_the_backlog_says_since_when_the_oldest_waits(store):
    assert store.events.backlog() == (0, None)
    receive(store, event(), evt_1=[stripe("invoice", "in_1"), stripe("invoice", "in_2")])
    number, oldest = store.events.backlog()
    assert number == 2
    assert isinstance(oldest, datetime)
    assert oldest.tzinfo is not None


@pytest.mark.parametrize("body", [b"", b"\x00\xff", "Größe".encode()])
def test_bytes_come_back_as_they_were_signed(store, body):
    receive(store, event(body=body))
    assert store.events.load("evt_1").body == body
