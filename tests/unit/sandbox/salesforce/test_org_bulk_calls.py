"""Collections, composite and batch: many records or requests in one call."""

from __future__ import annotations

from decimal import Decimal
from urllib.parse import quote

import pytest

INVOICE = "blng__Invoice__c"
PAYMENT = "blng__Payment__c"
ROOT = "/services/data/v67.0"


def of(sobject, **fields):
    return {"attributes": {"type": sobject}, **fields}


def send(api, method, records, path="", **options):
    return api.call(method, f"/composite/sobjects{path}", {"records": records, **options})


def test_one_bad_row_does_not_fail_its_neighbours(api, org):
    answer = send(api, "POST", [of("Account", Name="a"), of("Account"), of("Contact", LastName="c")])
    first, second, third = answer.body
    assert answer.status == 200
    assert first == {"id": org.ids("Account")[0], "success": True, "errors": []}
    assert second == {
        "success": False,
        "errors": [
            {
                "statusCode": "REQUIRED_FIELD_MISSING",
                "message": "Required fields are missing: [Name]",
                "fields": ["Name"],
            }
        ],
    }
    assert third["success"] is True
    assert org.counters["writes"] == 2


def test_all_or_none_takes_everything_back(api, org):
    answer = send(api, "POST", [of("Account", Name="a"), of("Account")], allOrNone=True)
    codes = [row["errors"][0]["statusCode"] for row in answer.body]
    assert codes == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "REQUIRED_FIELD_MISSING"]
    assert org.ids("Account") == []
    assert org.counters["writes"] == 0


def test_update_answers_row_by_row(api, org, account):
    gone = org.create("Account", {"Name": "gone"})
    org.delete("Account", gone)
    answer = send(
        api,
        "PATCH",
        [
            of("Account", Id=account, Phone="1"),
            of("Account", id=account[:15], Fax="2"),
            of("Account", Id="001000000000099AAA", Phone="1"),
            of("Account", Id="junk", Phone="1"),
            of("Account", Phone="1"),
            of("Account", Id=gone, Phone="1"),
            of("Nope", Id=account),
            {"Id": account, "Phone": "1"},
        ],
    )
    codes = [row["errors"][0]["statusCode"] if row["errors"] else None for row in answer.body]
    assert codes == [
        None,
        None,
        "INVALID_CROSS_REFERENCE_KEY",
        "MALFORMED_ID",
        "MISSING_ARGUMENT",
        "ENTITY_IS_DELETED",
        "INVALID_TYPE",
        "INVALID_TYPE",
    ]
    assert (org.get("Account", account)["Phone"], org.get("Account", account)["Fax"]) == ("1", "2")


def test_upsert_by_external_id(api, org, account):
    known = org.create(PAYMENT, {"blng__Account__c": account, "blng__Amount__c": 1, "Stripe_Id__c": "ch_1"})
    answer = send(
        api,
        "PATCH",
        [
            of(PAYMENT, Stripe_Id__c="ch_1", blng__Amount__c=2),
            of(PAYMENT, Stripe_Id__c="ch_2", blng__Amount__c=3, blng__Account__c=account),
            of(PAYMENT, Stripe_Id__c="ch_4", blng__Amount__c=4, blng__Account__c=account),
            of(PAYMENT, Stripe_Id__c="ch_4", blng__Amount__c=4, blng__Account__c=account),
            of(PAYMENT, Stripe_Id__c="CH_2", blng__Amount__c=7, blng__Account__c=account),
            of(PAYMENT, blng__Amount__c=5, blng__Account__c=account),
            of("Account", Stripe_Id__c="ch_3", Name="x"),
        ],
        f"/{PAYMENT}/Stripe_Id__c",
    )
    first, second, one, twin, other_case, *bad = answer.body
    assert first == {"id": known, "success": True, "errors": [], "created": False}
    assert second["created"] is True
    assert [row["errors"][0]["statusCode"] for row in bad] == ["MISSING_ARGUMENT", "INVALID_TYPE"]
    assert {row["errors"][0]["message"] for row in (one, twin)} == {"Duplicate external id specified: ch_4"}
    assert other_case["created"] is True
    assert [org.get(PAYMENT, made)["blng__Amount__c"] for made in org.ids(PAYMENT)] == [2, 3, 7]


def test_upsert_by_id_creates_where_the_id_is_null(api, org, account):
    answer = send(
        api, "PATCH", [of("Account", Id=None, Name="new"), of("Account", Id=account, Name="old")], "/Account/Id"
    )
    assert [row["created"] for row in answer.body] == [True, False]
    assert [org.get("Account", made)["Name"] for made in org.ids("Account")] == ["old", "new"]


