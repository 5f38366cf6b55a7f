"""A worker that is cut off from the database beyond its lease: the other takes over, and what was on its way is refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from connector.core.errors import StoreAway, StoreBusy, Superseded
from connector.store import open_store
from connector.store.timeouts import Timeouts
from tests.support.clock import ManualClock
from tests.support.postgres import fresh_database
from tests.support.postgres_proxy import At, through, to_postgres
from tests.support.waiting import until

LEASE_S = 30
#: far more than any of it takes
SOON_S = 30


@pytest.fixture
def url(cluster, template):
    with fresh_database(cluster.url, "fenced", template=template) as made:
        yield made


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def proxy(cluster):
    with to_postgres(cluster.socket) as made:
        yield made


@pytest.fixture
def far(proxy, url, clock):
    """The store of a worker that will be cut off; its server gives it up after some seconds without a word."""
    store = open_store(through(proxy, url), clock=clock, timeouts=Timeouts(idle_timeout_s=4))
    yield store
    store.close()


@pytest.fixture
def near(url, clock):
    store = open_store(url, clock=clock, busy_timeout_s=SOON_S)
    yield store
    store.close()


def held(store, holder):
    lease = store.leases.acquire("service", holder=holder, lease_s=LEASE_S)
    assert lease.holder == holder
    return store.fenced(lease)


def test_what_arrives_after_the_takeover_is_refused(far, near, proxy, clock):
    old = held(far, "far away")
    proxy.swallow()
    with ThreadPoolExecutor() as pool:
        late = pool.submit(old.save_note, "who", "old")
        clock.advance(timedelta(seconds=LEASE_S))
        held(near, "near by").save_note("who", "new")
        assert not late.done()
        proxy.mend()
        assert isinstance(late.exception(SOON_S), Superseded)
    assert near.load_note("who") == "new"


def test_a_transaction_that_never_ends_keeps_nobody_from_taking_over_and_its_late_end_stores_nothing(
    far, near, proxy, clock
):
    """It holds the lease's row: without a limit at the server nobody could take over while the network is gone."""
    old = held(far, "far away")
    proxy.at_commit(At.HELD, writing="INSERT INTO note")
    with ThreadPoolExecutor() as pool:
        late = pool.submit(old.save_note, "who", "old")
        until(lambda: proxy.met == 1)
        clock.advance(timedelta(seconds=LEASE_S))
        held(near, "near by").save_note("who", "new")
        proxy.mend()
        assert isinstance(late.exception(SOON_S), (StoreAway, StoreBusy))
    assert near.load_note("who") == "new"
    with pytest.raises(Superseded):
        old.save_note("who", "old")
