"""The summary of the describes, and the money of an org, read from an org in process."""

from dataclasses import replace

import pytest

from connector.core.verify.evidence import Seen, Unreadable
from connector.core.verify.org_needs import Need, OrgNeeds
from connector.salesforce.inspect import money
from connector.salesforce.inspect.probe import Answer, Known
from connector.sandbox.salesforce.org import DOCUMENTED_PAYMENT_STATUSES
from tests.support.salesforce import Bench, refusal, shipped_pack
from tests.support.verify import evidence_of, inspector_of, value_of


def needs_of(bench, **options):
    return value_of(bench, "org_needs", **options)


def texts(needs, need):
    return [lack.text for lack in needs.of(need)]


def test_an_org_set_up_as_shipped_lacks_nothing():
    bench = Bench()
    needs = needs_of(bench)
    assert needs.lacks == ()
    assert needs.org_id == bench.org.org_id
    assert needs.multi_currency


def test_all_describes_and_the_organisation_cost_one_call():
    bench = Bench()
    inspector = inspector_of(bench)
    inspector.inspect(["org_needs"])
    assert bench.org.counters["by_resource"] == {"oauth": 1, "composite": 1}


def test_the_daemon_and_the_verifier_see_the_same_lacks():
    """One logic: every finding at start-up is a lack here, and the reverse."""
    bench = Bench(payment_statuses=DOCUMENTED_PAYMENT_STATUSES, multi_currency=False)
    bench.org.hide_field("blng__Payment__c", "blng__PaymentType__c")
    bench.org.make_read_only("blng__Invoice__c", "Stripe_Status__c")
    bench.org.hide_field("Contact", "Email")
    found = bench.system.check()
    lacks = needs_of(bench).lacks
    assert {finding.subject for finding in found} == {lack.kind for lack in lacks}
    told = "\n".join(finding.observed for finding in found)
    assert all(lack.text in told for lack in lacks if lack.need is not Need.CURRENCY)


def test_a_hidden_field_and_one_we_may_not_write_are_told_apart():
    bench = Bench()
    bench.org.hide_field("blng__Invoice__c", "blng__DueDate__c")
    bench.org.make_read_only("blng__Invoice__c", "Stripe_Status__c")
    needs = needs_of(bench)
    assert texts(needs, Need.FIELD) == ["blng__Invoice__c.blng__DueDate__c"]
    assert texts(needs, Need.WRITE) == ["blng__Invoice__c.Stripe_Status__c (updateable)"]


def test_an_org_without_our_fields_says_which():
    needs = needs_of(Bench(metadata_dir=None))
    assert "Account.Stripe_Id__c" in texts(needs, Need.FIELD)


def test_a_field_that_is_only_written_is_missed_as_well():
    """The marker of an allocation is never read, and every allocation would be refused without it."""
    lacks = texts(needs_of(Bench(metadata_dir=None)), Need.FIELD)
    assert "blng__PaymentAllocationInvoice__c.Stripe_Id__c" in lacks
    assert len(lacks) == len(set(lacks))


def test_what_is_not_written_by_these_settings_is_not_missed():
    """Payments are allocated to invoices or to their lines, never to both; offline payments read the marks of both."""
    marker = "blng__PaymentAllocationInvoiceLine__c.Stripe_Id__c"
    lacks = [lack for lack in needs_of(Bench(metadata_dir=None)).lacks if lack.where == marker]
    assert {lack.kind for lack in lacks if lack.need is Need.FIELD} == {"offline_payment"}


def test_an_object_that_does_not_exist_is_named():
    pack = shipped_pack()
    invoice = pack.kinds["invoice"]
    invoice = replace(invoice, lines=replace(invoice.lines, object="blng__Nothing__c"))
    needs = needs_of(Bench(pack=replace(pack, kinds={**pack.kinds, "invoice": invoice})))
    assert texts(needs, Need.OBJECT) == ["blng__Nothing__c"]


def test_a_required_field_nobody_fills_is_named():
    """The mapping without the field that carries the amount."""
    pack = shipped_pack()
    payment = pack.kinds["payment"]
    payment = replace(payment, fields=tuple(rule for rule in payment.fields if rule.name != "amount"))
    needs = needs_of(Bench(pack=replace(pack, kinds={**pack.kinds, "payment": payment})))
    assert texts(needs, Need.REQUIRED) == ["blng__Payment__c.blng__Amount__c"]