def test_an_unknown_external_id_field_fails_the_whole_call(api):
    answer = send(api, "PATCH", [of("Account", Nope="1")], "/Account/Nope")
    assert (answer.status, answer.code) == (404, "NOT_FOUND")


def test_delete_takes_ids_in_the_query(api, org, account):
    other = org.create("Account", {"Name": "b"})
    answer = api.call("DELETE", f"/composite/sobjects?ids={account},001000000000099AAA,{other}&allOrNone=true")
    assert [row["success"] for row in answer.body] == [False, False, False]
    assert len(org.ids("Account")) == 2
    api.call("DELETE", f"/composite/sobjects?ids={account},{other}")
    assert org.ids("Account") == []


def test_retrieve_gives_null_for_what_is_not_there(api, account):
    body = {"ids": [account, "001000000000099AAA", "junk"], "fields": ["Name"]}
    found = api.call("POST", "/composite/sobjects/Account", body).body
    assert [row and row["Name"] for row in found] == ["Brightwater Labs", None, None]
    again = api.get(f"/composite/sobjects/Account?ids={account}&fields=Name").body
    assert again == found[:1]


@pytest.mark.parametrize(("method", "path"), [("POST", ""), ("PATCH", ""), ("PATCH", "/Account/Stripe_Id__c")])
def test_more_than_200_records_are_refused_whole(api, org, method, path):
    answer = send(api, method, [of("Account", Name="a", Stripe_Id__c=str(number)) for number in range(201)], path)
    assert (answer.status, answer.code) == (400, "EXCEEDED_ID_LIMIT")
    assert org.ids("Account") == []


def test_roll_ups_are_settled_after_a_collection(api, org, account, invoice):
    payment = org.create(PAYMENT, {"blng__Account__c": account, "blng__Amount__c": 100})
    rows = [
        of(
            "blng__PaymentAllocationInvoice__c",
            blng__Payment__c=payment,
            blng__Invoice__c=invoice,
            blng__Amount__c=amount,
            blng__Type__c="Allocation",
        )
        for amount in (10, 20)
    ]
    send(api, "POST", rows)
    assert org.get(INVOICE, invoice)["blng__Balance__c"] == Decimal(89)


# -- composite --------------------------------------------------------------------------------------------------


def sub(method, url, reference, body=None):
    request = {"method": method, "url": ROOT + url, "referenceId": reference}
    return request if body is None else {**request, "body": body}


def composite(api, *requests, **options):
    return api.call("POST", "/composite", {"compositeRequest": list(requests), **options})


def test_subrequests_see_what_came_before_through_references(api, org):
    answer = composite(
        api,
        sub("POST", "/sobjects/Account", "made", {"Name": "Acme"}),
        sub("POST", "/sobjects/Contact", "person", {"LastName": "Doe", "AccountId": "@{made.id}"}),
        sub("GET", "/sobjects/Contact/@{person.id}?fields=LastName,AccountId", "read"),
        sub("GET", "/query?q=" + quote("SELECT Name FROM Account WHERE Id = '") + "@{made.id}'", "list"),
        sub("PATCH", "/sobjects/Account/@{made.id}", "named", {"Description": "first: @{list.records[0].Name}!"}),
    )
    parts = {part["referenceId"]: part for part in answer.body["compositeResponse"]}
    assert [part["httpStatusCode"] for part in parts.values()] == [201, 201, 200, 200, 204]
    assert parts["read"]["body"]["AccountId"] == parts["made"]["body"]["id"]
    assert parts["made"]["httpHeaders"]["Location"].endswith(parts["made"]["body"]["id"])
    assert parts["named"]["body"] is None
    assert org.get("Account", org.ids("Account")[0])["Description"] == "first: Acme!"


def test_roll_ups_are_true_for_the_next_subrequest(api, org, account, invoice):
    payment = org.create(PAYMENT, {"blng__Account__c": account, "blng__Amount__c": 100})
    allocation = {
        "blng__Payment__c": payment,
        "blng__Invoice__c": invoice,
        "blng__Amount__c": 19,
        "blng__Type__c": "Allocation",
    }
    answer = composite(
        api,
        sub("POST", "/sobjects/blng__PaymentAllocationInvoice__c", "allocate", allocation),
        sub("GET", f"/sobjects/{INVOICE}/{invoice}?fields=blng__Balance__c", "read"),
    )
    assert answer.body["compositeResponse"][1]["body"]["blng__Balance__c"] == Decimal("100.0")


