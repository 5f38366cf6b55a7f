"""invoice lines: every Salesforce line exactly, to the minor unit."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import builders as b

if TYPE_CHECKING:
    from tests.support.world import World


def _only_line(world: World, item: b.Item, **fields: Any) -> dict[str, Any]:
    """The Stripe line of an invoice with this one line."""
    invoice = b.invoice(world, item, **fields)
    world.sync()
    found = b.the_one(world, "invoices", invoice)
    assert found["status"] == "open"
    [line] = b.lines_of(world, found["id"])
    return line


def _noon(year: int, month: int, day: int) -> int:
    return int(datetime(year, month, day, 12, tzinfo=UTC).timestamp())


def test_amount_tax_description_and_period(world: World) -> None:
    line = _only_line(
        world,
        b.Item(
            subtotal="120.00",
            tax="22.80",
            name="Support, gold",
            fields={
                "blng__StartDate__c": "2026-11-01",
                "blng__EndDate__c": "2026-11-30",
                "blng__TaxPercentageApplied__c": 19,
            },
        ),
    )
    assert (line["amount"], line["description"]) == (12_000, "Support, gold")
    assert [(tax["amount"], tax["taxable_amount"], tax["tax_behavior"]) for tax in line["taxes"]] == [
        (2_280, 12_000, "exclusive")
    ]
    assert line["period"] == {"start": _noon(2026, 11, 1), "end": _noon(2026, 11, 30)}


def test_a_line_without_tax_has_none(world: World) -> None:
    assert _only_line(world, b.Item())["taxes"] == []


def test_quantity_and_product_where_stripe_can_express_them(world: World) -> None:
    seat = b.product(world)
    line = _only_line(world, b.Item(subtotal="59.97", quantity="3", product=seat))
    assert (line["amount"], line["quantity"], line["description"]) == (5_997, 3, "Platform seat")
    product = b.the_one(world, "products", seat)["id"]
    assert line["pricing"]["price_details"]["product"] == product


@pytest.mark.parametrize(
    ("subtotal", "quantity", "told"),
    [
        ("100.00", "3", "(3 units)"),
        ("81.25", "2.5", "(2.5 units)"),
        ("280.07", "40000", "(40000 units)"),
        ("10.00", "0.5", "(0.5 units)"),
    ],
)
def test_a_line_stripe_cannot_express_becomes_one_unit_that_tells_its_quantity(
    world: World, subtotal: str, quantity: str, told: str
) -> None:
    seat = b.product(world)
    line = _only_line(world, b.Item(subtotal=subtotal, quantity=quantity, product=seat))
    assert line["amount"] == int(subtotal.replace(".", ""))
    assert line["quantity"] == 1
    assert line["description"] == f"Platform seat {told}"


def test_a_line_of_a_retired_product_has_none_and_its_amount_stays(world: World) -> None:
    retired = b.product(world, IsActive=False)
    line = _only_line(world, b.Item(subtotal="10.00", quantity="2", product=retired))
    assert (line["amount"], line["description"]) == (1_000, "Platform seat (2 units)")
    assert world.stripe_list("/v1/products", active="true") == []


def test_a_product_retired_after_it_was_mirrored_is_left_out_too(world: World) -> None:
    seat = b.product(world)
    world.sync()
    world.org.update("Product2", seat, {"IsActive": False})
    line = _only_line(world, b.Item(subtotal="10.00", quantity="2", product=seat))
    assert line["amount"] == 1_000


def test_a_negative_line_lowers_the_invoice(world: World) -> None:
    invoice = b.invoice(
        world, b.Item(subtotal="100.00", tax="19.00"), b.Item(subtotal="-20.00", tax="-3.80", name="Rebate")
    )
    world.sync()
    found = b.the_one(world, "invoices", invoice)
    assert (found["status"], found["total"]) == ("open", 9_520)
    assert sorted(line["amount"] for line in b.lines_of(world, found["id"])) == [-2_000, 10_000]
    b.assert_still(world)


def test_a_line_of_nothing_is_shown(world: World) -> None:
    invoice = b.invoice(world, b.Item(subtotal="100.00"), b.Item(subtotal="0", name="Welcome gift"))
    world.sync()
    found = b.the_one(world, "invoices", invoice)
    assert (found["status"], found["total"]) == ("open", 10_000)
    assert {line["description"] for line in b.lines_of(world, found["id"])} == {"Platform seat", "Welcome gift"}
    b.assert_still(world)


def test_tax_is_salesforces_though_rounding_would_give_another(world: World) -> None:
    items = [b.Item(subtotal="10.10", tax="0.02", fields={"blng__TaxPercentageApplied__c": 15}) for _ in range(3)]
    invoice = b.invoice(world, *items)
    world.sync()
    found = b.the_one(world, "invoices", invoice)
    assert (found["status"], found["total"]) == ("open", 3_036)
    assert sum(tax["amount"] for tax in found["total_taxes"]) == 6


def test_250_lines_are_mirrored(world: World) -> None:
    invoice = b.invoice(world, *[b.Item(subtotal="1.00", tax="0.19") for _ in range(250)])
    world.sync()
    found = b.the_one(world, "invoices", invoice)
    assert (found["status"], found["total"]) == ("open", 29_750)
    assert len(b.lines_of(world, found["id"])) == 250
    b.assert_still(world)


def test_251_lines_park(world: World) -> None:
    invoice = b.invoice(world, *[b.Item(subtotal="1.00") for _ in range(251)])
    world.sync()
    code, reason = b.parked(world, "invoice")[invoice]
    assert (code, "251" in reason, "250" in reason) == ("invoice.too_many_lines", True, True)
    assert world.stripe_list("/v1/invoices") == []
    b.assert_still(world)


def test_a_period_that_ends_before_it_starts_is_left_out(world: World) -> None:
    line = _only_line(world, b.Item(fields={"blng__StartDate__c": "2026-11-30", "blng__EndDate__c": "2026-11-01"}))
    assert line["amount"] == 10_000
