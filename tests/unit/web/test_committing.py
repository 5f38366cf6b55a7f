"""Nobody is answered before his event is stored for good, and no more is taken in than can be kept."""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import orjson
import pytest
from sqlalchemy import event as sqlalchemy_event

from connector.core.errors import StoreError
from connector.core.service import ReceivedEvent
from connector.web import committing
from connector.web.committing import Full
from tests.support.memory import stripe, waiting_keys
from tests.unit.web.conftest import event

PATIENCE_S = 60
#: how long a store that holds a commit back waits for an answer that must not come
HELD_S = 0.2


def received(number: int = 1, *, size: int = 20) -> ReceivedEvent:
    return ReceivedEvent(
        id=f"evt_{number}", type="x", created=1, livemode=False, account="", api_version="", body=b"x" * size
    )


@pytest.fixture
def held(bench, monkeypatch):
    """A store whose commits wait until they are let go."""
    let_go, begun = threading.Event(), threading.Semaphore(0)
    store = type(bench.store.events).receive

    def receive(*args, **given):
        begun.release()
        assert let_go.wait(PATIENCE_S)
        return store(*args, **given)

    monkeypatch.setattr(type(bench.store.events), "receive", receive)
    bench.begun, bench.let_go = begun, let_go
    yield bench
    let_go.set()


def test_the_answer_waits_for_the_commit(bench, monkeypatch):
    answered, in_time = threading.Event(), []
    store = type(bench.store.events).receive

    def receive(*args, **given):
        in_time.append(not answered.wait(HELD_S))
        return store(*args, **given)

    monkeypatch.setattr(type(bench.store.events), "receive", receive)
    assert bench.send(event()).status_code == 200
    answered.set()
    assert in_time == [True], "200 was said before the event was stored"


def test_what_is_answered_200_is_there_for_every_other_connection(bench):
    assert bench.send(event()).status_code == 200
    with bench.store._database.read(1) as tx:
        [stored] = tx.connection.exec_driver_sql("SELECT event_id FROM stripe_event").all()
    assert stored == ("evt_1",)


def test_a_queue_that_is_full_takes_nothing_more_and_loses_nothing(held):
    first = held.committer.submit(received(0), [])
    assert held.begun.acquire(timeout=PATIENCE_S)
    waiting = [held.committer.submit(received(number), []) for number in range(1, 51)]
    with pytest.raises(Full, match="50 events wait"):
        held.committer.submit(received(51), [])
    assert held.send(event(52)).status_code == 503
    held.let_go.set()
    for each in (first, *waiting):
        each.result(PATIENCE_S)
    assert held.send(event(52)).status_code == 200
    assert len(held.store.events.load_recent(100)) == 52


def test_bytes_that_wait_are_bounded_however_few_the_events_are(held, monkeypatch):
    monkeypatch.setattr(committing, "BYTES_MAX", 1000)
    first = held.committer.submit(received(1, size=900), [])
    assert held.begun.acquire(timeout=PATIENCE_S)
    with pytest.raises(Full, match="900 bytes"):
        held.committer.submit(received(2, size=101), [])
    second = held.committer.submit(received(3, size=100), [])
    held.let_go.set()
    first.result(PATIENCE_S)
    second.result(PATIENCE_S)
    held.committer.submit(received(4, size=1000), []).result(PATIENCE_S)


def test_while_too_many_records_wait_nothing_is_taken_in(bench):
    bench.most[0] = 1
    assert [bench.send(event(number)).status_code for number in (1, 2, 3)] == [200, 200, 503]
    assert bench.answers == {"stored": 2, "busy": 1}
    assert len(waiting_keys(bench.store, "invoice")) == 2
    bench.store.forget_signals(bench.store.load_signals(shards=None, kinds=["invoice"], limit=10))
    assert bench.send(event(3)).status_code == 200
    assert waiting_keys(bench.store, "invoice") == [stripe("invoice", "in_3")]


