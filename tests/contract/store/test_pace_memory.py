"""Counts of every process add up, whatever the order, and old ones are forgotten."""

from __future__ import annotations

import threading
from datetime import timedelta

from connector.core.pace import Pace, Tally, span_of


def tally_of(**waits_s) -> Tally:
    tally = Tally()
    for kind, seconds in waits_s.items():
        for each in seconds:
            tally.add(kind, timedelta(seconds=each))
    return tally


def test_counts_of_one_span_add_up(store, clock):
    now = span_of(clock.now())
    store.pace.add(tally_of(invoice=[1, 1, 50], payment=[3]), began_at=now)
    store.pace.add(tally_of(invoice=[1]), began_at=now)
    store.pace.add(tally_of(invoice=[2]), began_at=now + timedelta(minutes=5))
    store.pace.add(Tally(), began_at=now)
    assert store.pace.load(now) == [
        Pace(kind="invoice", began_at=now, counts={1: 3, 60: 1}),
        Pace(kind="payment", began_at=now, counts={5: 1}),
        Pace(kind="invoice", began_at=now + timedelta(minutes=5), counts={2: 1}),
    ]
    assert [each.began_at for each in store.pace.load(now + timedelta(seconds=1))] == [now + timedelta(minutes=5)]


def test_several_processes_lose_no_count(store, clock):
    def count():
        for _ in range(10):
            store.pace.add(tally_of(invoice=[1], payment=[1]), began_at=span_of(clock.now()))

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [each.counts for each in store.pace.load(span_of(clock.now()))] == [{1: 40}, {1: 40}]


def test_old_ones_are_forgotten(store, clock):
    now = span_of(clock.now())
    for days in (8, 6, 0):
        store.pace.add(tally_of(invoice=[1]), began_at=now - timedelta(days=days))
    assert store.pace.purge(now - timedelta(days=7)) == 1
    assert [each.began_at for each in store.pace.load(now - timedelta(days=30))] == [now - timedelta(days=6), now]
