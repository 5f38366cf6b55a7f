"""A document that somebody edits in Salesforce while it is being made at Stripe, or after it was shown to the customer:
the customer, the currency, the days. What is made says what Salesforce says by then, and what cannot follow is told.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from connector.sandbox.http import Response
from tests.support import builders as b

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from connector.sandbox.http import Request
    from tests.support.world import World

QUOTE = "SBQQ__Quote__c"
INVOICE = "blng__Invoice__c"


def _presented(world: World, **fields: Any) -> tuple[str, str]:
    """A presented quote and its open Stripe quote."""
    quote = b.quote(world, **fields)
    world.sync()
    mate = b.the_one(world, "quotes", quote)
    assert mate["status"] == "open"
    return quote, str(mate["id"])


def _stripe(world: World, mate: str) -> dict[str, Any]:
    return world.stripe_api("GET", f"/v1/quotes/{mate}")


def _stop_at(world: World, step: str) -> None:
    """Stripe takes no call of this step for now: the draft stays one."""

    def faults(request: Request) -> Response | None:
        return Response(status=429, headers={}, body=b"{}") if request.path.endswith(step) else None

    world.account.faults = faults


def _go_on(world: World) -> None:
    world.account.faults = None
    world.clock.advance(timedelta(hours=1))
    world.sync()


# -- quotes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["price", "account", "currency"])
def test_what_is_accepted_in_salesforce_but_is_not_what_was_presented_bills_nobody(
    make_world: Callable[..., World], tmp_path: Path, what: str
) -> None:
    pack = b.pack_with(tmp_path, "quote", ("on_accept: cancel", "on_accept: bill_in_stripe"))
    world = make_world(pack_folder=pack)
    quote, mate = _presented(world)
    _offer_differently(world, quote, what)
    world.org.update(QUOTE, quote, {"SBQQ__Status__c": "Accepted"})
    world.sync()
    assert _stripe(world, mate)["status"] == "open"
    assert b.parked(world, "quote")[quote][0] == "quote.changed_after_final"
    assert world.stripe_list("/v1/invoices") == []
    b.assert_still(world)


def _offer_differently(world: World, quote: str, what: str) -> None:
    if what == "account":
        world.org.update(QUOTE, quote, {"SBQQ__Account__c": b.account(world, "Somebody else")})
    elif what == "currency":
        world.org.update(QUOTE, quote, {"CurrencyIsoCode": "EUR"})
    else:
        [line] = b.rows(world, "SBQQ__QuoteLine__c")
        world.org.update("SBQQ__QuoteLine__c", line["Id"], {"SBQQ__NetPrice__c": Decimal("150.00")})


@pytest.mark.parametrize("what", ["account", "currency"])
def test_an_open_quote_for_another_account_or_in_other_money_parks_until_it_is_presented_again(
    world: World, what: str
) -> None:
    quote, mate = _presented(world)
    _offer_differently(world, quote, what)
    world.sync()
    assert b.parked(world, "quote")[quote][0] == "quote.changed_after_final"
    for status in ("Draft", "Presented"):
        world.org.update(QUOTE, quote, {"SBQQ__Status__c": status})
        world.sync()
    newest = b.at_stripe(world, "quotes", quote)[0]
    assert (newest["status"], _stripe(world, mate)["status"]) == ("open", "canceled")
    customer = world.stripe_api("GET", f"/v1/customers/{newest['customer']}")
    assert customer["name"] == ("Somebody else" if what == "account" else "Acme GmbH")
    assert newest["currency"] == ("eur" if what == "currency" else "usd")
    assert b.parked(world, "quote") == {}
    b.assert_still(world)


@pytest.mark.parametrize("what", ["account", "currency"])
def test_a_draft_for_another_account_or_in_other_money_is_made_anew(world: World, what: str) -> None:
    _stop_at(world, "/finalize")
    quote = b.quote(world)
    world.sync()
    [draft] = b.at_stripe(world, "quotes", quote)
    assert draft["status"] == "draft"
    _offer_differently(world, quote, what)
    _go_on(world)
    newest, oldest = b.at_stripe(world, "quotes", quote)
    assert (newest["status"], oldest["status"], oldest["id"]) == ("open", "canceled", draft["id"])
    customer = world.stripe_api("GET", f"/v1/customers/{newest['customer']}")
    assert customer["name"] == ("Somebody else" if what == "account" else "Acme GmbH")
    assert newest["currency"] == ("eur" if what == "currency" else "usd")
    b.assert_still(world)


def test_a_quote_that_goes_along_with_a_merged_account_stays_as_it_was_presented(world: World) -> None:
    lost, kept = b.account(world, "Lost"), b.account(world, "Kept")
    quote, mate = _presented(world, account_id=lost)
    b.quote(world, account_id=kept)
    world.sync()
    world.org.merge("Account", kept, lost)
    world.sync()
    world.sync()
    assert world.org.get(QUOTE, quote)["SBQQ__Account__c"] == kept
    assert (_stripe(world, mate)["status"], b.parked(world, "quote")) == ("open", {})


# -- invoices -----------------------------------------------------------------------------------------------------


def _draft(world: World, step: str) -> tuple[str, str]:
    """A posted invoice and its draft, which cannot take the step."""
    _stop_at(world, step)
    invoice = b.invoice(world)
    world.sync()
    draft = b.the_one(world, "invoices", invoice)
    assert draft["status"] == "draft"
    return invoice, str(draft["id"])


@pytest.mark.parametrize("step", ["/add_lines", "/finalize"])
def test_an_invoice_whose_days_move_while_it_is_made_is_made_anew(world: World, step: str) -> None:
    invoice, draft = _draft(world, step)
    world.org.update(INVOICE, invoice, {"blng__DueDate__c": "2027-03-01", "blng__InvoiceDate__c": "2026-11-25"})
    _go_on(world)
    found = b.the_one(world, "invoices", invoice)
    assert (found["status"], found["id"] != draft, found["total"]) == ("open", True, 10_000)
    assert found["metadata"]["due_date"] == "2027-03-01"
    days = [datetime.fromtimestamp(found[name], UTC).date().isoformat() for name in ("due_date", "effective_at")]
    assert days == ["2027-03-01", "2026-11-25"]
    b.assert_still(world)


@pytest.mark.parametrize("step", ["/add_lines", "/finalize"])
@pytest.mark.parametrize("code", ["EUR", "JPY"])
def test_an_invoice_whose_currency_moves_while_it_is_made_is_made_anew(world: World, step: str, code: str) -> None:
    invoice, draft = _draft(world, step)
    _in_other_money(world, invoice, code)
    _go_on(world)
    found = b.the_one(world, "invoices", invoice)
    total = 10_000 if code == "EUR" else 100
    assert (found["status"], found["id"] != draft) == ("open", True)
    assert (found["currency"], found["total"]) == (code.lower(), total)
    b.assert_still(world)


@pytest.mark.parametrize("step", ["/add_lines", "/finalize"])
def test_an_invoice_whose_account_is_merged_away_while_it_is_made_is_made_for_the_one_that_is_left(
    world: World, step: str
) -> None:
    """Both have a customer already; an invoice changes its Account in no other way."""
    left, gone = b.account(world, "Acme GmbH"), b.account(world, "Acme Ltd")
    for account in (left, gone):
        b.quote(world, account_id=account)
    world.sync()
    customer = b.the_one(world, "customers", left)["id"]
    _stop_at(world, step)
    invoice = b.invoice(world, account_id=gone)
    world.sync()
    draft = b.the_one(world, "invoices", invoice)
    assert (draft["status"], draft["customer"] != customer) == ("draft", True)
    world.org.merge("Account", left, gone)
    for _ in range(3):
        _go_on(world)
    found = b.the_one(world, "invoices", invoice)
    assert (found["status"], found["id"] != draft["id"], found["customer"]) == ("open", True, customer)
    b.assert_still(world)


def _in_other_money(world: World, invoice: str, code: str) -> None:
    world.org.update(INVOICE, invoice, {"CurrencyIsoCode": code})
    for line in b.rows(world, "blng__InvoiceLine__c"):
        world.org.update("blng__InvoiceLine__c", line["Id"], {"CurrencyIsoCode": code})


def test_a_final_invoice_whose_currency_moves_parks(world: World) -> None:
    invoice = b.invoice(world)
    world.sync()
    _in_other_money(world, invoice, "EUR")
    world.sync()
    code, reason = b.parked(world, "invoice")[invoice]
    assert (code, "usd" in reason, "eur" in reason) == ("invoice.changed_after_final", True, True)
    b.assert_still(world)
    _in_other_money(world, invoice, "USD")
    world.sync()
    assert b.parked(world, "invoice") == {}


def test_a_day_that_moves_after_the_customer_was_told_is_a_finding_until_it_is_undone(world: World) -> None:
    invoice = b.invoice(world)
    world.sync()
    before = world.org.get(INVOICE, invoice)["blng__DueDate__c"]
    world.org.update(INVOICE, invoice, {"blng__DueDate__c": "2027-03-01"})
    world.sync()
    [finding] = b.findings(world)["invoice.terms_changed"]
    assert (finding.subject, "2027-03-01" in finding.observed, before in finding.observed) == (invoice, True, True)
    b.assert_still(world)
    assert "invoice.terms_changed" in b.findings(world)
    world.org.update(INVOICE, invoice, {"blng__DueDate__c": before})
    world.sync()
    assert b.findings(world) == {}


def test_what_an_invoice_was_finalised_with_is_known_though_the_reply_was_lost(world: World) -> None:
    """The tax is not compared by any field: only what was finalised tells that it moved."""
    lost: list[bool] = []

    def after(request: Request, response: Response) -> Response | None:
        del response
        if not request.path.endswith("/finalize") or lost:
            return None
        lost.append(True)
        return Response(status=500, headers={}, body=b"{}")

    world.account.faults_after = after
    invoice = b.invoice(world, b.Item(subtotal="100.00", tax="19.00"))
    for _ in range(3):
        world.sync()
        world.clock.advance(timedelta(hours=1))
    assert (lost, b.the_one(world, "invoices", invoice)["status"]) == ([True], "open")
    [line] = b.rows(world, "blng__InvoiceLine__c")
    moved = {"blng__Subtotal__c": Decimal("119.00"), "blng__TaxAmount__c": Decimal(0)}
    world.org.update("blng__InvoiceLine__c", line["Id"], moved)
    world.sync()
    assert b.parked(world, "invoice")[invoice][0] == "invoice.changed_after_final"
