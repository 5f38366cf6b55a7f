"""Roll-ups and formulas (billing-facts.md "Derived amounts"), and what moves SystemModstamp."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.sandbox.salesforce.org import Org

INVOICE = "blng__Invoice__c"
LINE = "blng__InvoiceLine__c"
PAYMENT = "blng__Payment__c"
ALLOCATION = "blng__PaymentAllocationInvoice__c"


def amounts(org, sobject, record_id, *names):
    record = org.get(sobject, record_id)
    return [record[f"blng__{name}__c"] for name in names]


def test_an_invoice_is_the_sum_of_its_lines(org, invoice):
    assert amounts(org, INVOICE, invoice, "Subtotal", "TaxAmount", "TotalAmount", "Balance", "PaymentStatus") == [
        Decimal("100.00"),
        Decimal("19.00"),
        Decimal("119.00"),
        Decimal("119.00"),
        "Unpaid",
    ]
    assert org.get(INVOICE, invoice)["blng__NumberOfInvoiceLines__c"] == 2


def test_a_changed_moved_or_deleted_line_is_felt_by_both_invoices(org, account, invoice):
    first, second = org.ids(LINE)
    org.update(LINE, first, {"blng__TotalAmount__c": "1.00"})
    assert amounts(org, INVOICE, invoice, "TotalAmount") == [Decimal("48.60")]
    org.delete(LINE, second)
    assert amounts(org, INVOICE, invoice, "TotalAmount", "Subtotal") == [Decimal("1.00"), Decimal("60.00")]


def test_allocations_pay_and_unallocations_take_back(org, invoice, pay):
    pay("19.00")
    assert amounts(org, INVOICE, invoice, "Payments", "Balance", "PaymentStatus") == [19, 100, "Partially Paid"]
    pay("100.00")
    assert amounts(org, INVOICE, invoice, "Payments", "Balance", "PaymentStatus") == [119, 0, "Paid"]
    pay("19.00", "Unallocation")
    assert amounts(org, INVOICE, invoice, "Payments", "Balance", "PaymentStatus") == [100, 19, "Partially Paid"]


def test_a_payment_knows_what_is_left_of_it(org, invoice, pay):
    payment = org.get(ALLOCATION, pay("30.00"))["blng__Payment__c"]
    org.update(PAYMENT, payment, {"blng__Amount__c": "50.00"})
    assert amounts(org, PAYMENT, payment, "Allocations", "Unallocations", "Balance") == [30, 0, 20]


def test_allocations_to_lines_reach_the_invoice_two_levels_up(org, account, invoice):
    payment = org.create(PAYMENT, {"blng__Account__c": account, "blng__Amount__c": "30.00"})
    line = org.ids(LINE)[0]
    fields = {"blng__Payment__c": payment, "blng__InvoiceLine__c": line, "blng__Amount__c": "30.00"}
    org.create("blng__PaymentAllocationInvoiceLine__c", {**fields, "blng__Type__c": "Allocation"})
    assert amounts(org, LINE, line, "Payments", "Balance") == [Decimal(30), Decimal("41.40")]
    assert amounts(org, INVOICE, invoice, "PaymentsAgainstInvoiceLines", "Balance") == [30, 89]
    assert amounts(org, PAYMENT, payment, "Balance") == [0]


def test_credits_reduce_the_balance(org, account, invoice):
    note = org.create("blng__CreditNote__c", {"blng__Account__c": account, "blng__CreditNoteDate__c": "2026-11-02"})
    note_line = org.create("blng__CreditNoteLine__c", {"blng__CreditNote__c": note, "blng__TotalAmount__c": "20.00"})
    fields = {"blng__CreditNoteLine__c": note_line, "blng__InvoiceLine__c": org.ids(LINE)[0]}
    org.create("blng__CreditNoteAllocation__c", {**fields, "blng__Amount__c": "20.00", "blng__Type__c": "Allocation"})
    assert amounts(org, INVOICE, invoice, "Credits", "Balance") == [20, 99]
    assert amounts(org, "blng__CreditNote__c", note, "TotalAmount", "Allocations", "Balance") == [20, 20, 0]


def test_only_posted_refund_lines_count_against_a_payment(org, account):
    payment = org.create(PAYMENT, {"blng__Account__c": account, "blng__Amount__c": "30.00"})
    refund = org.create("blng__Refund__c", {"blng__Account__c": account})
    fields = {"blng__Refund__c": refund, "blng__Payment__c": payment, "blng__RefundLineDate__c": "2026-11-02"}
    line = org.create(
        "blng__RefundLinePayment__c", {**fields, "blng__Amount__c": "10.00", "blng__Type__c": "Allocation"}
    )
    assert amounts(org, PAYMENT, payment, "Refunds", "Balance") == [0, 30]
    org.update("blng__RefundLinePayment__c", line, {"blng__Status__c": "Posted"})
    assert amounts(org, PAYMENT, payment, "Refunds", "Balance") == [10, 20]
    assert amounts(org, "blng__Refund__c", refund, "Amount") == [10]


@pytest.mark.parametrize(
    ("total", "paid", "status"),
    [("0", None, "Paid"), ("-5.00", None, "Paid"), ("5.00", None, "Unpaid"), ("5.00", "4.99", "Partially Paid")],
)
def test_the_payment_status_formula(org, account, total, paid, status):
    invoice = org.create(INVOICE, {"blng__Account__c": account})
    org.create(LINE, {"blng__Invoice__c": invoice, "blng__TotalAmount__c": total})
    if paid:
        payment = org.create(PAYMENT, {"blng__Account__c": account, "blng__Amount__c": paid})
        fields = {"blng__Payment__c": payment, "blng__Invoice__c": invoice, "blng__Amount__c": paid}
        org.create(ALLOCATION, {**fields, "blng__Type__c": "Allocation"})
    assert amounts(org, INVOICE, invoice, "PaymentStatus") == [status]


@pytest.fixture
def quote(org, account):
    return org.create("SBQQ__Quote__c", {"SBQQ__Account__c": account})


def quote_line(org, quote, **fields):
    named = {f"SBQQ__{name}__c": value for name, value in fields.items()}
    return org.create("SBQQ__QuoteLine__c", {"SBQQ__Quote__c": quote, **named})


def test_a_quote_is_the_sum_of_its_lines_that_are_not_optional(org, quote):
    quote_line(org, quote, Quantity=3, NetPrice="33.33", ListPrice="40", ProratedListPrice="40", CustomerPrice="33.33")
    quote_line(org, quote, Quantity=1, NetPrice="500.00", Optional=True)
    record = org.get("SBQQ__Quote__c", quote)
    assert record["SBQQ__NetAmount__c"] == Decimal("99.99")
    assert record["SBQQ__ListAmount__c"] == Decimal("120.00")
    assert record["SBQQ__LineItemCount__c"] == 2
    assert record["SBQQ__AverageCustomerDiscount__c"] == Decimal("16.7")


@pytest.mark.parametrize(
    ("fields", "total"),
    [
        ({"Quantity": "2.5", "NetPrice": "0.03"}, "0.08"),
        ({"Quantity": 5, "NetPrice": "10", "Existing": True, "PriorQuantity": 2}, "30.00"),
        ({"Quantity": 5, "NetPrice": "10", "PricingMethod": "Block"}, "10.00"),
        ({"Quantity": 5, "NetPrice": "10", "Renewal": True}, "0"),
        ({"Quantity": 5, "NetPrice": "10", "Renewal": True, "PriorQuantity": 5}, "50.00"),
        ({"Quantity": 1, "NetPrice": "-12.50"}, "-12.50"),
    ],
)
def test_the_net_total_of_a_quote_line(org, quote, fields, total):
    line = quote_line(org, quote, **fields)
    assert org.get("SBQQ__QuoteLine__c", line)["SBQQ__NetTotal__c"] == Decimal(total)


def test_formulas_reach_through_lookups_and_follow_them(org, quote):
    product = org.create("Product2", {"Name": "Seat", "ProductCode": "S"})
    line = quote_line(org, quote, Product=product)
    org.update("Product2", product, {"Name": "Chair"})
    assert org.get("SBQQ__QuoteLine__c", line)["SBQQ__ProductName__c"] == "Chair"


def test_roll_ups_convert_currencies_at_the_orgs_rates(org, account):
    invoice = org.create(INVOICE, {"blng__Account__c": account, "CurrencyIsoCode": "JPY"})
    org.create(LINE, {"blng__Invoice__c": invoice, "blng__TotalAmount__c": 2, "CurrencyIsoCode": "USD"})
    assert amounts(org, INVOICE, invoice, "TotalAmount") == [Decimal(300)]


# -- what moves SystemModstamp ----------------------------------------------------------------------------------


def stamp(org, sobject, record_id):
    return org.get(sobject, record_id)["SystemModstamp"][11:19]


@pytest.mark.parametrize(("switch", "expected"), [(True, "12:01:00"), (False, "12:00:00")])
def test_roll_ups_move_the_modstamp_by_the_switch(clock, switch, expected):
    org = Org(clock=clock, seed=1, rollups_move_modstamp=switch)
    invoice = org.create(INVOICE, {"blng__Account__c": org.create("Account", {"Name": "a"})})
    clock.advance(timedelta(minutes=1))
    org.create(LINE, {"blng__Invoice__c": invoice, "blng__TotalAmount__c": 5})
    assert stamp(org, INVOICE, invoice) == expected
    assert amounts(org, INVOICE, invoice, "Balance") == [5]
    assert org.get(INVOICE, invoice)["LastModifiedDate"][11:19] == "12:00:00"


def test_a_roll_up_that_stays_equal_moves_nothing(org, invoice, clock):
    clock.advance(timedelta(minutes=1))
    org.update(LINE, org.ids(LINE)[0], {"blng__Notes__c": "checked"})
    assert stamp(org, INVOICE, invoice) == "12:00:00"


def test_formulas_never_move_the_modstamp(org, quote, account, invoice, clock):
    product = org.create("Product2", {"Name": "Seat"})
    line = quote_line(org, quote, Product=product)
    clock.advance(timedelta(minutes=1))
    org.update("Product2", product, {"Name": "Chair"})
    org.update(INVOICE, invoice, {"blng__DueDate__c": "2026-12-24"})
    invoice_line = org.ids(LINE)[0]
    assert org.get("SBQQ__QuoteLine__c", line)["SBQQ__ProductName__c"] == "Chair"
    assert org.get(LINE, invoice_line)["blng__DueDate__c"] == "2026-12-24"
    assert stamp(org, "SBQQ__QuoteLine__c", line) == stamp(org, LINE, invoice_line) == "12:00:00"


def test_stamps_are_whole_seconds(org, clock):
    clock.advance(timedelta(milliseconds=1999))
    account = org.create("Account", {"Name": "a"})
    assert org.get("Account", account)["SystemModstamp"] == "2026-11-21T12:00:01.000+0000"


STEP = st.tuples(st.sampled_from(["add", "edit", "drop"]), st.integers(0, 9), st.integers(-500, 500))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEP, max_size=25))
def test_whatever_happens_to_lines_the_invoice_is_their_sum(org, account, steps):
    invoice = org.create(INVOICE, {"blng__Account__c": account})
    lines: dict[str, Decimal] = {}
    for what, which, cents in steps:
        amount = Decimal(cents) / 100
        target = list(lines)[which % len(lines)] if lines else None
        if what == "add" or target is None:
            made = org.create(LINE, {"blng__Invoice__c": invoice, "blng__TotalAmount__c": amount})
            lines[made] = amount
        elif what == "edit":
            org.update(LINE, target, {"blng__TotalAmount__c": amount})
            lines[target] = amount
        else:
            org.delete(LINE, target)
            del lines[target]
        assert org.get(INVOICE, invoice)["blng__TotalAmount__c"] == sum(lines.values())
