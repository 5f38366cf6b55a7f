"""payment, with `allocate_to: lines`: what is paid is spread over the invoice's lines, exactly and once."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import builders as b

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.world import World

ALLOCATION = "blng__PaymentAllocationInvoice__c"
LINE_ALLOCATION = "blng__PaymentAllocationInvoiceLine__c"


def _open_invoice(world: World, *items: b.Item, **fields: Any) -> tuple[str, str]:
    invoice = b.invoice(world, *items, **fields)
    world.sync()
    return invoice, str(b.the_one(world, "invoices", invoice)["id"])


@pytest.fixture
def by_line(make_world: Callable[..., World], tmp_path: Path) -> World:
    pack = b.pack_with(tmp_path, "payment", ("allocate_to: invoice", "allocate_to: lines"))
    return make_world(pack_folder=pack)


def _shares(world: World) -> dict[str, list[Decimal]]:
    """What is allocated to each line, by its name, oldest first."""
    shares: dict[str, list[Decimal]] = {}
    for row in b.rows(world, LINE_ALLOCATION):
        name = world.org.get("blng__InvoiceLine__c", row["blng__InvoiceLine__c"])["Name"]
        shares.setdefault(name, []).append(row["blng__Amount__c"])
    return shares


def test_a_payment_is_allocated_to_the_lines_by_setting(by_line: World) -> None:
    world = by_line
    invoice, mate = _open_invoice(
        world, b.Item(subtotal="60.00", tax="6.00", name="a"), b.Item(subtotal="34.00", name="b")
    )
    b.pay(world, mate)
    world.sync()
    [paid] = world.stripe_list("/v1/invoice_payments", invoice=mate, status="paid")
    lines = {row["blng__InvoiceLine__c"]: row for row in b.rows(world, LINE_ALLOCATION)}
    assert {row["Stripe_Id__c"] for row in lines.values()} == {f"{paid['id']}:{line}" for line in lines}
    assert _shares(world) == {"a": [Decimal("66.00")], "b": [Decimal("34.00")]}
    assert all(row["blng__Type__c"] == "Allocation" for row in lines.values())
    assert world.org.ids(ALLOCATION) == []
    assert world.org.get("blng__Invoice__c", invoice)["blng__Balance__c"] == 0
    b.assert_still(world)
    assert b.findings(world) == {}


def test_partial_payments_fill_the_lines_in_their_order(by_line: World) -> None:
    world = by_line
    invoice, mate = _open_invoice(world, b.Item(subtotal="60.00", name="a"), b.Item(subtotal="40.00", name="b"))
    b.pay_with_intent(world, 7_501, mate)
    world.sync()
    assert _shares(world) == {"a": [Decimal("60.00")], "b": [Decimal("15.01")]}
    b.pay(world, mate)
    world.sync()
    assert _shares(world) == {"a": [Decimal("60.00")], "b": [Decimal("15.01"), Decimal("24.99")]}
    assert world.org.get("blng__Invoice__c", invoice)["blng__Balance__c"] == 0
    b.assert_still(world)


def test_two_payments_in_one_pass_never_fill_a_line_twice(by_line: World) -> None:
    world = by_line
    invoice, mate = _open_invoice(world, b.Item(subtotal="60.00", name="a"), b.Item(subtotal="40.00", name="b"))
    b.pay_with_intent(world, 5_000, mate)
    b.pay_with_intent(world, 5_000, mate)
    world.sync()
    shares = _shares(world)
    assert {name: sum(parts) for name, parts in shares.items()} == {"a": Decimal("60.00"), "b": Decimal("40.00")}
    assert world.org.get("blng__Invoice__c", invoice)["blng__Balance__c"] == 0
    b.assert_still(world)


def test_what_no_line_can_take_parks_and_nothing_is_invented(by_line: World) -> None:
    """A rebate line makes the lines' open balances more than the invoice: they cannot all be filled."""
    world = by_line
    account = b.account(world)
    _, mate = _open_invoice(world, b.Item(subtotal="60.00", name="a"), account_id=account)
    [line] = world.org.ids("blng__InvoiceLine__c")
    payment = b.offline_payment(world, {}, account_id=account, amount="60.00", mode="Electronic")
    allocation = {
        "blng__Payment__c": payment,
        "blng__InvoiceLine__c": line,
        "blng__Amount__c": 20,
        "blng__Type__c": "Allocation",
        **b.currency(world, "USD"),
    }
    world.org.create(LINE_ALLOCATION, allocation)
    b.pay(world, mate)
    world.sync()
    [(code, reason)] = b.parked(world, "payment").values()
    assert (code, "6000" in reason, "4000" in reason) == ("payment.lines_cannot_take_it", True, True)
    assert _shares(world) == {"a": [Decimal(20)]}
