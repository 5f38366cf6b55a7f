"""Links are found by the key of either side and come back as they were saved."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from connector.core.errors import LeaseLost
from connector.core.model import Backoff, Condition, ConditionType, Link, LinkState, Side
from tests.support.memory import link_of, remember, salesforce, stripe

INVOICE = salesforce("invoice", "a0I000000000001AAA")
FULL = Link(
    born=INVOICE,
    mate_id="in_1",
    earlier_mates=("in_0", "in_00"),
    shadow={
        "total": (12345, 12345),
        "memo": ("Größe ✓ ", "Größe ✓"),
        "paid": (True, None),
        "due": (None, "2026-11-30"),
    },
    revision=4,
    state=LinkState.WAITING,
    reason="waits for its customer",
    reason_code="invoice.waits",
    waiting_on=salesforce("customer", "0010000000000001AA"),
    condition=Condition(
        type=ConditionType.VALUE_UNMAPPED,
        subject="status",
        wanted="a mapping for 'On hold'",
        looks=3,
        look_at=datetime(2026, 11, 20, 16, 30, tzinfo=UTC),
    ),
    parked_at=datetime(2026, 11, 20, 8, 30, tzinfo=UTC),
    backoff=Backoff(
        attempts=2,
        since=datetime(2026, 11, 21, 12, 0, tzinfo=UTC),
        next_at=datetime(2026, 11, 21, 12, 5, 0, 250, tzinfo=UTC),
        code="UNABLE_TO_LOCK_ROW",
    ),
    shard=3,
    versions={Side.SALESFORCE: "2026-11-02T09:00:00.000+0000", Side.STRIPE: ""},
    progress={"step": "add_lines", "sent": ["a", "b"], "rest": Decimal("12.340"), "nested": {"n": 1}},
)


def test_a_link_comes_back_as_it_was_saved(store):
    remember(store, FULL)
    assert store.load_links([INVOICE]) == {INVOICE: FULL}


def test_a_bare_link_too(store):
    remember(store, link_of(INVOICE))
    assert store.load_links([INVOICE]) == {INVOICE: link_of(INVOICE)}


def test_saving_again_replaces_everything(store):
    remember(store, FULL)
    bare = link_of(INVOICE, revision=5, earlier_mates=("in_1",))
    remember(store, bare)
    assert store.load_links([INVOICE])[INVOICE] == bare
    assert store.load_links([stripe("invoice", "in_1")]) == {}


def test_either_side_finds_it_and_each_result_is_under_the_key_that_was_asked(store):
    payment = link_of(stripe("payment", "pi_1"), mate_id="a0P000000000001AAA")
    remember(store, FULL, payment)
    asked = [INVOICE, stripe("invoice", "in_1"), stripe("payment", "pi_1"), salesforce("payment", "a0P000000000001AAA")]
    found = store.load_links(asked)
    assert set(found) == set(asked)
    assert found[asked[0]] == found[asked[1]] == FULL
    assert found[asked[2]] == found[asked[3]] == payment


def test_an_id_is_looked_for_on_its_own_side_and_kind_only(store):
    remember(store, link_of(INVOICE, mate_id="in_1"))
    strangers = [
        stripe("invoice", INVOICE.id),
        salesforce("invoice", "in_1"),
        salesforce("quote", INVOICE.id),
        stripe("payment", "in_1"),
        stripe("invoice", "IN_1"),
    ]
    assert store.load_links(strangers) == {}


def test_more_keys_than_fit_one_statement(store):
    links = [link_of(salesforce("invoice", f"a0I{n:012d}AAA"), mate_id=f"in_{n}") for n in range(1200)]
    remember(store, *links)
    found = store.load_links(
        [link.born for link in links[:700]] + [stripe("invoice", f"in_{n}") for n in range(700, 1200)]
    )
    assert len(found) == 1200
    assert sorted(link.born for link in found.values()) == [link.born for link in links]


def test_two_records_cannot_share_one_mate(store):
    remember(store, link_of(INVOICE, mate_id="in_1"))
    twin = link_of(salesforce("invoice", "a0I000000000002AAA"), mate_id="in_1")
    with pytest.raises(AssertionError, match="constraint"):
        remember(store, twin)
    assert store.load_links([twin.born]) == {}


def test_any_number_of_links_may_have_no_mate_yet(store):
    links = [link_of(salesforce("invoice", f"a0I00000000000{n}AAA")) for n in range(3)]
    remember(store, *links)
    assert len(store.load_links([link.born for link in links])) == 3


def test_what_was_decided_from_an_old_revision_is_refused_whole(store):
    remember(store, link_of(INVOICE, revision=3))
    other = link_of(salesforce("invoice", "a0I000000000002AAA"))
    with pytest.raises(LeaseLost):
        remember(store, other, link_of(INVOICE, revision=2))
    assert store.load_links([INVOICE, other.born]) == {INVOICE: link_of(INVOICE, revision=3)}


def test_links_are_paged_by_state_and_kind(store):
    links = [
        link_of(salesforce("invoice", f"a0I00000000000{n}AAA"), state=LinkState.PARKED if n % 2 else LinkState.OPEN)
        for n in range(6)
    ]
    remember(store, *links, link_of(salesforce("quote", "aQ0000000000001AAA"), state=LinkState.PARKED))
    parked = store.load_links_in(kind="invoice", states=["parked"], limit=2)
    assert [link.born for link in parked] == [links[1].born, links[3].born]
    rest = store.load_links_in(kind="invoice", states=["parked"], limit=2, after_born_id=parked[-1].born.id)
    assert [link.born for link in rest] == [links[5].born]
    assert len(store.load_links_in(states=["parked"])) == 4
    assert len(store.load_links_in()) == 7
    assert store.count_links() == {"invoice": {"open": 3, "parked": 3}, "quote": {"parked": 1}}


def test_of_two_decisions_on_one_link_in_one_transaction_the_later_counts(store):
    remember(store, link_of(INVOICE), replace(link_of(INVOICE), reason="second"))
    assert store.load_links([INVOICE])[INVOICE].reason == "second"
