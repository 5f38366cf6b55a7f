"""A store belongs to one pair of systems (invariants.md I21)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.core.errors import StoreUnusable
from connector.store import open_store
from tests.support.clock import ManualClock
from tests.support.memory import IDENTITY

OTHERS = [
    replace(IDENTITY, org_id="00D000000000002AAA"),
    replace(IDENTITY, account_id="acct_2"),
    replace(IDENTITY, livemode=True),
    replace(IDENTITY, is_sandbox=False),
]


def test_the_first_contact_pins_the_pair(url):
    store = open_store(url, clock=ManualClock())
    assert store.pin_identity(IDENTITY) == IDENTITY
    assert store.pin_identity(IDENTITY) == IDENTITY
    store.close()


@pytest.mark.parametrize("other", OTHERS)
def test_another_pair_gets_back_the_one_that_is_pinned(store, url, other):
    assert store.pin_identity(other) == IDENTITY
    store.close()
    reopened = open_store(url, clock=ManualClock())
    assert reopened.pin_identity(other) == IDENTITY
    reopened.close()


def test_opening_for_another_pair_is_refused_and_names_both(store, url):
    with pytest.raises(StoreUnusable) as caught:
        open_store(url, clock=ManualClock(), identity=OTHERS[2])
    assert "belongs to sandbox org 00D8d000008ZAAAEA4 with test account acct_1" in str(caught.value)
    assert "not to sandbox org 00D8d000008ZAAAEA4 with live account acct_1" in str(caught.value)
