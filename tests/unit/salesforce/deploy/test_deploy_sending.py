"""A deployment over REST: what is sent, how long its end is waited for, what is read from the answer."""

from __future__ import annotations

import json
import re

import pytest

from connector.core.errors import Refused, Transient, Unfinished
from connector.salesforce.deploy.sending import WAIT_MAX_S, multipart, run_deployment
from tests.support.clock import ManualClock
from tests.support.salesforce import Script, answer, client_of, refusal

ID = "0AfD000000001AAKAQ"


def status(state, *, done=False, **details):
    result = {"status": state, "done": done, "success": state == "Succeeded", "details": details}
    return answer({"id": ID, "deployResult": result})


def component(name, *, kind="CustomField", problem=None, created=True):
    failed = problem is not None
    return {
        "fullName": name,
        "componentType": kind,
        "success": not failed,
        "created": created and not failed,
        "changed": not failed,
        "problem": problem,
    }


def accepted(body=None):
    return answer(body or {"id": ID, "deployResult": {"status": "Pending"}}, 201)


def run(*steps, check_only=False):
    script, clock = Script(*steps), ManualClock()
    result = run_deployment(client_of(script, clock=clock), clock, b"PK zip bytes", check_only=check_only)
    assert script.is_done
    return result, script, clock


def test_the_request_has_a_json_part_and_the_zip_as_it_is():
    _, script, _ = run(accepted(), status("Succeeded", done=True))
    request = script.requests[0]
    assert (request.method, request.path) == ("POST", "/services/data/v67.0/metadata/deployRequest")
    boundary = re.fullmatch(r'multipart/form-data; boundary="([^"]+)"', request.headers["content-type"]).group(1)
    options, package, end = request.body.split(f"--{boundary}".encode())[1:]
    assert b'name="json"' in options
    assert b"Content-Type: application/json" in options
    told = json.loads(options.split(b"\r\n\r\n", 1)[1])["deployOptions"]
    assert (told["checkOnly"], told["rollbackOnError"], told["singlePackage"]) == (False, True, True)
    assert b'name="file"; filename="package.zip"' in package
    assert package.split(b"\r\n\r\n", 1)[1] == b"PK zip bytes\r\n"
    assert end == b"--\r\n"


def test_a_trial_says_that_it_is_one():
    _, script, _ = run(accepted(), status("Succeeded", done=True), check_only=True)
    assert b'"checkOnly": true' in script.requests[0].body


def test_the_boundary_depends_on_the_content_alone():
    assert multipart(b"a", check_only=False) == multipart(b"a", check_only=False)
    assert multipart(b"a", check_only=False)[1] != multipart(b"b", check_only=False)[1]


def test_the_status_is_asked_for_with_details_until_it_ends_with_growing_pauses():
    waiting = [status("Pending"), status("InProgress"), status("InProgress"), status("InProgress")]
    _, script, clock = run(accepted(), *waiting, status("Succeeded", done=True))
    assert {(request.path, request.query) for request in script.requests[1:]} == {
        (f"/services/data/v67.0/metadata/deployRequest/{ID}", "includeDetails=true")
    }
    assert clock.slept_s == [1.0, 2.0, 4.0, 5.0]


def test_a_deployment_that_never_ends_is_left_with_its_id_and_where_to_look():
    clock = ManualClock()
    forever = [status("InProgress")] * 200
    with pytest.raises(Unfinished) as caught:
        run_deployment(client_of(Script(accepted(), *forever), clock=clock), clock, b"zip", check_only=False)
    assert sum(clock.slept_s) <= WAIT_MAX_S
    assert sum(clock.slept_s) > WAIT_MAX_S - 10
    assert ID in str(caught.value)
    assert "Setup, Deployment Status" in str(caught.value)


def test_an_ended_state_is_enough_where_done_is_not_told():
    body = answer({"id": ID, "deployResult": {"status": "Failed", "errorMessage": "UNKNOWN_EXCEPTION: try later"}})
    result, _, clock = run(accepted(), body)
    assert clock.slept_s == []
    assert result.message == "UNKNOWN_EXCEPTION: try later"
    assert not result.succeeded


def test_booleans_as_texts_are_read_as_the_guide_prints_them():
    entry = {**component("Account.Stripe_Id__c"), "success": "true", "created": "true"}
    body = answer(
        {"id": ID, "deployResult": {"status": "Succeeded", "done": "true", "details": {"componentSuccesses": [entry]}}}
    )
    result, _, _ = run(accepted(), body)
    assert result.succeeded
    assert result.components["Account.Stripe_Id__c"].created


def test_components_are_read_by_name_with_what_became_of_them():
    result, _, _ = run(
        accepted(),
        status(
            "Failed",
            done=True,
            componentSuccesses=[component("package.xml", kind=""), component("Account.Stripe_Id__c", created=False)],
            componentFailures=[
                component("Stripe_Connector", kind="PermissionSet", problem="no CustomField named X found")
            ],
        ),
    )
    assert set(result.components) == {"Account.Stripe_Id__c", "Stripe_Connector"}
    assert not result.components["Account.Stripe_Id__c"].created
    (failure,) = result.failures
    assert (failure.name, failure.problem) == ("Stripe_Connector", "no CustomField named X found")
    assert result.message is None


def test_a_failure_of_the_manifest_is_kept():
    failure = component("package.xml", kind="", problem="was named in package.xml, but was not found")
    result, _, _ = run(accepted(), status("Failed", done=True, componentFailures=[failure]))
    assert [one.name for one in result.failures] == ["package.xml"]


def test_a_cancelled_deployment_did_not_succeed():
    result, _, _ = run(accepted(), status("Canceled", done=True))
    assert not result.succeeded
    assert result.message == "Salesforce says: Canceled"


def test_a_refusal_is_raised_with_salesforces_code():
    with pytest.raises(Refused) as caught:
        run(refusal("INSUFFICIENT_ACCESS", 403, "You need the Modify Metadata permission"))
    assert caught.value.code == "INSUFFICIENT_ACCESS"


def test_a_lost_reply_to_the_request_is_tried_again_because_a_package_twice_is_a_package_once():
    result, script, _ = run(refusal("SERVER_UNAVAILABLE", 503), accepted(), status("Succeeded", done=True))
    assert result.succeeded
    assert script.requests[0].body == script.requests[1].body


def test_an_answer_without_a_result_is_not_taken_for_an_end():
    with pytest.raises(Transient):
        run(accepted(), answer({"id": ID}))
