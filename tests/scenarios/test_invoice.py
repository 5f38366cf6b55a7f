"""invoice: a posted invoice -> a finalised, payable Stripe invoice; what is born, what follows, what never is."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
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


# -- birth --------------------------------------------------------------------------------------------------------


def test_a_posted_invoice_becomes_an_open_one_the_customer_can_pay(world: World) -> None:
    invoice, mate = _mirrored(world, b.Item(subtotal="100.00", tax="19.00"), b.Item(subtotal="50.00", tax="9.50"))
    found, record = _stripe(world, mate), world.org.get(INVOICE, invoice)
    assert (found["status"], found["total"], found["amount_remaining"], found["currency"]) == (
        "open",
        17_850,
        17_850,
        "usd",
    )
    assert sum(tax["amount"] for tax in found["total_taxes"]) == 2_850
    assert found["number"] == record["Name"]
    assert (found["collection_method"], found["auto_advance"]) == ("send_invoice", False)
    assert found["automatic_tax"]["enabled"] is False
    assert found["discounts"] == []
    assert found["effective_at"] == int(datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp())
    assert found["due_date"] == int(datetime(2026, 12, 21, 23, 59, 59, tzinfo=UTC).timestamp())
    assert found["metadata"] == {
        "due_date": "2026-12-21",
        "salesforce_id": invoice,
        "salesforce_org": world.org.org_id,
    }
    b.assert_still(world)


def test_number_status_remaining_and_hosted_link_flow_back(world: World) -> None:
    invoice, mate = _mirrored(world)
    found, record = _stripe(world, mate), world.org.get(INVOICE, invoice)
    assert record["Stripe_Id__c"] == mate
    assert record["Stripe_Number__c"] == found["number"]
    assert record["Stripe_Status__c"] == "open"
    assert record["Stripe_Amount_Remaining__c"] == Decimal("100.00")
    assert record["Stripe_Hosted_Url__c"] == found["hosted_invoice_url"]


def test_a_discount_of_the_customer_changes_nothing(world: World) -> None:
    """`discounts` is sent empty: Salesforce's net amounts are the truth."""
    account = b.account(world)
    b.invoice(world, account_id=account)
    world.sync()
    customer = b.the_one(world, "customers", account)["id"]
    creations: list[bytes] = []

    def note(request: Request) -> Response | None:
        if request.method == "POST" and request.path == "/v1/invoices":
            creations.append(request.body)
        return None

    world.account.faults = note
    second = b.invoice(world, account_id=account)
    world.sync()
    [sent] = creations
    assert b"discounts=&" in sent or sent.endswith(b"discounts=")
    assert b"pending_invoice_items_behavior=exclude" in sent
    assert b.the_one(world, "invoices", second)["customer"] == customer


def test_pending_invoice_items_of_others_stay_out(world: World) -> None:
    account = b.account(world)
    b.invoice(world, account_id=account)
    world.sync()
    customer = b.the_one(world, "customers", account)["id"]
    item = {"customer": customer, "amount": 500, "currency": "usd", "description": "somebody's"}
    world.stripe_api("POST", "/v1/invoiceitems", item)
    _invoice, mate = _mirrored(world, account_id=account)
    assert _stripe(world, mate)["total"] == 10_000
    assert len(b.lines_of(world, mate)) == 1


@pytest.mark.parametrize(
    ("items", "settings", "reason"),
    [
        ((b.Item(subtotal="0"),), {}, "zero"),
        ((b.Item(subtotal="-5.00"),), {}, "negative"),
        ((), {"dated": date(2026, 9, 30)}, "before go-live"),
        ((), {"status": "Draft"}, "status Draft"),
        ((), {"status": "Cancelled"}, "status Cancelled"),
        ((), {"status": "Rebilled"}, "status Rebilled"),
    ],
)
def test_what_is_not_to_be_billed_is_counted_with_its_reason(
    world: World, items: tuple[b.Item, ...], settings: dict[str, Any], reason: str
) -> None:
    b.invoice(world, *items, **settings)
    report = world.sync()
    assert world.stripe_list("/v1/invoices") == []
    assert b.not_mirrored(report, "invoice") == {reason: 1}
    assert world.stripe_list("/v1/customers") == []


