"""The seeded data is believable, consistent and repeats itself."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal

import pytest

from connector.sandbox.salesforce.org import DOCUMENTED_PAYMENT_STATUSES, Org
from connector.sandbox.salesforce.seed import go_live, seed, seed_invoices

INVOICE = "blng__Invoice__c"
TODAY = date(2026, 11, 21)


@pytest.fixture
def seeded(org):
    seed(org)
    return org


def invoices(org):
    return [org.get(INVOICE, one) for one in org.ids(INVOICE)]


def test_one_unit_has_everything_a_mirror_must_handle(seeded):
    assert len(seeded.ids("Account")) == 12
    assert len(seeded.ids("Product2")) == 8
    statuses = Counter(seeded.get("SBQQ__Quote__c", one)["SBQQ__Status__c"] for one in seeded.ids("SBQQ__Quote__c"))
    assert set(statuses) == {"Draft", "In Review", "Approved", "Presented", "Denied", "Rejected", "Accepted"}
    rows = invoices(seeded)
    assert Counter(row["blng__InvoiceStatus__c"] for row in rows) == {"Posted": 20, "Draft": 3, "Cancelled": 1}
    assert {row["CurrencyIsoCode"] for row in rows} == {"USD", "EUR", "JPY", "KWD"}
    posted = [row for row in rows if row["blng__InvoiceStatus__c"] == "Posted"]
    balances = Counter(
        "zero"
        if row["blng__TotalAmount__c"] == 0
        else "negative"
        if row["blng__TotalAmount__c"] < 0
        else row["blng__PaymentStatus__c"]
        for row in posted
    )
    assert balances == {"Unpaid": 16, "Paid": 1, "Partially Paid": 1, "zero": 1, "negative": 1}
    start = go_live(TODAY).isoformat()
    assert start == "2026-10-01"
    assert sum(row["blng__InvoiceDate__c"] < start for row in rows) == 1
    open_ones = [row for row in posted if row["blng__PaymentStatus__c"] == "Unpaid"]
    assert sum(row["blng__DueDate__c"] < TODAY.isoformat() for row in open_ones) == 3
    assert all(row["blng__InvoiceDate__c"] <= row["blng__DueDate__c"] for row in rows)


def test_totals_are_those_of_the_lines(seeded):
    for row in invoices(seeded):
        lines = [seeded.get("blng__InvoiceLine__c", one) for one in seeded.ids("blng__InvoiceLine__c")]
        mine = [line for line in lines if line["blng__Invoice__c"] == row["Id"]]
        assert 1 <= len(mine) <= 4
        for name in ("blng__Subtotal__c", "blng__TaxAmount__c", "blng__TotalAmount__c"):
            assert row[name] == sum(line[name] for line in mine)
        assert row["blng__TotalAmount__c"] == row["blng__Subtotal__c"] + row["blng__TaxAmount__c"]


def test_yen_have_no_decimals(seeded):
    for row in invoices(seeded):
        if row["CurrencyIsoCode"] == "JPY":
            assert row["blng__TotalAmount__c"] == row["blng__TotalAmount__c"].to_integral_value()


def test_some_customers_can_be_mailed_and_some_cannot(seeded):
    mails = []
    for one in seeded.ids("Account"):
        contact = seeded.get("Account", one)["blng__BillToContact__c"]
        mails.append(contact and seeded.get("Contact", contact)["Email"])
    assert mails.count(None) == 3
    assert all(mail.endswith(".example") for mail in mails if mail)


def test_the_payments_of_people_are_posted_and_external(seeded):
    payments = [seeded.get("blng__Payment__c", one) for one in seeded.ids("blng__Payment__c")]
    assert {(row["blng__Status__c"], row["blng__PaymentMode__c"], row["Stripe_Id__c"]) for row in payments} == {
        ("Posted", "External", None)
    }
    assert [row["blng__Balance__c"] for row in payments] == [0, 0]
    assert {row["blng__PaymentType__c"] for row in payments} == {"Check", "Bank Transfer"}


def test_seeding_is_no_api_traffic(seeded):
    assert seeded.counters == {"requests": 0, "writes": 0, "by_resource": {}}


def test_the_same_seed_gives_the_same_data(clock, seeded):
    again = Org(clock=clock, seed=7)
    seed(again)
    assert again.dump() == seeded.dump()


def test_scale_multiplies(org):
    seed(org, scale=2)
    assert (len(org.ids("Account")), len(org.ids(INVOICE))) == (24, 48)
    assert len({org.get("Account", one)["Name"] for one in org.ids("Account")}) == 24


@pytest.mark.parametrize("settings", [{"multi_currency": False}, {"payment_statuses": DOCUMENTED_PAYMENT_STATUSES}])
def test_other_orgs_can_be_seeded_too(clock, settings):
    org = Org(clock=clock, seed=7, **settings)
    seed(org)
    assert len(org.ids(INVOICE)) == 24


def test_bulk_invoices_for_benchmarks(seeded):
    made = seed_invoices(seeded, 300, lines_per_invoice=2)
    rows = [seeded.get(INVOICE, one) for one in made]
    assert len(set(made)) == 300
    assert {row["blng__InvoiceStatus__c"] for row in rows} == {"Posted"}
    assert all(row["blng__NumberOfInvoiceLines__c"] == 2 for row in rows)
    assert all(row["blng__Balance__c"] == row["blng__TotalAmount__c"] > Decimal(0) for row in rows)
    assert {row["CurrencyIsoCode"] for row in rows} == {"USD", "EUR", "JPY", "KWD"}


def test_bulk_invoices_need_a_seeded_org(org):
    with pytest.raises(ValueError, match=r"run seed\(\) first"):
        seed_invoices(org, 1)
