"""Each process of the service is known by what it told last, as long as it gives signs of life."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from connector.core.service import ProcessSeen, Refusals


def worker(number=1, **told):
    return ProcessSeen(holder=f"host-a pid {number}", role="worker", **told)


def test_what_it_told_last_counts(store, clock):
    cut_off = worker(why_not="salesforce: invalid_client", why_not_since=clock.now())
    store.processes.tell(worker())
    store.processes.tell(cut_off)
    refused = Refusals(counts={"signature": 3}, newest="signature", newest_at=clock.now())
    web = ProcessSeen(holder="host-b pid 1", role="web", refused=refused)
    store.processes.tell(web)
    assert store.processes.load() == [web, cut_off]
    assert store.load_pulse(["invoice"]).processes == [web, cut_off]


def test_one_that_is_silent_is_gone_and_after_an_hour_forgotten(store, clock):
    store.processes.tell(worker())
    clock.advance(timedelta(seconds=75))
    assert store.processes.load() == [worker(lives=False)]
    store.processes.tell(worker(2))
    clock.advance(timedelta(minutes=59))
    assert store.processes.load() == [worker(2, lives=False)]
    assert store.processes.purge() == 1
    store.processes.tell(worker(3))
    clock.advance(timedelta(seconds=74))
    assert worker(3) in store.processes.load()


def test_one_that_said_it_ended_does_not_live(store):
    store.processes.tell(worker())
    store.processes.tell(replace(worker(), lives=False))
    assert store.processes.load() == [worker(lives=False)]


def test_what_all_refused_within_an_hour_is_told_together(store, clock):
    def web(number, cause, count):
        refused = Refusals(counts={cause: count}, newest=cause, newest_at=clock.now())
        store.processes.tell(ProcessSeen(holder=f"host pid {number}", role="web", refused=refused))

    web(1, "signature", 2)
    clock.advance(timedelta(minutes=30))
    web(2, "mode", 1)
    refused = store.load_pulse([]).refused
    assert (dict(refused.counts), refused.newest, refused.newest_at) == (
        {"signature": 2, "mode": 1},
        "mode",
        clock.now(),
    )
    clock.advance(timedelta(minutes=31))
    assert store.load_pulse([]).refused.counts == {"mode": 1}


def test_notes_of_other_names_are_no_process(store):
    store.save_note("processed", "{}")
    assert store.processes.load() == []
    store.processes.purge()
    assert store.load_note("processed") == "{}"
