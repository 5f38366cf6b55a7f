"""offline_payment allocated to lines of an invoice: that is an allocation to the invoice."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import builders as b

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import World

PAYMENT = "blng__Payment__c"


def _open_invoice(world: World) -> tuple[str, list[str], str, str]:
    """A mirrored invoice over 60.00 and 40.00: itself, its lines, its account, the Stripe invoice."""
    account = b.account(world)
    invoice = b.invoice(world, b.Item(subtotal="60.00"), b.Item(subtotal="40.00"), account_id=account)
    world.sync()
    lines = [row["Id"] for row in b.rows(world, "blng__InvoiceLine__c") if row["blng__Invoice__c"] == invoice]
    return invoice, lines, account, str(b.the_one(world, "invoices", invoice)["id"])


def _stripe(world: World, mate: str) -> tuple[str, int]:
    found = world.stripe_api("GET", f"/v1/invoices/{mate}")
    return found["status"], found["amount_remaining"]


def _records(world: World) -> list[dict[str, Any]]:
    return world.stripe_list("/v1/payment_records")


def _let_the_overlap_pass(world: World) -> None:
    """What was read a moment ago is read again: only later is a change of the row alone what wakes its record."""
    for _ in range(3):
        world.clock.advance(timedelta(minutes=10))
        report = world.sync()
    assert report.looked_at == 0


def test_allocated_to_the_lines_it_pays_the_invoice_at_stripe(world: World) -> None:
    invoice, lines, account, mate = _open_invoice(world)
    cheque = b.offline_payment(world, {}, amount="100.00", account_id=account)
    b.allocate_to_line(world, cheque, lines[0], "60.00")
    b.allocate_to_line(world, cheque, lines[1], "40.00")
    world.sync()
    [record] = _records(world)
    assert record["amount_guaranteed"] == {"currency": "usd", "value": 10_000}
    assert record["metadata"] == {"salesforce_id": cheque, "salesforce_org": world.org.org_id}
    assert _stripe(world, mate) == ("paid", 0)
    assert world.org.get(PAYMENT, cheque)["Stripe_Id__c"] == record["id"]
    assert world.org.get("blng__Invoice__c", invoice)["blng__Balance__c"] == 0
    b.assert_still(world)
    assert b.findings(world) == {}


def test_what_is_unallocated_from_a_line_is_taken_off(world: World) -> None:
    _, lines, account, mate = _open_invoice(world)
    cheque = b.offline_payment(world, {}, amount="100.00", account_id=account)
    b.allocate_to_line(world, cheque, lines[0], "60.00")
    b.allocate_to_line(world, cheque, lines[1], "40.00")
    b.allocate_to_line(world, cheque, lines[0], "60.00", way="Unallocation")
    world.sync()
    assert [record["amount_guaranteed"]["value"] for record in _records(world)] == [4_000]
    assert _stripe(world, mate) == ("open", 6_000)
    b.assert_still(world)
    assert b.findings(world) == {}


def test_an_allocation_to_the_invoice_and_one_to_a_line_of_it_are_one_sum(world: World) -> None:
    invoice, lines, account, mate = _open_invoice(world)
    cheque = b.offline_payment(world, {invoice: "30.00"}, amount="50.00", account_id=account)
    b.allocate_to_line(world, cheque, lines[1], "20.00")
    world.sync()
    assert [record["amount_guaranteed"]["value"] for record in _records(world)] == [5_000]
    assert _stripe(world, mate) == ("open", 5_000)
    b.assert_still(world)
    assert b.findings(world) == {}


@pytest.mark.parametrize("rollups_move", [True, False])
def test_an_allocation_to_a_line_is_seen_when_it_comes_later(
    make_world: Callable[..., World], rollups_move: bool
) -> None:
    """The payment itself does not move then: its line allocations are polled."""
    world = make_world(org_settings={"rollups_move_modstamp": rollups_move})
    _, lines, account, mate = _open_invoice(world)
    cheque = b.offline_payment(world, {}, amount="60.00", account_id=account)
    report = world.sync()
    assert b.not_mirrored(report, "offline_payment") == {"not allocated": 1}
    _let_the_overlap_pass(world)
    b.allocate_to_line(world, cheque, lines[0], "60.00")
    world.sync()
    assert _stripe(world, mate) == ("open", 4_000)
    b.assert_still(world)
    assert b.findings(world) == {}


def test_lines_of_two_invoices_are_two_invoices_and_park(world: World) -> None:
    first, lines, account, _ = _open_invoice(world)
    second = b.invoice(world, account_id=account)
    world.sync()
    [other] = [row["Id"] for row in b.rows(world, "blng__InvoiceLine__c") if row["blng__Invoice__c"] == second]
    cheque = b.offline_payment(world, {}, amount="100.00", account_id=account)
    b.allocate_to_line(world, cheque, lines[0], "60.00")
    b.allocate_to_line(world, cheque, other, "40.00")
    world.sync()
    assert b.parked(world, "offline_payment")[cheque][0] == "offline_payment.several_invoices"
    assert _records(world) == []
    assert {found.subject for found in b.findings(world)["invoice.balance_fell"]} == {first, second}


@pytest.mark.parametrize("rollups_move", [True, False])
def test_undone_on_a_line_after_it_was_reported_parks(make_world: Callable[..., World], rollups_move: bool) -> None:
    world = make_world(org_settings={"rollups_move_modstamp": rollups_move})
    _, lines, account, mate = _open_invoice(world)
    cheque = b.offline_payment(world, {}, amount="60.00", account_id=account)
    b.allocate_to_line(world, cheque, lines[0], "60.00")
    world.sync()
    _let_the_overlap_pass(world)
    b.allocate_to_line(world, cheque, lines[0], "60.00", way="Unallocation")
    world.sync()
    assert b.parked(world, "offline_payment")[cheque][0] == "offline_payment.changed"
    assert _stripe(world, mate) == ("open", 4_000)
    b.assert_still(world)
