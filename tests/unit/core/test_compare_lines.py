"""What the lines of a pair say on each side, and how it is told where they differ."""

from __future__ import annotations

from decimal import Decimal

import pytest

from connector.core.compare import OTHERS, Sort, content, differences
from connector.core.compare_lines import lines_differ, lines_said
from connector.core.model import Key, Link, LinkState, Side
from tests.support.views import PACK, POLICY, mapping_of, record_of, view_of

INVOICE_ID = "a0I000000000001AAA"
DOCUMENT = {"CurrencyIsoCode": "USD", "blng__TotalAmount__c": Decimal("35.90"), "Stripe_Id__c": "in_1"}


def row(number, amount="10.00", tax="1.00"):
    return {"Id": f"a0L{number}", "blng__Subtotal__c": Decimal(amount), "blng__TaxAmount__c": Decimal(tax)}


def line(number, amount=1000, *taxes):
    return {
        "metadata": {"salesforce_id": f"a0L{number}"},
        "amount": amount,
        "taxes": [{"amount": tax} for tax in taxes],
    }


def invoice(rows, lines, *, status="open", final=(3590, 300), **link):
    mark = {"salesforce_id": INVOICE_ID, "salesforce_org": POLICY.org_id}
    fields = {"id": "in_1", "status": status, "total": 3590, "metadata": mark}
    progress = {"currency": "usd"} | ({"final": list(final)} if final else {}) | link.pop("progress", {})
    return view_of(
        PACK.kinds["invoice"],
        salesforce=record_of(Side.SALESFORCE, "invoice", INVOICE_ID, {**DOCUMENT, "Stripe_Status__c": status}, rows),
        stripe=record_of(Side.STRIPE, "invoice", "in_1", fields, lines),
        mate_id="in_1",
        progress=progress,
        **link,
    )


def of_lines(view):
    return [(each.sort, each.explained) for each in differences(view) if each.sort is Sort.LINES]


def test_the_same_lines_in_another_order_say_the_same():
    view = invoice([row(1), row(2, "20.90", "4.00")], [line(2, 2090, 300, 100), line(1, 1000, 100)])
    assert lines_said(view, Side.SALESFORCE) == lines_said(view, Side.STRIPE)
    assert content(view, Side.SALESFORCE)[-1] == content(view, Side.STRIPE)[-1]
    assert lines_differ(view) is None
    assert differences(view) == ()


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (
            [line(1, 1000)],
            "Salesforce alone says line a0L1: 1000 with tax 100; Stripe alone says line a0L1: 1000 with tax 0",
        ),
        ([line(1, 999, 100)], "Stripe alone says line a0L1: 999 with tax 100"),
        ([line(1, 1000, 100), line(1, 1000, 100)], "Stripe alone says line a0L1: 1000 with tax 100"),
        ([], "Salesforce alone says line a0L1: 1000 with tax 100"),
        ([line(number, 1, 0) for number in range(2, 7)], "and 2 more"),
    ],
)
def test_what_only_one_side_says_is_named(lines, words):
    view = invoice([row(1)], lines)
    assert words in lines_differ(view)
    assert of_lines(view) == [(Sort.LINES, None)]


@pytest.mark.parametrize("state", [LinkState.PARKED, LinkState.WAITING, LinkState.CLOSED])
def test_no_state_of_the_link_explains_other_lines(state):
    assert of_lines(invoice([row(1)], [line(1, 999, 100)], state=state)) == [(Sort.LINES, None)]


@pytest.mark.parametrize(
    ("status", "found"), [("void", [(Sort.LINES, "void at Stripe")]), ("draft", []), ("paid", [(Sort.LINES, None)])]
)
def test_a_document_that_is_over_or_not_yet_whole(status, found):
    assert of_lines(invoice([row(1)], [], status=status)) == found


def test_a_copy_that_was_there_before_us_has_lines_of_its_own():
    view = invoice([row(1)], [{"amount": 1100, "metadata": {}}], progress={"others_lines": True})
    assert of_lines(view) == []


@pytest.mark.parametrize(("final", "explained"), [(None, OTHERS), ((3590, 300), None)])
def test_lines_without_marks_are_others_only_where_nothing_is_remembered_of_ours(final, explained):
    assert of_lines(invoice([row(1)], [{"amount": 1100, "metadata": {}}], final=final)) == [(Sort.LINES, explained)]


def test_a_line_that_cannot_be_read_is_named():
    [found] = [each for each in differences(invoice([row(1, "0.001")], [line(1)])) if each.sort is not Sort.VALUE]
    assert found.sort is Sort.UNREADABLE
    assert "a0L1" in found.wanted


def allocation(invoice_id, amount, **more):
    return {"Id": "a0A1", "blng__Invoice__c": invoice_id, "blng__Amount__c": Decimal(amount), **more}


def of_line(invoice_id, amount):
    return {
        "Id": "a0A2",
        "blng__InvoiceLine__r": {"blng__Invoice__c": invoice_id},
        "blng__Amount__c": Decimal(amount),
        "blng__Type__c": "Allocation",
    }


def paid(invoice_id, amount, status="paid"):
    return {"id": f"inpay_{amount}", "invoice": invoice_id, "amount_paid": amount, "status": status}


def payment(rows, lines):
    known = Link(born=Key(side=Side.SALESFORCE, kind="invoice", id=INVOICE_ID), mate_id="in_1")
    return view_of(
        mapping_of("payment"),
        salesforce=record_of(Side.SALESFORCE, "payment", "a0P1", {}, rows),
        stripe=record_of(Side.STRIPE, "payment", "pi_1", {}, lines),
        parents=[known],
        mate_id="a0P1",
        progress={"currency": "usd"},
    )


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        ([allocation(INVOICE_ID, 10)], [paid("in_1", 1000)]),
        ([of_line(INVOICE_ID, 4), of_line(INVOICE_ID, 6)], [paid("in_1", 300), paid("in_1", 700)]),
        ([allocation(INVOICE_ID, 12), allocation(INVOICE_ID, 2, blng__Type__c="Unallocation")], [paid("in_1", 1000)]),
        # what no copy is known of is Salesforce's own matter, and Stripe's
        ([allocation("a0I9", 5)], [paid("in_9", 700), paid("in_1", 100, status="canceled")]),
    ],
)
def test_a_payments_allocations_are_added_up_per_mirrored_invoice(rows, lines):
    assert lines_differ(payment(rows, lines)) is None


def test_an_allocation_taken_back_is_named():
    rows = [allocation(INVOICE_ID, 10), allocation(INVOICE_ID, 10, blng__Type__c="Unallocation")]
    words = lines_differ(payment(rows, [paid("in_1", 1000)]))
    assert words == f"Stripe alone says 1000 for invoice {INVOICE_ID} (minor units of usd)"


def test_kinds_without_lines_say_nothing():
    view = view_of(PACK.kinds["product"], salesforce=record_of(Side.SALESFORCE, "product", "01t1", {}))
    assert lines_said(view, Side.SALESFORCE) == ()