@pytest.mark.parametrize(("share", "reason"), [("100.00", "settled"), ("40.00", "part-paid")])
def test_what_was_paid_before_is_never_billed(world: World, share: str, reason: str) -> None:
    account = b.account(world)
    invoice = b.invoice(world, account_id=account)
    b.offline_payment(world, {invoice: share}, account_id=account)
    report = world.sync()
    assert world.stripe_list("/v1/invoices") == []
    assert world.stripe_list("/v1/payment_records") == []
    assert b.not_mirrored(report, "invoice") == {reason: 1}
    b.assert_still(world)


def test_an_invoice_on_the_day_of_go_live_is_born(world: World) -> None:
    _mirrored(world, dated=date(2026, 10, 1))


def test_without_go_live_nothing_is_born(make_world: Callable[..., World]) -> None:
    world = make_world(go_live=None)
    b.invoice(world)
    report = world.sync()
    assert world.stripe_list("/v1/invoices") == []
    assert b.not_mirrored(report, "invoice") == {"before go-live": 1}


def test_a_draft_is_born_when_it_is_posted(world: World) -> None:
    invoice = b.invoice(world, status="Draft")
    world.sync()
    world.org.update(INVOICE, invoice, {"blng__InvoiceStatus__c": "Posted"})
    world.sync()
    assert b.the_one(world, "invoices", invoice)["status"] == "open"
    b.assert_still(world)


def test_a_due_date_in_the_past_becomes_due_now_and_the_true_date_is_kept(world: World) -> None:
    before = world.clock.now()
    invoice, mate = _mirrored(world, due_in_days=-12)
    found = _stripe(world, mate)
    assert before.timestamp() < found["due_date"] <= (before + timedelta(days=1)).timestamp()
    assert found["metadata"]["due_date"] == "2026-11-09"
    assert world.org.get(INVOICE, invoice)["blng__DueDate__c"] == "2026-11-09"
    b.assert_still(world)


def test_an_invoice_without_a_due_date_is_due_now(world: World) -> None:
    before = world.clock.now()
    _, mate = _mirrored(world, due_in_days=None)
    found = _stripe(world, mate)
    assert before.timestamp() < found["due_date"] <= (before + timedelta(days=1)).timestamp()
    assert "due_date" not in found["metadata"]


def test_lines_that_do_not_add_up_to_the_invoice_park(world: World) -> None:
    """Totals come from lines; a line whose total is not its subtotal and tax gives an invoice nobody can check."""
    account = b.account(world)
    invoice = b.invoice(world, b.Item(fields={"blng__TotalAmount__c": Decimal("101.00")}), account_id=account)
    world.sync()
    code, reason = b.parked(world, "invoice")[invoice]
    assert (code, "10000" in reason, "10100" in reason) == ("invoice.lines_do_not_add_up", True, True)
    assert world.stripe_list("/v1/invoices") == []


def test_a_number_that_is_taken_at_stripe_parks_by_name(world: World) -> None:
    account = b.account(world)
    b.invoice(world, account_id=account)
    world.sync()
    customer = b.the_one(world, "customers", account)["id"]
    second = b.invoice(world, account_id=account)
    taken = world.org.get(INVOICE, second)["Name"]
    params = {"customer": customer, "number": taken, "collection_method": "send_invoice", "days_until_due": 3}
    world.stripe_api("POST", "/v1/invoices", params)
    world.sync()
    code, reason = b.parked(world, "invoice")[second]
    assert code.startswith("invoice.refused.")
    assert taken in reason
    b.assert_still(world)


# -- finalising only what is equal --------------------------------------------------------------------------------


