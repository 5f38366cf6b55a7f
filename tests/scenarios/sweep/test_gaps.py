"""What no poll saw: named by the sweep, put right by the next pass where it can be, told where it cannot."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from connector.core.errors import Interrupted
from connector.core.model import Side
from connector.flows.sweep.run import certify, look
from tests.scenarios.sweep.conftest import named
from tests.support import builders as b
from tests.support import unseen

OBJECTS = {
    "product": "Product2",
    "customer": "Account",
    "quote": "SBQQ__Quote__c",
    "invoice": "blng__Invoice__c",
    "payment": "blng__Payment__c",
    "offline_payment": "blng__Payment__c",
}
AT_STRIPE = {kind: kind for kind in OBJECTS} | {"payment": "payment_intent", "offline_payment": "payment_record"}


@pytest.mark.parametrize("kind", list(OBJECTS))
def test_a_record_deleted_unseen_in_salesforce_is_named(mirrored, kind):
    record_id = mirrored.id_of(kind, Side.SALESFORCE)
    unseen.delete_salesforce(mirrored.world, OBJECTS[kind], record_id)
    found = named(mirrored.sweep())
    assert (kind, mirrored.links[kind].born.id, "missing in salesforce", None) in found


# a payment intent cannot be deleted at all
@pytest.mark.parametrize("kind", [kind for kind in OBJECTS if kind != "payment"])
def test_a_record_deleted_unseen_at_stripe_is_named(mirrored, kind):
    unseen.delete_stripe(mirrored.world, AT_STRIPE[kind], mirrored.id_of(kind, Side.STRIPE))
    found = named(mirrored.sweep())
    assert (kind, mirrored.links[kind].born.id, "missing at stripe", None) in found


def test_an_edit_nobody_heard_of_is_made_up_for(mirrored):
    world, customer = mirrored.world, mirrored.links["customer"]
    unseen.edit_salesforce(world, "Account", customer.born.id, {"Phone": "+49 40 9"})
    world.sync()
    assert world.stripe_api("GET", f"/v1/customers/{customer.mate_id}")["phone"] == "+49 30 1234"
    certificate = mirrored.settled()
    assert world.stripe_api("GET", f"/v1/customers/{customer.mate_id}")["phone"] == "+49 40 9"
    assert certificate.is_complete
    assert certificate.detail["kinds"]["customer"]["looked_at_again"] == 1
    b.assert_still(world)


def test_a_cancellation_nobody_heard_of_shows_in_no_mapped_field_and_is_made_up_for(world):
    invoice = b.invoice(world)
    for _ in range(3):
        world.sync()
    unseen.edit_salesforce(world, "blng__Invoice__c", invoice, {"blng__InvoiceStatus__c": "Cancelled"})
    world.sync()
    assert b.the_one(world, "invoices", invoice)["status"] == "open"
    found = look(world.workspace)
    _, before = certify(world.workspace, found)
    assert ("invoice", invoice, "unfinished", None) in named(before)
    world.sync()
    assert b.the_one(world, "invoices", invoice)["status"] == "void"
    assert certify(world.workspace, found)[1].is_complete


def test_a_late_commit_below_the_watermark_is_born_within_a_sweep(mirrored):
    world = mirrored.world
    late = b.invoice(world)
    world.org.commit_late("blng__Invoice__c", late, world.clock.now() - timedelta(hours=2))
    for line in b.rows(world, "blng__InvoiceLine__c"):
        if line["blng__Invoice__c"] == late:
            world.org.commit_late("blng__InvoiceLine__c", line["Id"], world.clock.now() - timedelta(hours=2))
    world.sync()
    assert b.at_stripe(world, "invoices", late) == []
    found = look(world.workspace)
    assert ("invoice", late, "not mirrored", None) in named(certify(world.workspace, found)[1])
    world.sync()
    assert b.the_one(world, "invoices", late)["status"] == "open"
    assert certify(world.workspace, found)[1].is_complete


def test_a_payment_whose_events_were_lost_is_booked_after_a_sweep(mirrored):
    world = mirrored.world
    world.account.faults_after = _without_events
    cheque = mirrored.links["offline_payment"]
    invoice = b.invoice(world)
    world.sync()
    b.pay(world, b.the_one(world, "invoices", invoice)["id"])
    world.sync()
    before = len(b.rows(world, "blng__Payment__c"))
    assert mirrored.settled().is_complete
    assert len(b.rows(world, "blng__Payment__c")) == before + 1
    assert cheque.mate_id is not None
    b.assert_still(world)


def _without_events(request, response):
    if request.path != "/v1/events":
        return None
    page = json.loads(response.body)
    return replace(response, body=json.dumps({**page, "data": [], "has_more": False}).encode())


def test_a_copy_edited_unseen_at_stripe_stays_named_until_somebody_puts_it_right(mirrored):
    product = mirrored.links["product"]
    unseen.edit_stripe(mirrored.world, "product", product.mate_id, "name", "Other")
    assert named(mirrored.settled()) == [("product", product.born.id, "value differs", "name")]
    assert "drift.product.name" in b.findings(mirrored.world)
    mirrored.world.stripe_api("POST", f"/v1/products/{product.mate_id}", {"name": "Platform seat"})
    assert mirrored.settled().is_complete


def test_an_edited_payment_is_told_and_stays_named(mirrored):
    payment = mirrored.links["payment"]
    unseen.edit_salesforce(mirrored.world, "blng__Payment__c", payment.mate_id, {"blng__Amount__c": 1})
    assert named(mirrored.settled()) == [("payment", payment.born.id, "value differs", "amount")]
    assert "payment.edited" in b.findings(mirrored.world)


def test_a_second_object_with_the_mark_of_a_pair_is_a_double_mark(mirrored):
    world, customer = mirrored.world, mirrored.links["customer"]
    mark = {"salesforce_id": customer.born.id, "salesforce_org": world.org.org_id}
    double = world.stripe_api("POST", "/v1/customers", {"name": "Acme GmbH", "metadata": mark})
    [found] = mirrored.settled().detail["differences"]
    assert (found["sort"], found["id"], found["mate"]) == ("double mark", customer.born.id, double["id"])


def test_a_pair_that_is_crossed_is_a_wrong_pair(mirrored):
    customer = mirrored.links["customer"]
    mark = {"salesforce_id": "001000000000009AAA", "salesforce_org": mirrored.world.org.org_id}
    unseen.edit_stripe(mirrored.world, "customer", customer.mate_id, "metadata", mark)
    assert ("customer", customer.born.id, "wrong pair", None) in named(mirrored.sweep())


def test_a_marker_that_was_emptied_is_written_again(mirrored):
    world, product = mirrored.world, mirrored.links["product"]
    unseen.edit_salesforce(world, "Product2", product.born.id, {"Stripe_Id__c": None})
    assert ("product", product.born.id, "wrong pair", None) in named(mirrored.sweep())
    assert mirrored.settled().is_complete
    assert world.org.get("Product2", product.born.id)["Stripe_Id__c"] == product.mate_id


@pytest.mark.parametrize("kind", ["product", "customer", "quote", "invoice"])
def test_a_mark_that_was_taken_off_at_stripe_is_written_again(mirrored, kind):
    """By the sweep, where nobody heard of it; what others wrote beside it stays, and nothing is made a second time."""
    world, link = mirrored.world, mirrored.links[kind]
    before = {each: len(world.stripe_list(f"/v1/{each}s")) for each in ("product", "customer", "quote", "invoice")}
    unseen.edit_stripe(world, kind, link.mate_id, "metadata.note", "theirs")
    unseen.edit_stripe(world, kind, link.mate_id, "metadata.salesforce_id", "")
    assert (kind, link.born.id, "wrong pair", None) in named(mirrored.sweep())
    assert mirrored.settled().is_complete
    metadata = world.stripe_api("GET", f"/v1/{kind}s/{link.mate_id}")["metadata"]
    assert metadata | {"salesforce_id": link.born.id, "salesforce_org": world.org.org_id, "note": "theirs"} == metadata
    b.assert_still(world)
    assert {each: len(world.stripe_list(f"/v1/{each}s")) for each in before} == before


def test_an_event_is_enough_for_a_mark_to_be_written_again(mirrored):
    world, link = mirrored.world, mirrored.links["invoice"]
    world.stripe_api("POST", f"/v1/invoices/{link.mate_id}", {"metadata": {"salesforce_id": ""}})
    assert world.sync().writes == 1
    assert world.stripe_api("GET", f"/v1/invoices/{link.mate_id}")["metadata"]["salesforce_id"] == link.born.id
    b.assert_still(world)


def test_a_payments_marker_that_was_emptied_is_written_again(mirrored):
    world, payment = mirrored.world, mirrored.links["payment"]
    unseen.edit_salesforce(world, "blng__Payment__c", payment.mate_id, {"Stripe_Id__c": None})
    # alone it looks like any payment of Salesforce
    assert named(mirrored.sweep()) == [("payment", payment.born.id, "wrong pair", None)]
    assert mirrored.settled().is_complete
    assert world.org.get("blng__Payment__c", payment.mate_id)["Stripe_Id__c"] == payment.born.id


def test_a_mark_that_names_another_record_is_left_until_somebody_empties_it(mirrored):
    """Two pairs could claim one copy in turns."""
    world, link = mirrored.world, mirrored.links["invoice"]
    mark = {"salesforce_id": "a0G000000000009AAA", "salesforce_org": world.org.org_id}
    world.stripe_api("POST", f"/v1/invoices/{link.mate_id}", {"metadata": mark})
    assert named(mirrored.settled()) == [("invoice", link.born.id, "wrong pair", None)]
    world.stripe_api("POST", f"/v1/invoices/{link.mate_id}", {"metadata": {"salesforce_id": ""}})
    assert mirrored.settled().is_complete


def test_with_a_lost_store_every_mirrored_record_is_unlinked_until_a_pass_links_it(mirrored):
    world = mirrored.world
    world.close()
    for part in world.folder.glob("state.sqlite*"):
        part.unlink()
    world.open()
    found = look(world.workspace)
    kinds = {kind for kind, _, sort, _ in named(certify(world.workspace, found)[1]) if sort == "unlinked"}
    assert {"product", "customer", "quote", "invoice", "payment", "offline_payment"} - kinds == set()


def test_what_is_not_to_be_mirrored_is_counted_by_its_reason(mirrored):
    world = mirrored.world
    b.invoice(world, status="Draft")
    b.invoice(world, dated=world.clock.now().date() - timedelta(days=90))
    world.stripe_api("POST", "/v1/customers", {"name": "a stranger"})
    b.offline_payment(world, {}, account_id=mirrored.links["customer"].born.id, amount="5")
    world.sync()
    certificate = mirrored.sweep()
    assert certificate.is_complete
    kinds = certificate.detail["kinds"]
    assert kinds["invoice"]["explained"] == {"status Draft": 1, "before go-live": 1}
    assert kinds["customer"]["explained"] == {"made at Stripe": 1}
    assert kinds["offline_payment"]["explained"] == {"not allocated": 1}


def test_what_is_parked_or_waits_is_counted_apart_and_listed(world):
    """A parked invoice, and a cheque that waits for it."""
    account = b.account(world)
    parked = b.invoice(world, b.Item(subtotal="10.00", tax="1.00"), account_id=account)
    unseen.edit_salesforce(world, "blng__Invoice__c", parked, {"blng__TotalAmount__c": 12})
    b.offline_payment(world, {}, account_id=account, amount="5")
    world.sync()
    assert parked in b.parked(world, "invoice")
    certificate = certify(world.workspace, look(world.workspace))[1]
    assert certificate.is_complete
    code = b.parked(world, "invoice")[parked][0]
    assert certificate.detail["kinds"]["invoice"]["explained"] == {f"parked: {code}": 1}


def test_a_period_is_swept_alone(mirrored):
    customer, invoice = mirrored.links["customer"], mirrored.links["invoice"]
    unseen.edit_salesforce(mirrored.world, "Account", customer.born.id, {"Phone": "1"})
    unseen.edit_stripe(mirrored.world, "invoice", invoice.mate_id, "total", 1)
    period = f"{mirrored.world.clock.now():%Y-%m}"
    assert len(named(mirrored.sweep(period=period))) == 2
    other = mirrored.sweep(period="2026-01")
    assert other.is_complete
    assert all(not kind["periods"] for kind in other.detail["kinds"].values())


def test_kinds_are_swept_alone(mirrored):
    certificate = mirrored.sweep(kinds=["invoice"])
    assert list(certificate.detail["kinds"]) == ["invoice"]


def test_a_sweep_writes_to_neither_system(mirrored):
    world, customer = mirrored.world, mirrored.links["customer"]
    unseen.edit_salesforce(world, "Account", customer.born.id, {"Phone": "1"})
    before = (world.org.counters["writes"], world.account.counters["writes"])
    mirrored.sweep()
    assert (world.org.counters["writes"], world.account.counters["writes"]) == before


def test_a_sweep_that_is_told_to_stop_certifies_nothing(mirrored):
    world = mirrored.world
    world.close()
    workspace = world.open(stop=lambda: True)
    with pytest.raises(Interrupted):
        look(workspace)
    assert workspace.store.certificates.load_recent() == []


def test_a_certificate_vouches_for_the_moment_before_the_first_page(mirrored):
    world = mirrored.world
    began = world.clock.now()
    found = look(world.workspace)
    world.clock.advance(timedelta(minutes=30))
    number, certificate = certify(world.workspace, found)
    assert certificate.as_of == began
    assert world.workspace.store.certificates.load_recent(1) == [(number, certificate)]


def test_a_comparison_that_looks_at_nothing_is_caught(mirrored, monkeypatch):
    """The planted bug of I11: every record says the same, so an edit at Stripe that nobody heard of stays unnamed."""
    product = mirrored.links["product"]
    unseen.edit_stripe(mirrored.world, "product", product.mate_id, "name", "Other")
    with monkeypatch.context() as planted:
        planted.setattr("connector.flows.sweep.reading.content", lambda _view, _side: ())
        assert mirrored.sweep().is_complete
    assert named(mirrored.sweep()) == [("product", product.born.id, "value differs", "name")]
