"""What is found at Stripe and nobody claims: told once, never copied, never ignored in silence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import builders as b

if TYPE_CHECKING:
    from tests.support.world import World


def _stranger_makes(world: World, kind: str) -> str:
    customer = world.stripe_api("POST", "/v1/customers", {"name": "Stranger"})["id"]
    if kind == "customer":
        return str(customer)
    if kind == "product":
        return str(world.stripe_api("POST", "/v1/products", {"name": "Their product"})["id"])
    if kind == "quote":
        price = {"unit_amount": 100, "currency": "usd", "product_data": {"name": "Theirs"}}
        price_id = world.stripe_api("POST", "/v1/prices", price)["id"]
        params = {"customer": customer, "line_items[0][price]": price_id}
        return str(world.stripe_api("POST", "/v1/quotes", params)["id"])
    if kind == "invoice":
        return str(world.stripe_api("POST", "/v1/invoices", {"customer": customer})["id"])
    assert kind == "payment"
    params = {"amount": 700, "currency": "usd", "payment_method": "pm_card_visa", "confirm": "true"}
    return str(world.stripe_api("POST", "/v1/payment_intents", params)["id"])


@pytest.mark.parametrize("kind", ["customer", "product", "quote", "invoice", "payment"])
@pytest.mark.parametrize("when", ["before the first pass", "later"])
def test_a_strangers_record_is_a_finding_and_is_not_copied(world: World, kind: str, when: str) -> None:
    if when == "later":
        world.sync()
    record_id = _stranger_makes(world, kind)
    before = world.account.counters["writes"]
    report = world.sync()
    [finding] = b.findings(world)[f"unclaimed.{kind}"]
    assert (finding.subject, record_id in finding.observed) == (record_id, True)
    assert report.of(kind).unclaimed == 1
    assert (world.org.counters["writes"], world.account.counters["writes"]) == (0, before)
    b.assert_still(world)
    # told once: a pass in which nothing happened looks at nothing again
    quiet = world.sync()
    assert quiet.of(kind).unclaimed == 0
    assert len(b.findings(world)[f"unclaimed.{kind}"]) == 1


def test_a_record_with_the_mark_of_another_org_is_not_ours(world: World) -> None:
    account = b.account(world)
    metadata = {"salesforce_id": account, "salesforce_org": "00D000000000999AAA"}
    theirs = world.stripe_api("POST", "/v1/customers", {"name": "Theirs", "metadata": metadata})["id"]
    world.sync()
    assert b.findings(world)["unclaimed.customer"][0].subject == theirs
    assert world.org.get("Account", account)["Stripe_Id__c"] is None


def test_a_copy_that_names_its_record_by_the_short_id_is_one_too_many(world: World) -> None:
    """Somebody copied the mark, with the fifteen characters that Salesforce shows in places."""
    invoice = b.invoice(world)
    world.sync()
    mate = b.the_one(world, "invoices", invoice)
    mark = {**mate["metadata"], "salesforce_id": invoice[:15]}
    double = world.stripe_api("POST", "/v1/invoices", {"customer": mate["customer"], "metadata": mark})["id"]
    world.sync()
    [finding] = b.findings(world)["unclaimed.invoice"]
    assert (finding.subject, str(mate["id"]) in finding.observed) == (double, True)
    assert b.parked(world, "invoice") == {}
    assert world.workspace is not None
    assert [link.born.id for link in world.workspace.store.load_links_in(kind="invoice", limit=9)] == [invoice]


def test_the_finding_ends_when_the_stranger_deletes_the_record(world: World) -> None:
    record_id = _stranger_makes(world, "customer")
    world.sync()
    world.stripe_api("DELETE", f"/v1/customers/{record_id}")
    world.sync()
    assert b.findings(world) == {}


def test_what_we_made_is_never_unclaimed(world: World) -> None:
    account = b.account(world)
    invoice = b.invoice(world, account_id=account)
    b.quote(world, account_id=account)
    world.sync()
    b.pay(world, b.the_one(world, "invoices", invoice)["id"])
    for _ in range(3):
        world.sync()
    assert b.findings(world) == {}
