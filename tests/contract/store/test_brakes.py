"""Tripped brakes and certificates survive; a brake is open until a person releases it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

from sqlalchemy import insert

from connector.core.brake import TrippedBrake
from connector.core.certificate import Certificate
from connector.store import open_store
from connector.store.tables import tally

AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def brake(**changes):
    given = {"name": "mass_void", "subject": "", "tripped_at": AT, "observed": "40", "allowed": "10", "plan": {"a": 1}}
    return TrippedBrake(**{**given, **changes})


def test_an_open_brake_keeps_its_first_moment(store):
    store.brakes.trip([brake(), brake(subject="invoice")])
    store.brakes.trip([brake(tripped_at=AT + timedelta(hours=1), observed="41")])
    assert store.brakes.load_open() == [brake(), brake(subject="invoice")]


def test_a_released_brake_is_kept_with_who_and_why_and_may_trip_again(store):
    store.brakes.trip([brake()])
    assert store.brakes.release("mass_void", "", by="ann", reason="checked", at=AT)
    assert not store.brakes.release("mass_void", "", by="ann", reason="checked", at=AT)
    assert store.brakes.load_open() == []
    store.brakes.trip([brake(observed="42")])
    newest, older = store.brakes.load_recent()
    assert (newest.observed, newest.released_at) == ("42", None)
    assert (older.released_by, older.release_reason, older.released_at) == ("ann", "checked", AT)


def test_certificates_come_back_newest_first(store):
    first = Certificate(started_at=AT, as_of=AT, is_complete=False, detail={"differing": ["a"]})
    second = Certificate(started_at=AT, as_of=AT + timedelta(hours=1), is_complete=True, detail={})
    numbers = [store.certificates.save(first), store.certificates.save(second)]
    assert store.certificates.load_recent() == list(zip(reversed(numbers), (second, first), strict=True))
    assert store.certificates.load_recent(limit=1) == [(numbers[1], second)]


HOUR = timedelta(hours=1)


def test_many_workers_count_into_one_total_each_record_once_per_weight(store, clock):
    since = clock.now() - HOUR
    assert store.brakes.tally({"change": {"invoice a", "invoice b"}}, since=since) == {"change": 2}
    assert store.brakes.tally({"change": {"invoice b", "invoice c"}, "end": {"invoice a"}}, since=since) == {
        "change": 3,
        "end": 1,
    }
    assert store.brakes.load_tallied({"invoice a", "invoice c", "invoice d"}, since=since) == {
        "invoice a": {"change", "end"},
        "invoice c": {"change"},
    }


def test_what_is_taken_back_counts_no_more(store, clock):
    since = clock.now() - HOUR
    store.brakes.tally({"change": {"a", "b"}, "end": {"a"}}, since=since)
    store.brakes.untally({"change": {"a"}})
    assert store.brakes.tally({}, since=since) == {"change": 1, "end": 1}


def test_the_total_is_that_of_the_last_hour(store, clock):
    store.brakes.tally({"change": {"a"}}, since=clock.now() - HOUR)
    clock.advance(HOUR)
    assert store.brakes.load_tallied({"a"}, since=clock.now() - HOUR) == {}
    assert store.brakes.tally({"change": {"b"}}, since=clock.now() - HOUR) == {"change": 1}


def test_of_workers_who_add_at_once_the_second_sees_what_the_first_added(url, store, clock):
    since, counts = clock.now() - HOUR, []
    other = open_store(url, clock=clock)
    with store._database.write(1) as tx:
        row = {"scope_id": 1, "weight": "end", "record": "invoice a", "at": tx.now}
        tx.connection.execute(insert(tally).values(row))
        second = threading.Thread(target=lambda: counts.append(other.brakes.tally({"end": {"invoice b"}}, since=since)))
        second.start()
        # it would have counted by now, were it not made to wait
        second.join(0.3)
    second.join(60)
    other.close()
    assert counts == [{"end": 2}]
