"""The adapter against answers of real orgs (recordings `cumulusci`) and bodies of a well-worn client (`restforce`)."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from connector.core.errors import Refused, Transient, Unauthorised
from connector.core.model import Applied
from connector.salesforce import AuthKind, SalesforceOptions, soql
from connector.salesforce.auth import TokenProvider
from connector.salesforce.composite import Query, SubRequest
from connector.salesforce.describes import _shape
from connector.salesforce.errors import classify, classify_row
from connector.salesforce.session import GatewaySession
from connector.salesforce.writes import Writer
from tests.support.clock import ManualClock
from tests.support.salesforce import Script, answer, carrier_of, client_of, token_options, update_of, upsert_of

SHARED = Path(os.environ.get("CONNECTOR_SHARED", Path(__file__).resolve().parents[4] / "shared"))
CUMULUSCI = SHARED / "recordings" / "cumulusci"
RESTFORCE = SHARED / "recordings" / "restforce"

needs_cumulusci = pytest.mark.skipif(not CUMULUSCI.is_dir(), reason="recordings cumulusci are not here")
needs_restforce = pytest.mark.skipif(not RESTFORCE.is_dir(), reason="recordings restforce are not here")


def body_of(name: str) -> bytes:
    return (RESTFORCE / f"{name}.json").read_bytes()


def interactions(name: str) -> list[dict]:
    return json.loads((CUMULUSCI / f"{name}.json").read_text())["interactions"]


def replay(recorded: dict):
    response = recorded["response"]
    return answer(json.dumps(response["body"]).encode(), status=response["status"])


def outcomes_of(client, *operations):
    found = {}
    Writer(client=client).apply(
        operations, lambda operation, outcome: found.setdefault(operation.idempotency_key, outcome)
    )
    return found


# -- restforce: bodies


@needs_restforce
@pytest.mark.parametrize(
    ("name", "status", "kind", "code"),
    [
        ("query_error_response", 400, Refused, "INVALID_FIELD"),
        ("write_error_response", 400, Refused, "INVALID_FIELD"),
        ("upsert_error_response", 404, Refused, "NOT_FOUND"),
        ("upsert_multiple_error_response", 300, Refused, "MULTIPLE_CHOICES"),
        ("sobject_describe_error_response", 404, Refused, "NOT_FOUND"),
        ("delete_error_response", 400, Refused, None),
        ("search_error_response", 400, Refused, None),
        ("expired_session_response", 401, Unauthorised, "INVALID_SESSION_ID"),
        ("auth_error_response", 400, Unauthorised, "invalid_grant"),
        ("refresh_error_response", 400, Unauthorised, "invalid_grant"),
    ],
)
def test_recorded_error_bodies_are_classified(name, status, kind, code):
    error = classify(status=status, body=body_of(name), headers={}, action="replay", write=True)
    assert type(error) is kind
    assert error.code is not None
    assert code in {None, error.code}


@needs_restforce
def test_no_known_error_code_of_a_row_leaves_doubt_or_is_retried_blindly():
    retried = set()
    for entry in json.loads(body_of("error_codes")):
        error = classify_row({"statusCode": entry["code"], "message": "x", "fields": []}, action="replay")
        assert error.code == entry["code"]
        if isinstance(error, Transient):
            retried.add(entry["code"])
    assert retried == {
        "QUERY_TIMEOUT",
        "RECORD_IN_USE_BY_WORKFLOW",
        "REQUEST_RUNNING_TOO_LONG",
        "SERVER_UNAVAILABLE",
        "UNABLE_TO_LOCK_ROW",
        "UNKNOWN_EXCEPTION",
    }


@needs_restforce
@pytest.mark.parametrize("name", ["auth_success_response", "refresh_success_response"])
def test_a_recorded_sign_in_gives_a_token_for_its_instance(name):
    options = SalesforceOptions(auth=AuthKind.CLIENT_CREDENTIALS, login_url="https://login.salesforce.com")
    session = GatewaySession(options, carrier=carrier_of(Script(answer(body_of(name)))))
    token = TokenProvider(options, session=session, clock=ManualClock()).current()
    assert token.instance_url == "https://na1.salesforce.com"
    assert token.access_token == json.loads(body_of(name))["access_token"]


@needs_restforce
def test_recorded_pages_are_followed_through_the_versioned_path():
    first = json.loads(body_of("query_paginated_first_page_response"))
    composite = {"compositeResponse": [{"body": first, "httpStatusCode": 200, "httpHeaders": {}, "referenceId": "r0"}]}
    script = Script(answer(composite), answer(body_of("query_paginated_last_page_response")))
    client = client_of(script, token_options(api_version="26.0"))
    (rows,) = client.queries([Query(text="SELECT Text_Label FROM Whizbang", action="replay")])
    assert [row["Text_Label"] for row in rows] == ["First Page", "Last Page"]
    assert script.requests[1].path == "/services/data/v26.0/query/01gD"


@needs_restforce
def test_recorded_rows_are_read_as_they_are():
    body = client_of(Script(answer(body_of("query_success_response")))).call("GET", "query", action="replay").body
    row = body["records"][0]
    assert row["DateTime_Label"] == "2011-07-07T00:37:00.000+0000"
    assert soql.stamp_literal(soql.parse_stamp(row["DateTime_Label"])) == "2011-07-07T00:37:00Z"


@needs_restforce
def test_the_recorded_list_of_versions_is_read():
    assert client_of(Script(answer(body_of("services_data_success_response")))).offered_versions() == ("20.0", "100")


# -- cumulusci: whole interactions of real orgs


@needs_cumulusci
def test_a_recorded_composite_of_queries_is_read():
    recorded = interactions("TestCompositeParallelSalesforce.test_composite_parallel_salesforce")[1]
    parts = recorded["request"]["body"]["compositeRequest"]
    script = Script(replay(recorded))
    answers = client_of(script).queries([Query(text=part["url"].split("?q=")[1], action="replay") for part in parts])
    assert [rows[0]["attributes"]["type"] for rows in answers] == ["Account"] * len(parts)
    sent = json.loads(script.requests[0].body)
    assert sent.keys() == {"allOrNone", "compositeRequest"}
    assert sent["compositeRequest"][0].keys() == parts[0].keys()


@needs_cumulusci
def test_a_recorded_failure_inside_a_composite_is_an_error_or_an_accepted_answer():
    (recorded,) = interactions("TestCompositeParallelSalesforce.test_errors")
    with pytest.raises(Refused) as caught:
        client_of(Script(replay(recorded))).composite([SubRequest(path="sobjects/Foo", action="describe Foo")])
    assert caught.value.code == "NOT_FOUND"
    asked = SubRequest(path="sobjects/Foo", action="describe Foo", accept=frozenset({404}))
    (reply,) = client_of(Script(replay(recorded))).composite([asked])
    assert reply.status == 404


@needs_cumulusci
def test_a_recorded_collections_update_gives_each_row_its_outcome():
    recorded = interactions("TestUpdatesIntegrationTests.test_updates_task")[2]
    records = recorded["request"]["body"]["records"]
    operations = [
        update_of("Account", record["Id"], {"Description": record["Description"], "BillingStreet": "x"})
        for record in records
    ]
    script = Script(replay(recorded))
    outcomes = outcomes_of(client_of(script), *operations)
    assert outcomes == {record["Id"]: Applied(target_id=record["Id"]) for record in records}
    sent = json.loads(script.requests[0].body)
    assert script.requests[0].method == recorded["request"]["method"]
    assert script.requests[0].path.endswith(recorded["request"]["path"].split("vxx.0")[1])
    assert sent.keys() == recorded["request"]["body"].keys()
    assert sent["records"][0]["attributes"] == records[0]["attributes"]


@needs_cumulusci
def test_a_recorded_collections_upsert_says_which_rows_are_new():
    recorded = [
        each
        for each in interactions("TestUpsert.test_upsert_complex_external_id_field__rest")
        if each["request"]["method"] == "PATCH"
    ]
    seen = set()
    for each in recorded:
        results = each["response"]["body"]
        operations = [upsert_of("Account", f"x_{place}", {"Name": "x"}) for place in range(len(results))]
        outcomes = outcomes_of(client_of(Script(replay(each))), *operations)
        for place, result in enumerate(results):
            assert outcomes[f"x_{place}"] == Applied(target_id=result["id"], created=result["created"])
            seen.add(result["created"])
    assert seen == {True, False}


@needs_cumulusci
def test_a_recorded_describe_tells_fields_rights_and_picklists():
    (recorded,) = interactions("GET_sobjects_Account_describe")
    shape = _shape(recorded["response"]["body"])
    assert shape.name == "Account"
    assert shape.queryable
    assert shape.createable
    described = {field["name"]: field for field in recorded["response"]["body"]["fields"]}
    assert shape.field("name") == described["Name"]
    picklist = next(name for name, field in described.items() if field["type"] == "picklist")
    assert shape.picklist(picklist) == {entry["value"] for entry in described[picklist]["picklistValues"]}
    assert shape.picklist("Name") is None
    assert shape.field("Nope__c") is None
