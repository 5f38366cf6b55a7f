"""Automation, collectors and marks, read from orgs with planted defects."""

from connector.core.verify.evidence import Unreadable
from tests.support.salesforce import Bench
from tests.support.verify import evidence_of, inspector_of, value_of


def test_automation_of_the_orgs_own_is_read_with_its_object():
    bench = Bench(scenario="automation")
    named = [
        (row.name, row.object)
        for name in ("flows", "triggers", "validation_rules")
        for row in value_of(bench, name).rows
        if row.namespace is None
    ]
    assert named == [
        ("Stamp_Invoice", "blng__Invoice__c"),
        ("InvoiceStamp", "blng__Invoice__c"),
        ("Phone_needed", "Account"),
    ]


def test_the_healthy_org_has_triggers_of_packages_only():
    rows = value_of(Bench(scenario="demo"), "triggers").rows
    assert {row.namespace for row in rows} == {"SBQQ", "blng"}


def test_automation_on_objects_we_do_not_write_is_not_asked_for():
    bench = Bench()
    rule = {"ValidationName": "Other", "EntityDefinitionId": "Contact", "Active": True, "ErrorMessage": "no"}
    bench.org.platform.create("ValidationRule", {**rule, "FullName": "Contact.Other"})
    assert value_of(bench, "validation_rules").rows == ()


def test_change_events_are_asked_for_only_where_they_are_used():
    bench = Bench()
    before = bench.org.counters["requests"]
    unused = value_of(bench, "change_events")
    assert bench.org.counters["requests"] - before == 0
    assert unused.selected == frozenset()
    assert {"AccountChangeEvent", "blng__Invoice__ChangeEvent", "SBQQ__Quote__ChangeEvent"} <= set(unused.wanted)
    bench.org.platform.create("PlatformEventChannelMember", {"SelectedEntity": "AccountChangeEvent"})
    assert value_of(bench, "change_events", streaming=True).selected == {"AccountChangeEvent"}


def test_two_collectors_are_seen():
    found = value_of(Bench(scenario="two-collectors"), "collectors")
    assert [(each.name, each.type) for each in found.schedulers] == [("Nightly collection", "Daily")]
    assert found.runs == (("Nightly collection 1", "Started"),)
    assert [(each.account_name, each.is_linked) for each in found.auto_pay] == [("Copperfield Utilities", False)]
    assert found.auto_pay_total == 1


def test_the_healthy_org_has_one_collector():
    found = value_of(Bench(scenario="demo"), "collectors")
    assert (found.schedulers, found.runs, found.auto_pay) == ((), (), ())


def test_a_method_of_a_linked_account_is_known_as_such():
    bench = Bench(scenario="two-collectors")
    (method,) = value_of(bench, "collectors").auto_pay
    bench.org.update("Account", method.account_id, {"Stripe_Id__c": "cus_1"})
    (method,) = value_of(bench, "collectors").auto_pay
    assert method.is_linked


def test_collectors_are_seen_before_our_fields_are_deployed():
    found = value_of(Bench(metadata_dir=None, scenario="two-collectors"), "collectors")
    assert [each.is_linked for each in found.auto_pay] == [False]


def test_an_org_without_billing_has_no_collectors_to_read():
    found = evidence_of(Bench(scenario="cpq-only"), "collectors")["collectors"]
    assert isinstance(found, Unreadable)
    assert found.permission == "Read on Payment Schedulers"


def test_marks_are_read_with_names_and_repeated_ones_counted():
    bench = Bench()
    for name, mark in (("Acme", "cus_1"), ("Borg", "cus_2"), ("Cap", None)):
        bench.org.update("Account", bench.account(name), {"Stripe_Id__c": mark})
    found = value_of(bench, "account_marks")
    assert [(row.name, row.mark) for row in found.rows] == [("Acme", "cus_1"), ("Borg", "cus_2")]
    assert (found.total, found.repeated) == (2, {})


def test_all_of_this_together_stays_within_twelve_calls():
    bench = Bench()
    inspector = inspector_of(bench, streaming=True)
    found = inspector.inspect(
        [
            "org_needs",
            "currencies",
            "open_invoices",
            "open_quotes",
            "flows",
            "triggers",
            "validation_rules",
            "change_events",
            "collectors",
            "account_marks",
        ]
    )
    assert not [name for name, evidence in found.items() if isinstance(evidence, Unreadable)]
    assert bench.org.counters["requests"] <= 12, bench.org.counters["by_resource"]
