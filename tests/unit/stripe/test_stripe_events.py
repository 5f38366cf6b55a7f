"""Which records an event names, on events as they are and as old API versions rendered them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from connector.stripe.events import HEARD_TYPES, cause_of, subjects_of

RECORDINGS = Path(__file__).resolve().parents[4] / "shared" / "recordings"


def event(event_type, item, **fields):
    return {"id": "evt_1", "type": event_type, "data": {"object": item}, **fields}


def paid(**payment):
    return {"id": "inpay_1", "object": "invoice_payment", "invoice": "in_1", "payment": payment}


@pytest.mark.parametrize(
    ("event_type", "item", "expected"),
    [
        ("customer.updated", {"id": "cus_1"}, [("customer", "cus_1")]),
        ("customer.deleted", {"id": "cus_1", "deleted": True}, [("customer", "cus_1")]),
        ("product.created", {"id": "prod_1"}, [("product", "prod_1")]),
        ("quote.accepted", {"id": "qt_1"}, [("quote", "qt_1")]),
        ("invoice.marked_uncollectible", {"id": "in_1"}, [("invoice", "in_1")]),
        (
            "invoice_payment.paid",
            paid(type="payment_intent", payment_intent="pi_1"),
            [("payment", "pi_1"), ("invoice", "in_1")],
        ),
        (
            "invoice_payment.paid",
            paid(type="payment_record", payment_record={"id": "pr_1"}),
            [("payment", "pr_1"), ("payment_record", "pr_1"), ("invoice", "in_1")],
        ),
        ("invoice_payment.paid", paid(type="charge", charge="ch_1"), [("payment", "ch_1"), ("invoice", "in_1")]),
        ("invoice_payment.paid", paid(type="something_new", something_new=None), [("invoice", "in_1")]),
        ("payment_intent.succeeded", {"id": "pi_1"}, [("payment", "pi_1")]),
        ("charge.succeeded", {"id": "ch_1", "payment_intent": None}, [("payment", "ch_1")]),
        ("charge.succeeded", {"id": "ch_1", "payment_intent": "pi_1"}, []),
        ("charge.refunded", {"id": "ch_1", "payment_intent": None}, [("payment", "ch_1")]),
        ("charge.refunded", {"id": "ch_1", "payment_intent": {"id": "pi_1"}}, [("payment", "pi_1")]),
        # Not followed: prices, and whatever else an account sends.
        ("price.updated", {"id": "price_1"}, []),
        ("customer.subscription.updated", {"id": "sub_1"}, []),
        ("payment_intent.processing", {"id": "pi_1"}, []),
    ],
)
def test_records_an_event_names(event_type, item, expected):
    assert list(subjects_of(event(event_type, item))) == expected


@pytest.mark.parametrize(
    ("request_field", "expected"),
    [
        ({"id": "req_1", "idempotency_key": "connector-1"}, "connector-1"),
        ({"id": None, "idempotency_key": None}, None),
        (None, None),
        ("req_of_an_old_version", None),
    ],
)
def test_the_key_of_the_request_that_caused_it(request_field, expected):
    assert cause_of(event("invoice.paid", {"id": "in_1"}, request=request_field)) == expected


EXPECTED_OF_RECORDINGS = {
    "customer_deleted": ["customer"],
    "customer_updated": ["customer"],
    "invoice_finalized": ["invoice"],
    "invoice_voided": ["invoice"],
    "invoice_payment_paid": ["payment", "invoice"],
    "payment_intent_succeeded": ["payment"],
    "product_deleted": ["product"],
}


@pytest.mark.skipif(not (RECORDINGS / "stripe-events").is_dir(), reason="recordings stripe-events are not here")
def test_recorded_envelopes_of_real_events():
    """Only API versions long gone are recorded: old shapes and missing fields must not stop the reading."""
    seen = {}
    for path in sorted((RECORDINGS / "stripe-events").glob("*.json")):
        recorded = json.loads(path.read_text())
        subjects = subjects_of(recorded)
        assert bool(subjects) <= (recorded["type"] in HEARD_TYPES), path.name
        assert cause_of(recorded) is None or isinstance(cause_of(recorded), str)
        if subjects and path.stem != "charge_succeeded":
            seen[path.stem] = [name for name, _ in subjects]
            assert all(subject_id for _, subject_id in subjects)
    assert seen == EXPECTED_OF_RECORDINGS
