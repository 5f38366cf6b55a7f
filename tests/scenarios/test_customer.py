"""customer: Account -> Customer, born in Salesforce, only when needed or selected."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from connector.flows.sync import run_pass
from tests.support import builders as b
from tests.support.recovering import lose_store, recover_if_refused

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.world import World


def _mirrored(world: World, **fields: str) -> tuple[str, str]:
    """An Account that a mirrored invoice needs, and its customer."""
    account = b.account(world, **fields)
    b.invoice(world, account_id=account)
    world.sync()
    return account, str(b.the_one(world, "customers", account)["id"])


def test_an_account_nobody_needs_is_not_mirrored(world: World) -> None:
    b.account(world)
    report = world.sync()
    assert world.stripe_list("/v1/customers") == []
    assert b.not_mirrored(report, "customer") == {"not needed": 1}


def test_an_account_is_mirrored_when_a_document_needs_it(world: World) -> None:
    account, customer = _mirrored(
        world,
        Phone="+49 30 1234",
        ShippingStreet="1 Dock Road",
        ShippingCity="Oakland",
        ShippingCountry="USA",
        **b.ADDRESS,
    )
    found = world.stripe_api("GET", f"/v1/customers/{customer}")
    assert (found["name"], found["email"], found["phone"]) == ("Acme GmbH", "ap@acme.example", "+49 30 1234")
    assert found["address"]["line1"] == "Hauptstr. 1"
    assert (found["address"]["city"], found["address"]["postal_code"], found["address"]["country"]) == (
        "Berlin",
        "10115",
        "DE",
    )
    assert found["shipping"]["name"] == "Acme GmbH"
    assert (found["shipping"]["address"]["line1"], found["shipping"]["address"]["country"]) == ("1 Dock Road", "US")
    assert found["metadata"] == {"salesforce_id": account, "salesforce_org": world.org.org_id}
    assert world.org.get("Account", account)["Stripe_Id__c"] == customer
    b.assert_still(world)


def test_an_account_is_mirrored_when_where_selects_it(make_world: Callable[..., World], tmp_path: Path) -> None:
    pack = b.pack_with(tmp_path, "customer", ("  # where: \"Type = 'Customer'\"", "  where: \"Type = 'Customer'\""))
    world = make_world(pack_folder=pack)
    selected = b.account(world, Type="Customer")
    b.account(world, name="Somebody else", Type="Prospect")
    world.sync()
    assert [row["metadata"]["salesforce_id"] for row in world.stripe_list("/v1/customers")] == [selected]
    b.assert_still(world)


def test_an_account_that_where_does_not_select_is_still_born_by_need(
    make_world: Callable[..., World], tmp_path: Path
) -> None:
    pack = b.pack_with(tmp_path, "customer", ("  # where: \"Type = 'Customer'\"", "  where: \"Type = 'Customer'\""))
    world = make_world(pack_folder=pack)
    account, _ = _mirrored(world, Type="Prospect")
    assert b.the_one(world, "customers", account)
    b.assert_still(world)


def test_a_changed_name_flows_to_stripe(world: World) -> None:
    account, customer = _mirrored(world)
    world.org.update("Account", account, {"Name": "Acme SE"})
    world.sync()
    assert world.stripe_api("GET", f"/v1/customers/{customer}")["name"] == "Acme SE"
    b.assert_still(world)


def test_a_changed_contact_email_flows_though_the_account_did_not_move(world: World) -> None:
    account, customer = _mirrored(world)
    contact = world.org.get("Account", account)["blng__BillToContact__c"]
    world.org.update("Contact", contact, {"Email": "billing@acme.example"})
    world.sync()
    assert world.stripe_api("GET", f"/v1/customers/{customer}")["email"] == "billing@acme.example"
    b.assert_still(world)


def test_an_address_is_sent_whole_when_one_part_of_it_moves(world: World) -> None:
    account, customer = _mirrored(world, **b.ADDRESS)
    world.org.update("Account", account, {"BillingCity": "Potsdam"})
    world.sync()
    address = world.stripe_api("GET", f"/v1/customers/{customer}")["address"]
    assert (address["line1"], address["city"], address["postal_code"], address["country"]) == (
        "Hauptstr. 1",
        "Potsdam",
        "10115",
        "DE",
    )
    b.assert_still(world)


def test_a_cleared_address_is_cleared(world: World) -> None:
    account, customer = _mirrored(world, **b.ADDRESS)
    world.org.update("Account", account, dict.fromkeys(b.ADDRESS))
    world.sync()
    address = world.stripe_api("GET", f"/v1/customers/{customer}")["address"]
    assert address is None or not any(address.values())
    b.assert_still(world)


def test_what_the_customer_edits_in_the_portal_comes_back(world: World) -> None:
    account, customer = _mirrored(world, Phone="+49 30 1234")
    world.stripe_api("POST", f"/v1/customers/{customer}", {"name": "Acme & Co", "phone": "+49 30 9999"})
    world.sync()
    found = world.org.get("Account", account)
    assert (found["Name"], found["Phone"]) == ("Acme & Co", "+49 30 9999")
    b.assert_still(world)


def test_a_phone_the_customer_removes_in_the_portal_is_removed(world: World) -> None:
    account, customer = _mirrored(world, Phone="+49 30 1234")
    world.stripe_api("POST", f"/v1/customers/{customer}", {"phone": ""})
    world.sync()
    assert world.org.get("Account", account)["Phone"] is None
    b.assert_still(world)


def test_an_address_edited_in_the_portal_comes_back(world: World) -> None:
    account, customer = _mirrored(world, **b.ADDRESS)
    params = {"address": {"line1": "Neue Str. 2", "city": "Potsdam", "postal_code": "14467", "country": "DE"}}
    world.stripe_api("POST", f"/v1/customers/{customer}", params)
    world.sync()
    found = world.org.get("Account", account)
    assert (found["BillingStreet"], found["BillingCity"], found["BillingPostalCode"]) == (
        "Neue Str. 2",
        "Potsdam",
        "14467",
    )
    assert found["BillingCountry"] == "Germany"
    b.assert_still(world)


def test_both_edited_salesforce_wins(world: World) -> None:
    account, customer = _mirrored(world, Phone="+49 30 1234")
    world.org.update("Account", account, {"Phone": "+49 30 1111"})
    world.stripe_api("POST", f"/v1/customers/{customer}", {"phone": "+49 30 2222"})
    world.sync()
    assert world.stripe_api("GET", f"/v1/customers/{customer}")["phone"] == "+49 30 1111"
    assert world.org.get("Account", account)["Phone"] == "+49 30 1111"
    b.assert_still(world)


def test_different_fields_edited_on_both_sides_both_arrive(world: World) -> None:
    account, customer = _mirrored(world, Phone="+49 30 1234")
    world.org.update("Account", account, {"Name": "Acme SE"})
    world.stripe_api("POST", f"/v1/customers/{customer}", {"phone": "+49 30 2222"})
    world.sync()
    assert world.stripe_api("GET", f"/v1/customers/{customer}")["name"] == "Acme SE"
    assert world.org.get("Account", account)["Phone"] == "+49 30 2222"
    b.assert_still(world)


def test_an_email_edited_at_stripe_is_a_finding_and_is_not_copied(world: World) -> None:
    account, customer = _mirrored(world)
    world.stripe_api("POST", f"/v1/customers/{customer}", {"email": "stranger@acme.example"})
    world.sync()
    [finding] = b.findings(world)["drift.customer.email"]
    assert finding.subject == account
    assert "stranger@acme.example" in finding.observed
    contact = world.org.get("Account", account)["blng__BillToContact__c"]
    assert world.org.get("Contact", contact)["Email"] == "ap@acme.example"
    b.assert_still(world)


def test_the_drift_finding_is_cleared_when_the_copy_is_right_again(world: World) -> None:
    _, customer = _mirrored(world)
    world.stripe_api("POST", f"/v1/customers/{customer}", {"email": "stranger@acme.example"})
    world.sync()
    world.stripe_api("POST", f"/v1/customers/{customer}", {"email": "ap@acme.example"})
    world.sync()
    assert "drift.customer.email" not in b.findings(world)


def test_another_edit_beside_a_drifted_field_does_not_overwrite_it_silently(world: World) -> None:
    """The name is pushed; the e-mail somebody typed at Stripe stays a finding."""
    account, customer = _mirrored(world)
    world.stripe_api("POST", f"/v1/customers/{customer}", {"email": "stranger@acme.example"})
    world.org.update("Account", account, {"Name": "Acme SE"})
    world.sync()
    found = world.stripe_api("GET", f"/v1/customers/{customer}")
    assert (found["name"], found["email"]) == ("Acme SE", "stranger@acme.example")
    assert "drift.customer.email" in b.findings(world)
    b.assert_still(world)
    assert "drift.customer.email" in b.findings(world)


def test_on_drift_revert_puts_the_copy_right(make_world: Callable[..., World], tmp_path: Path) -> None:
    old = "salesforce: blng__BillToContact__r.Email, stripe: email, as: email}"
    new = "salesforce: blng__BillToContact__r.Email, stripe: email, as: email, on_drift: revert}"
    world = make_world(pack_folder=b.pack_with(tmp_path, "customer", (old, new)))
    _, customer = _mirrored(world)
    world.stripe_api("POST", f"/v1/customers/{customer}", {"email": "stranger@acme.example"})
    world.sync()
    assert world.stripe_api("GET", f"/v1/customers/{customer}")["email"] == "ap@acme.example"
    b.assert_still(world)


def test_an_account_without_an_email_is_mirrored_without_one(world: World) -> None:
    account = b.account(world, email=None)
    b.invoice(world, account_id=account)
    world.sync()
    assert b.the_one(world, "customers", account)["email"] is None
    b.assert_still(world)


def test_a_text_stripe_trims_does_not_ping_pong(world: World) -> None:
    account, customer = _mirrored(world)
    world.org.update("Account", account, {"Phone": "+49 30 1234"})
    world.sync()
    world.stripe_api("POST", f"/v1/customers/{customer}", {"phone": " +49 30 5678 "})
    world.sync()
    assert world.org.get("Account", account)["Phone"] == "+49 30 5678"
    b.assert_still(world)


def test_a_customer_deleted_at_stripe_is_not_made_again(world: World) -> None:
    account, customer = _mirrored(world)
    world.stripe_api("DELETE", f"/v1/customers/{customer}")
    world.sync()
    assert b.parked(world, "customer")[account][0] == "customer.deleted_at_stripe"
    assert world.stripe_list("/v1/customers") == []
    b.assert_still(world)


def test_an_account_deleted_in_salesforce_leaves_the_customer(world: World) -> None:
    account, customer = _mirrored(world)
    world.org.delete("Account", account)
    world.sync()
    code, reason = b.parked(world, "customer")[account]
    assert code == "customer.deleted_in_salesforce"
    assert customer in reason
    assert world.stripe_api("GET", f"/v1/customers/{customer}")["name"] == "Acme GmbH"
    b.assert_still(world)


def test_what_stripe_cannot_hold_is_not_sent_again_after_the_store_was_lost(world: World) -> None:
    """A shipping name without an address has no form at Stripe: read, the two sides never look alike."""
    account, customer = _mirrored(world)
    assert world.stripe_api("GET", f"/v1/customers/{customer}")["shipping"] is None
    lose_store(world)
    assert recover_if_refused(world)
    b.assert_still(world)
    calls = world.account.counters["requests"]
    world.org.update("Account", account, {"Fax": "1"})
    world.sync()
    assert world.account.counters["requests"] - calls <= 2, "remembered: the copy need not be read"
    world.org.update("Account", account, {"ShippingStreet": "1 Dock Road"})
    world.sync()
    assert world.stripe_api("GET", f"/v1/customers/{customer}")["shipping"]["name"] == "Acme GmbH"
    b.assert_still(world)


@pytest.mark.parametrize("margin_s", [0, 5])
def test_an_account_edited_again_within_the_second_it_was_read_in_is_not_lost(
    make_world: Callable[..., World], margin_s: int
) -> None:
    """Both edits carry the same SystemModstamp, which is in whole seconds."""
    world = make_world(margin_s=margin_s)
    account = b.account(world)
    b.invoice(world, account_id=account)
    for _ in range(3):
        world.clock.advance(timedelta(minutes=10))
        world.sync()
    [customer] = b.at_stripe(world, "customers", account)
    world.org.update("Account", account, {"Name": "First"})
    assert world.workspace is not None
    # whatever brings somebody here at once: a person, an event of the other side, a document that needs it
    run_pass(world.workspace, only=b.both_keys(world, "customer", account, customer["id"]))
    assert b.the_one(world, "customers", account)["name"] == "First"
    world.org.update("Account", account, {"Name": "Second"})
    for _ in range(3):
        world.clock.advance(timedelta(seconds=10))
        world.sync()
    assert b.the_one(world, "customers", account)["name"] == "Second"
    b.assert_still(world)
