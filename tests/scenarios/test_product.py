"""product: Product2 -> Product, owned by Salesforce."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support import builders as b

if TYPE_CHECKING:
    from tests.support.world import World


def _mirrored(world: World, **fields: object) -> tuple[str, str]:
    product = b.product(world, **fields)
    world.sync()
    return product, str(b.the_one(world, "products", product)["id"])


def test_an_active_product_is_mirrored_with_its_code_in_the_metadata(world: World) -> None:
    product, mate = _mirrored(world, Description="One seat for one month")
    found = world.stripe_api("GET", f"/v1/products/{mate}")
    assert (found["name"], found["description"], found["active"]) == ("Platform seat", "One seat for one month", True)
    assert found["metadata"] == {
        "product_code": "SEAT-1",
        "salesforce_id": product,
        "salesforce_org": world.org.org_id,
    }
    assert world.org.get("Product2", product)["Stripe_Id__c"] == mate
    b.assert_still(world)


def test_an_inactive_product_is_not_mirrored(world: World) -> None:
    b.product(world, IsActive=False)
    report = world.sync()
    assert world.stripe_list("/v1/products") == []
    assert sum(b.not_mirrored(report, "product").values()) == 1


def test_a_renamed_product_is_renamed(world: World) -> None:
    product, mate = _mirrored(world)
    world.org.update("Product2", product, {"Name": "Platform seat, yearly", "ProductCode": "SEAT-12"})
    world.sync()
    found = world.stripe_api("GET", f"/v1/products/{mate}")
    assert (found["name"], found["metadata"]["product_code"]) == ("Platform seat, yearly", "SEAT-12")
    assert found["metadata"]["salesforce_id"] == product
    b.assert_still(world)


def test_a_retired_product_is_retired_and_comes_back(world: World) -> None:
    product, mate = _mirrored(world)
    world.org.update("Product2", product, {"IsActive": False})
    world.sync()
    assert world.stripe_api("GET", f"/v1/products/{mate}")["active"] is False
    b.assert_still(world)
    world.org.update("Product2", product, {"IsActive": True})
    world.sync()
    assert world.stripe_api("GET", f"/v1/products/{mate}")["active"] is True
    b.assert_still(world)


def test_a_cleared_description_is_cleared(world: World) -> None:
    product, mate = _mirrored(world, Description="One seat")
    world.org.update("Product2", product, {"Description": None})
    world.sync()
    assert world.stripe_api("GET", f"/v1/products/{mate}")["description"] is None
    b.assert_still(world)


def test_an_edit_at_stripe_is_a_finding_and_is_not_copied(world: World) -> None:
    product, mate = _mirrored(world)
    world.stripe_api("POST", f"/v1/products/{mate}", {"name": "Sale!"})
    world.sync()
    [finding] = b.findings(world)["drift.product.name"]
    assert (finding.subject, "Sale!" in finding.observed) == (product, True)
    assert world.org.get("Product2", product)["Name"] == "Platform seat"
    assert world.stripe_api("GET", f"/v1/products/{mate}")["name"] == "Sale!"
    b.assert_still(world)


def test_the_owners_next_edit_replaces_what_was_edited_at_stripe(world: World) -> None:
    product, mate = _mirrored(world)
    world.stripe_api("POST", f"/v1/products/{mate}", {"name": "Sale!"})
    world.sync()
    world.org.update("Product2", product, {"Name": "Platform seat 2027"})
    world.sync()
    assert world.stripe_api("GET", f"/v1/products/{mate}")["name"] == "Platform seat 2027"
    b.assert_still(world)
    assert "drift.product.name" not in b.findings(world)


def test_a_product_deleted_at_stripe_parks_and_is_not_made_again(world: World) -> None:
    product, mate = _mirrored(world)
    world.stripe_api("DELETE", f"/v1/products/{mate}")
    world.sync()
    assert b.parked(world, "product")[product][0] == "product.deleted_at_stripe"
    assert world.stripe_list("/v1/products") == []
    b.assert_still(world)


def test_metadata_of_others_on_our_product_stays(world: World) -> None:
    product, mate = _mirrored(world)
    world.stripe_api("POST", f"/v1/products/{mate}", {"metadata": {"warehouse": "B7"}})
    world.org.update("Product2", product, {"Name": "Renamed"})
    world.sync()
    assert world.stripe_api("GET", f"/v1/products/{mate}")["metadata"]["warehouse"] == "B7"
    b.assert_still(world)


def test_a_product_deleted_in_salesforce_leaves_the_copy(world: World) -> None:
    product, mate = _mirrored(world)
    world.org.delete("Product2", product)
    world.sync()
    code, reason = b.parked(world, "product")[product]
    assert (code, mate in reason) == ("product.deleted_in_salesforce", True)
    assert world.stripe_api("GET", f"/v1/products/{mate}")["active"] is True
    b.assert_still(world)
