"""One holder at a time; a takeover raises the epoch, and who lost a lease writes no more."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from connector.core.errors import Superseded
from tests.support.memory import link_of, operation_on, raised, remember, salesforce

HERE, THERE = "host-a pid 10", "host-b pid 11"


def acquire(store, holder, lease_s=30.0, name="daemon"):
    return store.leases.acquire(name, holder=holder, lease_s=lease_s)


def test_the_first_who_asks_holds_it_and_others_are_told_who(store):
    held = acquire(store, HERE)
    assert (held.holder, held.epoch) == (HERE, 1)
    assert acquire(store, THERE) == held
    assert store.leases.load() == [held]


def test_what_ran_out_is_taken_over_with_a_higher_epoch(store, clock):
    held = acquire(store, HERE)
    clock.advance(timedelta(seconds=30))
    taken = acquire(store, THERE)
    assert (taken.holder, taken.epoch) == (THERE, held.epoch + 1)
    assert store.leases.renew(held, lease_s=30) is None


def test_a_renewed_one_does_not_run_out(store, clock):
    held = acquire(store, HERE)
    clock.advance(timedelta(seconds=29))
    renewed = store.leases.renew(held, lease_s=30)
    assert renewed.epoch == held.epoch
    clock.advance(timedelta(seconds=29))
    assert acquire(store, THERE).holder == HERE


def test_a_released_one_is_free_and_its_epoch_is_not_given_again(store):
    held = acquire(store, HERE)
    store.leases.release(held)
    taken = acquire(store, THERE)
    assert (taken.holder, taken.epoch) == (THERE, 2)
    store.leases.release(held)
    assert acquire(store, HERE).holder == THERE


def test_leases_of_other_names_are_free(store):
    acquire(store, HERE)
    assert acquire(store, THERE, name="shard-1").holder == THERE


def test_of_many_who_ask_at_once_one_holds_it(store):
    barrier, held = threading.Barrier(4), []

    def ask(number):
        barrier.wait()
        held.append(acquire(store, f"host pid {number}"))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({(each.holder, each.epoch) for each in held}) == 1


def test_a_process_that_woke_after_a_takeover_writes_nothing(store, clock):
    link = link_of(salesforce("customer", "001000000000001AAA"))
    old = store.fenced(acquire(store, HERE))
    remember(old, link)
    clock.advance(timedelta(minutes=5))
    new = store.fenced(acquire(store, THERE))
    with pytest.raises(Superseded, match=f"held by {THERE}"):
        remember(old, link_of(link.born, mate_id="cus_old"))
    with pytest.raises(Superseded):
        old.save_note("a", "b")
    remember(new, link_of(link.born, mate_id="cus_new"))
    assert store.load_links([link.born])[link.born].mate_id == "cus_new"
    assert old.load_note("a") is None


def test_an_expired_lease_nobody_took_still_writes(store, clock):
    """The clock alone takes nothing away: only a takeover does, so nothing is lost to a slow renewal."""
    held = store.fenced(acquire(store, HERE))
    clock.advance(timedelta(hours=1))
    held.save_note("a", "b")
    assert store.load_note("a") == "b"


def test_what_was_sent_may_be_under_way_while_its_sender_lives(store, clock):
    """Under a lease until that ends; of our own, as long as the unit of work that sent it has not ended."""
    begun = [raised(link_of(salesforce("invoice", f"a0I00000000000{number}AAA"))) for number in range(3)]
    mine, theirs = acquire(store, HERE), acquire(store, THERE, name="shard-1")
    sent = [
        [stored.id for stored in each.begin([link], [operation_on(link)])]
        for each, link in zip(
            (store.fenced(mine).traced("a"), store.fenced(mine).traced("b"), store.fenced(theirs)), begun, strict=True
        )
    ]
    a, b, other = (one for [one] in sent)
    assert set(store.load_under_way()) == {a, b, other}
    assert set(store.fenced(mine).load_under_way({"b"})) == {b, other}
    assert set(store.fenced(theirs).load_under_way({"b"})) == {a, b}
    clock.advance(timedelta(seconds=31))
    assert set(store.load_under_way({"a", "b"})) == set()
