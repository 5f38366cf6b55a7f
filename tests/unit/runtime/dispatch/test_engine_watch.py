"""Who looks for the jobs of the dead goes on looking, although the database does not say who lives."""

from __future__ import annotations

import asyncio

import pytest
from procrastinate.jobs import Job, Status
from procrastinate.testing import InMemoryConnector

from connector.core.errors import StoreAway
from connector.runtime.dispatch.engine import Engine, Manager

JOB = Job(id=1, queue="drain", lock="shard:0", queueing_lock=None, task_name="drain")


class Away(InMemoryConnector):
    """A database that takes nothing in."""

    async def execute_query_async(self, query, **arguments):
        raise OSError("connection lost")


class Watched(Manager):
    """Has one stalled job, and says after some looks that it is enough."""

    def __init__(self, looks: int) -> None:
        super().__init__(Away())
        self._looks = looks

    async def get_stalled_jobs(self, *, seconds_since_heartbeat):
        if not self._looks:
            raise asyncio.CancelledError
        self._looks -= 1
        return [JOB]


def watched(manager):
    """What it tells meanwhile."""
    told = []

    def is_held(_name):
        raise StoreAway("out of reach")

    engine = Engine(
        "postgresql://127.0.0.1/none",
        [],
        connect_arguments={},
        lease_s=0.01,
        is_held=is_held,
        told=lambda event, **facts: told.append((event, facts.get("error"))),
    )
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(engine._watch(manager))
    return told


def test_a_database_that_does_not_say_whose_lease_lasts_is_asked_again():
    assert watched(Watched(2)) == [("stalled jobs were not looked for", "StoreAway: out of reach")] * 2


def test_a_job_whose_end_was_not_heard_is_remembered_until_it_could_be_put_back():
    class PutBack(Watched):
        tries = 0

        async def retry_job_by_id_async(self, job_id, retry_at):
            assert job_id == JOB.id
            self.tries += 1
            if self.tries < 3:
                raise OSError("connection lost")

    manager = PutBack(0)
    asyncio.run(manager.finish_job(JOB, Status.SUCCEEDED, True))
    lost = ("stalled jobs were not looked for", "OSError: connection lost")
    assert watched(manager) == [lost, lost, ("a job that nobody works on was put back", None)]
    assert manager.unheard == []
