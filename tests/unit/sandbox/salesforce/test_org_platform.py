"""The platform around the data: versions, paging, limits, describe, counters, faults, state."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from connector.sandbox.http import Request, Response
from connector.sandbox.salesforce.org import Org


def test_versions_are_listed_without_a_token(api):
    versions = api.get("/services/data/", root="", token="none").body
    assert versions[-1] == {"label": "Summer '26", "url": "/services/data/v67.0", "version": "67.0"}
    assert versions[0]["version"] == "31.0"
    assert {"label": "Winter '26", "url": "/services/data/v65.0", "version": "65.0"} in versions


@pytest.mark.parametrize(
    ("version", "status"), [("v20.0", 410), ("v30.0", 410), ("v31.0", 200), ("v68.0", 404), ("67.0", 404)]
)
def test_retired_and_unknown_versions(api, version, status):
    assert api.get(f"/services/data/{version}/limits", root="").status == status


def test_paths_that_lead_nowhere(api):
    for path in ("/nope", "/sobjects/Nope", "/sobjects/Nope/describe", "/sobjects/Account/describe/x/y"):
        answer = api.get(path)
        assert (answer.status, answer.code) == (404, "NOT_FOUND")
    assert api.get("/apexrest/x", root="/services").status == 404
    assert api.call("PUT", "/sobjects/Account", {}).status == 405
    assert api.call("POST", "/query").code == "METHOD_NOT_ALLOWED"


def test_every_answer_has_a_date_and_says_what_is_used_of_the_limit(api, clock):
    clock.advance(timedelta(seconds=61))
    answer = api.get("/limits")
    assert answer.headers["Date"] == "Sat, 21 Nov 2026 12:01:01 GMT"
    assert answer.headers["Sforce-Limit-Info"] == "api-usage=1/5000000"
    assert api.get("/sobjects/Nope").headers["Sforce-Limit-Info"] == "api-usage=2/5000000"
    assert answer.body["DailyApiRequests"] == {"Max": 5000000, "Remaining": 4999999}


def test_the_daily_limit_ends_in_403_and_rolls_on(clock):
    org = Org(clock=clock, seed=1, daily_api_limit=2)
    request = Request(
        method="GET", path="/services/data/v67.0/limits", headers={"authorization": f"Bearer {org.access_token}"}
    )
    assert [org.handle(request).status for _ in range(3)] == [200, 200, 403]
    assert json.loads(org.handle(request).body) == [
        {"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}
    ]
    clock.advance(timedelta(hours=24))
    assert org.handle(request).status == 200


def test_an_overlong_uri_is_refused_with_html(api):
    answer = api.org.handle(Request(method="GET", path="/services/data/v67.0/query", query="q=" + "x" * 17_000))
    assert answer.status == 414
    assert answer.body.startswith(b"<html>")


# -- paging -----------------------------------------------------------------------------------------------------


@pytest.fixture
def many(org):
    return org.create_many([("Account", {"Name": f"A{number:04d}"}) for number in range(450)])


def pages(api, first):
    yield first
    while not first.body["done"]:
        first = api.get(first.body["nextRecordsUrl"], root="")
        yield first


@pytest.mark.parametrize(
    ("option", "sizes"), [("batchSize=200", [200, 200, 50]), ("batchSize=1", [200, 200, 50]), (None, [450])]
)
def test_pages_follow_each_other(api, many, option, sizes):
    headers = {"sforce-query-options": option} if option else {}
    answers = list(pages(api, api.query("SELECT Id FROM Account ORDER BY Name", headers=headers)))
    assert [len(answer.body["records"]) for answer in answers] == sizes
    assert [row["Id"] for answer in answers for row in answer.body["records"]] == many
    assert {answer.body["totalSize"] for answer in answers} == {450}
    assert "nextRecordsUrl" not in answers[-1].body


def test_the_org_may_page_earlier_than_asked(api, org, many):
    org.max_page_size = 120
    first = api.query("SELECT Id FROM Account LIMIT 200")
    assert (len(first.body["records"]), first.body["done"]) == (120, False)
    assert first.body["nextRecordsUrl"].startswith("/services/data/v67.0/query/01g")
    assert first.body["nextRecordsUrl"].endswith("-120")


def test_locators_die_of_age_by_hand_and_when_read_to_the_end(api, org, many, clock):
    org.max_page_size = 300
    first = api.query("SELECT Id FROM Account").body["nextRecordsUrl"]
    assert api.get(first, root="").status == 200
    assert api.get(first, root="").code == "INVALID_QUERY_LOCATOR"
    second = api.query("SELECT Id FROM Account").body["nextRecordsUrl"]
    org.expire_cursors()
    assert api.get(second, root="").code == "INVALID_QUERY_LOCATOR"
    third = api.query("SELECT Id FROM Account").body["nextRecordsUrl"]
    clock.advance(timedelta(days=2, seconds=1))
    assert (api.get(third, root="").status, api.get(third, root="").code) == (400, "INVALID_QUERY_LOCATOR")
    assert api.get("/query/nonsense").code == "INVALID_QUERY_LOCATOR"


# -- describe ---------------------------------------------------------------------------------------------------


def described(api, sobject):
    return {field["name"]: field for field in api.get(f"/sobjects/{sobject}/describe").body["fields"]}


def test_describe_tells_what_a_mapping_must_know(api):
    fields = described(api, "blng__Invoice__c")
    status = fields["blng__InvoiceStatus__c"]
    assert (status["type"], status["restrictedPicklist"], status["updateable"]) == ("picklist", True, True)
    assert {"Draft", "Posted", "Post In progress"} <= {entry["value"] for entry in status["picklistValues"]}
    assert [entry["value"] for entry in status["picklistValues"] if entry["defaultValue"]] == ["Draft"]
    balance = fields["blng__Balance__c"]
    assert (balance["calculated"], balance["createable"], balance["updateable"]) == (True, False, False)
    assert (balance["precision"], balance["scale"], balance["soapType"]) == (18, 2, "xsd:double")
    account = fields["blng__Account__c"]
    assert (account["referenceTo"], account["relationshipName"], account["nillable"]) == (
        ["Account"],
        "blng__Account__r",
        False,
    )
    marker = fields["Stripe_Id__c"]
    assert [marker[key] for key in ("externalId", "unique", "caseSensitive", "length", "idLookup")] == [
        True,
        True,
        True,
        255,
        True,
    ]
    assert "OwnerId" not in fields
    assert "CurrencyIsoCode" in fields


def test_describe_has_the_keys_of_a_real_one(api):
    answer = api.get("/sobjects/blng__Invoice__c/describe").body
    assert {
        "createable",
        "updateable",
        "keyPrefix",
        "label",
        "custom",
        "childRelationships",
        "recordTypeInfos",
        "urls",
    } <= set(answer)
    assert (answer["custom"], len(answer["keyPrefix"])) == (True, 3)
    children = {child["relationshipName"]: child for child in answer["childRelationships"]}
    assert children["blng__InvoiceInvoiceLines__r"]["childSObject"] == "blng__InvoiceLine__c"
    assert children["blng__InvoiceInvoiceLines__r"]["cascadeDelete"] is True


def test_describe_global_lists_the_objects(api):
    listed = {entry["name"]: entry for entry in api.get("/sobjects").body["sobjects"]}
    assert {"Account", "SBQQ__Quote__c", "blng__Payment__c", "CurrencyType"} <= set(listed)
    assert listed["Account"]["keyPrefix"] == "001"
    assert listed["Account"]["urls"]["describe"] == "/services/data/v67.0/sobjects/Account/describe"


def test_the_org_knows_itself(api, org):
    (row,) = api.rows("SELECT Id, IsSandbox, OrganizationType FROM Organization")
    assert (row["Id"], row["IsSandbox"]) == (org.org_id, True)
    rates = {
        row["IsoCode"]: row["DecimalPlaces"] for row in api.rows("SELECT IsoCode, DecimalPlaces FROM CurrencyType")
    }
    assert (rates["JPY"], rates["USD"], rates["KWD"]) == (0, 2, 3)
    assert {row["NamespacePrefix"] for row in api.rows("SELECT NamespacePrefix FROM PackageLicense")} == {
        "SBQQ",
        "blng",
    }
    (granted,) = api.rows(
        "SELECT PermissionSet.Name, Assignee.Username FROM PermissionSetAssignment "
        "WHERE PermissionSet.Name = 'Stripe_Connector'"
    )
    assert (granted["PermissionSet"]["Name"], granted["Assignee"]["Username"]) == ("Stripe_Connector", org.username)


# -- counters, faults, state ------------------------------------------------------------------------------------


def test_counters_count_requests_and_written_records_but_not_themselves_or_people(api, org, account):
    api.query("SELECT Id FROM Account")
    api.call("PATCH", f"/sobjects/Account/{account}", {"Phone": "1"})
    api.call("PATCH", f"/sobjects/Account/{account}", {"Nope": "1"})
    api.get("/sobjects/Account/describe")
    expected = {"requests": 4, "writes": 1, "by_resource": {"query": 1, "sobjects": 2, "describe": 1}}
    for _ in range(2):
        assert api.get("/_sandbox/counters", root="").body == expected
    assert org.counters == expected


def test_a_fault_is_played_instead_of_the_answer(api, org):
    org.faults = lambda request: (
        Response(status=503, body=b"<html>down</html>") if request.path.endswith("/limits") else None
    )
    assert org.handle(Request(method="GET", path="/services/data/v67.0/limits")).status == 503
    assert api.query("SELECT Id FROM Account").status == 200
    assert org.counters["requests"] == 1


def test_a_restarted_org_is_the_same_org(api, org, account, invoice, pay, clock):
    pay("19.00")
    org.delete("Account", org.create("Account", {"Name": "gone"}))
    api.query("SELECT Id FROM Account")
    saved = json.loads(json.dumps(org.dump()))
    again = Org(clock=clock, seed=7)
    again.load(saved)
    assert again.dump() == org.dump()
    assert again.get("blng__Invoice__c", invoice) == org.get("blng__Invoice__c", invoice)
    assert again.get("blng__Invoice__c", invoice)["blng__Balance__c"] == Decimal(100)
    assert again.create("Account", {"Name": "next"}) == org.create("Account", {"Name": "next"})
    assert again.counters == org.counters


def test_an_admin_may_change_a_picklist(api, org, account):
    org.define_picklist("SBQQ__Quote__c", "SBQQ__Status__c", ["Draft", "Presented", "Legal Review"])
    org.define_picklist("blng__Payment__c", "blng__PaymentType__c", ["Check"])
    values = described(api, "SBQQ__Quote__c")["SBQQ__Status__c"]["picklistValues"]
    assert [entry["value"] for entry in values] == ["Draft", "Presented", "Legal Review"]
    body = {"blng__Account__c": account, "blng__Amount__c": 1, "blng__PaymentType__c": "Cash"}
    assert api.call("POST", "/sobjects/blng__Payment__c", body).code == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    assert api.call("POST", "/sobjects/SBQQ__Quote__c", {"SBQQ__Status__c": "Unlisted"}).status == 201


def test_a_record_may_become_visible_below_the_newest_stamp(api, org, account, clock):
    clock.advance(timedelta(minutes=10))
    late = org.create("Account", {"Name": "late"})
    org.commit_late("Account", late, clock.now() - timedelta(minutes=20))
    soql = "SELECT Id FROM Account WHERE SystemModstamp < 2026-11-21T12:00:00Z ORDER BY SystemModstamp, Id"
    assert [row["Id"] for row in api.rows(soql)] == [late]
