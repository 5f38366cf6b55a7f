"""A line or an allocation altered so that no total and no mapped field shows it: named within one sweep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from connector.core.model import Side
from connector.flows.sweep.run import certify, look
from tests.scenarios.sweep.conftest import Mirrored, named
from tests.support import builders as b
from tests.support import unseen

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import World

Undo = "Callable[[], object]"


def row_of(mirrored: Mirrored, sobject: str, parent: str, kind: str) -> dict[str, Any]:
    record_id = mirrored.id_of(kind, Side.SALESFORCE)
    return next(row for row in b.rows(mirrored.world, sobject) if row[parent] == record_id)


def move_amount_to_tax(mirrored: Mirrored) -> Undo:
    row = row_of(mirrored, "blng__InvoiceLine__c", "blng__Invoice__c", "invoice")
    return unseen.edit_salesforce(
        mirrored.world, "blng__InvoiceLine__c", row["Id"], {"blng__Subtotal__c": 99, "blng__TaxAmount__c": 1}
    )


def bill_another_amount(mirrored: Mirrored) -> Undo:
    return edit_line_at_stripe(mirrored, "invoice", "lines", "amount", 9_900)


def bill_a_line_of_their_own(mirrored: Mirrored) -> Undo:
    return edit_line_at_stripe(mirrored, "invoice", "lines", "metadata", {})


def offer_another_quantity(mirrored: Mirrored) -> Undo:
    return edit_line_at_stripe(mirrored, "quote", "line_items", "quantity", 7)


def edit_line_at_stripe(mirrored: Mirrored, kind: str, lines: str, field: str, value: Any) -> Undo:
    [line] = mirrored.world.stripe_list(f"/v1/{kind}s/{mirrored.id_of(kind, Side.STRIPE)}/{lines}")
    return unseen.edit_stripe(mirrored.world, line["object"], line["id"], field, value)


def allocate_less(mirrored: Mirrored, kind: str) -> Undo:
    row = row_of(mirrored, "blng__PaymentAllocationInvoice__c", "blng__Payment__c", kind)
    return unseen.edit_salesforce(
        mirrored.world, "blng__PaymentAllocationInvoice__c", row["Id"], {"blng__Amount__c": 1}
    )


def move_to_another_invoice(mirrored: Mirrored) -> Undo:
    """From the invoice that was paid by card to the one that was paid by cheque."""
    row = row_of(mirrored, "blng__PaymentAllocationInvoice__c", "blng__Payment__c", "payment")
    other = row_of(mirrored, "blng__PaymentAllocationInvoice__c", "blng__Payment__c", "offline_payment")
    fields = {"blng__Invoice__c": other["blng__Invoice__c"]}
    return unseen.edit_salesforce(mirrored.world, "blng__PaymentAllocationInvoice__c", row["Id"], fields)


def unallocate(mirrored: Mirrored) -> Undo:
    row = row_of(mirrored, "blng__PaymentAllocationInvoice__c", "blng__Payment__c", "payment")
    table = mirrored.world.org.database.tables["blng__PaymentAllocationInvoice__c"]
    more = {**row, "Id": row["Id"][:-4] + "9AAA", "Stripe_Id__c": None, "blng__Type__c": "Unallocation"}
    table.put(more)
    return lambda: table.remove(more["Id"])


def pay_less(mirrored: Mirrored, kind: str) -> Undo:
    of = {"payment": "payment_intent", "offline_payment": "payment_record"}[kind]
    payments = mirrored.world.stripe_list("/v1/invoice_payments")
    [paid] = [each for each in payments if each["payment"].get(of) == mirrored.id_of(kind, Side.STRIPE)]
    return unseen.edit_stripe(mirrored.world, "invoice_payment", paid["id"], "amount_paid", 1)


EDITS: dict[str, tuple[str, Callable[[Mirrored], Undo], str]] = {
    "an invoice's line in Salesforce": ("invoice", move_amount_to_tax, "9900 with tax 100"),
    "an invoice's line at Stripe": ("invoice", bill_another_amount, "9900 with tax 0"),
    "a line at Stripe that is not ours": ("invoice", bill_a_line_of_their_own, "without our mark"),
    "a quote's line at Stripe": ("quote", offer_another_quantity, "7 units for 10000"),
    "an allocation in Salesforce": ("payment", lambda m: allocate_less(m, "payment"), "100 for invoice"),
    "an allocation to another invoice": ("payment", move_to_another_invoice, "10000 for invoice"),
    "an allocation that was undone": ("payment", unallocate, "Stripe alone says 10000 for invoice"),
    "what a payment paid": ("payment", lambda m: pay_less(m, "payment"), "1 for invoice"),
    "a cheque's allocation": ("offline_payment", lambda m: allocate_less(m, "offline_payment"), "100 for invoice"),
    "what a cheque paid": ("offline_payment", lambda m: pay_less(m, "offline_payment"), "1 for invoice"),
}


@pytest.mark.parametrize(("kind", "edit", "words"), list(EDITS.values()), ids=list(EDITS))
def test_an_altered_line_is_named_and_nothing_is_certified(undisturbed, kind, edit, words):
    take_back = edit(undisturbed)
    try:
        certificate = undisturbed.sweep()
    finally:
        take_back()
    born = undisturbed.links[kind].born.id
    assert (kind, born, "lines differ", None) in named(certificate)
    assert not certificate.is_complete
    [found] = [each for each in certificate.detail["differences"] if each["sort"] == "lines differ"]
    assert words in found["wanted"]


def test_with_everything_taken_back_nothing_differs(undisturbed):
    assert undisturbed.sweep().detail["differences"] == []


def test_a_line_beyond_the_first_page_is_compared_too(world):
    invoice = b.invoice(world, *(b.Item(subtotal=f"{number}.00") for number in range(1, 13)))
    for _ in range(2):
        world.sync()
    document = b.the_one(world, "invoices", invoice)
    assert document["lines"]["has_more"]
    assert certify(world.workspace, look(world.workspace))[1].is_complete
    last = world.stripe_list(f"/v1/invoices/{document['id']}/lines")[-1]
    assert last["id"] not in {line["id"] for line in document["lines"]["data"]}
    unseen.edit_stripe(world, "line_item", last["id"], "amount", 7)
    assert ("invoice", invoice, "lines differ", None) in named(certify(world.workspace, look(world.workspace))[1])


def test_a_cheque_of_which_a_part_is_allocated_is_in_step_until_its_amount_is_edited(world: World) -> None:
    """Only what is allocated is reported: the amounts differ, and that is how it was settled."""
    account = b.account(world)
    invoice = b.invoice(world, account_id=account)
    world.sync()
    payment = b.offline_payment(world, {invoice: "60.00"}, account_id=account, amount="150.00")
    world.sync()
    mirrored = Mirrored(world)
    assert mirrored.sweep().is_complete
    b.assert_still(world)
    undo = unseen.edit_salesforce(world, "blng__Payment__c", payment, {"blng__Amount__c": 160})
    assert named(mirrored.settled()) == [("offline_payment", payment, "value differs", "amount")]
    undo()
    assert mirrored.settled().is_complete
