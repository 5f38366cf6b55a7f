"""One view of a payment, whichever object it was made with."""

from __future__ import annotations

import pytest

from connector.core.errors import RemoteError
from connector.stripe.payments import Paid, assemble
from connector.stripe.resources import record_of

INTENT = {
    "id": "pi_1",
    "object": "payment_intent",
    "amount": 1500,
    "amount_received": 1500,
    "currency": "usd",
    "customer": "cus_1",
    "status": "succeeded",
    "created": 100,
    "metadata": {"a": "b"},
    "payment_method_types": ["card", "us_bank_account"],
    "latest_charge": {
        "id": "ch_1",
        "object": "charge",
        "created": 200,
        "payment_method_details": {"type": "us_bank_account"},
    },
}
CHARGE = {
    "id": "ch_9",
    "object": "charge",
    "amount": 1500,
    "amount_captured": 1200,
    "currency": "usd",
    "customer": {"id": "cus_1", "object": "customer"},
    "status": "succeeded",
    "created": 200,
    "payment_method_details": {"type": "card"},
}


def amount(value):
    return {"value": value, "currency": "usd"}


RECORD = {
    "id": "pr_1",
    "object": "payment_record",
    "amount_requested": amount(700),
    "amount_guaranteed": amount(700),
    "amount_failed": amount(0),
    "amount_canceled": amount(0),
    "created": 300,
    "customer_details": {"customer": "cus_1"},
    "payment_method_details": {"type": "custom"},
    "processor_details": {"type": "custom", "custom": {"payment_reference": "4711"}},
    "metadata": {},
}


def invoice_payment(number, *, paid_at=None, status="paid", paid=500):
    return {
        "id": f"inpay_{number}",
        "invoice": f"in_{number}",
        "amount_paid": paid,
        "amount_requested": 500,
        "currency": "usd",
        "status": status,
        "created": 90,
        "status_transitions": {"paid_at": paid_at},
        "payment": {"type": "payment_intent", "payment_intent": "pi_1"},
    }


def fields_of(item, *invoice_payments):
    return assemble(Paid(item=item, invoice_payments=invoice_payments))[0]


def test_a_payment_intent_tells_what_came_in_and_how():
    assert fields_of(INTENT) == {
        "id": "pi_1",
        "object": "payment_intent",
        "amount_received": 1500,
        "amount_refunded": 0,
        "currency": "usd",
        "customer": "cus_1",
        "status": "succeeded",
        "created": 100,
        "paid_at": 200,
        "method_type": "us_bank_account",
        "mode": "electronic",
        "reference": "ch_1",
        "metadata": {"a": "b"},
    }


def test_money_that_moved_elsewhere_is_external_and_keeps_its_reference():
    fields = fields_of(RECORD)
    assert (fields["mode"], fields["reference"], fields["method_type"]) == ("external", "4711", "custom")
    assert (fields["amount_received"], fields["currency"], fields["customer"]) == (700, "usd", "cus_1")


def test_a_charge_of_its_own_counts_what_was_captured():
    fields = fields_of(CHARGE)
    assert (fields["amount_received"], fields["customer"], fields["reference"]) == (1200, "cus_1", "ch_9")


@pytest.mark.parametrize("status", ["processing", "requires_action", "requires_payment_method", "canceled"])
def test_what_is_not_succeeded_has_no_day_of_payment(status):
    item = {**INTENT, "status": status, "amount_received": 0}
    fields = fields_of(item, invoice_payment(1, status="open", paid=None))
    assert (fields["status"], fields["paid_at"], fields["amount_received"]) == (status, None, 0)


@pytest.mark.parametrize("status", ["pending", "failed"])
def test_a_charge_that_did_not_succeed_received_nothing(status):
    fields = fields_of({**CHARGE, "status": status})
    assert (fields["amount_received"], fields["paid_at"]) == (0, None)


@pytest.mark.parametrize(
    ("amounts", "status"),
    [
        ({}, "succeeded"),
        ({"amount_guaranteed": amount(0)}, "processing"),
        ({"amount_guaranteed": amount(0), "amount_failed": amount(700)}, "failed"),
        ({"amount_guaranteed": amount(0), "amount_canceled": amount(700)}, "canceled"),
    ],
)
def test_a_payment_records_status_follows_from_its_amounts(amounts, status):
    assert fields_of({**RECORD, **amounts})["status"] == status


def test_the_day_of_payment_is_when_an_invoice_was_first_credited():
    """A bank debit is charged on one day and known to have succeeded days later."""
    first, second = invoice_payment(1, paid_at=900), invoice_payment(2, paid_at=800)
    assert fields_of(INTENT, first, second)["paid_at"] == 800


def test_lines_tell_what_each_invoice_got():
    _, lines = assemble(Paid(item=INTENT, invoice_payments=(invoice_payment(1, paid_at=900),)))
    assert lines == (
        {
            "id": "inpay_1",
            "invoice": "in_1",
            "amount_paid": 500,
            "amount_requested": 500,
            "currency": "usd",
            "status": "paid",
            "created": 90,
            "paid_at": 900,
        },
    )


def test_an_unexpanded_charge_is_still_a_reference():
    fields = fields_of({**INTENT, "latest_charge": "ch_1"})
    assert (fields["reference"], fields["method_type"]) == ("ch_1", "card")


@pytest.mark.parametrize(
    "item",
    [
        {"total": 10.0},
        {"amount_remaining": 1e3},
        {"total_taxes": [{"amount": 0.5}]},
        {"amount_guaranteed": {"value": 7.0}},
        {"lines": {"data": [{"taxes": [], "pricing": {}}, {"pricing": {"unit_amount": 0.5}}]}},
    ],
)
def test_a_fraction_in_an_amount_is_refused(item):
    with pytest.raises(RemoteError) as raised:
        record_of("invoice", {"id": "in_1", "object": "invoice", **item})
    assert raised.value.code == "amount_not_whole"


def test_fractions_that_are_not_money_pass():
    item = {"id": "in_1", "object": "invoice", "rate": {"percentage": 19.5}, "amount_percent": 2.5}
    assert record_of("invoice", item).fields == item
