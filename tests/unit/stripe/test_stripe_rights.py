"""Which rights a key needs follows from the pack and from what the adapter calls; the guide for people says the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector.stripe.rights import needed_reads, needed_writes, resource_name
from tests.support.salesforce import shipped_pack
from tests.support.stripe import stripe_pack

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "setup.md"


def test_the_shipped_pack_reads_nine_resources_and_writes_five():
    reads = {resource_name(need.template) for need in needed_reads(shipped_pack())}
    writes = set(needed_writes(shipped_pack()))
    assert writes == {"Customers", "Invoices", "Payment records", "Products", "Quotes"}
    assert reads == writes | {"Charges", "Events", "Invoice payments", "Payment intents"}


def test_a_pack_without_a_kind_needs_no_rights_for_it():
    pack = stripe_pack()
    only = type(pack)(name="test", kinds={"customer": pack.kinds["customer"]}, digest="test")
    assert [need.template for need in needed_reads(only)] == ["/v1/customers", "/v1/events"]
    assert needed_writes(only) == ("Customers",)


def test_a_resource_several_kinds_need_is_tried_once_and_names_them_all():
    (events,) = [need for need in needed_reads(stripe_pack()) if need.template == "/v1/events"]
    assert events.kinds == ("product", "customer", "quote", "invoice", "payment")


@pytest.mark.parametrize(
    "resource",
    [*needed_writes(shipped_pack()), *(resource_name(need.template) for need in needed_reads(shipped_pack()))],
)
def test_the_guide_names_every_right_a_restricted_key_needs(resource):
    assert resource.lower() in " ".join(GUIDE.read_text().split())