def test_without_all_or_none_the_others_stand_and_dependents_are_halted(api, org):
    answer = composite(
        api,
        sub("POST", "/sobjects/Account", "bad", {}),
        sub("POST", "/sobjects/Contact", "child", {"LastName": "x", "AccountId": "@{bad.id}"}),
        sub("POST", "/sobjects/Account", "good", {"Name": "g"}),
    )
    bad, child, good = answer.body["compositeResponse"]
    assert bad["body"][0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    assert child["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert good["httpStatusCode"] == 201
    assert len(org.ids("Account")) == 1


def test_all_or_none_rolls_back_and_says_so(api, org, account):
    answer = composite(
        api,
        sub("PATCH", f"/sobjects/Account/{account}", "edit", {"Phone": "1"}),
        sub("POST", "/sobjects/Account", "made", {"Name": "b"}),
        sub("POST", "/sobjects/Account", "bad", {}),
        sub("POST", "/sobjects/Account", "never", {"Name": "c"}),
        allOrNone=True,
    )
    codes = [part["body"][0]["errorCode"] for part in answer.body["compositeResponse"]]
    assert codes == ["PROCESSING_HALTED", "PROCESSING_HALTED", "REQUIRED_FIELD_MISSING", "PROCESSING_HALTED"]
    assert org.ids("Account") == [account]
    assert org.get("Account", account)["Phone"] is None
    assert org.counters["writes"] == 0


def test_the_outer_all_or_none_overrides_that_of_a_collection(api, org):
    records = {"allOrNone": False, "records": [of("Account", Name="a"), of("Account")]}
    composite(api, sub("POST", "/composite/sobjects", "rows", records), allOrNone=True)
    assert org.ids("Account") == []
    composite(api, sub("POST", "/composite/sobjects", "rows", records))
    assert len(org.ids("Account")) == 1


def test_a_rollback_also_takes_back_roll_ups(api, org, account, invoice):
    payment = org.create(PAYMENT, {"blng__Account__c": account, "blng__Amount__c": 100})
    before = org.get(INVOICE, invoice)
    allocation = {
        "blng__Payment__c": payment,
        "blng__Invoice__c": invoice,
        "blng__Amount__c": 19,
        "blng__Type__c": "Allocation",
    }
    composite(
        api,
        sub("POST", "/sobjects/blng__PaymentAllocationInvoice__c", "allocate", allocation),
        sub("POST", "/sobjects/Account", "bad", {}),
        allOrNone=True,
    )
    assert org.get(INVOICE, invoice) == before
    assert org.get(PAYMENT, payment)["blng__Balance__c"] == Decimal(100)


def test_a_subrequest_for_an_unknown_object_fails_alone(api):
    answer = composite(api, sub("GET", "/sobjects/Foo", "x"))
    assert answer.body["compositeResponse"] == [
        {
            "body": [{"message": "The requested resource does not exist", "errorCode": "NOT_FOUND"}],
            "httpHeaders": {},
            "httpStatusCode": 404,
            "referenceId": "x",
        }
    ]


def test_count_queries_in_a_composite_answer_as_recorded(api, account):
    answer = composite(api, sub("GET", "/query/?q=select count() from Account", "refAccount"))
    assert answer.body["compositeResponse"][0]["body"] == {"totalSize": 1, "done": True, "records": []}


def test_the_limits_of_a_composite(api):
    describe = [sub("GET", "/sobjects/Account/describe", f"r{number}") for number in range(26)]
    assert composite(api, *describe).code == "LIMIT_EXCEEDED"
    assert composite(api, *describe[:25]).status == 200
    queries = [sub("GET", "/query?q=SELECT+Id+FROM+Account", f"r{number}") for number in range(6)]
    assert composite(api, *queries).code == "LIMIT_EXCEEDED"
    assert composite(api, *queries[:5]).status == 200
    assert composite(api, queries[0], queries[0]).code == "JSON_PARSER_ERROR"
    assert composite(api, sub("POST", "/composite", "r", {})).body["compositeResponse"][0]["httpStatusCode"] == 400


def test_a_batch_runs_independent_requests(api, org):
    requests = [
        {"method": "POST", "url": "v67.0/sobjects/Account", "richInput": {"Name": "a"}},
        {"method": "GET", "url": "v67.0/sobjects/Nope"},
        {"method": "GET", "url": "v67.0/query?q=SELECT+COUNT()+FROM+Account"},
    ]
    answer = api.call("POST", "/composite/batch", {"batchRequests": requests})
    assert answer.body["hasErrors"] is True
    assert [part["statusCode"] for part in answer.body["results"]] == [201, 404, 200]
    assert answer.body["results"][2]["result"]["totalSize"] == 1
    halted = api.call("POST", "/composite/batch", {"haltOnError": True, "batchRequests": requests[1:]})
    assert [part["statusCode"] for part in halted.body["results"]] == [404, 412]
