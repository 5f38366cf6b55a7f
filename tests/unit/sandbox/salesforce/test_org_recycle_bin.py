"""Records that are gone, as the platform keeps them: deleted, taken back, merged, purged, hidden."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connector.sandbox.salesforce.errors import ApiError


@pytest.fixture
def ids(org):
    first, second = (org.create("Account", {"Name": name}) for name in ("Acme", "Other"))
    invoice = org.create("blng__Invoice__c", {"blng__Account__c": second, "blng__InvoiceDate__c": "2026-11-01"})
    org.create("blng__InvoiceLine__c", {"blng__Invoice__c": invoice, "blng__Quantity__c": 1, "blng__Subtotal__c": 5})
    return first, second, invoice


def found(api, soql, resource="query"):
    answer = api.query(soql, resource=resource)
    assert answer.status == 200, answer.raw
    return answer.body["records"]


def test_a_merged_record_stands_in_the_bin_and_names_the_one_that_is_left(org, api, clock, ids):
    left, gone, invoice = ids
    before = org.get("blng__Invoice__c", invoice)["SystemModstamp"]
    clock.advance(timedelta(seconds=60))
    org.merge("Account", left, gone)
    rows = found(api, "SELECT Id,IsDeleted,MasterRecordId,SystemModstamp FROM Account", "queryAll")
    deleted = {row["Id"]: (row["IsDeleted"], row["MasterRecordId"]) for row in rows}
    assert (deleted[gone], deleted[left]) == ((True, left), (False, None))
    assert gone not in [row["Id"] for row in found(api, "SELECT Id FROM Account")]
    assert org.get("blng__Invoice__c", invoice)["blng__Account__c"] == left
    assert org.get("blng__Invoice__c", invoice)["SystemModstamp"] > before
    assert org.get("Account", left)["Name"] == "Acme"


def test_only_what_has_masters_is_merged(org, ids):
    with pytest.raises(ApiError, match="cannot be merged"):
        org.merge("blng__Invoice__c", ids[2], ids[2])


def test_what_is_taken_back_comes_with_its_details(org, api, clock, ids):
    invoice = ids[2]
    org.delete("blng__Invoice__c", invoice)
    assert org.ids("blng__InvoiceLine__c") == []
    clock.advance(timedelta(seconds=60))
    org.undelete("blng__Invoice__c", invoice)
    row = org.get("blng__Invoice__c", invoice)
    assert row["IsDeleted"] is False
    assert len(org.ids("blng__InvoiceLine__c")) == 1
    [polled] = found(api, "SELECT Id,IsDeleted,SystemModstamp FROM blng__Invoice__c", "queryAll")
    assert polled["IsDeleted"] is False


def test_what_is_not_in_the_bin_cannot_be_taken_back(org, ids):
    with pytest.raises(ApiError, match="not in the recycle bin"):
        org.undelete("Account", ids[0])


def test_what_was_deleted_for_good_is_in_no_answer(org, api, ids):
    org.delete("blng__Invoice__c", ids[2])
    assert len(found(api, "SELECT Id FROM blng__Invoice__c", "queryAll")) == 1
    org.recycle_bin.purge("blng__Invoice__c", ids[2])
    assert found(api, "SELECT Id FROM blng__Invoice__c", "queryAll") == []


def test_a_hidden_record_is_in_no_answer_and_still_there(org, api, ids):
    org.hide_record("Account", ids[0])
    for resource in ("query", "queryAll"):
        assert ids[0] not in [row["Id"] for row in found(api, "SELECT Id FROM Account", resource)]
    assert org.get("Account", ids[0])["Name"] == "Acme"
    org.hide_record("Account", ids[0], hidden=False)
    assert ids[0] in [row["Id"] for row in found(api, "SELECT Id FROM Account")]
