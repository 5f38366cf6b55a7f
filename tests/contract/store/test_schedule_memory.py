"""A moment of a job is claimed once; pauses hold until they end."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta

import pytest

from connector.core.service import Pause

DUE = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def test_one_clock_of_many_gets_a_tick(store):
    barrier, won = threading.Barrier(4), []

    def claim(number):
        barrier.wait()
        won.append(store.schedule.claim("poll", DUE, holder=f"clock {number}"))

    threads = [threading.Thread(target=claim, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False, False, False, True]
    assert store.schedule.claim("poll", DUE + timedelta(seconds=15), holder="clock 0")
    assert store.schedule.claim("sweep", DUE, holder="clock 0")


def test_the_last_tick_of_each_job_and_how_it_ended(store):
    for minutes in (0, 1):
        store.schedule.claim("poll", DUE + timedelta(minutes=minutes), holder="clock")
    store.schedule.finish("poll", DUE, outcome="done")
    store.schedule.finish("poll", DUE + timedelta(minutes=1), outcome="failed", reason="Salesforce 503")
    last = store.schedule.load_last()["poll"]
    assert (last["due_at"], last["outcome"], last["reason"]) == (
        DUE + timedelta(minutes=1),
        "failed",
        "Salesforce 503",
    )
    assert last["finished_at"] is not None


def test_old_ticks_are_forgotten_but_for_the_newest_of_each_job(store):
    for minutes in range(3):
        store.schedule.claim("poll", DUE + timedelta(minutes=minutes), holder="clock")
    store.schedule.claim("sweep", DUE, holder="clock")
    assert store.schedule.purge(DUE + timedelta(days=1)) == 2
    assert store.schedule.load_last()["poll"]["due_at"] == DUE + timedelta(minutes=2)
    assert store.schedule.load_last()["sweep"]["due_at"] == DUE


def test_a_pause_holds_until_it_ends_or_a_person_ends_it(store, clock):
    now = clock.now()
    until = Pause(subject="sweep", reason="release", person="ann", since=now, until=now + timedelta(hours=1))
    forever = Pause(subject="invoice", reason="audit", person="bob", since=now)
    store.schedule.pause(until)
    store.schedule.pause(forever)
    assert store.schedule.load_pauses() == [forever, until]
    clock.advance(timedelta(hours=1))
    assert store.schedule.load_pauses() == [forever]
    assert store.schedule.unpause("invoice", by="cat")
    assert not store.schedule.unpause("invoice", by="cat")
    assert store.schedule.load_pauses() == []
    told = [(row.event, json.loads(row.detail_json)["cause"]) for row in store.audit.load_rows()][-3:]
    assert told == [("paused", "person ann"), ("paused", "person bob"), ("pause ended", "person cat")]


def test_pausing_again_replaces_the_reason(store, clock):
    for reason in ("first", "second"):
        store.schedule.pause(Pause(subject="all", reason=reason, person="ann", since=clock.now()))
    assert [each.reason for each in store.schedule.load_pauses()] == ["second"]


def test_what_a_person_asks_for_is_taken_by_one_clock_and_told_in_the_trail(store):
    due_at = store.schedule.ask_for("sweep", by="ann")
    assert store.schedule.load("sweep", due_at) == {
        "is_taken": False,
        "finished_at": None,
        "outcome": None,
        "reason": "asked for by ann",
    }
    barrier, taken = threading.Barrier(4), []

    def take(number):
        barrier.wait()
        taken.extend(store.schedule.take_asked(holder=f"clock {number}"))

    threads = [threading.Thread(target=take, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken == [("sweep", due_at)]
    assert store.schedule.load("sweep", due_at)["is_taken"]
    assert not store.schedule.withdraw("sweep", due_at)
    assert list(store.audit.load_rows())[-1].event == "job asked for"


def test_what_nobody_took_can_be_withdrawn(store):
    due_at = store.schedule.ask_for("sweep", by="ann")
    assert store.schedule.withdraw("sweep", due_at)
    assert store.schedule.take_asked(holder="clock") == []
    assert store.schedule.load("sweep", due_at) is None


def test_taking_what_was_asked_for_and_handing_it_on_are_one(store):
    store.schedule.ask_for("sweep", by="ann")

    def fail(_job, _due_at, _tx):
        raise RuntimeError("the queue is away")

    with pytest.raises(RuntimeError):
        store.schedule.take_asked(holder="clock", and_then=fail)
    assert [job for job, _ in store.schedule.take_asked(holder="clock")] == ["sweep"]


def test_when_a_job_ended_well_last_however_often_it_failed_since(store, clock):
    def ends(outcome):
        due_at = clock.now()
        store.schedule.claim("poll", due_at, holder="clock")
        clock.advance(timedelta(seconds=3))
        store.schedule.finish("poll", due_at, outcome=outcome)
        return due_at, clock.now()

    first_due_at, _ = ends("failed")
    ends("failed")
    # it never did: since it was due first
    assert store.schedule.load_last()["poll"]["well_at"] == first_due_at
    ends("done")
    _, well_at = ends("done")
    ends("failed")
    newest_due_at, _ = ends("skipped")
    store.schedule.claim("sweep", clock.now(), holder="clock")
    last = store.schedule.load_last()
    assert (last["poll"]["due_at"], last["poll"]["outcome"], last["poll"]["well_at"]) == (
        newest_due_at,
        "skipped",
        well_at,
    )
    assert (last["sweep"]["outcome"], last["sweep"]["well_at"]) == (None, clock.now())
    # old ticks are forgotten, also the one that ended well: what is told then is since when they are remembered
    store.schedule.purge(clock.now())
    assert store.schedule.load_last()["poll"]["well_at"] == newest_due_at
