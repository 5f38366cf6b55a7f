"""Single records: what a body may say, and the error for everything else."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from connector.sandbox.salesforce.errors import ApiError
from connector.sandbox.salesforce.org import DOCUMENTED_PAYMENT_STATUSES, Org

INVOICE = "blng__Invoice__c"
PAYMENT = "blng__Payment__c"
ALLOCATION = "blng__PaymentAllocationInvoice__c"

BAD_BODIES = [
    ("Account", {}, "REQUIRED_FIELD_MISSING", ["Name"]),
    ("Account", {"Name": "  "}, "REQUIRED_FIELD_MISSING", ["Name"]),
    ("Account", {"Name": "x" * 256}, "STRING_TOO_LONG", ["Name"]),
    ("Account", {"Name": 5}, "JSON_PARSER_ERROR", None),
    ("Account", {"Name": "a", "Nope__c": 1}, "INVALID_FIELD", None),
    ("Account", {"Name": "a", "CurrencyIsoCode": "XXX"}, "INVALID_CURRENCY_ISO", ["CurrencyIsoCode"]),
    (
        "Account",
        {"Name": "a", "SystemModstamp": "2026-01-01T00:00:00Z"},
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        ["SystemModstamp"],
    ),
    ("Account", {"Name": "a", "ParentId": "nonsense"}, "MALFORMED_ID", ["ParentId"]),
    ("Account", {"Name": "a", "ParentId": "005000000000001AAA"}, "MALFORMED_ID", ["ParentId"]),
    ("Account", {"Name": "a", "ParentId": "001000000000001AAA"}, "INVALID_CROSS_REFERENCE_KEY", []),
    ("Account", {"Name": "a", "Id": "001000000000001AAA"}, "INVALID_FIELD", ["Id"]),
    ("Contact", {"LastName": "a", "Email": "badone"}, "INVALID_EMAIL_ADDRESS", ["Email"]),
    ("Contact", {"LastName": "a", "Birthdate": "31.12.2026"}, "JSON_PARSER_ERROR", None),
    ("Contact", {"LastName": "a", "HasOptedOutOfEmail": "yes"}, "JSON_PARSER_ERROR", None),
    (INVOICE, {}, "REQUIRED_FIELD_MISSING", ["blng__Account__c"]),
    (INVOICE, {"blng__Balance__c": 1}, "INVALID_FIELD_FOR_INSERT_UPDATE", ["blng__Balance__c"]),
    (INVOICE, {"blng__TotalAmount__c": 1}, "INVALID_FIELD_FOR_INSERT_UPDATE", ["blng__TotalAmount__c"]),
    (INVOICE, {"Name": "INV-1"}, "INVALID_FIELD_FOR_INSERT_UPDATE", ["Name"]),
    (PAYMENT, {"blng__Amount__c": "ten"}, "JSON_PARSER_ERROR", None),
    (PAYMENT, {"blng__Amount__c": 10**16}, "NUMBER_OUTSIDE_VALID_RANGE", ["blng__Amount__c"]),
    (PAYMENT, {"blng__Status__c": "Processed"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", ["blng__Status__c"]),
]


@pytest.mark.parametrize(("sobject", "body", "code", "fields"), BAD_BODIES)
def test_a_bad_body_is_refused_and_nothing_is_created(api, org, sobject, body, code, fields):
    before = len(org.ids(sobject))
    answer = api.call("POST", f"/sobjects/{sobject}", body)
    assert (answer.status, answer.code) == (400, code), answer.raw
    assert answer.body[0].get("fields") == fields
    assert len(org.ids(sobject)) == before
    assert org.counters["writes"] == 0


def test_messages_read_like_the_real_ones(api):
    assert api.call("POST", "/sobjects/Account", {}).message == "Required fields are missing: [Name]"
    assert (
        api.call("POST", "/sobjects/Account", {"foo": 1}).message == "No such column 'foo' on sobject of type Account"
    )
    long = api.call("POST", "/sobjects/Account", {"Name": "a", "Phone": "1" * 41})
    assert long.message.endswith("data value too large: " + "1" * 41 + " (max length=40)")


def test_a_body_that_is_no_json_object_is_refused(api):
    for raw in (b"{", b"[]", b"", b'{"Name": NaN}'):
        assert api.call("POST", "/sobjects/Account", raw).code == "JSON_PARSER_ERROR"


def test_create_answers_201_with_the_place_of_the_record(api, org):
    answer = api.call("POST", "/sobjects/Account", {"Name": " Acme ", "Description": ""})
    made = answer.body["id"]
    assert (answer.status, answer.body) == (201, {"id": made, "success": True, "errors": []})
    assert answer.headers["Location"] == f"/services/data/v67.0/sobjects/Account/{made}"
    assert len(made) == 18
    assert made.startswith("001")
    stored = org.get("Account", made)
    assert (stored["Name"], stored["Description"]) == ("Acme", None)
    assert stored["CreatedById"] == stored["LastModifiedById"]
    assert org.get("User", stored["CreatedById"])["Username"] == org.username


def test_a_persons_edit_carries_the_persons_id(api, org, account):
    by_person = org.get("Account", account)["LastModifiedById"]
    api.call("PATCH", f"/sobjects/Account/{account}", {"Phone": "1"})
    by_connector = org.get("Account", account)["LastModifiedById"]
    org.update("Account", account, {"Phone": "2"})
    assert org.get("Account", account)["LastModifiedById"] == by_person != by_connector


def test_numbers_are_rounded_half_up_to_the_scale_and_stay_exact(api, org, account):
    for given, stored in ((b"0.125", "0.13"), (b'"12.344"', "12.34"), (b"9007199254740993.01", "9007199254740993.01")):
        raw = b'{"blng__Account__c": "%s", "blng__Amount__c": %s}' % (account.encode(), given)
        made = api.call("POST", f"/sobjects/{PAYMENT}", raw).body["id"]
        assert org.get(PAYMENT, made)["blng__Amount__c"] == Decimal(stored)
        assert f'"blng__Amount__c":{stored}'.encode() in api.get(f"/sobjects/{PAYMENT}/{made}").raw


def test_defaults_are_given_and_names_are_numbered(api, org, account):
    first, second = (org.create(INVOICE, {"blng__Account__c": account}) for _ in range(2))
    assert [org.get(INVOICE, made)["Name"] for made in (first, second)] == ["INV-0001", "INV-0002"]
    assert org.get(INVOICE, first)["blng__InvoiceStatus__c"] == "Draft"
    assert org.get(INVOICE, first)["CurrencyIsoCode"] == "USD"
    line = org.create("blng__InvoiceLine__c", {"blng__Invoice__c": first})
    assert org.get("blng__InvoiceLine__c", line)["Name"] == line


def test_an_org_with_one_currency_has_no_currency_field(clock):
    org = Org(clock=clock, seed=1, multi_currency=False)
    with pytest.raises(ApiError, match="No such column 'CurrencyIsoCode'"):
        org.create("Account", {"Name": "a", "CurrencyIsoCode": "USD"})
    assert "CurrencyType" not in org.database.objects


def test_the_value_set_of_payment_statuses_is_the_orgs(clock):
    org = Org(clock=clock, seed=1, payment_statuses=DOCUMENTED_PAYMENT_STATUSES)
    account = org.create("Account", {"Name": "a"})
    org.create(PAYMENT, {"blng__Account__c": account, "blng__Amount__c": 1, "blng__Status__c": "Processed"})
    with pytest.raises(ApiError, match="bad value for restricted picklist"):
        org.create(PAYMENT, {"blng__Account__c": account, "blng__Amount__c": 1, "blng__Status__c": "Posted"})


def test_a_detail_keeps_its_master_unless_the_schema_says_otherwise(api, org, account, invoice, pay):
    other = org.create(INVOICE, {"blng__Account__c": account})
    answer = api.call("PATCH", f"/sobjects/{ALLOCATION}/{pay(10)}", {"blng__Invoice__c": other})
    assert (answer.code, answer.body[0]["fields"]) == ("INVALID_FIELD_FOR_INSERT_UPDATE", ["blng__Invoice__c"])
    payment = org.create(PAYMENT, {"blng__Account__c": account, "blng__Amount__c": 1})
    second = org.create("Account", {"Name": "b"})
    assert api.call("PATCH", f"/sobjects/{PAYMENT}/{payment}", {"blng__Account__c": second}).status == 204


def test_update_answers_204_and_stamps_even_equal_values(api, org, account, clock):
    clock.advance(timedelta(seconds=5))
    assert api.call("PATCH", f"/sobjects/Account/{account}", {"Name": "Brightwater Labs"}).status == 204
    assert org.get("Account", account)["SystemModstamp"] == "2026-11-21T12:00:05.000+0000"
    assert org.get("Account", account)["CreatedDate"] == "2026-11-21T12:00:00.000+0000"


def test_a_required_field_cannot_be_cleared(api, account):
    answer = api.call("PATCH", f"/sobjects/Account/{account}", {"Name": None})
    assert (answer.code, answer.body[0]["fields"]) == ("REQUIRED_FIELD_MISSING", ["Name"])


def test_reading_fields_by_name(api, account):
    body = api.get(f"/sobjects/Account/{account}?fields=name,Phone").body
    assert body == {
        "attributes": {"type": "Account", "url": f"/services/data/v67.0/sobjects/Account/{account}"},
        "Id": account,
        "Name": "Brightwater Labs",
        "Phone": None,
    }
    assert api.get(f"/sobjects/Account/{account}?fields=Nope").code == "INVALID_FIELD"


def test_ids_that_lead_nowhere(api, org, account):
    assert api.get("/sobjects/Account/23foo").message == (
        "Provided external ID field does not exist or is not accessible: 23foo"
    )
    missing = api.get("/sobjects/Account/001000000000009AAA")
    assert (missing.status, missing.code, missing.message) == (
        404,
        "NOT_FOUND",
        "The requested resource does not exist",
    )
    org.delete("Account", account)
    for method in ("GET", "PATCH", "DELETE"):
        gone = api.call(method, f"/sobjects/Account/{account}", {"Name": "x"})
        assert (gone.status, gone.code) == (404, "ENTITY_IS_DELETED")
    answer = api.call("POST", "/sobjects/Contact", {"LastName": "a", "AccountId": account})
    assert (answer.status, answer.code) == (400, "ENTITY_IS_DELETED")


def test_deleting_a_master_deletes_its_details_and_clears_plain_lookups(api, org, account, invoice, pay):
    allocation = pay(10)
    payment = org.get(ALLOCATION, allocation)["blng__Payment__c"]
    org.update(PAYMENT, payment, {"blng__Invoice__c": invoice})
    assert api.call("DELETE", f"/sobjects/{INVOICE}/{invoice}").status == 204
    assert org.ids(ALLOCATION) == org.ids("blng__InvoiceLine__c") == []
    assert org.get(PAYMENT, payment)["blng__Invoice__c"] is None
    assert org.get(PAYMENT, payment)["blng__Balance__c"] == Decimal(10)
    assert api.query(f"SELECT Id FROM {ALLOCATION}").body["totalSize"] == 0
    (row,) = api.query(f"SELECT Id, IsDeleted FROM {ALLOCATION}", resource="queryAll").body["records"]
    assert row["IsDeleted"] is True


def test_a_restricted_lookup_blocks_the_deletion(api, org, account):
    order = org.create("Order", {"AccountId": account, "EffectiveDate": "2026-11-01", "Status": "Draft"})
    org.create(INVOICE, {"blng__Account__c": account, "blng__Order__c": order})
    answer = api.call("DELETE", f"/sobjects/Order/{order}")
    assert (answer.status, answer.code) == (400, "DELETE_FAILED")
    assert org.ids("Order") == [order]


UPSERT = f"/sobjects/{PAYMENT}/Stripe_Id__c"


def test_upsert_creates_once_and_then_updates(api, org, account):
    body = {"blng__Account__c": account, "blng__Amount__c": 5}
    first = api.call("PATCH", f"{UPSERT}/ch_1", body)
    second = api.call("PATCH", f"{UPSERT}/ch_1", {"blng__Amount__c": 6})
    assert (first.status, first.body["created"]) == (201, True)
    assert (second.status, second.body) == (
        200,
        {"id": first.body["id"], "success": True, "errors": [], "created": False},
    )
    assert org.get(PAYMENT, first.body["id"])["blng__Amount__c"] == 6
    assert org.counters["writes"] == 2


def test_upsert_respects_case_encoding_and_update_only(api, org, account):
    body = {"blng__Account__c": account, "blng__Amount__c": 5}
    for value in ("ch_a", "ch_A", "a%2Fb%20c"):
        assert api.call("PATCH", f"{UPSERT}/{value}", body).status == 201
    assert {org.get(PAYMENT, made)["Stripe_Id__c"] for made in org.ids(PAYMENT)} == {"ch_a", "ch_A", "a/b c"}
    assert api.call("PATCH", f"{UPSERT}/ch_new?updateOnly=true", body).status == 404
    assert api.get(f"{UPSERT}/ch_A").body["Stripe_Id__c"] == "ch_A"


def test_upsert_refuses_what_is_no_external_id(api, account):
    answer = api.call("PATCH", f"/sobjects/{PAYMENT}/blng__Notes__c/x", {"blng__Amount__c": 1})
    assert (answer.status, answer.code) == (404, "NOT_FOUND")
    assert answer.message == "Provided external ID field does not exist or is not accessible: blng__Notes__c"
    same = api.call("PATCH", f"{UPSERT}/x", {"Stripe_Id__c": "x"})
    assert same.message == "The Stripe_Id__c field should not be specified in the sobject data."


def test_an_external_id_that_is_not_unique_may_match_many(api, org, account):
    made = [
        org.create(PAYMENT, {"blng__Account__c": account, "blng__Amount__c": 1, "blng__GatewayID__c": "g"})
        for _ in range(2)
    ]
    answer = api.call("PATCH", f"/sobjects/{PAYMENT}/blng__GatewayID__c/g", {"blng__Amount__c": 2})
    assert answer.status == 300
    assert answer.body == [f"/services/data/v67.0/sobjects/{PAYMENT}/{one}" for one in made]


def test_a_unique_field_names_the_record_in_the_way(api, org):
    taken = org.create("Account", {"Name": "a", "Stripe_Id__c": "cus_1"})
    answer = api.call("POST", "/sobjects/Account", {"Name": "b", "Stripe_Id__c": "cus_1"})
    assert answer.code == "DUPLICATE_VALUE"
    assert answer.message == f"duplicate value found: Stripe_Id__c duplicates value on record with id: {taken}"
    assert api.call("POST", "/sobjects/Account", {"Name": "b", "Stripe_Id__c": "CUS_1"}).status == 201
    org.delete("Account", taken)
    assert api.call("POST", "/sobjects/Account", {"Name": "c", "Stripe_Id__c": "cus_1"}).status == 201


def test_parents_may_be_named_by_external_id(api, org, account, invoice):
    org.create(PAYMENT, {"blng__Account__c": account, "blng__Amount__c": 5, "Stripe_Id__c": "ch_1"})
    org.update(INVOICE, invoice, {"Stripe_Id__c": "in_1"})
    body = {
        "blng__Payment__r": {"Stripe_Id__c": "ch_1"},
        "blng__Invoice__r": {"Stripe_Id__c": "in_1"},
        "blng__Amount__c": 5,
        "blng__Type__c": "Allocation",
    }
    made = api.call("POST", f"/sobjects/{ALLOCATION}", body).body["id"]
    assert org.get(ALLOCATION, made)["blng__Invoice__c"] == invoice
    missing = api.call("POST", f"/sobjects/{ALLOCATION}", {**body, "blng__Payment__r": {"Stripe_Id__c": "ch_2"}})
    assert (missing.code, missing.message) == (
        "INVALID_FIELD",
        f"Foreign key external ID: ch_2 not found for field Stripe_Id__c in entity {PAYMENT}",
    )


def test_a_validation_rule_speaks_with_its_own_message(api, org, account):
    org.add_validation_rule("Account", lambda row: row.get("Phone") != "0", "A phone is never zero")
    answer = api.call("PATCH", f"/sobjects/Account/{account}", {"Phone": "0"})
    assert (answer.status, answer.code, answer.message) == (
        400,
        "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "A phone is never zero",
    )
    assert org.get("Account", account)["Phone"] is None


def test_a_hidden_field_does_not_exist_for_the_integration_user(api, org, account):
    org.hide_field("Account", "Phone")
    assert "Phone" not in {field["name"] for field in api.get("/sobjects/Account/describe").body["fields"]}
    assert api.query("SELECT Phone FROM Account").code == "INVALID_FIELD"
    assert api.query("SELECT Id FROM Account WHERE Phone = '1'").code == "INVALID_FIELD"
    assert api.query("SELECT Account.Phone FROM Contact").code == "INVALID_FIELD"
    assert api.call("PATCH", f"/sobjects/Account/{account}", {"Phone": "1"}).code == "INVALID_FIELD"
    org.update("Account", account, {"Phone": "1"})


def test_a_read_only_field_can_be_read_but_not_written(api, org, account):
    org.make_read_only("Account", "Phone")
    assert api.rows("SELECT Phone FROM Account")[0]["Phone"] is None
    answer = api.call("PATCH", f"/sobjects/Account/{account}", {"Phone": "1"})
    assert (answer.code, answer.body[0]["fields"]) == ("INVALID_FIELD_FOR_INSERT_UPDATE", ["Phone"])


def test_conditional_requests_compare_the_last_modification(api, org, account, clock):
    path, at = f"/sobjects/Account/{account}", "Sat, 21 Nov 2026 12:00:00 GMT"
    assert api.get(path, headers={"if-modified-since": at}).status == 304
    assert api.call("PATCH", path, {"Phone": "1"}, headers={"if-unmodified-since": at}).status == 204
    clock.advance(timedelta(seconds=1))
    org.update("Account", account, {"Phone": "2"})
    assert api.get(path, headers={"if-modified-since": at}).status == 200
    assert api.call("PATCH", path, {"Phone": "3"}, headers={"if-unmodified-since": at}).status == 412
    assert api.call("PATCH", path, {"Phone": "3"}, headers={"if-unmodified-since": "yesterday"}).status == 400
    assert org.get("Account", account)["Phone"] == "2"


def test_updated_and_deleted_since(api, org, account, clock):
    clock.advance(timedelta(minutes=2))
    gone, kept = (org.create("Account", {"Name": name}) for name in "ab")
    clock.advance(timedelta(minutes=2))
    org.delete("Account", gone)
    clock.advance(timedelta(minutes=2))
    span = "start=2026-11-21T12%3A02%3A00%2B00%3A00&end=2026-11-21T12%3A05%3A00Z"
    changed = api.get(f"/sobjects/Account/updated?{span}").body
    assert changed == {"ids": [kept], "latestDateCovered": "2026-11-21T12:05:00.000+0000"}
    deleted = api.get(f"/sobjects/Account/deleted?{span}").body
    assert deleted["deletedRecords"] == [{"id": gone, "deletedDate": "2026-11-21T12:04:00.000+0000"}]
    assert deleted["earliestDateAvailable"] < "2026-11-01"


@pytest.mark.parametrize(
    "span",
    [
        "start=x&end=y",
        "end=2026-11-21T12:05:00Z",
        "start=2026-11-21T12:05:00Z&end=2026-11-21T12:05:30Z",
        "start=2026-09-01T00:00:00Z&end=2026-11-21T12:05:00Z",
    ],
)
def test_impossible_spans_are_refused(api, span):
    assert api.get(f"/sobjects/Account/updated?{span}").code == "INVALID_REPLICATION_DATE"
