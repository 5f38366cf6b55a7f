"""What each record of a pair says by itself, and what is named where they differ."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.core.compare import Sort, compared, content, differences, period_of
from connector.core.diff import judge
from connector.core.model import LinkState, Record, Side
from tests.support.views import PACK, POLICY, record_of, view_of

CUSTOMER, INVOICE = PACK.kinds["customer"], PACK.kinds["invoice"]
VALUES = st.sampled_from([None, "", "a", "b", 0, 1, True])


SALESFORCE_ID, MATE = "001000000000001AAA", "cus_1"


def pair(*, salesforce=None, stripe=None, **link):
    here = {"Name": "Acme", "Stripe_Id__c": MATE, **(salesforce or {})}
    mark = {"salesforce_id": SALESFORCE_ID, "salesforce_org": POLICY.org_id}
    there = {"id": MATE, "name": "Acme", "metadata": mark, **(stripe or {})}
    return view_of(
        CUSTOMER,
        salesforce=record_of(Side.SALESFORCE, "customer", SALESFORCE_ID, here),
        stripe=record_of(Side.STRIPE, "customer", MATE, there),
        **{"mate_id": MATE, "shadow": {"name": ("Acme", "Acme"), "shipping_name": ("Acme", None)}, **link},
    )


def sorts(view):
    return [each.sort for each in differences(view)]


def test_a_pair_in_step_differs_in_nothing():
    assert differences(pair()) == ()


def test_a_value_that_differs_is_named_with_both_values():
    [found] = differences(pair(stripe={"phone": "1"}))
    assert (found.sort, found.field, found.salesforce, found.stripe) == (Sort.VALUE, "phone", None, "1")
    assert (found.kind, found.id, found.mate, found.explained) == ("customer", SALESFORCE_ID, MATE, None)


def said(view, side, **values):
    """What a record says whose fields were read like this, the others empty."""
    blank = dict.fromkeys(rule.name for rule in compared(view.mapping))
    return content(replace(view, decoded={side: {**blank, **values}}), side)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rule=st.sampled_from(compared(CUSTOMER)), x=VALUES, y=VALUES, seen=st.none() | st.tuples(VALUES, VALUES))
def test_pairs_that_say_the_same_agree(rule, x, y, seen):
    """The reverse need not hold: who says something else is looked at again."""
    view = pair(shadow={} if seen is None else {rule.name: seen})
    if said(view, Side.SALESFORCE, **{rule.name: x}) == said(view, Side.STRIPE, **{rule.name: y}):
        assert judge(rule, x, y, seen) is None


@pytest.mark.parametrize(("x", "says_same"), [("Acme ", True), ("Acme!", False)])
def test_what_reads_differently_as_agreed_says_the_same(x, says_same):
    view = pair(shadow={"name": ("Acme ", "Acme")})
    assert (said(view, Side.SALESFORCE, name=x) == said(view, Side.STRIPE, name="Acme")) is says_same


def test_a_checked_amount_is_never_as_agreed():
    rule = replace(next(rule for rule in compared(CUSTOMER) if rule.name == "phone"), check=True)
    view = replace(pair(shadow={"phone": (100, 101)}), mapping=replace(CUSTOMER, fields=(rule,)))
    assert said(view, Side.SALESFORCE, phone=100) != said(view, Side.STRIPE, phone=101)


@pytest.mark.parametrize("marker", [None, "cus_2"])
def test_a_marker_that_names_another_mate_is_a_wrong_pair(marker):
    view = pair(salesforce={"Stripe_Id__c": marker})
    assert sorts(view) == [Sort.WRONG_PAIR]
    assert content(view, Side.SALESFORCE) != content(pair(), Side.STRIPE)


@pytest.mark.parametrize(
    "mark",
    [
        {},
        {"salesforce_id": "001000000000002AAA", "salesforce_org": POLICY.org_id},
        {"salesforce_id": SALESFORCE_ID, "salesforce_org": "00D9"},
    ],
)
def test_a_mark_that_names_another_record_is_a_wrong_pair(mark):
    view = pair(stripe={"metadata": mark})
    assert sorts(view) == [Sort.WRONG_PAIR]
    assert content(view, Side.STRIPE) not in (content(pair(), Side.SALESFORCE), content(view, Side.SALESFORCE))


def test_a_value_that_cannot_be_read_is_named():
    [found] = differences(pair(salesforce={"blng__BillToContact__r": {"Email": "nobody"}}))
    assert found.sort is Sort.UNREADABLE
    assert "email" in found.wanted


@pytest.mark.parametrize("side", list(Side))
def test_what_is_gone_says_whether_it_was_deleted_or_only_not_shown(side):
    for deleted, words in ((True, "is deleted"), (False, "is not shown by its id")):
        record = Record(key=pair().record(side).key, version="", fields={}, deleted=True) if deleted else None
        view = view_of(
            CUSTOMER,
            salesforce=record if side is Side.SALESFORCE else pair().salesforce,
            stripe=record if side is Side.STRIPE else pair().stripe,
            mate_id=MATE,
        )
        [found] = differences(view)
        assert found.sort.value == f"missing {'in' if side is Side.SALESFORCE else 'at'} {side.value}"
        assert found.wanted.endswith(words)


@pytest.mark.parametrize(
    ("link", "explained"),
    [
        ({"state": LinkState.PARKED, "reason_code": "customer.conflict"}, "parked: customer.conflict"),
        ({"state": LinkState.WAITING}, "waiting"),
        ({"state": LinkState.CLOSED}, None),
        ({}, None),
    ],
)
def test_the_links_state_explains_a_difference(link, explained):
    [found] = differences(pair(stripe={"phone": "1"}, **link))
    assert found.explained == explained


@pytest.mark.parametrize(("status", "explained"), [("void", "void at Stripe"), ("open", None), ("paid", None)])
def test_what_salesforce_says_after_the_end_at_stripe_is_explained(status, explained):
    invoice_id = "a0I000000000001AAA"
    mark = {"salesforce_id": invoice_id, "salesforce_org": POLICY.org_id}
    same = {"stripe_number": ("1", "1"), "status": (status, status), "remaining": (0, 0), "link": (None, None)}
    view = view_of(
        INVOICE,
        salesforce=record_of(
            Side.SALESFORCE,
            "invoice",
            invoice_id,
            {
                "Stripe_Id__c": "in_1",
                "CurrencyIsoCode": "USD",
                "blng__TotalAmount__c": 5,
                "Stripe_Number__c": "1",
                "Stripe_Status__c": status,
                "Stripe_Amount_Remaining__c": 0,
            },
        ),
        stripe=record_of(
            Side.STRIPE,
            "invoice",
            "in_1",
            {
                "id": "in_1",
                "currency": "usd",
                "total": 600,
                "number": "1",
                "status": status,
                "amount_remaining": 0,
                "metadata": mark,
            },
        ),
        mate_id="in_1",
        shadow=same,
    )
    [found] = differences(view)
    assert (found.field, found.explained) == ("total", explained)


def test_a_document_is_of_the_month_it_is_dated():
    record = record_of(Side.SALESFORCE, "invoice", "a0I000000000001AAA", {"blng__InvoiceDate__c": "2026-10-31"})
    assert period_of(INVOICE, record, ZoneInfo("UTC")) == "2026-10"


def test_what_has_no_date_is_of_the_month_it_was_made_in():
    made = datetime(2026, 10, 31, 23, 30, tzinfo=UTC)
    record = Record(key=pair().salesforce.key, version="", fields={}, created_at=made)
    assert period_of(CUSTOMER, record, ZoneInfo("UTC")) == "2026-10"
    assert period_of(CUSTOMER, record, ZoneInfo("Europe/Berlin")) == "2026-11"
    assert period_of(CUSTOMER, record_of(Side.STRIPE, "customer", MATE, {}), ZoneInfo("UTC")) is None
