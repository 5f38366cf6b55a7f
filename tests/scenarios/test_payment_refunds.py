"""payment: what went back to the customer at Stripe is told until people have booked it in Salesforce."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from connector.core.model import Key, Side
from connector.flows.sweep.run import certify, look
from tests.support import builders as b

if TYPE_CHECKING:
    from connector.core.certificate import Certificate
    from tests.support.world import World

CODE = "payment.refunded"


def _paid(world: World, *, code: str = "USD") -> tuple[str, str]:
    """A payment of 100.00 that is booked: its id at Stripe and in Salesforce."""
    invoice = b.invoice(world, code=code)
    world.sync()
    b.pay(world, str(b.the_one(world, "invoices", invoice)["id"]))
    world.sync()
    [payment] = b.rows(world, "blng__Payment__c")
    return str(payment["Stripe_Id__c"]), str(payment["Id"])


def _refund(world: World, intent: str, amount_minor: int) -> None:
    world.stripe_api("POST", "/v1/refunds", {"payment_intent": intent, "amount": amount_minor})


def _book_refund(world: World, payment: str, amount: str, *, code: str = "USD") -> None:
    record, money = world.org.get("blng__Payment__c", payment), b.currency(world, code)
    [allocation] = b.rows(world, "blng__PaymentAllocationInvoice__c")
    b.allocate(world, payment, allocation["blng__Invoice__c"], amount, way="Unallocation", code=code)
    refund = world.org.create("blng__Refund__c", {"blng__Account__c": record["blng__Account__c"], **money})
    line = {
        "blng__Refund__c": refund,
        "blng__Payment__c": payment,
        "blng__Amount__c": Decimal(amount),
        "blng__Type__c": "Allocation",
        "blng__Status__c": "Posted",
        "blng__RefundLineDate__c": world.clock.now().date().isoformat(),
        **money,
    }
    world.org.create("blng__RefundLinePayment__c", line)


def _heard(world: World, intent: str) -> None:
    """As a webhook would: the payment is looked at, nothing else."""
    world.sync(only=[Key(side=Side.STRIPE, kind="payment", id=intent)])


def _swept(world: World) -> Certificate:
    assert world.workspace is not None
    found = look(world.workspace)
    world.sync()
    return certify(world.workspace, found)[1]


def _told(world: World) -> list[Any]:
    return [finding.observed for finding in b.findings(world).get(CODE, [])]


def test_a_refund_at_stripe_is_an_error_that_names_both_amounts(world: World) -> None:
    intent, payment = _paid(world)
    _refund(world, intent, 4_000)
    _heard(world, intent)
    [finding] = b.findings(world)[CODE]
    assert (finding.subject, "4000" in finding.observed, payment in finding.observed) == (intent, True, True)
    _refund(world, intent, 1_000)
    _heard(world, intent)
    assert ["5000" in observed for observed in _told(world)] == [True]
    b.assert_still(world)


def test_a_refund_nobody_was_told_of_is_found_by_the_sweep(world: World) -> None:
    intent, _ = _paid(world)
    _refund(world, intent, 10_000)
    certificate = _swept(world)
    assert (certificate.is_complete, len(_told(world))) == (False, 1)
    assert _swept(world).is_complete is False


@pytest.mark.parametrize("code", ["USD", "JPY"])
def test_it_is_over_once_the_same_is_booked_in_salesforce(world: World, code: str) -> None:
    intent, payment = _paid(world, code=code)
    part, all_of_it = (4_000, "40.00") if code == "USD" else (40, "40")
    _refund(world, intent, part)
    _heard(world, intent)
    assert len(_told(world)) == 1
    _book_refund(world, payment, all_of_it, code=code)
    _swept(world)
    assert _told(world) == []


def test_less_than_was_refunded_is_not_enough(world: World) -> None:
    intent, payment = _paid(world)
    _refund(world, intent, 4_000)
    _book_refund(world, payment, "30.00")
    _swept(world)
    assert ["4000" in observed and "3000" in observed for observed in _told(world)] == [True]


def test_a_payment_edited_in_salesforce_is_told_beside_its_refund(world: World) -> None:
    intent, payment = _paid(world)
    _refund(world, intent, 4_000)
    world.org.update("blng__Payment__c", payment, {"blng__Amount__c": Decimal("60.00")})
    _swept(world)
    assert {CODE, "payment.edited"} <= b.findings(world).keys()
