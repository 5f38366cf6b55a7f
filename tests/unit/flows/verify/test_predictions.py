"""Forecasts as checks: what passes, what is worth knowing, and what is said when not everything could be read."""

from dataclasses import replace
from decimal import Decimal

import pytest

from connector.core.model import Severity
from connector.core.verify.checks import Verdict
from connector.core.verify.org_counts import Counted, OpenRecord, OpenRecords
from connector.core.verify.org_needs import OrgNeeds
from tests.support.verify import NOT_READABLE, judged, plain, situation

ORG = OrgNeeds(org_id="00D000000000001AAA", org_name="Acme", multi_currency=True, objects=10)
ACCOUNT = {"Id": "001000000000001AAA", "Name": "Acme", "Stripe_Id__c": None, "blng__BillToContact__r": None}


def invoice(number: int, *, day="2026-11-01", total="10.00", balance=None, customer=ACCOUNT) -> OpenRecord:
    fields = {
        "Id": f"a0F00000000{number:04}AAA",
        "Name": f"INV-{number:04}",
        "blng__InvoiceStatus__c": "Posted",
        "blng__InvoiceDate__c": day,
        "blng__DueDate__c": "2026-12-01",
        "blng__TotalAmount__c": Decimal(total),
        "blng__TaxAmount__c": Decimal(0),
        "blng__Balance__c": Decimal(balance or total),
        "CurrencyIsoCode": "USD",
        "blng__Account__c": ACCOUNT["Id"],
        "Stripe_Id__c": None,
    }
    return OpenRecord(id=fields["Id"], name=fields["Name"], fields=fields, customer=customer)


def found(*rows: OpenRecord, total: int | None = None, **more) -> OpenRecords:
    given = {"statuses": {}, "outside": {}, **more}
    return OpenRecords(rows=rows, total=len(rows) if total is None else total, **given)


def predicted(records, **about):
    return plain(judged("PRE-INV", org_needs=ORG, open_invoices=records, about=situation(**about)))


def test_invoices_that_are_all_mirrored_pass():
    result = predicted(found(invoice(1), invoice(2)))
    assert (result.verdict, result.observed) == (Verdict.PASS, "2 posted invoices will be mirrored")


def test_what_nobody_owes_and_what_is_too_old_is_told_and_no_reason_to_worry():
    outside = {"settled": Counted(found=300, examples=("INV-0003", "INV-0302")), "zero": Counted(found=0)}
    result = predicted(found(invoice(1), invoice(2, day="2026-09-30"), outside=outside))
    assert result.verdict is Verdict.PASS
    assert result.observed == (
        "1 posted invoice will be mirrored; 301 will not: 300 settled (INV-0003, INV-0302), 1 before go-live (INV-0002)"
    )


def test_a_part_paid_invoice_is_worth_knowing():
    result = predicted(found(invoice(1, balance="4.00")))
    assert result.verdict is Verdict.WARN
    assert "1 part-paid (INV-0001)" in result.observed


def test_an_invoice_without_an_account_would_wait():
    result = predicted(found(invoice(1, customer=None)))
    assert result.verdict is Verdict.WARN
    assert "1 needs a person first: 1 no customer (INV-0001)" in result.observed


def test_an_account_that_is_linked_already_is_not_judged_again():
    """Its fields are kept in step by its own kind."""
    linked = {**ACCOUNT, "Stripe_Id__c": "cus_1", "blng__BillToContact__r": {"Email": "nobody"}}
    fresh = {**linked, "Stripe_Id__c": None}
    assert predicted(found(invoice(1, customer=linked))).verdict is Verdict.PASS
    assert predicted(found(invoice(1, customer=fresh))).verdict is Verdict.WARN


def test_without_a_go_live_date_plan_and_sync_refuse_to_start_so_verify_never_says_ready():
    result = predicted(found(invoice(1)), go_live=None)
    assert (result.verdict, result.severity) == (Verdict.FAIL, Severity.BLOCKER)
    assert "CONNECTOR_GO_LIVE" in result.fix


def test_invoices_that_were_not_read_are_no_pass():
    result = predicted(found(invoice(1), total=5000))
    assert (result.verdict, result.degraded) == (Verdict.WARN, True)
    assert result.observed == ("at least 1 posted invoice will be mirrored; 4999 more were not looked at one by one")


def test_older_ones_than_the_oldest_that_was_read_are_before_go_live():
    result = predicted(found(invoice(1), invoice(2, day="2026-09-30"), total=5000))
    assert result.verdict is Verdict.PASS
    assert "4999 before go-live" in result.observed


def test_drafts_are_not_told_but_stand_in_the_evidence():
    result = predicted(found(invoice(1), statuses={"Posted": 1, "Draft": 7}))
    assert result.observed == "1 posted invoice will be mirrored"
    assert "not mirrored in this status: 7 Draft" in result.evidence


def test_a_status_nobody_mapped_needs_a_person():
    result = predicted(found(statuses={"Legal Review": 2}))
    assert "2 need a person first: 2 status unmapped" in result.observed


@pytest.mark.parametrize(("check", "evidence"), [("PRE-INV", "open_invoices"), ("PRE-QUO", "open_quotes")])
def test_without_any_currency_there_is_nothing_to_foresee(check, evidence):
    org = replace(ORG, multi_currency=False, objects=10)
    assert judged(check, org_needs=org, **{evidence: found()}).verdict is Verdict.NOT_APPLICABLE


@pytest.mark.parametrize(("check", "evidence"), [("PRE-INV", "open_invoices"), ("PRE-QUO", "open_quotes")])
def test_what_cannot_be_read_is_unknown(check, evidence):
    assert judged(check, org_needs=ORG, **{evidence: NOT_READABLE}).verdict is Verdict.UNKNOWN


def test_no_quotes_pass():
    assert judged("PRE-QUO", org_needs=ORG, open_quotes=found()).verdict is Verdict.PASS
