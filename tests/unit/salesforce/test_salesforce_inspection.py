from dataclasses import replace

import pytest

from connector.core.model import Severity
from connector.sandbox.salesforce.org import DOCUMENTED_PAYMENT_STATUSES
from tests.support.salesforce import Bench, shipped_pack


@pytest.fixture(scope="module")
def pack():
    return shipped_pack()


def findings_of(bench: Bench, **options):
    return {(found.code, found.subject): found for found in bench.connect(**options).check()}


def blockers(found) -> set[tuple[str, str]]:
    return {key for key, finding in found.items() if finding.severity is Severity.BLOCKER}


def with_kind(pack, kind, **changes):
    return replace(pack, kinds={**pack.kinds, kind: replace(pack.kinds[kind], **changes)})


def test_an_org_set_up_as_shipped_has_no_findings(pack):
    assert findings_of(Bench(pack=pack)) == {}


def test_the_org_says_who_it_is(pack):
    bench = Bench(pack=pack, is_sandbox=False)
    identity = bench.system.identify()
    assert identity.id == bench.org.org_id
    assert len(identity.id) == 18
    assert identity.is_live
    assert identity.name
    assert identity.multi_currency is True
    assert not Bench(pack=pack, is_sandbox=True).system.identify().is_live


def test_who_it_is_and_what_it_lacks_cost_one_call_together(pack):
    """A composite call takes five queries: the organisation, and one per object with a path that must be tried."""
    bench = Bench(pack=pack)
    bench.system.identify()
    before = bench.org.counters["requests"]
    bench.system.check()
    bench.system.identify()
    assert bench.org.counters["requests"] - before == 1


def test_a_hidden_field_stops_the_kinds_that_read_it_and_no_other(pack):
    bench = Bench(pack=pack)
    bench.org.hide_field("blng__Payment__c", "blng__PaymentType__c")
    found = findings_of(bench)
    assert blockers(found) == {
        ("salesforce.field_missing", "payment"),
        ("salesforce.field_missing", "offline_payment"),
    }
    finding = found["salesforce.field_missing", "payment"]
    assert "blng__Payment__c.blng__PaymentType__c" in finding.observed
    assert "permission set" in finding.remedy


def test_several_missing_fields_are_one_finding_that_names_them_all(pack):
    bench = Bench(pack=pack)
    bench.org.hide_field("blng__Invoice__c", "blng__DueDate__c")
    bench.org.hide_field("blng__InvoiceLine__c", "blng__Subtotal__c")
    finding = findings_of(bench)["salesforce.field_missing", "invoice"]
    assert "blng__Invoice__c.blng__DueDate__c" in finding.observed
    assert "blng__InvoiceLine__c.blng__Subtotal__c" in finding.observed


def test_a_field_hidden_behind_a_lookup_is_noticed(pack):
    bench = Bench(pack=pack)
    bench.org.hide_field("Contact", "Email")
    found = findings_of(bench)
    assert blockers(found) == {("salesforce.field_missing", "customer")}
    assert "Email" in found["salesforce.field_missing", "customer"].observed


def test_an_object_that_does_not_exist_stops_its_kind(pack):
    lines = replace(pack.kinds["invoice"].lines, object="blng__Nothing__c")
    found = findings_of(Bench(pack=with_kind(pack, "invoice", lines=lines)))
    assert ("salesforce.object_missing", "invoice") in blockers(found)
    assert "blng__Nothing__c" in found["salesforce.object_missing", "invoice"].observed
    assert not [key for key in blockers(found) if key[1] != "invoice"]


def test_an_org_without_our_fields_stops_every_kind(pack):
    found = findings_of(Bench(pack=pack, metadata_dir=None))
    assert {kind for code, kind in blockers(found) if code == "salesforce.field_missing"} == set(pack.kinds)


def test_a_field_we_must_write_and_may_not_stops_the_kind(pack):
    bench = Bench(pack=pack)
    bench.org.make_read_only("blng__Invoice__c", "Stripe_Status__c")
    found = findings_of(bench)
    assert blockers(found) == {("salesforce.field_not_writable", "invoice")}
    assert "Stripe_Status__c (updateable)" in found["salesforce.field_not_writable", "invoice"].observed


def test_a_field_we_only_read_may_be_read_only(pack):
    bench = Bench(pack=pack)
    bench.org.make_read_only("blng__Invoice__c", "blng__DueDate__c")
    assert findings_of(bench) == {}


def test_a_marker_that_is_no_unique_external_id_stops_the_kind(pack):
    spec = replace(pack.kinds["product"].salesforce, marker="ProductCode")
    found = findings_of(Bench(pack=with_kind(pack, "product", salesforce=spec)))
    assert blockers(found) == {("salesforce.marker_not_unique", "product")}
    observed = found["salesforce.marker_not_unique", "product"].observed
    assert "Product2.ProductCode is not externalId and not unique and not caseSensitive" in observed


def test_a_status_the_mapping_does_not_know_is_a_warning_with_its_name(pack):
    spec = pack.kinds["quote"].salesforce
    states = {name: state for name, state in spec.states.items() if name != "In Review"}
    found = findings_of(Bench(pack=with_kind(pack, "quote", salesforce=replace(spec, states=states))))
    finding = found["salesforce.states_not_covered", "quote"]
    assert finding.severity is Severity.WARNING
    assert "In Review" in finding.observed
    assert blockers(found) == set()


def test_a_payment_status_the_org_does_not_offer_stops_payments(pack):
    found = findings_of(Bench(pack=pack, payment_statuses=DOCUMENTED_PAYMENT_STATUSES))
    assert ("salesforce.picklist_value_missing", "payment") in blockers(found)
    observed = found["salesforce.picklist_value_missing", "payment"].observed
    assert "'Posted'" in observed
    assert "Processed" in observed


def test_a_table_value_the_org_does_not_offer_stops_the_kind(pack):
    payment = pack.kinds["payment"]
    fields = tuple(
        replace(rule, stripe_codec=replace(rule.stripe_codec, rows={**rule.stripe_codec.rows, "Barter": ("barter",)}))
        if rule.name == "type"
        else rule
        for rule in payment.fields
    )
    found = findings_of(Bench(pack=with_kind(pack, "payment", fields=fields)))
    assert "'Barter'" in found["salesforce.picklist_value_missing", "payment"].observed


def test_a_required_field_nobody_fills_is_an_error_and_stops_nothing(pack):
    """Each payment parks by name, which is better than none being looked at."""
    payment = pack.kinds["payment"]
    fields = tuple(rule for rule in payment.fields if rule.name != "amount")
    found = findings_of(Bench(pack=with_kind(pack, "payment", fields=fields)))
    finding = found["salesforce.required_field_empty", "payment"]
    assert finding.severity is Severity.ERROR
    assert "blng__Payment__c.blng__Amount__c" in finding.observed
    assert blockers(found) == set()


def test_without_multi_currency_the_currency_must_be_set(pack):
    bench = Bench(pack=pack, multi_currency=False)
    found = findings_of(bench)
    assert {kind for code, kind in blockers(found) if code == "salesforce.currency_unknown"} == {
        kind for kind, mapping in pack.kinds.items() if mapping.salesforce.currency is not None
    }
    assert findings_of(bench, currency="USD") == {}