@pytest.mark.parametrize(("allocate_to", "object_name"), [("invoice", "Invoice__c"), ("lines", "InvoiceLine__c")])
def test_only_the_allocation_that_is_used_must_be_filled(allocate_to, object_name):
    pack = shipped_pack()
    payment = pack.kinds["payment"]
    also = tuple(
        replace(companion, roles={role: path for role, path in companion.roles.items() if role != "amount"})
        for companion in payment.also
    )
    payment = replace(payment, also=also, options={**payment.options, "allocate_to": allocate_to})
    needs = needs_of(Bench(pack=replace(pack, kinds={**pack.kinds, "payment": payment})))
    assert texts(needs, Need.REQUIRED) == [f"blng__PaymentAllocation{object_name}.blng__Amount__c"]


def test_a_marker_that_could_be_there_twice_is_named():
    pack = shipped_pack()
    product = pack.kinds["product"]
    product = replace(product, salesforce=replace(product.salesforce, marker="ProductCode"))
    needs = needs_of(Bench(pack=replace(pack, kinds={**pack.kinds, "product": product})))
    assert texts(needs, Need.MARKER) == ["Product2.ProductCode is not externalId and not unique and not caseSensitive"]


def test_a_status_and_a_value_that_do_not_fit_are_told_apart():
    bench = Bench()
    bench.org.define_picklist("SBQQ__Quote__c", "SBQQ__Status__c", ["Draft", "Presented", "Accepted", "On Hold"])
    bench.org.define_picklist("blng__Payment__c", "blng__PaymentType__c", ["Check", "Cash", "ACH", "Bank Transfer"])
    needs = needs_of(bench)
    assert texts(needs, Need.STATE) == ["SBQQ__Quote__c.SBQQ__Status__c (On Hold)"]
    assert texts(needs, Need.VALUE) == [
        "blng__Payment__c.blng__PaymentType__c has no 'Credit Card'; it offers ACH, Bank Transfer, Cash, Check"
    ]


def test_describes_that_fail_are_unreadable_and_not_a_missing_object():
    bench = Bench()
    inspector = inspector_of(bench)
    bench.org.faults = lambda request: (
        refusal("REQUEST_LIMIT_EXCEEDED", 403) if request.path.endswith("composite") else None
    )
    found = inspector.inspect(["org_needs"])["org_needs"]
    assert isinstance(found, Unreadable)


# -- money ------------------------------------------------------------------------------------------------------------


def test_currencies_of_posted_invoices_are_counted():
    bench = Bench()
    account = bench.account()
    for _ in range(2):
        bench.invoice(account, lines=1)
    bench.invoice(account, status="Draft", lines=1)
    assert value_of(bench, "currencies").used == {"USD": 2}


def test_a_mirrored_invoice_is_not_counted():
    bench = Bench()
    invoice = bench.invoice(bench.account(), lines=1)
    bench.org.update("blng__Invoice__c", invoice, {"Stripe_Id__c": "in_1"})
    assert value_of(bench, "currencies").used == {}


def test_an_org_with_one_currency_is_asked_for_it():
    found = value_of(Bench(multi_currency=False, default_currency="EUR"), "currencies", currency="eur")
    assert not found.multi_currency
    assert found.used == {}


@pytest.mark.parametrize(
    ("answered", "single"),
    [
        ({"body": {"records": [{"DefaultCurrencyIsoCode": "EUR"}]}}, "EUR"),
        ({"body": {"records": [{"DefaultCurrencyIsoCode": None}]}}, None),
        ({"failure": "INVALID_FIELD: No such column", "code": "INVALID_FIELD"}, None),
    ],
)
def test_the_currency_of_such_an_org_is_what_it_says_and_nothing_where_it_does_not(answered, single):
    org = OrgNeeds(org_id="00D000000000001AAA", org_name="Acme", multi_currency=False, objects=10)
    known = Known(pack=shipped_pack(), options={}, evidence={"org_needs": Seen(value=org, source="test")})
    assert money.read(known, [Answer(ask=money.DEFAULT, **answered)]).single == single


def test_currencies_are_unreadable_where_the_describes_are():
    bench = Bench()
    bench.org.faults = lambda request: (
        refusal("REQUEST_LIMIT_EXCEEDED", 403) if request.path.endswith("composite") else None
    )
    assert isinstance(evidence_of(bench, "currencies")["currencies"], Unreadable)
