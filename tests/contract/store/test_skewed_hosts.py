"""Hosts whose clocks are minutes apart agree on who holds what and on how long a job waits: PostgreSQL's clock counts."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from connector.ports.dispatch import QueuedJob
from connector.store import open_store
from tests.support.clock import ManualClock, SkewedClock
from tests.support.memory import IDENTITY, link_of, operation_on, raised, salesforce

APART = timedelta(minutes=7)
LEASE_S = 60.0


@pytest.fixture
def hosts(postgres_url):
    """One behind and one ahead of the server."""
    now = ManualClock(datetime.now(UTC))
    with contextlib.ExitStack() as opened:

        def at(skew):
            store = open_store(postgres_url, clock=SkewedClock(now, skew), identity=IDENTITY, server_clock=True)
            opened.callback(store.close)
            return store

        yield at(-APART), at(APART)


@pytest.fixture(params=[False, True], ids=["slow holds it", "fast holds it"])
def pair(request, hosts):
    """Who holds a lease, and who would like to."""
    return hosts[::-1] if request.param else hosts


def test_a_lease_that_lasts_is_taken_by_nobody(pair):
    holds, wants = pair
    held = holds.leases.acquire("shard:0", holder="a", lease_s=LEASE_S)
    assert wants.leases.acquire("shard:0", holder="b", lease_s=LEASE_S) == held
    renewed = holds.leases.renew(held, lease_s=LEASE_S)
    assert wants.leases.acquire("shard:0", holder="b", lease_s=LEASE_S) == renewed
    assert [[lease.lasts for lease in store.leases.load()] for store in pair] == [[True], [True]]


def test_one_that_was_given_back_or_ran_out_is_free_at_once(pair):
    holds, wants = pair
    for ended in (LEASE_S, 0.0):
        held = holds.leases.acquire("shard:0", holder="a", lease_s=ended)
        if ended:
            holds.leases.release(held)
        assert [[lease.lasts for lease in store.leases.load()] for store in pair] == [[False], [False]]
        taken = wants.leases.acquire("shard:0", holder="b", lease_s=LEASE_S)
        assert (taken.holder, taken.epoch) == ("b", held.epoch + 1)
        wants.leases.release(taken)


def test_what_a_worker_has_under_way_is_not_taken_for_dead(pair):
    holds, wants = pair
    held = holds.leases.acquire("shard:0", holder="a", lease_s=LEASE_S)
    link = raised(link_of(salesforce("invoice", "a0I000000000001AAA")))
    [sent] = holds.fenced(held).begin([link], [operation_on(link)])
    own = wants.leases.acquire("shard:1", holder="b", lease_s=LEASE_S)
    assert wants.fenced(own).load_under_way() == {sent.id}
    holds.leases.release(held)
    assert wants.fenced(own).load_under_way() == frozenset()


def test_a_job_waits_as_long_as_was_said(hosts):
    hosts[0].queue.open()
    before = _of_the_server(hosts[0], "clock_timestamp()")
    for number, store in enumerate(hosts):
        now = store._database._clock.now()
        store.queue.put(QueuedJob(task="drain", lock=f"shard:{number}", at=now + timedelta(seconds=30)))
    after = _of_the_server(hosts[0], "clock_timestamp()")
    for order in ("ASC", "DESC"):
        at = _of_the_server(hosts[0], f"scheduled_at FROM procrastinate_jobs ORDER BY scheduled_at {order} LIMIT 1")
        assert before <= at - timedelta(seconds=30) <= after


def _of_the_server(store, what):
    with store._database.read(1) as tx:
        return tx.connection.execute(text(f"SELECT {what}")).scalar_one()
