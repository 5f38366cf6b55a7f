"""Jobs are put into the engine's tables in our own transactions: one per lock waits, and all or nothing is stored."""

from __future__ import annotations

from datetime import timedelta

import pytest
from procrastinate.schema import SchemaManager
from sqlalchemy import text

from connector.core.errors import ConfigError, SchemaTooNew
from connector.ports.dispatch import QueuedJob
from tests.support.clock import DEFAULT_START

#: a file has none, see tests/unit/store/test_no_queue.py
pytestmark = pytest.mark.parametrize("url", ["postgresql"], indirect=True)

DRAIN = QueuedJob(task="drain", lock="shard:3", arguments={"shard": 3})
DUE = DEFAULT_START + timedelta(minutes=1)


@pytest.fixture
def queue(store):
    store.queue.open()
    return store.queue


def jobs(store):
    with store._database.read(1) as tx:
        found = tx.connection.execute(
            text("SELECT task_name, queue_name, lock, args, status::text, scheduled_at FROM procrastinate_jobs")
        )
        return [row._asdict() for row in found]


def run(store, statement):
    with store._database.write(1) as tx:
        tx.connection.execute(text(statement))


def test_of_many_wishes_for_one_shard_one_waits(store, queue):
    assert queue.put(DRAIN)
    assert not queue.put(DRAIN)
    assert queue.put(QueuedJob(task="drain", lock="shard:4", arguments={"shard": 4}, at=DUE))
    [first, second] = jobs(store)
    wanted = {"task_name": "drain", "queue_name": "drain", "lock": "shard:3", "args": {"shard": 3}, "status": "todo"}
    assert first == wanted | {"scheduled_at": None}
    assert second["scheduled_at"] == DUE
    assert queue.depth() == {"drain": {"todo": 2}}


def test_once_one_is_being_done_the_next_may_wait(store, queue):
    queue.put(DRAIN)
    run(store, "UPDATE procrastinate_jobs SET status = 'doing'")
    assert queue.put(DRAIN)
    assert queue.depth() == {"drain": {"todo": 1, "doing": 1}}


def test_a_moment_is_claimed_and_handed_on_together_or_not_at_all(store, queue):
    tick = QueuedJob(task="tick", lock="tick:poll", arguments={"job": "poll", "due_at": DUE.isoformat()})

    def dies(tx):
        queue.put(tick, tx=tx)
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        store.schedule.claim("poll", DUE, holder="a", and_then=dies)
    assert jobs(store) == []
    assert store.schedule.claim("poll", DUE, holder="b", and_then=lambda tx: queue.put(tick, tx=tx))
    assert not store.schedule.claim("poll", DUE, holder="c", and_then=lambda tx: queue.put(tick, tx=tx))
    assert [job["lock"] for job in jobs(store)] == ["tick:poll"]


def test_one_that_waits_already_does_not_break_the_transaction_it_is_part_of(store, queue):
    queue.put(DRAIN)
    put = []
    assert store.schedule.claim("poll", DUE, holder="a", and_then=lambda tx: put.append(queue.put(DRAIN, tx=tx)))
    assert put == [False]
    assert store.schedule.load_last()["poll"]["due_at"] == DUE


def test_opening_again_changes_nothing_and_a_newer_engines_queue_is_refused(store, queue):
    queue.put(DRAIN)
    queue.open()
    assert len(jobs(store)) == 1
    run(store, "UPDATE note SET value = '99.0.0' WHERE name = 'queue.schema'")
    with pytest.raises(SchemaTooNew, match="of procrastinate 99"):
        queue.open()


def test_an_older_engines_queue_gets_what_the_versions_since_changed_in_their_order(
    store, queue, tmp_path, monkeypatch
):
    scripts = {
        "03.03.00_01_pre_known_already.sql": "SELECT no_such_column",
        "03.04.00_01_pre_makes.sql": "CREATE TABLE made (n int); INSERT INTO made VALUES (1)",
        "03.04.00_50_post_fills.sql": "INSERT INTO made VALUES (2)",
        "98.00.00_01_pre_of_the_future.sql": "SELECT no_such_column",
    }
    for name, statements in scripts.items():
        (tmp_path / name).write_text(statements)
    monkeypatch.setattr(SchemaManager, "get_migrations_path", staticmethod(lambda: str(tmp_path)))
    run(store, "UPDATE note SET value = '3.3.0' WHERE name = 'queue.schema'")
    queue.open()
    queue.open()
    with store._database.read(1) as tx:
        assert tx.connection.execute(text("SELECT n FROM made ORDER BY n")).scalars().all() == [1, 2]


def test_tables_of_another_programs_engine_are_left_alone(store, queue):
    run(store, "DELETE FROM note WHERE name = 'queue.schema'")
    with pytest.raises(ConfigError, match="a database of its own"):
        queue.open()