@pytest.fixture
def group(held):
    """Ten events that wait together, behind one that is being stored."""
    first = held.committer.submit(received(0), [])
    assert held.begun.acquire(timeout=PATIENCE_S)

    def wait(*events):
        waiting = [held.committer.submit(each, []) for each in events]
        held.let_go.set()
        first.exception(PATIENCE_S)
        return [each.exception(PATIENCE_S) for each in waiting]

    held.wait = wait
    return held


def commits(bench):
    """The transactions that hold events, told by their traces: one each."""
    traces = (f"{number:032x}" for number in itertools.count(1))
    bench.committer._intake._new_trace_id = lambda: next(traces)
    return lambda: [each.trace_id for each in bench.store.events.load_recent(100)]


def test_what_waits_together_is_one_commit(group):
    traces = commits(group)
    assert group.wait(*(received(number) for number in range(1, 11))) == [None] * 10
    assert len(set(traces())) == 2, "the one before, and all of the group"


def test_a_commit_that_fails_is_told_to_everybody_in_it_and_stores_nothing_of_any(group, bad_disk):
    bad_disk[0] = True
    told = group.wait(*(received(number, size=50_000) for number in range(1, 11)))
    assert [isinstance(each, StoreError) for each in told] == [True] * 10
    bad_disk[0] = False
    assert {each.id for each in group.store.events.load_recent(100)} <= {"evt_0"}
    again = [group.committer.submit(received(number), []) for number in range(1, 11)]
    assert [each.exception(PATIENCE_S) for each in again] == [None] * 10
    assert {f"evt_{number}" for number in range(1, 11)} <= {each.id for each in group.store.events.load_recent(100)}


def test_one_event_that_cannot_be_stored_takes_none_of_its_neighbours_with_it(group):
    bad = replace(received(5), created=2**63)
    told = group.wait(*(bad if number == 5 else received(number) for number in range(1, 11)))
    assert [type(each).__name__ for each in told] == ["NoneType"] * 4 + ["OverflowError"] + ["NoneType"] * 5
    stored = {each.id for each in group.store.events.load_recent(100)}
    assert stored == {f"evt_{number}" for number in range(11) if number != 5}


@pytest.fixture(params=["full", "read-only"])
def bad_disk(request, bench):
    """SQLite itself says so: its limit of pages, its refusal to write."""
    on = [False]

    @sqlalchemy_event.listens_for(bench.store._database.engine, "checkout")
    def _limited(connection, _record, _proxy):
        most = connection.execute("PRAGMA page_count").fetchone()[0] if on[0] else 1_000_000
        connection.execute(f"PRAGMA max_page_count = {most}").fetchone()
        connection.execute(f"PRAGMA query_only = {int(on[0] and request.param == 'read-only')}")

    yield on
    on[0] = False


def test_a_disk_that_keeps_nothing_is_no_200_and_nothing_is_lost_when_it_is_well_again(bench, bad_disk):
    content = event(note="x" * 500_000)
    bad_disk[0] = True
    reply = bench.send(content)
    assert (reply.status_code, reply.text, reply.headers["Retry-After"]) == (503, "try again", "30")
    bad_disk[0] = False
    assert bench.store.events.load("evt_1") is None
    assert waiting_keys(bench.store, "invoice") == []
    assert bench.send(content).status_code == 200
    assert bench.store.events.load("evt_1").body == orjson.dumps(content)


def test_a_bug_of_ours_is_no_200_either(bench, monkeypatch):
    def fail(*_args, **_given):
        raise AssertionError("our own write broke a constraint")

    monkeypatch.setattr(type(bench.store.events), "receive", fail)
    with pytest.raises(AssertionError, match="constraint"):
        bench.send(event())


def test_two_events_about_one_record_are_one_thing_to_look_at(bench):
    """Whoever tells it, in which order and how often: a record is named, and read when it is looked at."""
    told = [event(1), event(1), event(2, data={"object": {"id": "in_1", "object": "invoice"}}), event(1)]
    with ThreadPoolExecutor(4) as pool:
        assert {reply.status_code for reply in pool.map(bench.send, told)} == {200}
    assert waiting_keys(bench.store, "invoice") == [stripe("invoice", "in_1")]
    assert {each.id: each.deliveries for each in bench.store.events.load_recent()} == {"evt_1": 3, "evt_2": 1}
