"""The copy is gone at Stripe: a person asks for another one by emptying the marker, and nothing else does."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from connector.flows.plan import make_plan
from tests.support import builders as b
from tests.support.recovering import lose_store, recover_if_refused
from tests.support.stripe import error

if TYPE_CHECKING:
    from connector.sandbox.http import Request, Response
    from tests.support.world import World

OBJECTS = {"customers": "Account", "products": "Product2", "quotes": "SBQQ__Quote__c", "invoices": "blng__Invoice__c"}


def _mirrored(world: World, resource: str) -> str:
    """The Salesforce id of a record of this kind that has its copy."""
    account, product = b.account(world), b.product(world)
    made = {"customers": account, "products": product}
    made["invoices"] = b.invoice(world, b.Item(product=product), account_id=account)
    made["quotes"] = b.quote(world, b.Offer(product=product), account_id=account)
    world.sync()
    return made[resource]


def _is_gone(world: World, resource: str, mate: str) -> None:
    """Nobody can read it any more; the other copies live on."""

    def fault(request: Request) -> Response | None:
        path = f"/v1/{resource}/{mate}"
        return error(404, code="resource_missing") if request.path == path and request.method == "GET" else None

    world.account.faults = fault


def _clear_marker(world: World, resource: str, record: str) -> None:
    world.org.update(OBJECTS[resource], record, {"Stripe_Id__c": None})


# a finalised invoice cannot be deleted at Stripe, and its number is taken: see the drafts in test_invoice.py
@pytest.mark.parametrize("resource", ["customers", "products", "quotes"])
def test_emptying_the_marker_of_a_missing_copy_makes_another_one(world: World, resource: str) -> None:
    record = _mirrored(world, resource)
    mate = b.the_one(world, resource, record)["id"]
    _is_gone(world, resource, mate)
    _clear_marker(world, resource, record)
    plan = make_plan(world.open())
    assert [(entry.id, entry.action) for entry in plan.entries] == [(record, "create")]
    world.sync()
    assert world.workspace is not None
    kind = resource.removesuffix("s")
    again = world.org.get(OBJECTS[resource], record)["Stripe_Id__c"]
    assert again not in (None, mate)
    assert {row["id"] for row in b.at_stripe(world, resource, record)} == {mate, again}
    [link] = world.workspace.store.load_links_in(kind=kind, states=["open"])
    assert (link.mate_id, link.earlier_mates) == (again, (mate,))
    b.assert_still(world)


@pytest.mark.parametrize("resource", OBJECTS)
def test_emptying_the_marker_of_a_living_copy_only_brings_the_marker_back(world: World, resource: str) -> None:
    record = _mirrored(world, resource)
    mate = b.the_one(world, resource, record)["id"]
    _clear_marker(world, resource, record)
    world.sync()
    assert world.org.get(OBJECTS[resource], record)["Stripe_Id__c"] == mate
    assert b.the_one(world, resource, record)["id"] == mate
    b.assert_still(world)


@pytest.mark.parametrize("resource", OBJECTS)
def test_a_missing_copy_whose_marker_stands_parks_and_says_how_to_get_another(world: World, resource: str) -> None:
    record = _mirrored(world, resource)
    mate = b.the_one(world, resource, record)["id"]
    _is_gone(world, resource, mate)
    world.sync(only=b.both_keys(world, resource.removesuffix("s"), record, mate))
    code, reason = b.parked(world, resource.removesuffix("s"))[record]
    assert code.endswith(("deleted_at_stripe", "missing_at_stripe"))
    assert "clear Stripe_Id__c" in reason
    assert len(b.at_stripe(world, resource, record)) == 1


def test_the_drift_of_a_customer_is_over_once_it_is_deleted(world: World) -> None:
    account = _mirrored(world, "customers")
    customer = b.the_one(world, "customers", account)["id"]
    world.stripe_api("POST", f"/v1/customers/{customer}", {"email": "other@acme.example"})
    world.sync()
    assert "drift.customer.email" in b.findings(world)
    world.stripe_api("DELETE", f"/v1/customers/{customer}")
    world.sync()
    assert "drift.customer.email" not in b.findings(world)


def test_what_was_found_about_an_invoice_is_over_once_it_is_deleted(world: World) -> None:
    account = b.account(world)
    invoice = b.invoice(world, b.Item(subtotal="100.00"), account_id=account)
    world.sync()
    b.credit(world, invoice, "40.00", account_id=account)
    world.sync()
    assert "invoice.balance_fell" in b.findings(world)
    world.org.delete("blng__Invoice__c", invoice)
    world.sync()
    assert b.parked(world, "invoice")[invoice][0] == "invoice.deleted_in_salesforce"
    assert "invoice.balance_fell" not in b.findings(world)


@pytest.mark.parametrize("resource", ["customers", "products"])
def test_a_record_that_names_its_copy_is_not_born_again_when_store_and_mark_are_lost(
    world: World, resource: str
) -> None:
    """Somebody emptied the metadata at Stripe, and our database is gone: the marker in Salesforce is left."""
    record = _mirrored(world, resource)
    mate = b.the_one(world, resource, record)["id"]
    world.stripe_api("POST", f"/v1/{resource}/{mate}", {"metadata": ""})
    lose_store(world)
    world.clock.advance(timedelta(days=3))  # else Stripe would replay the birth under its old key
    account = world.org.ids("Account")[0]
    b.invoice(world, b.Item(product=world.org.ids("Product2")[0]), account_id=account)
    assert recover_if_refused(world)
    world.sync()
    assert [row["id"] for row in world.stripe_list(f"/v1/{resource}")] == [mate]
