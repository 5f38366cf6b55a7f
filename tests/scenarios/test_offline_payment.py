"""offline_payment: a cheque or wire booked in Salesforce is reported to Stripe and attached to its invoice."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import builders as b
from tests.support.killing import Fate, Killed

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.sandbox.http import Request, Response
    from tests.support.world import World

PAYMENT = "blng__Payment__c"


def _open_invoice(world: World, **fields: Any) -> tuple[str, str, str]:
    """An account, its mirrored invoice over 100.00, and the Stripe invoice."""
    account = b.account(world)
    invoice = b.invoice(world, account_id=account, **fields)
    world.sync()
    return account, invoice, str(b.the_one(world, "invoices", invoice)["id"])


def _records(world: World) -> list[dict[str, Any]]:
    return world.stripe_list("/v1/payment_records")


def _stripe(world: World, mate: str) -> dict[str, Any]:
    return world.stripe_api("GET", f"/v1/invoices/{mate}")


def test_a_cheque_over_everything_pays_the_invoice_at_stripe(world: World) -> None:
    account, invoice, mate = _open_invoice(world)
    cheque = b.offline_payment(world, {invoice: "100.00"}, account_id=account)
    world.sync()
    [record] = _records(world)
    assert record["amount_guaranteed"] == {"currency": "usd", "value": 10_000}
    assert record["metadata"] == {"salesforce_id": cheque, "salesforce_org": world.org.org_id}
    found = _stripe(world, mate)
    assert (found["status"], found["amount_remaining"]) == ("paid", 0)
    assert world.org.get(PAYMENT, cheque)["Stripe_Id__c"] == record["id"]
    kept = world.org.get("blng__Invoice__c", invoice)
    assert (kept["Stripe_Status__c"], kept["Stripe_Amount_Remaining__c"], kept["blng__Balance__c"]) == ("paid", 0, 0)
    b.assert_still(world)
    assert b.findings(world) == {}


def test_it_is_never_echoed_back_as_a_payment_born_at_stripe(world: World) -> None:
    account, invoice, _ = _open_invoice(world)
    b.offline_payment(world, {invoice: "100.00"}, account_id=account)
    for _ in range(3):
        world.sync()
    assert len(world.org.ids(PAYMENT)) == 1
    assert len(world.org.ids("blng__PaymentAllocationInvoice__c")) == 1
    assert "unclaimed.payment" not in b.findings(world)
    assert "unclaimed.offline_payment" not in b.findings(world)


def test_a_partial_cheque_leaves_the_rest_payable(world: World) -> None:
    account, invoice, mate = _open_invoice(world)
    b.offline_payment(world, {invoice: "30.00"}, account_id=account)
    world.sync()
    found = _stripe(world, mate)
    assert (found["status"], found["amount_remaining"]) == ("open", 7_000)
    assert b.findings(world) == {}
    b.assert_still(world)
    b.pay(world, mate)
    world.sync()
    assert sorted(row["blng__Amount__c"] for row in b.rows(world, PAYMENT)) == [Decimal("30.00"), Decimal("70.00")]
    assert world.org.get("blng__Invoice__c", invoice)["blng__Balance__c"] == 0
    b.assert_still(world)


def test_what_is_allocated_is_reported_not_what_was_received(world: World) -> None:
    account, invoice, mate = _open_invoice(world)
    b.offline_payment(world, {invoice: "30.00"}, amount="500.00", account_id=account)
    world.sync()
    assert _records(world)[0]["amount_guaranteed"]["value"] == 3_000
    assert _stripe(world, mate)["amount_remaining"] == 7_000
    b.assert_still(world)


@pytest.mark.parametrize("status", ["Draft", "Cancelled"])
def test_a_payment_that_is_not_posted_is_not_reported(world: World, status: str) -> None:
    account, _, mate = _open_invoice(world)
    b.offline_payment(world, {}, amount="30.00", status=status, account_id=account)
    report = world.sync()
    assert _records(world) == []
    assert _stripe(world, mate)["amount_remaining"] == 10_000
    assert b.not_mirrored(report, "offline_payment") == {f"status {status}": 1}


def test_an_unallocated_payment_is_reported_once_it_is_allocated(world: World) -> None:
    account, invoice, mate = _open_invoice(world)
    cheque = b.offline_payment(world, {}, amount="100.00", account_id=account)
    report = world.sync()
    assert _records(world) == []
    assert b.not_mirrored(report, "offline_payment") == {"not allocated": 1}
    b.allocate(world, cheque, invoice, "100.00")
    world.sync()
    assert _stripe(world, mate)["status"] == "paid"
    assert world.org.get(PAYMENT, cheque)["Stripe_Id__c"] == _records(world)[0]["id"]
    b.assert_still(world)


def test_a_draft_is_reported_once_it_is_posted(world: World) -> None:
    account, invoice, mate = _open_invoice(world)
    cheque = b.offline_payment(world, {invoice: "100.00"}, status="Draft", account_id=account)
    world.sync()
    assert _records(world) == []
    world.org.update(PAYMENT, cheque, {"blng__Status__c": "Posted"})
    world.sync()
    assert _stripe(world, mate)["status"] == "paid"
    b.assert_still(world)
    assert b.findings(world) == {}


def test_a_payment_of_an_invoice_that_is_not_mirrored_is_not_reported(world: World) -> None:
    account = b.account(world)
    invoice = b.invoice(world, account_id=account)
    b.offline_payment(world, {invoice: "100.00"}, account_id=account)
    report = world.sync()
    assert _records(world) == []
    assert b.not_mirrored(report, "offline_payment") == {"its invoice is not mirrored": 1}


def test_an_electronic_payment_of_another_gateway_is_not_an_offline_payment(world: World) -> None:
    account, invoice, mate = _open_invoice(world)
    b.offline_payment(world, {invoice: "100.00"}, account_id=account, mode="Electronic")
    world.sync()
    assert _records(world) == []
    assert _stripe(world, mate)["status"] == "open"
    assert "invoice.balance_fell" in b.findings(world)


def test_allocated_to_two_invoices_parks(world: World) -> None:
    account, first, mate = _open_invoice(world)
    second = b.invoice(world, account_id=account)
    world.sync()
    cheque = b.offline_payment(world, {first: "40.00", second: "60.00"}, account_id=account)
    world.sync()
    code, reason = b.parked(world, "offline_payment")[cheque]
    assert (code, "2 invoices" in reason) == ("offline_payment.several_invoices", True)
    assert _records(world) == []
    assert _stripe(world, mate)["amount_remaining"] == 10_000
    assert len(b.findings(world)["invoice.balance_fell"]) == 2
    b.assert_still(world)


def test_allocated_to_a_mirrored_invoice_and_one_that_is_not_parks_too(world: World) -> None:
    """Whether the rest was meant for it as well is for a person to say; that the balance fell is told."""
    account, mirrored, mate = _open_invoice(world)
    old = b.invoice(world, account_id=account, dated=date(2026, 9, 1))
    cheque = b.offline_payment(world, {mirrored: "40.00", old: "60.00"}, account_id=account)
    world.sync()
    assert b.parked(world, "offline_payment")[cheque][0] == "offline_payment.several_invoices"
    assert _records(world) == []
    assert _stripe(world, mate)["amount_remaining"] == 10_000
    assert [found.subject for found in b.findings(world)["invoice.balance_fell"]] == [mirrored]
    b.assert_still(world)


def test_an_allocation_undone_before_anybody_looked_is_no_payment(world: World) -> None:
    account, invoice, mate = _open_invoice(world)
    cheque = b.offline_payment(world, {invoice: "100.00"}, account_id=account)
    b.allocate(world, cheque, invoice, "100.00", way="Unallocation")
    world.sync()
    assert _records(world) == []
    assert _stripe(world, mate)["status"] == "open"
    assert b.findings(world) == {}


def test_more_than_stripe_still_asks_for_parks(world: World) -> None:
    """The customer paid a part at Stripe and sends a cheque over everything."""
    account, invoice, mate = _open_invoice(world)
    cheque = b.offline_payment(world, {invoice: "100.00"}, account_id=account)
    b.pay_with_intent(world, 6_000, mate)
    world.sync()
    code, reason = b.parked(world, "offline_payment")[cheque]
    assert (code, "10000" in reason, "4000" in reason) == ("offline_payment.exceeds_remaining", True, True)
    assert _records(world) == []
    assert _stripe(world, mate)["amount_remaining"] == 4_000


def test_a_cheque_for_what_was_paid_at_stripe_already_parks(world: World) -> None:
    account, invoice, mate = _open_invoice(world)
    cheque = b.offline_payment(world, {invoice: "100.00"}, account_id=account)
    b.pay(world, mate)
    world.sync()
    code, reason = b.parked(world, "offline_payment")[cheque]
    assert (code, "twice" in reason) == ("offline_payment.invoice_not_open", True)
    assert _records(world) == []


@pytest.mark.parametrize("how", ["cancelled", "unallocated", "deleted"])
def test_undone_after_it_was_reported_parks(world: World, how: str) -> None:
    account, invoice, mate = _open_invoice(world)
    cheque = b.offline_payment(world, {invoice: "30.00"}, account_id=account)
    world.sync()
    if how == "cancelled":
        world.org.update(PAYMENT, cheque, {"blng__Status__c": "Cancelled"})
    elif how == "unallocated":
        b.allocate(world, cheque, invoice, "30.00", way="Unallocation")
    else:
        world.org.delete(PAYMENT, cheque)
    world.sync()
    code, reason = b.parked(world, "offline_payment")[cheque]
    assert code == ("offline_payment.deleted" if how == "deleted" else "offline_payment.changed")
    assert "Stripe" in reason
    assert _stripe(world, mate)["amount_remaining"] == 7_000
    b.assert_still(world)


def test_two_cheques_for_one_invoice_are_two_records(world: World) -> None:
    account, invoice, mate = _open_invoice(world)
    b.offline_payment(world, {invoice: "30.00"}, account_id=account)
    b.offline_payment(world, {invoice: "70.00"}, account_id=account)
    world.sync()
    assert sorted(record["amount_guaranteed"]["value"] for record in _records(world)) == [3_000, 7_000]
    assert _stripe(world, mate)["status"] == "paid"
    assert b.parked(world, "offline_payment") == {}
    b.assert_still(world)
    assert b.findings(world) == {}


def test_two_cheques_that_together_are_too_much_do_not_both_pass(world: World) -> None:
    """Allocated beyond the invoice in Salesforce: the second one meets an invoice that is paid."""
    account, invoice, mate = _open_invoice(world)
    b.offline_payment(world, {invoice: "80.00"}, account_id=account)
    b.offline_payment(world, {invoice: "80.00"}, account_id=account)
    world.sync()
    found = _stripe(world, mate)
    assert (found["amount_paid"], found["amount_overpaid"]) == (8_000, 0)
    assert len(b.parked(world, "offline_payment")) == 1
    b.assert_still(world)


def test_a_customer_who_pays_between_report_and_attach_is_not_paid_for_twice(world: World) -> None:
    """What the invoice asks for is read again before the record is attached."""
    account = b.account(world)
    invoice = b.invoice(world, b.Item(subtotal="100.00"), account_id=account)
    world.sync()
    mate = b.the_one(world, "invoices", invoice)["id"]
    cheque = b.offline_payment(world, {invoice: "100.00"}, account_id=account)

    def after(request: Request, _response: Response) -> Response | None:
        if request.path == "/v1/payment_records/report_payment":
            world.account.faults_after = None
            b.pay(world, mate)
        return None

    world.account.faults_after = after
    world.sync()
    assert b.parked(world, "offline_payment")[cheque][0] == "offline_payment.invoice_not_open"
    done = world.account.counters["operations"]
    assert not [name for name in done if "Attach" in name]


@pytest.mark.parametrize("down_for", [timedelta(minutes=1), timedelta(days=3)], ids=["key live", "key pruned"])
def test_an_attachment_that_was_gone_on_with_brings_its_invoice_along(
    make_world: Callable[..., World], down_for: timedelta
) -> None:
    """The pass that died had told that the balance fell; the pass that ends what it began takes that back."""
    moments: list[str] = []
    for kill in (False, True):
        world = make_world()
        account, invoice, mate = _open_invoice(world)
        b.offline_payment(world, {invoice: "100.00"}, account_id=account)
        world.clock.advance(timedelta(hours=1))
        world.close()
        world.fate = Fate(moments.index(f"before POST /v1/invoices/{mate}/attach_payment") + 1 if kill else None)
        if kill:
            with pytest.raises(Killed):
                world.sync()
        else:
            world.sync()
        moments = world.fate.moments
    world.close()
    world.fate = Fate()
    world.clock.advance(down_for)
    world.sync()
    assert b.findings(world) == {}
    assert _stripe(world, mate)["status"] == "paid"


# -- other money --------------------------------------------------------------------------------------------------


def test_a_cheque_in_another_currency_than_its_invoice_parks_before_anything_is_reported(world: World) -> None:
    account, invoice, _ = _open_invoice(world)
    payment = b.offline_payment(world, {invoice: "100.00"}, account_id=account, code="EUR")
    world.sync()
    code, reason = b.parked(world, "offline_payment")[payment]
    assert (code, "eur" in reason, "usd" in reason) == ("offline_payment.currency_differs", True, True)
    assert _records(world) == []
    b.assert_still(world)


@pytest.mark.parametrize("to_line", [False, True])
def test_an_allocation_in_another_currency_than_its_payment_parks(world: World, to_line: bool) -> None:
    """Salesforce takes 108.70 USD off the balance for 100 EUR; nobody here knows the rate."""
    account, invoice, mate = _open_invoice(world)
    payment = b.offline_payment(world, {}, account_id=account, amount="100.00")
    if to_line:
        [line] = b.rows(world, "blng__InvoiceLine__c")
        b.allocate_to_line(world, payment, line["Id"], "100.00", code="EUR")
    else:
        b.allocate(world, payment, invoice, "100.00", code="EUR")
    world.sync()
    code, reason = b.parked(world, "offline_payment")[payment]
    assert (code, "EUR" in reason, "USD" in reason) == ("offline_payment.currency_differs", True, True)
    assert _records(world) == []
    assert _stripe(world, mate)["amount_remaining"] == 10_000
    b.assert_still(world)


def test_a_payment_whose_currency_moves_after_it_was_reported_parks(world: World) -> None:
    account, invoice, _ = _open_invoice(world)
    payment = b.offline_payment(world, {invoice: "100.00"}, account_id=account)
    world.sync()
    assert b.parked(world, "offline_payment") == {}
    world.org.update(PAYMENT, payment, {"CurrencyIsoCode": "EUR"})
    world.sync()
    assert b.parked(world, "offline_payment")[payment][0] == "offline_payment.changed"
