"""Amounts in the currency's own minor unit, exactly or not at all."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.support import builders as b

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import World


@pytest.mark.parametrize(
    ("code", "subtotal", "tax", "total_minor"),
    [
        ("USD", "1234.56", "98.77", 133_333),
        ("EUR", "0.99", "0.19", 118),
        ("JPY", "5000", "500", 5_500),
        ("KWD", "12.35", "0.62", 12_970),
    ],
)
def test_an_invoice_and_its_payment_in_each_kind_of_currency(
    world: World, code: str, subtotal: str, tax: str, total_minor: int
) -> None:
    account = b.account(world, CurrencyIsoCode=code)
    invoice = b.invoice(world, b.Item(subtotal=subtotal, tax=tax), account_id=account, code=code)
    world.sync()
    found = b.the_one(world, "invoices", invoice)
    assert (found["status"], found["currency"], found["total"]) == ("open", code.lower(), total_minor)
    total = Decimal(subtotal) + Decimal(tax)
    assert world.org.get("blng__Invoice__c", invoice)["Stripe_Amount_Remaining__c"] == total
    b.pay(world, found["id"])
    world.sync()
    [payment] = b.rows(world, "blng__Payment__c")
    assert (payment["CurrencyIsoCode"], payment["blng__Amount__c"]) == (code, total)
    assert world.org.get("blng__Invoice__c", invoice)["blng__Balance__c"] == 0
    b.assert_still(world)
    assert b.findings(world) == {}


@pytest.mark.parametrize(("code", "price", "total_minor"), [("JPY", "1200", 1_200), ("KWD", "1.25", 1_250)])
def test_a_quote_in_a_currency_without_and_with_three_decimals(
    world: World, code: str, price: str, total_minor: int
) -> None:
    quote = b.quote(world, b.Offer(product=b.product(world), price=price), code=code)
    world.sync()
    found = b.the_one(world, "quotes", quote)
    assert (found["currency"], found["amount_total"]) == (code.lower(), total_minor)
    b.assert_still(world)


def test_a_cheque_in_yen(world: World) -> None:
    account = b.account(world, CurrencyIsoCode="JPY")
    invoice = b.invoice(world, b.Item(subtotal="5000"), account_id=account, code="JPY")
    world.sync()
    b.offline_payment(world, {invoice: "2000"}, account_id=account, code="JPY")
    world.sync()
    assert b.the_one(world, "invoices", invoice)["amount_remaining"] == 3_000
    b.assert_still(world)


def test_a_fraction_of_a_yen_parks_by_name(world: World) -> None:
    account = b.account(world, CurrencyIsoCode="JPY")
    invoice = b.invoice(world, b.Item(subtotal="5000.50"), account_id=account, code="JPY")
    world.sync()
    _code, reason = b.parked(world, "invoice")[invoice]
    assert "5000.5" in reason
    assert "JPY" in reason
    assert world.stripe_list("/v1/invoices") == []


def test_documents_of_one_account_in_two_currencies(world: World) -> None:
    account = b.account(world)
    dollars = b.invoice(world, account_id=account)
    euros = b.invoice(world, account_id=account, code="EUR")
    world.sync()
    assert b.the_one(world, "invoices", dollars)["currency"] == "usd"
    assert b.the_one(world, "invoices", euros)["currency"] == "eur"
    assert len(b.at_stripe(world, "customers", account)) == 1
    b.assert_still(world)


def test_an_org_with_one_currency_has_it_in_the_settings(make_world: Callable[..., World]) -> None:
    world = make_world(multi_currency=False, org_settings={"default_currency": "EUR"})
    account = b.account(world)
    invoice = b.invoice(world, account_id=account)
    quote = b.quote(world, account_id=account)
    world.sync()
    found = b.the_one(world, "invoices", invoice)
    assert (found["currency"], found["total"]) == ("eur", 10_000)
    assert b.the_one(world, "quotes", quote)["currency"] == "eur"
    b.pay(world, found["id"])
    world.sync()
    assert [row["blng__Amount__c"] for row in b.rows(world, "blng__Payment__c")] == [Decimal("100.00")]
    b.assert_still(world)


def test_an_org_with_one_currency_and_no_setting_stops_what_has_amounts(make_world: Callable[..., World]) -> None:
    """Never guessed, not even from the org's own default."""
    world = make_world(multi_currency=False, names_currency=False)
    account, seat = b.account(world), b.product(world)
    b.invoice(world, account_id=account)
    b.quote(world, b.Offer(product=seat), account_id=account)
    stopped = world.open().stopped_kinds
    assert {"quote", "invoice", "payment", "offline_payment"} <= set(stopped)
    assert all("single currency" in stopped[kind] or "needs" in stopped[kind] for kind in stopped)
    world.sync()
    assert world.stripe_list("/v1/invoices") == []
    assert world.stripe_list("/v1/quotes") == []
    assert b.the_one(world, "products", seat)


@pytest.mark.parametrize("code", ["ISK", "UGX", "XTS"])
def test_currencies_the_standard_org_does_not_list(make_world: Callable[..., World], code: str) -> None:
    """Whole units in two-decimal form; a code nobody knows is refused by name."""
    world = make_world(multi_currency=False, names_currency=code != "XTS", org_settings={"default_currency": code})
    invoice = b.invoice(world, b.Item(subtotal="500.00"))
    world.sync()
    if code == "XTS":
        assert world.stripe_list("/v1/invoices") == []
        return
    assert b.the_one(world, "invoices", invoice)["total"] == 50_000
    b.assert_still(world)
    odd = b.invoice(world, b.Item(subtotal="500.50"))
    world.sync()
    assert code in b.parked(world, "invoice")[odd][1]
