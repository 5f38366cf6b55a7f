"""invoice, once it is final at Stripe: what either side's people do to it, and what is told."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import builders as b

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.sandbox.http import Request, Response
    from tests.support.world import World

INVOICE = "blng__Invoice__c"


def _mirrored(world: World, *items: b.Item, **fields: Any) -> tuple[str, str]:
    """A posted invoice and its open Stripe invoice."""
    invoice = b.invoice(world, *items, **fields)
    world.sync()
    mate = b.the_one(world, "invoices", invoice)
    assert mate["status"] == "open"
    return invoice, str(mate["id"])


def _stripe(world: World, mate: str) -> dict[str, Any]:
    return world.stripe_api("GET", f"/v1/invoices/{mate}")


# -- afterwards, in Salesforce ------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["Cancelled", "Rebilled"])
def test_cancelled_or_rebilled_and_unpaid_is_voided(world: World, status: str) -> None:
    invoice, mate = _mirrored(world)
    world.org.update(INVOICE, invoice, {"blng__InvoiceStatus__c": status})
    world.sync()
    assert _stripe(world, mate)["status"] == "void"
    record = world.org.get(INVOICE, invoice)
    assert (record["Stripe_Status__c"], record["blng__InvoiceStatus__c"]) == ("void", status)
    assert b.parked(world, "invoice") == {}
    b.assert_still(world)


def test_cancelled_with_a_payment_parks_and_is_not_voided(world: World) -> None:
    invoice, mate = _mirrored(world)
    b.pay_with_intent(world, 4_000, mate)
    world.sync()
    world.org.update(INVOICE, invoice, {"blng__InvoiceStatus__c": "Cancelled"})
    world.sync()
    code, reason = b.parked(world, "invoice")[invoice]
    assert (code, "4000" in reason) == ("invoice.cancelled_with_payment", True)
    assert _stripe(world, mate)["status"] == "open"
    b.assert_still(world)


def test_cancelled_and_paid_in_the_same_moment_parks(world: World) -> None:
    invoice, mate = _mirrored(world)
    b.pay(world, mate)
    world.org.update(INVOICE, invoice, {"blng__InvoiceStatus__c": "Cancelled"})
    world.sync()
    assert b.parked(world, "invoice")[invoice][0] == "invoice.cancelled_with_payment"
    assert _stripe(world, mate)["status"] == "paid"


def test_amounts_changed_after_final_park_and_are_not_sent(world: World) -> None:
    invoice, mate = _mirrored(world)
    b.add_lines(world, invoice, [b.Item(subtotal="1.00")])
    world.sync()
    code, reason = b.parked(world, "invoice")[invoice]
    assert (code, "10000" in reason, "10100" in reason) == ("invoice.changed_after_final", True, True)
    assert _stripe(world, mate)["total"] == 10_000
    b.assert_still(world)


def test_an_invoice_no_longer_posted_parks(world: World) -> None:
    invoice, mate = _mirrored(world)
    world.org.update(INVOICE, invoice, {"blng__InvoiceStatus__c": "Error"})
    world.sync()
    assert b.parked(world, "invoice")[invoice][0] == "invoice.no_longer_posted"
    assert _stripe(world, mate)["status"] == "open"


def test_a_deleted_invoice_parks_and_is_not_voided(world: World) -> None:
    invoice, mate = _mirrored(world)
    world.org.delete(INVOICE, invoice)
    world.sync()
    assert b.parked(world, "invoice")[invoice][0] == "invoice.deleted_in_salesforce"
    assert _stripe(world, mate)["status"] == "open"


# -- afterwards, at Stripe ----------------------------------------------------------------------------------------


def test_the_hosted_link_is_refreshed_while_the_invoice_is_open(world: World) -> None:
    invoice, mate = _mirrored(world)
    first = world.org.get(INVOICE, invoice)["Stripe_Hosted_Url__c"]
    reads = _reads_of(world, mate)
    world.clock.advance(timedelta(days=15))
    world.sync()
    assert reads == []
    world.clock.advance(timedelta(days=6))
    world.sync()
    assert len(reads) == 1
    assert world.org.get(INVOICE, invoice)["Stripe_Hosted_Url__c"] == _stripe(world, mate)["hosted_invoice_url"]
    assert first
    reads.clear()
    world.sync()
    assert reads == []


def test_the_link_of_a_paid_invoice_is_not_refreshed(world: World) -> None:
    _, mate = _mirrored(world)
    b.pay(world, mate)
    world.sync()
    world.sync()
    reads = _reads_of(world, mate)
    world.clock.advance(timedelta(days=21))
    world.sync()
    assert reads == []


def _reads_of(world: World, mate: str) -> list[str]:
    """Requests that read this invoice, as they come."""
    seen: list[str] = []

    def note(request: Request) -> Response | None:
        if request.method == "GET" and mate in f"{request.path}?{request.query}":
            seen.append(request.path)
        return None

    world.account.faults = note
    return seen


def test_voided_at_stripe_is_told_in_the_status(world: World) -> None:
    invoice, mate = _mirrored(world)
    world.stripe_api("POST", f"/v1/invoices/{mate}/void")
    world.sync()
    record = world.org.get(INVOICE, invoice)
    assert (record["Stripe_Status__c"], record["blng__InvoiceStatus__c"]) == ("void", "Posted")
    [finding] = b.findings(world)["invoice.closed_at_stripe"]
    assert (finding.subject, mate in finding.observed) == (invoice, True)
    b.assert_still(world)
    assert len(world.stripe_list("/v1/invoices")) == 1
    world.org.update(INVOICE, invoice, {"blng__InvoiceStatus__c": "Cancelled"})
    world.sync()
    assert b.findings(world) == {}


def test_paid_out_of_band_at_stripe_is_a_finding_because_there_is_no_payment(world: World) -> None:
    invoice, mate = _mirrored(world)
    world.stripe_api("POST", f"/v1/invoices/{mate}/pay", {"paid_out_of_band": "true"})
    world.sync()
    b.assert_still(world)
    assert world.org.get(INVOICE, invoice)["Stripe_Status__c"] == "paid"
    assert world.org.ids("blng__Payment__c") == []
    [finding] = b.findings(world)["invoice.balance_stayed"]
    assert (finding.subject, "10000" in finding.observed) == (invoice, True)


# -- the balance falls for another reason -------------------------------------------------------------------------


def test_a_balance_that_fell_in_salesforce_is_an_error_naming_both_amounts(world: World) -> None:
    account = b.account(world)
    invoice, mate = _mirrored(world, account_id=account)
    b.offline_payment(world, {invoice: "30.00"}, account_id=account, mode="Electronic")
    world.sync()
    [finding] = b.findings(world)["invoice.balance_fell"]
    assert (finding.subject, finding.severity) == (invoice, "error")
    assert "7000" in finding.observed
    assert "10000" in finding.observed
    assert _stripe(world, mate)["amount_remaining"] == 10_000
    b.assert_still(world)
    assert "invoice.balance_fell" in b.findings(world)


def test_the_error_is_cleared_when_it_is_undone_in_salesforce(world: World) -> None:
    account = b.account(world)
    invoice, _ = _mirrored(world, account_id=account)
    payment = b.offline_payment(world, {invoice: "30.00"}, account_id=account, mode="Electronic")
    world.sync()
    b.allocate(world, payment, invoice, "30.00", way="Unallocation")
    world.sync()
    assert b.findings(world) == {}


def test_what_was_paid_at_stripe_is_no_such_error(world: World) -> None:
    invoice, mate = _mirrored(world)
    b.pay_with_intent(world, 4_000, mate)
    world.sync()
    assert world.org.get(INVOICE, invoice)["blng__Balance__c"] == Decimal("60.00")
    assert world.org.get(INVOICE, invoice)["Stripe_Amount_Remaining__c"] == Decimal("60.00")
    assert b.findings(world) == {}
    b.assert_still(world)
    assert b.findings(world) == {}


@pytest.mark.parametrize("rollups_move", [True, False])
def test_a_credit_note_that_lowers_the_balance_is_such_an_error(
    make_world: Callable[..., World], rollups_move: bool
) -> None:
    """The allocation feeds a roll-up that feeds a formula: neither need move a timestamp of the invoice."""
    world = make_world(org_settings={"rollups_move_modstamp": rollups_move})
    account = b.account(world)
    invoice, mate = _mirrored(world, account_id=account)
    b.credit(world, invoice, "20.00", account_id=account)
    assert world.org.get(INVOICE, invoice)["blng__Balance__c"] == Decimal("80.00")
    world.sync()
    [finding] = b.findings(world)["invoice.balance_fell"]
    assert "8000" in finding.observed
    assert "10000" in finding.observed
    assert _stripe(world, mate)["amount_remaining"] == 10_000
    b.assert_still(world)


def test_an_allocation_undone_in_salesforce_is_told(world: World) -> None:
    """Stripe has the money, Salesforce asks for it again."""
    invoice, mate = _mirrored(world)
    b.pay(world, mate)
    world.sync()
    [payment] = world.org.ids("blng__Payment__c")
    b.allocate(world, payment, invoice, "100.00", way="Unallocation")
    world.sync()
    [finding] = b.findings(world)["invoice.balance_stayed"]
    assert (finding.subject, "10000" in finding.observed) == (invoice, True)
    b.allocate(world, payment, invoice, "100.00")
    world.sync()
    assert b.findings(world) == {}
