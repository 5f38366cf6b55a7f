"""payment: what is paid on an invoice at Stripe -> a posted payment and its allocations in Salesforce."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from connector.sandbox.salesforce.org import DOCUMENTED_PAYMENT_STATUSES
from tests.support import builders as b
from tests.support.clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from connector.sandbox.http import Request, Response
    from tests.support.world import World

PAYMENT = "blng__Payment__c"
ALLOCATION = "blng__PaymentAllocationInvoice__c"


def _open_invoice(world: World, *items: b.Item, **fields: Any) -> tuple[str, str]:
    invoice = b.invoice(world, *items, **fields)
    world.sync()
    return invoice, str(b.the_one(world, "invoices", invoice)["id"])


def _invoice_payments(world: World, mate: str) -> list[dict[str, Any]]:
    return world.stripe_list("/v1/invoice_payments", invoice=mate, status="paid")


# -- the whole of it ----------------------------------------------------------------------------------------------


def test_a_paid_invoice_becomes_a_posted_payment_and_its_allocation(world: World) -> None:
    account = b.account(world)
    invoice, mate = _open_invoice(world, account_id=account)
    b.pay(world, mate)
    world.sync()
    [paid] = _invoice_payments(world, mate)
    [payment] = b.rows(world, PAYMENT)
    assert payment["Stripe_Id__c"] == paid["payment"]["payment_intent"]
    assert (payment["blng__Account__c"], payment["blng__Amount__c"], payment["CurrencyIsoCode"]) == (
        account,
        Decimal("100.00"),
        "USD",
    )
    assert (payment["blng__Status__c"], payment["blng__PaymentMode__c"], payment["blng__PaymentType__c"]) == (
        "Posted",
        "Electronic",
        "Credit Card",
    )
    assert payment["blng__PaymentDate__c"] == "2026-11-21"
    [allocation] = b.rows(world, ALLOCATION)
    assert allocation["Stripe_Id__c"] == paid["id"]
    assert (allocation["blng__Payment__c"], allocation["blng__Invoice__c"]) == (payment["Id"], invoice)
    assert (allocation["blng__Amount__c"], allocation["blng__Type__c"]) == (Decimal("100.00"), "Allocation")
    record = world.org.get("blng__Invoice__c", invoice)
    assert (record["blng__Balance__c"], record["blng__PaymentStatus__c"]) == (0, "Paid")
    assert (record["Stripe_Status__c"], record["Stripe_Amount_Remaining__c"]) == ("paid", 0)
    assert world.stripe_list("/v1/payment_records") == []
    b.assert_still(world)
    assert b.findings(world) == {}


def test_the_payment_is_posted_before_it_is_allocated(world: World) -> None:
    """The package allocates posted payments only."""
    _, mate = _open_invoice(world)
    b.pay(world, mate)
    order: list[str] = []

    def note(request: Request) -> Response | None:
        if "/composite/sobjects" in request.path:
            steps = {"blng__PaymentAllocation": "allocate", "Posted": "post", "Draft": "create"}
            order.extend(step for word, step in steps.items() if word in request.body.decode())
        return None

    world.org.faults = note
    world.sync()
    assert order == ["create", "post", "allocate"]


def test_partial_payments_are_a_payment_each(world: World) -> None:
    invoice, mate = _open_invoice(world)
    first = b.pay_with_intent(world, 4_000, mate)
    world.sync()
    assert world.org.get("blng__Invoice__c", invoice)["blng__Balance__c"] == Decimal("60.00")
    second = b.pay_with_intent(world, 6_000, mate)
    world.sync()
    assert {row["Stripe_Id__c"]: row["blng__Amount__c"] for row in b.rows(world, PAYMENT)} == {
        first: Decimal("40.00"),
        second: Decimal("60.00"),
    }
    assert world.org.get("blng__Invoice__c", invoice)["blng__Balance__c"] == 0
    assert len(b.rows(world, ALLOCATION)) == 2
    b.assert_still(world)


def test_several_payments_of_one_invoice_found_in_one_pass(world: World) -> None:
    invoice, mate = _open_invoice(world)
    b.pay_with_intent(world, 1_000, mate)
    b.pay_with_intent(world, 2_000, mate)
    b.pay(world, mate)
    world.sync()
    amounts = sorted(row["blng__Amount__c"] for row in b.rows(world, PAYMENT))
    assert amounts == [Decimal("10.00"), Decimal("20.00"), Decimal("70.00")]
    assert world.org.get("blng__Invoice__c", invoice)["blng__Balance__c"] == 0
    b.assert_still(world)


def test_over_payment_stays_unallocated_on_the_payment(world: World) -> None:
    invoice, mate = _open_invoice(world)
    b.pay_with_intent(world, 15_000, mate)
    world.sync()
    [payment] = b.rows(world, PAYMENT)
    [allocation] = b.rows(world, ALLOCATION)
    assert (payment["blng__Amount__c"], allocation["blng__Amount__c"], payment["blng__Balance__c"]) == (
        Decimal("150.00"),
        Decimal("100.00"),
        Decimal("50.00"),
    )
    assert world.org.get("blng__Invoice__c", invoice)["blng__Balance__c"] == 0
    b.assert_still(world)


def test_processing_is_never_paid(world: World) -> None:
    invoice, mate = _open_invoice(world)
    b.pay(world, mate, "pm_usBankAccount_processing")
    world.sync()
    assert world.org.ids(PAYMENT) == []
    assert world.org.get("blng__Invoice__c", invoice)["blng__Balance__c"] == Decimal("100.00")
    b.assert_still(world)
    world.clock.advance(timedelta(days=4))
    world.account.settle_bank_debits()
    world.sync()
    [payment] = b.rows(world, PAYMENT)
    assert (payment["blng__PaymentType__c"], payment["blng__PaymentDate__c"]) == ("ACH", "2026-11-25")
    assert world.org.get("blng__Invoice__c", invoice)["blng__Balance__c"] == 0
    b.assert_still(world)


def test_a_debit_that_fails_creates_nothing(world: World) -> None:
    invoice, mate = _open_invoice(world)
    b.pay(world, mate, "pm_usBankAccount_processing")
    world.sync()
    world.account.settle_bank_debits(succeed=False)
    world.sync()
    assert world.org.ids(PAYMENT) == []
    assert world.org.get("blng__Invoice__c", invoice)["Stripe_Status__c"] == "open"
    b.assert_still(world)
    assert b.findings(world) == {}


def test_a_failed_attempt_creates_nothing_and_the_next_one_counts_once(world: World) -> None:
    _, mate = _open_invoice(world)
    with pytest.raises(Exception, match="402"):
        b.pay(world, mate, "pm_card_chargeDeclined")
    world.sync()
    assert world.org.ids(PAYMENT) == []
    b.pay(world, mate)
    world.sync()
    assert [row["blng__Amount__c"] for row in b.rows(world, PAYMENT)] == [Decimal("100.00")]
    b.assert_still(world)


def test_what_was_paid_while_nobody_looked_arrives_with_the_invoice(world: World) -> None:
    """The invoice is paid before its number was ever written back."""
    invoice, mate = _open_invoice(world)
    b.pay(world, mate)
    world.close()
    world.sync()
    assert world.org.get("blng__Invoice__c", invoice)["blng__Balance__c"] == 0
    assert len(world.org.ids(PAYMENT)) == 1


# -- settings -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "day"), [("UTC", "2026-11-21"), ("Asia/Tokyo", "2026-11-22"), ("America/Los_Angeles", "2026-11-21")]
)
def test_the_date_is_the_day_of_the_org(make_world: Callable[..., World], zone: str, day: str) -> None:
    clock = ManualClock(datetime(2026, 11, 21, 23, 20, tzinfo=UTC))
    world = make_world(time_zone=zone, clock=clock)
    _, mate = _open_invoice(world)
    clock.set_wall(datetime(2026, 11, 21, 23, 30, tzinfo=UTC))
    b.pay(world, mate)
    world.sync()
    assert [row["blng__PaymentDate__c"] for row in b.rows(world, PAYMENT)] == [day]


def test_the_posted_status_is_a_setting(make_world: Callable[..., World], tmp_path: Path) -> None:
    pack = b.pack_with(tmp_path, "payment", ("posted_status: Posted", "posted_status: Processed"))
    world = make_world(pack_folder=pack, org_settings={"payment_statuses": DOCUMENTED_PAYMENT_STATUSES})
    _, mate = _open_invoice(world)
    b.pay(world, mate)
    world.sync()
    assert [row["blng__Status__c"] for row in b.rows(world, PAYMENT)] == ["Processed"]
    assert len(world.org.ids(ALLOCATION)) == 1
    b.assert_still(world)


def test_a_posted_status_the_org_does_not_have_stops_the_kind(make_world: Callable[..., World]) -> None:
    world = make_world(org_settings={"payment_statuses": DOCUMENTED_PAYMENT_STATUSES})
    workspace = world.open()
    assert "Posted" in workspace.stopped_kinds["payment"]
    _, mate = _open_invoice(world)
    b.pay(world, mate)
    world.sync()
    assert world.org.ids(PAYMENT) == []


def test_type_and_mode_are_maps(make_world: Callable[..., World], tmp_path: Path) -> None:
    pack = b.pack_with(
        tmp_path, "payment", ("Credit Card: [card, link]", "Cash: [card, link]"), ("    Cash: [cash]\n", "")
    )
    world = make_world(pack_folder=pack)
    _, mate = _open_invoice(world)
    b.pay(world, mate)
    world.sync()
    assert [row["blng__PaymentType__c"] for row in b.rows(world, PAYMENT)] == ["Cash"]


def test_a_method_nobody_mapped_parks_by_name(make_world: Callable[..., World], tmp_path: Path) -> None:
    pack = b.pack_with(tmp_path, "payment", ("    ACH: [us_bank_account, ach_debit]\n", "    ACH: [ach_debit]\n"))
    world = make_world(pack_folder=pack)
    _, mate = _open_invoice(world)
    b.pay(world, mate, "pm_usBankAccount_success")
    world.account.settle_bank_debits()
    world.sync()
    [(code, reason)] = b.parked(world, "payment").values()
    assert code == "payment.value_unreadable"
    assert "us_bank_account" in reason
    assert world.org.ids(PAYMENT) == []


# -- one payment, several invoices --------------------------------------------------------------------------------


def test_one_payment_of_several_invoices_has_an_allocation_each(world: World) -> None:
    account = b.account(world)
    first, mate_1 = _open_invoice(world, b.Item(subtotal="30.00"), account_id=account)
    second, mate_2 = _open_invoice(world, b.Item(subtotal="70.00"), account_id=account)
    record = world.stripe_api(
        "POST",
        "/v1/payment_intents",
        {
            "amount": 10_000,
            "currency": "usd",
            "customer": b.the_one(world, "customers", account)["id"],
            "payment_method": "pm_card_visa",
        },
    )
    for mate in (mate_1, mate_2):
        world.stripe_api("POST", f"/v1/invoices/{mate}/attach_payment", {"payment_intent": record["id"]})
    world.stripe_api("POST", f"/v1/payment_intents/{record['id']}/confirm")
    world.sync()
    [payment] = b.rows(world, PAYMENT)
    paid = {row["invoice"]: row["amount_paid"] for row in world.stripe_list("/v1/invoice_payments", status="paid")}
    allocated = {row["blng__Invoice__c"]: row["blng__Amount__c"] for row in b.rows(world, ALLOCATION)}
    expected = {
        salesforce: Decimal(paid[mate]) / 100
        for salesforce, mate in ((first, mate_1), (second, mate_2))
        if mate in paid
    }
    assert allocated == expected
    assert payment["blng__Amount__c"] == Decimal("100.00")
    b.assert_still(world)


# -- what must not pass -------------------------------------------------------------------------------------------


def test_an_amount_salesforce_stored_differently_parks_and_is_not_posted(world: World) -> None:
    """An automation of the org changes the amount while it is stored; the read-back sees it."""
    _, mate = _open_invoice(world)
    b.pay(world, mate)

    def before_any_read(request: Request) -> Response | None:
        for payment in world.org.ids(PAYMENT):
            if world.org.get(PAYMENT, payment)["blng__Amount__c"] == Decimal("100.00"):
                world.org.update(PAYMENT, payment, {"blng__Amount__c": Decimal("99.00")})
        return None

    world.org.faults = before_any_read
    world.sync()
    [(code, reason)] = b.parked(world, "payment").values()
    assert (code, "10000" in reason, "99" in reason) == ("payment.amount_differs", True, True)
    assert [row["blng__Status__c"] for row in b.rows(world, PAYMENT)] == ["Draft"]
    assert world.org.ids(ALLOCATION) == []


def test_a_payment_edited_afterwards_is_an_error_until_it_is_undone(world: World) -> None:
    _, mate = _open_invoice(world)
    b.pay(world, mate)
    world.sync()
    [payment] = world.org.ids(PAYMENT)
    world.org.update(PAYMENT, payment, {"blng__Amount__c": Decimal("90.00")})
    world.sync()
    [finding] = b.findings(world)["payment.edited"]
    assert (finding.severity, "9000" in finding.observed, "10000" in finding.observed) == ("error", True, True)
    world.org.update(PAYMENT, payment, {"blng__Amount__c": Decimal("100.00")})
    world.sync()
    assert b.findings(world) == {}


def test_a_payment_deleted_in_salesforce_is_told_and_not_made_again(world: World) -> None:
    invoice, mate = _open_invoice(world)
    b.pay(world, mate)
    world.sync()
    [payment] = world.org.ids(PAYMENT)
    world.org.delete(PAYMENT, payment)
    world.sync()
    assert "deleted" in b.findings(world)["payment.edited"][0].observed
    assert world.org.ids(PAYMENT) == []
    b.assert_still(world)
    assert world.org.get("blng__Invoice__c", invoice)["Stripe_Status__c"] == "paid"


def test_a_payment_of_an_invoice_nobody_mirrors_is_one_finding_and_no_payment(world: World) -> None:
    customer = world.stripe_api("POST", "/v1/customers", {"name": "Stranger"})["id"]
    params = {"customer": customer, "collection_method": "send_invoice", "days_until_due": 3}
    theirs = world.stripe_api("POST", "/v1/invoices", params)["id"]
    item = {"customer": customer, "invoice": theirs, "amount": 900, "currency": "usd"}
    world.stripe_api("POST", "/v1/invoiceitems", item)
    world.stripe_api("POST", f"/v1/invoices/{theirs}/finalize")
    b.pay(world, theirs)
    world.sync()
    assert world.org.ids(PAYMENT) == []
    [finding] = b.findings(world)["unclaimed.payment"]
    assert finding.count == 1
    b.assert_still(world)
    assert len(b.findings(world)["unclaimed.payment"]) == 1