def test_a_draft_with_another_total_is_not_finalised(world: World) -> None:
    """Somebody puts a tax of their own on the draft between our two calls."""
    _edit_new_draft(world, "tax")
    invoice = b.invoice(world)
    world.sync()
    [found] = b.at_stripe(world, "invoices", invoice)
    assert found["status"] == "draft"
    code, reason = b.parked(world, "invoice")[invoice]
    assert code == "invoice.total_differs"
    assert "10000" in reason


def test_a_draft_with_a_foreign_line_is_deleted_and_built_again(world: World) -> None:
    _edit_new_draft(world, "line")
    invoice = b.invoice(world)
    world.sync()
    [found] = b.at_stripe(world, "invoices", invoice)
    assert (found["status"], found["total"]) == ("open", 10_000)
    assert [line["metadata"].get("salesforce_id") is not None for line in b.lines_of(world, found["id"])] == [True]
    assert world.org.get(INVOICE, invoice)["Stripe_Id__c"] == found["id"]
    b.assert_still(world)


def _edit_new_draft(world: World, what: str) -> None:
    """Once, right after the connector made a draft, somebody puts a line or a tax of their own on it."""
    done: list[bool] = []

    def after(request: Request, response: Response) -> Response | None:
        if done or (request.method, request.path, response.status) != ("POST", "/v1/invoices", 200):
            return None
        done.append(True)
        mate = world.stripe_list("/v1/invoices")[0]
        if what == "line":
            params = {"customer": mate["customer"], "invoice": mate["id"], "amount": 500, "currency": mate["currency"]}
            world.stripe_api("POST", "/v1/invoiceitems", params)
            return None
        tax = {"display_name": "VAT", "percentage": "10", "inclusive": "false"}
        rate = world.stripe_api("POST", "/v1/tax_rates", tax)
        world.stripe_api("POST", f"/v1/invoices/{mate['id']}", {"default_tax_rates[0]": rate["id"]})
        return None

    world.account.faults_after = after


def test_an_invoice_smaller_than_stripe_collects_is_a_finding(world: World) -> None:
    """Stripe marks it paid and puts the amount on the customer's balance."""
    invoice = b.invoice(world, b.Item(subtotal="0.07"))
    world.sync()
    assert b.the_one(world, "invoices", invoice)["status"] == "paid"
    assert world.org.get(INVOICE, invoice)["blng__Balance__c"] == Decimal("0.07")
    assert b.findings(world)["invoice.customer_balance_applied"][0].subject == invoice
    b.assert_still(world)


def test_a_customer_balance_that_stripe_applied_is_a_finding(world: World) -> None:
    account = b.account(world)
    b.invoice(world, account_id=account)
    world.sync()
    customer = b.the_one(world, "customers", account)["id"]
    params = {"amount": -2_500, "currency": "usd"}
    world.stripe_api("POST", f"/v1/customers/{customer}/balance_transactions", params)
    invoice = b.invoice(world, account_id=account)
    world.sync()
    assert b.the_one(world, "invoices", invoice)["amount_remaining"] == 7_500
    [finding] = b.findings(world)["invoice.customer_balance_applied"]
    assert (finding.subject, "2500" in finding.observed) == (invoice, True)
    b.assert_still(world)
    assert "invoice.customer_balance_applied" in b.findings(world)


def test_a_draft_deleted_at_stripe_is_built_again(world: World) -> None:
    """It carries no marker in Salesforce yet: nothing says that the copy is not wanted."""
    _edit_new_draft(world, "tax")
    invoice = b.invoice(world)
    world.sync()
    [draft] = b.at_stripe(world, "invoices", invoice)
    world.stripe_api("DELETE", f"/v1/invoices/{draft['id']}")
    world.sync()
    [found] = b.at_stripe(world, "invoices", invoice)
    assert (found["id"] != draft["id"], found["status"], found["total"]) == (True, "open", 10_000)
    assert b.parked(world, "invoice") == {}
    b.assert_still(world)
