"""quote: a presented CPQ quote -> an open Stripe quote, and how each side's people end it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import builders as b

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.world import World

QUOTE = "SBQQ__Quote__c"


def _presented(world: World, *offers: b.Offer, **fields: Any) -> tuple[str, str]:
    """A presented quote and its open Stripe quote."""
    quote = b.quote(world, *offers, **fields)
    world.sync()
    mate = b.the_one(world, "quotes", quote)
    assert mate["status"] == "open"
    return quote, str(mate["id"])


def _stripe(world: World, mate: str) -> dict[str, Any]:
    return world.stripe_api("GET", f"/v1/quotes/{mate}", {"expand[]": "line_items"})


# -- birth --------------------------------------------------------------------------------------------------------


def test_a_presented_quote_is_created_and_finalised(world: World) -> None:
    seat, setup = b.product(world), b.product(world, "Setup", ProductCode="SETUP")
    quote, mate = _presented(
        world, b.Offer(product=seat, price="19.99", quantity="3"), b.Offer(product=setup, price="250.00")
    )
    found = _stripe(world, mate)
    record = world.org.get(QUOTE, quote)
    assert found["amount_total"] == 30_997 == int(record["SBQQ__NetAmount__c"] * 100)
    assert (found["currency"], found["collection_method"]) == ("usd", "send_invoice")
    assert found["invoice_settings"]["days_until_due"] == 30
    lines = found["line_items"]["data"]
    assert sorted((line["quantity"], line["amount_total"]) for line in lines) == [(1, 25_000), (3, 5_997)]
    assert all(line["price"]["recurring"] is None for line in lines)
    assert (record["Stripe_Id__c"], record["Stripe_Number__c"], record["Stripe_Status__c"]) == (
        mate,
        found["number"],
        "open",
    )
    assert record["SBQQ__Status__c"] == "Presented"
    b.assert_still(world)


def test_the_quote_expires_at_the_end_of_its_last_day(make_world: Callable[..., World]) -> None:
    world = make_world(time_zone="America/New_York")
    _, mate = _presented(world, expires_in_days=10)
    # 2026-12-01 23:59:59 in New York
    assert _stripe(world, mate)["expires_at"] == 1_796_187_599


@pytest.mark.parametrize("status", ["Draft", "In Review", "Approved", "Accepted", "Denied", "Rejected"])
def test_a_quote_that_was_never_presented_is_not_mirrored(world: World, status: str) -> None:
    b.quote(world, status=status)
    report = world.sync()
    assert world.stripe_list("/v1/quotes") == []
    assert b.not_mirrored(report, "quote") == {f"status {status}": 1}


def test_a_status_the_mapping_does_not_cover_parks_by_name(world: World) -> None:
    quote = b.quote(world, status="Waiting for Legal")
    world.sync()
    code, reason = b.parked(world, "quote")[quote]
    assert code == "quote.status_unmapped"
    assert "Waiting for Legal" in reason
    assert world.stripe_list("/v1/quotes") == []


def test_an_uncovered_status_of_a_mirrored_quote_parks_and_touches_nothing(world: World) -> None:
    quote, mate = _presented(world)
    world.org.update(QUOTE, quote, {"SBQQ__Status__c": "Waiting for Legal"})
    world.sync()
    assert b.parked(world, "quote")[quote][0] == "quote.status_unmapped"
    assert _stripe(world, mate)["status"] == "open"
    world.org.update(QUOTE, quote, {"SBQQ__Status__c": "Presented"})
    world.sync()
    assert b.parked(world, "quote") == {}
    b.assert_still(world)


def test_optional_lines_are_left_out(world: World) -> None:
    seat = b.product(world)
    _, mate = _presented(
        world, b.Offer(product=seat, price="10.00"), b.Offer(product=seat, price="99.00", optional=True)
    )
    found = _stripe(world, mate)
    assert found["amount_total"] == 1_000
    assert len(found["line_items"]["data"]) == 1


def test_a_discount_is_in_the_price_and_shown_as_text(world: World) -> None:
    seat = b.product(world)
    _, mate = _presented(world, b.Offer(product=seat, price="85.00", listed="100.00", quantity="2"))
    found = _stripe(world, mate)
    assert found["amount_total"] == 17_000
    assert found["total_details"]["amount_discount"] == 0
    assert "15 %" in found["description"]


def test_without_a_discount_nothing_is_said_about_one(world: World) -> None:
    _, mate = _presented(world)
    assert not _stripe(world, mate)["description"]


def test_a_quantity_stripe_cannot_express_becomes_one_unit_of_the_exact_amount(world: World) -> None:
    seat = b.product(world)
    quote, mate = _presented(world, b.Offer(product=seat, price="33.33", quantity="2.5"))
    found = _stripe(world, mate)
    assert found["amount_total"] == int(world.org.get(QUOTE, quote)["SBQQ__NetAmount__c"] * 100)
    [line] = found["line_items"]["data"]
    assert line["quantity"] == 1


def test_a_negative_line_parks_with_the_reason(world: World) -> None:
    seat = b.product(world)
    quote = b.quote(world, b.Offer(product=seat), b.Offer(product=seat, price="-10.00"))
    world.sync()
    code, reason = b.parked(world, "quote")[quote]
    assert code == "quote.negative_line"
    assert "negative" in reason
    assert world.stripe_list("/v1/quotes") == []


def test_an_expiry_in_the_past_parks_with_the_reason_until_it_is_moved(world: World) -> None:
    quote = b.quote(world, expires_in_days=-1)
    world.sync()
    code, reason = b.parked(world, "quote")[quote]
    assert (code, "2026-11-20" in reason) == ("quote.expired", True)
    assert world.stripe_list("/v1/quotes") == []
    world.org.update(QUOTE, quote, {"SBQQ__ExpirationDate__c": "2026-12-24"})
    world.sync()
    assert b.the_one(world, "quotes", quote)["status"] == "open"
    assert b.parked(world, "quote") == {}
    b.assert_still(world)


def test_a_line_of_a_retired_product_parks(world: World) -> None:
    seat = b.product(world, IsActive=False)
    quote = b.quote(world, b.Offer(product=seat))
    world.sync()
    assert b.parked(world, "quote")[quote][0] == "quote.product_inactive"


def test_a_quote_presented_later_is_mirrored_then(world: World) -> None:
    quote = b.quote(world, status="Draft")
    world.sync()
    world.org.update(QUOTE, quote, {"SBQQ__Status__c": "Presented"})
    world.sync()
    assert b.the_one(world, "quotes", quote)["status"] == "open"
    b.assert_still(world)


# -- what Salesforce's people do ----------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["Denied", "Rejected", "Accepted", "Draft"])
def test_a_quote_that_is_no_longer_presented_is_cancelled(world: World, status: str) -> None:
    quote, mate = _presented(world)
    world.org.update(QUOTE, quote, {"SBQQ__Status__c": status})
    world.sync()
    assert _stripe(world, mate)["status"] == "canceled"
    record = world.org.get(QUOTE, quote)
    assert (record["SBQQ__Status__c"], record["Stripe_Status__c"]) == (status, "canceled")
    assert world.stripe_list("/v1/invoices") == []
    assert b.findings(world) == {}
    b.assert_still(world)


def test_presented_again_makes_a_new_quote_and_remembers_the_old_one(world: World) -> None:
    quote, first = _presented(world)
    world.org.update(QUOTE, quote, {"SBQQ__Status__c": "Draft"})
    world.sync()
    world.org.update(QUOTE, quote, {"SBQQ__Status__c": "Presented"})
    world.sync()
    second, old = b.at_stripe(world, "quotes", quote)
    assert (old["id"], old["status"], second["status"]) == (first, "canceled", "open")
    record = world.org.get(QUOTE, quote)
    assert (record["Stripe_Id__c"], record["Stripe_Number__c"], record["Stripe_Status__c"]) == (
        second["id"],
        second["number"],
        "open",
    )
    assert world.workspace is not None
    [link] = world.workspace.store.load_links_in(kind="quote")
    assert link.earlier_mates == (first,)
    b.assert_still(world)
    assert b.findings(world) == {}


def test_withdrawn_and_presented_again_between_two_passes_with_new_prices(world: World) -> None:
    """Nobody saw it leave Presented: the open quote has another amount, a person is asked."""
    quote, mate = _presented(world)
    seat = b.product(world, "More")
    world.org.create(
        "SBQQ__QuoteLine__c",
        {
            "SBQQ__Quote__c": quote,
            "SBQQ__Product__c": seat,
            "SBQQ__Quantity__c": 1,
            "SBQQ__NetPrice__c": 5,
            **b.currency(world, "USD"),
        },
    )
    world.sync()
    code, reason = b.parked(world, "quote")[quote]
    assert code == "quote.changed_after_final"
    assert "10000" in reason
    assert "10500" in reason
    assert _stripe(world, mate)["amount_total"] == 10_000
    world.org.update(QUOTE, quote, {"SBQQ__Status__c": "Draft"})
    world.sync()
    world.org.update(QUOTE, quote, {"SBQQ__Status__c": "Presented"})
    world.sync()
    newest = b.at_stripe(world, "quotes", quote)[0]
    assert (newest["status"], newest["amount_total"]) == ("open", 10_500)
    assert b.parked(world, "quote") == {}
    b.assert_still(world)


def test_accepted_in_salesforce_bills_at_stripe_when_the_mapping_says_so(
    make_world: Callable[..., World], tmp_path: Path
) -> None:
    pack = b.pack_with(tmp_path, "quote", ("on_accept: cancel", "on_accept: bill_in_stripe"))
    world = make_world(pack_folder=pack)
    quote, mate = _presented(world)
    world.org.update(QUOTE, quote, {"SBQQ__Status__c": "Accepted"})
    world.sync()
    found = _stripe(world, mate)
    assert found["status"] == "accepted"
    assert world.stripe_api("GET", f"/v1/invoices/{found['invoice']}")["total"] == 10_000
    assert world.org.get(QUOTE, quote)["Stripe_Status__c"] == "accepted"
    b.assert_still(world)
    assert b.findings(world) == {}


def test_a_deleted_quote_is_cancelled(world: World) -> None:
    quote, mate = _presented(world)
    world.org.delete(QUOTE, quote)
    world.sync()
    assert _stripe(world, mate)["status"] == "canceled"
    b.assert_still(world)


# -- what happens at Stripe ---------------------------------------------------------------------------------------


def test_accepted_at_stripe_becomes_accepted_and_the_invoice_is_held_and_told(world: World) -> None:
    quote, mate = _presented(world)
    world.stripe_api("POST", f"/v1/quotes/{mate}/accept")
    world.sync()
    record = world.org.get(QUOTE, quote)
    assert (record["SBQQ__Status__c"], record["Stripe_Status__c"]) == ("Accepted", "accepted")
    made = world.stripe_api("GET", f"/v1/invoices/{_stripe(world, mate)['invoice']}")
    assert (made["status"], made["auto_advance"]) == ("draft", False)
    [finding] = b.findings(world)["quote.accepted_at_stripe"]
    assert finding.subject == quote
    assert made["id"] in finding.observed
    assert "unclaimed.invoice" not in b.findings(world)
    assert world.org.ids("blng__Invoice__c") == []
    b.assert_still(world)
    assert "unclaimed.invoice" not in b.findings(world)
    assert "quote.accepted_at_stripe" in b.findings(world)


@pytest.mark.parametrize("ending", ["delete", "void"])
def test_the_finding_of_an_accepted_quote_ends_with_the_invoice_it_made(world: World, ending: str) -> None:
    _, mate = _presented(world)
    world.stripe_api("POST", f"/v1/quotes/{mate}/accept")
    world.sync()
    made = f"/v1/invoices/{_stripe(world, mate)['invoice']}"
    if ending == "delete":
        world.stripe_api("DELETE", made)
    else:
        world.stripe_api("POST", f"{made}/finalize")
        world.sync()
        assert "quote.accepted_at_stripe" in b.findings(world)
        world.stripe_api("POST", f"{made}/void")
    world.sync()
    assert b.findings(world) == {}
    b.assert_still(world)
    assert b.findings(world) == {}


@pytest.mark.parametrize("status", ["Denied", "Draft"])
def test_accepted_at_stripe_moves_salesforce_only_from_presented(world: World, status: str) -> None:
    quote, mate = _presented(world)
    world.stripe_api("POST", f"/v1/quotes/{mate}/accept")
    world.org.update(QUOTE, quote, {"SBQQ__Status__c": status})
    world.sync()
    record = world.org.get(QUOTE, quote)
    assert (record["SBQQ__Status__c"], record["Stripe_Status__c"]) == (status, "accepted")
    assert "quote.accepted_at_stripe" in b.findings(world)
    b.assert_still(world)


def test_cancelled_at_stripe_is_a_finding_and_changes_no_status_in_salesforce(world: World) -> None:
    quote, mate = _presented(world)
    world.stripe_api("POST", f"/v1/quotes/{mate}/cancel")
    world.sync()
    record = world.org.get(QUOTE, quote)
    assert (record["SBQQ__Status__c"], record["Stripe_Status__c"]) == ("Presented", "canceled")
    [finding] = b.findings(world)["quote.canceled_at_stripe"]
    assert (finding.subject, mate in finding.observed) == (quote, True)
    b.assert_still(world)
    assert len(world.stripe_list("/v1/quotes")) == 1
    assert "quote.canceled_at_stripe" in b.findings(world)


def test_cancelled_at_stripe_writes_the_status_the_mapping_names(
    make_world: Callable[..., World], tmp_path: Path
) -> None:
    world = make_world(pack_folder=b.pack_with(tmp_path, "quote", ("on_cancel: finding", "on_cancel: Rejected")))
    quote, mate = _presented(world)
    world.stripe_api("POST", f"/v1/quotes/{mate}/cancel")
    world.sync()
    record = world.org.get(QUOTE, quote)
    assert (record["SBQQ__Status__c"], record["Stripe_Status__c"]) == ("Rejected", "canceled")
    assert b.findings(world) == {}
    b.assert_still(world)


def test_the_finding_of_a_cancelled_quote_ends_when_salesforce_follows(world: World) -> None:
    quote, mate = _presented(world)
    world.stripe_api("POST", f"/v1/quotes/{mate}/cancel")
    world.sync()
    world.org.update(QUOTE, quote, {"SBQQ__Status__c": "Draft"})
    world.sync()
    assert b.findings(world) == {}
    world.org.update(QUOTE, quote, {"SBQQ__Status__c": "Presented"})
    world.sync()
    assert [found["status"] for found in b.at_stripe(world, "quotes", quote)] == ["open", "canceled"]
    b.assert_still(world)


def test_an_expired_quote_changes_only_the_stripe_status(world: World) -> None:
    quote, mate = _presented(world, expires_in_days=5)
    world.clock.advance(timedelta(days=6))
    world.sync()
    assert _stripe(world, mate)["status"] == "canceled"
    record = world.org.get(QUOTE, quote)
    assert (record["SBQQ__Status__c"], record["Stripe_Status__c"]) == ("Presented", "canceled")
    assert b.findings(world) == {}
    assert len(world.stripe_list("/v1/quotes")) == 1
    b.assert_still(world)


# -- edits of the copy --------------------------------------------------------------------------------------------


def test_an_expiry_edited_at_stripe_is_a_finding(world: World) -> None:
    quote, mate = _presented(world)
    world.stripe_api("POST", f"/v1/quotes/{mate}", {"expires_at": 1_800_000_000})
    # quotes have no `updated` event: it is seen when the quote is looked at for another reason
    assert world.workspace is not None
    [link] = world.workspace.store.load_links_in(kind="quote")
    world.sync(only=[link.mate])
    [finding] = b.findings(world)["drift.quote.expires"]
    assert finding.subject == quote


def test_a_new_expiry_in_salesforce_reaches_the_open_quote(world: World) -> None:
    quote, mate = _presented(world)
    world.org.update(QUOTE, quote, {"SBQQ__ExpirationDate__c": "2026-12-31"})
    world.sync()
    # 2026-12-31 23:59:59 UTC
    assert _stripe(world, mate)["expires_at"] == 1_798_761_599
    b.assert_still(world)
