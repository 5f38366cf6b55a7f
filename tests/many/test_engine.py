"""The engine on a real PostgreSQL: one at a time per lock on any number of engines, and what the dead took is put back."""

from __future__ import annotations

import contextlib
import threading
import time

import psycopg
import pytest
from sqlalchemy import create_engine, text

from connector.core.errors import StoreAway
from connector.ports.dispatch import QueuedJob
from connector.runtime.dispatch.engine import Engine, Lane
from connector.store import open_store
from tests.support.clock import ManualClock
from tests.support.waiting import until

#: longer than a busy machine ever keeps the living from saying so
LEASE_S = 10


@pytest.fixture
def store(database_url):
    store = open_store(database_url, clock=ManualClock())
    store.queue.open()
    yield store
    store.close()


@pytest.fixture
def beside(database_url):
    """Statements beside the program."""
    engine = create_engine(database_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield lambda statement: connection.execute(text(statement))
    engine.dispose()


@contextlib.contextmanager
def engine(url, do, *, at_once=4, is_held=lambda _name: False, told=None):
    told = [] if told is None else told
    made = Engine(
        url,
        [Lane(task="drain", do=do, at_once=at_once)],
        connect_arguments={},
        lease_s=LEASE_S,
        is_held=is_held,
        told=lambda event, **facts: told.append((event, facts)),
    )
    made.start()
    try:
        yield made
    finally:
        made.stop()
    assert not made.is_alive()


def drain(shard, **arguments):
    return QueuedJob(task="drain", lock=f"shard:{shard}", arguments={"shard": shard, **arguments})


def test_one_at_a_time_for_each_shard_and_nothing_is_left_behind(database_url, store):
    at_work, seen, overlaps, turn = set(), [], [], threading.Lock()

    def do(*, shard, number):
        with turn:
            overlaps.extend([shard] if shard in at_work else [])
            at_work.add(shard)
        time.sleep(0.02)
        with turn:
            at_work.remove(shard)
            seen.append((shard, number))

    with engine(database_url, do), engine(database_url, do):
        for number in range(10):
            for shard in range(3):
                # the next wish waits until the one before has begun
                until(lambda shard=shard, number=number: store.queue.put(drain(shard, number=number)))
        until(lambda: len(seen) == 30)
        until(lambda: store.queue.depth() == {})
    assert overlaps == []
    assert all([number for at, number in seen if at == shard] == list(range(10)) for shard in range(3))


def taken_by_the_dead(store, beside, shard):
    """A job whose worker has given no sign of life for longer than a lease."""
    store.queue.put(drain(shard))
    beside("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour')")
    dead = "SELECT max(id) FROM procrastinate_workers WHERE last_heartbeat < now() - interval '1 minute'"
    beside(f"UPDATE procrastinate_jobs SET status = 'doing', worker_id = ({dead}) WHERE lock = 'shard:{shard}'")


def test_what_the_dead_took_is_put_back_unless_its_lease_is_kept(database_url, store, beside):
    for shard in (0, 1, 2):
        taken_by_the_dead(store, beside, shard)
    # somebody wished it again meanwhile
    store.queue.put(drain(1))
    done, told = [], []
    with engine(
        database_url, lambda *, shard: done.append(shard), is_held=lambda name: name == "shard:2", told=told
    ) as running:
        until(lambda: sorted(done) == [0, 1])
        until(lambda: store.queue.depth() == {"drain": {"doing": 1}})
        assert running.is_alive()
    assert sorted(facts["lock"] for _, facts in told) == ["shard:0", "shard:1"]
    assert sorted(done) == [0, 1]


def test_one_that_has_nothing_to_do_does_not_look_up_ten_times_a_second(database_url, store, monkeypatch):
    waits = []
    wait = psycopg.AsyncConnection.wait

    async def seen(connection, gen, interval=0.1, *others, **named):
        waits.append(interval)
        return await wait(connection, gen, interval, *others, **named)

    monkeypatch.setattr(psycopg.AsyncConnection, "wait", seen)
    done = []
    with engine(database_url, lambda *, shard: done.append(shard)):
        store.queue.put(drain(0))
        until(lambda: done == [0])
    assert min(waits) >= 1


def test_a_database_that_ends_every_connection_is_waited_for(database_url, store, beside):
    done = []
    with engine(database_url, lambda *, shard: done.append(shard)) as running:
        store.queue.put(drain(0))
        # told the database, too: a job whose end was lost with the connection is rightly done again
        until(lambda: done == [0] and store.queue.depth() == {})
        end_every_connection(beside)
        until(lambda: _put(store, drain(1)))
        until(lambda: done == [0, 1])
        assert running.is_alive()


def test_a_job_whose_end_the_database_did_not_hear_is_done_again_though_its_worker_lives(database_url, store, beside):
    """The shard whose lock it has would be closed for good."""
    done = []
    # whoever says that a job ended loses its connection
    beside(
        "CREATE FUNCTION lose() RETURNS trigger AS 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN OLD; END'"
        " LANGUAGE plpgsql"
    )
    beside("CREATE TRIGGER losing BEFORE DELETE ON procrastinate_jobs FOR EACH ROW EXECUTE FUNCTION lose()")
    with engine(database_url, lambda *, shard: done.append(shard), told=(told := [])):
        store.queue.put(drain(0))
        until(lambda: len(done) >= 2)
        beside("DROP TRIGGER losing ON procrastinate_jobs")
        until(lambda: store.queue.depth() == {})
    assert set(done) == {0}
    assert {event for event, _ in told} == {"a job that nobody works on was put back"}


def end_every_connection(beside):
    others = "datname = current_database() AND pid <> pg_backend_pid()"
    beside(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")


def _put(store, job):
    try:
        return store.queue.put(job)
    except StoreAway:
        return False


def test_stopping_waits_for_what_is_under_way_and_takes_nothing_more(database_url, store):
    began, may_end, done = threading.Event(), threading.Event(), []

    def do(*, shard):
        began.set()
        may_end.wait(60)
        done.append(shard)

    with engine(database_url, do, at_once=1) as running:
        store.queue.put(drain(0))
        store.queue.put(drain(1))
        assert began.wait(60)
        stopper = threading.Thread(target=running.stop)
        stopper.start()
        # told to: who is not could take the other one first
        until(running._stopping.is_set)
        with running._turn:
            assert done == []
        may_end.set()
        stopper.join(60)
        assert done == [0]
    assert store.queue.depth() == {"drain": {"todo": 1}}
