"""Amounts in the currency's own minor unit, exactly or not at all."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import requests

from connector.app import Sessions, open_app
from connector.config.settings_loader import load_settings
from connector.core.currencies import counted_whole
from connector.flows.plan import make_plan
from connector.flows.sync import run_pass
from connector.sandbox.transport import InProcessAdapter
from tests.support import builders as b
from tests.support.world import API_URL, ORG_URL

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

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


def test_ugx_in_whole_units_by_setting_everywhere(make_world: Callable[..., World]) -> None:
    """Published sources disagree whether 5,000 UGX is 5000 or 500000 at Stripe."""
    pounds = counted_whole(["ugx"])
    world = make_world(multi_currency=False, org_settings={"default_currency": "UGX"}, currencies=pounds)
    account = b.account(world)
    invoice = b.invoice(world, b.Item(subtotal="5000.00", tax="900.00"), account_id=account)
    quote = b.quote(world, b.Offer(product=b.product(world), price="1200.00"), account_id=account)
    planned = {entry.id: entry.amount_minor for entry in make_plan(world.open()).entries}
    assert (planned[invoice], planned[quote]) == (5_900, 1_200)
    world.sync()
    found = b.the_one(world, "invoices", invoice)
    assert (found["status"], found["total"]) == ("open", 5_900)
    assert b.the_one(world, "quotes", quote)["amount_total"] == 1_200
    b.pay_with_intent(world, 1_900, found["id"], code="ugx")
    world.sync()
    assert [row["blng__Amount__c"] for row in b.rows(world, "blng__Payment__c")] == [Decimal(1900)]
    b.offline_payment(world, {invoice: "3000.00"}, account_id=account)
    world.sync()
    assert b.the_one(world, "invoices", invoice)["amount_remaining"] == 1_000
    kept = world.org.get("blng__Invoice__c", invoice)
    assert (kept["Stripe_Amount_Remaining__c"], kept["blng__Balance__c"]) == (1000, 1000)
    b.assert_still(world)
    assert b.findings(world) == {}
    [update] = _planned_void(world, invoice)
    assert update == 5_900


def test_ugx_in_whole_units_over_the_lines_of_an_invoice(make_world: Callable[..., World], tmp_path: Path) -> None:
    pack = b.pack_with(tmp_path, "payment", ("allocate_to: invoice", "allocate_to: lines"))
    pounds = counted_whole(["ugx"])
    settings = {"default_currency": "UGX"}
    world = make_world(multi_currency=False, org_settings=settings, currencies=pounds, pack_folder=pack)
    invoice = b.invoice(world, b.Item(subtotal="3000.00"), b.Item(subtotal="2000.00"))
    world.sync()
    b.pay_with_intent(world, 4_000, b.the_one(world, "invoices", invoice)["id"], code="ugx")
    world.sync()
    shares = [row["blng__Amount__c"] for row in b.rows(world, "blng__PaymentAllocationInvoiceLine__c")]
    assert shares == [3000, 1000]
    assert world.org.get("blng__Invoice__c", invoice)["blng__Balance__c"] == 1000
    b.assert_still(world)
    assert b.findings(world) == {}


def _planned_void(world: World, invoice: str) -> list[int | None]:
    """What a plan says a second, unpaid invoice of 5,900 is worth when it is voided."""
    second = b.invoice(
        world, b.Item(subtotal="5900.00"), account_id=world.org.get("blng__Invoice__c", invoice)["blng__Account__c"]
    )
    world.sync()
    world.org.update("blng__Invoice__c", second, {"blng__InvoiceStatus__c": "Cancelled"})
    assert world.workspace is not None
    return [entry.amount_minor for entry in make_plan(world.workspace).entries if entry.action == "void"]


def test_the_setting_reaches_the_work(make_world: Callable[..., World], tmp_path: Path) -> None:
    world = make_world(multi_currency=False, org_settings={"default_currency": "UGX"})
    invoice = b.invoice(world, b.Item(subtotal="5000.00"))
    environment = {
        "CONNECTOR_HOME": str(tmp_path / "home"),
        "CONNECTOR_GO_LIVE": "2026-10-01",
        "CONNECTOR_SALESFORCE__AUTH": "client_credentials",
        "CONNECTOR_SALESFORCE__LOGIN_URL": ORG_URL,
        "CONNECTOR_SALESFORCE__CLIENT_ID": world.org.client_id,
        "CONNECTOR_SALESFORCE__CLIENT_SECRET": world.org.client_secret,
        "CONNECTOR_SALESFORCE__CURRENCY": "UGX",
        "CONNECTOR_SALESFORCE__MARGIN_S": "0",
        "CONNECTOR_STRIPE__API_KEY": world.account.api_key,
        "CONNECTOR_STRIPE__API_BASE": API_URL,
        "CONNECTOR_STRIPE__WHOLE_UNIT_CURRENCIES": "ugx",
    }
    settings = load_settings(environment, folder=tmp_path)
    sessions = Sessions(salesforce=_mounted(world.org), stripe=lambda: _mounted(world.account))
    with open_app(settings, clock=world.clock, sessions=sessions) as app:
        run_pass(app.workspace)
    assert b.the_one(world, "invoices", invoice)["total"] == 5_000


def _mounted(system: Any) -> requests.Session:
    session = requests.Session()
    session.mount("http://", InProcessAdapter(system))
    return session
