"""Which copies are marked again, whatever their lifecycle would do next."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.core.lifecycle import decide
from connector.core.lifecycle.marking import mark_again
from connector.core.model import Record, Side
from connector.core.view import Act
from tests.support.views import PACK, POLICY, record_of, view_of

BORN = "a0I000000000001AAA"
OURS = {"salesforce_id": BORN, "salesforce_org": POLICY.org_id}


def pair(metadata, kind="invoice", status="open", **link):
    return view_of(
        PACK.kinds[kind],
        salesforce=record_of(Side.SALESFORCE, kind, BORN, {"Stripe_Id__c": "x_1"}),
        stripe=record_of(Side.STRIPE, kind, "x_1", {"id": "x_1", "status": status, "metadata": metadata}),
        **{"mate_id": "x_1", **link},
    )


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        {},
        {"due_date": "2026-11-01"},
        {"salesforce_org": POLICY.org_id},
        {"salesforce_id": "", "salesforce_org": ""},
        {"salesforce_id": BORN},
    ],
)
@pytest.mark.parametrize("kind", ["product", "customer", "quote", "invoice"])
def test_a_copy_that_names_nobody_is_marked(kind, metadata):
    wanted = Act(target=Side.STRIPE, action="mark", target_id="x_1", body={"metadata": OURS})
    assert decide(pair(metadata, kind)) == wanted


@pytest.mark.parametrize(
    "metadata",
    [
        OURS,
        {**OURS, "salesforce_id": "a0I000000000002AAA"},
        {**OURS, "salesforce_org": "00D9"},
        {"salesforce_org": "00D9"},
        {"salesforce_id": "a0I000000000002AAA"},
    ],
)
def test_a_copy_that_names_anybody_is_left(metadata):
    assert mark_again(pair(metadata)) is None


@pytest.mark.parametrize(
    "view",
    [
        pair({}, status="void"),
        pair({}, "quote", status="accepted"),
        pair({}, mate_id="x_2"),
        pair({}, "offline_payment"),
        pair({}, "payment"),
        replace(pair({}), stripe=None),
        replace(pair({}), salesforce=None),
        replace(pair({}), stripe=Record(key=pair({}).stripe.key, version="", fields={}, deleted=True)),
        replace(pair({}), salesforce=replace(pair({}).salesforce, deleted=True)),
    ],
)
def test_what_is_over_gone_or_takes_no_mark_is_left(view):
    assert mark_again(view) is None
