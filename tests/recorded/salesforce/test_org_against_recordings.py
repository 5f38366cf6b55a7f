"""The simulated org beside answers of real orgs (recordings `cumulusci`): the same requests, the same shapes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from urllib.parse import unquote_plus, urlsplit

import pytest

from connector.sandbox.clock import ManualClock
from connector.sandbox.http import Request
from connector.sandbox.salesforce.org import Org
from tests.recorded.salesforce.test_salesforce_recordings import interactions, needs_cumulusci

APEX_TESTS = "ManualEditTestApexIntegrationTests.test_run_tests__integration_test"
#: objects of Apex test runs, which this org has not
NOT_HERE = ("ApexTestQueueItem", "ApexTestResult", "ApexCodeCoverageAggregate", "ApexOrgWideCoverage")


@pytest.fixture
def org():
    return Org(clock=ManualClock(datetime(2026, 11, 21, tzinfo=UTC)), seed=7)


def ask(org, path):
    parts = urlsplit(path)
    headers = {"authorization": f"Bearer {org.access_token}"}
    response = org.handle(Request(method="GET", path=parts.path, query=parts.query, headers=headers))
    return response.status, json.loads(response.body)


def shape(value):
    """Names and kinds without the data: an object's keys in order, a list by its first member."""
    if isinstance(value, dict):
        return {name: shape(content) for name, content in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


def tooling_queries():
    """(SOQL, recorded answer) of each different query."""
    found = {}
    for one in interactions(APEX_TESTS):
        path = one["request"]["path"]
        if "/tooling/query" in path and not any(name in path for name in NOT_HERE):
            found[unquote_plus(urlsplit(path).query.removeprefix("q="))] = one["response"]
    return found


@needs_cumulusci
def test_tooling_queries_are_answered_in_the_recorded_shape(org):
    queries = tooling_queries()
    assert {soql.split(" FROM ")[1].split()[0] for soql in queries} == {
        "ApexClass",
        "InstalledSubscriberPackage",
        "SubscriberPackageVersion",
    }
    for name in ("A_TEST", "B_TEST"):
        org.platform.create(
            "ApexClass", {"Name": name, "LengthWithoutComments": 1, "ApiVersion": 60, "Status": "Active"}
        )
    version = org.platform.rows("InstalledSubscriberPackage")[0]["SubscriberPackageVersionId"]
    for soql, recorded in queries.items():
        ours = soql.replace("04ti0000000GSu9AAG", version)
        status, body = ask(org, "/services/data/v67.0/tooling/query/?q=" + ours.replace(" ", "+").replace("%", "%25"))
        assert status == recorded["status"], body
        assert shape(body) == shape(recorded["body"]), soql
        assert list(body) == list(recorded["body"])


@needs_cumulusci
def test_an_empty_tooling_answer_is_recorded_without_a_type(org):
    recorded = next(
        one["response"]["body"]
        for one in interactions(APEX_TESTS)
        if one["response"]["body"] != "" and isinstance(one["response"]["body"], dict)
        and one["response"]["body"].get("size") == 0
    )  # fmt: skip
    _, body = ask(org, "/services/data/v67.0/tooling/query?q=SELECT+Id+FROM+PlatformEventChannelMember")
    assert body == recorded


@needs_cumulusci
def test_the_organisation_has_the_recorded_fields(org):
    (recorded,) = [one["response"]["body"] for one in interactions("GET_sobjects_Organization")]
    _, body = ask(org, f"/services/data/v67.0/sobjects/Organization/{org.org_id}")
    wanted = {"Id", "Name", "IsSandbox", "OrganizationType", "InstanceName", "TrialExpirationDate", "NamespacePrefix"}
    assert wanted <= recorded.keys() & body.keys()
    for name in recorded.keys() & body.keys() - {"attributes"}:
        if recorded[name] is not None and body[name] is not None:
            assert type(body[name]) is type(recorded[name]), name


@needs_cumulusci
def test_the_list_of_objects_has_the_recorded_keys(org):
    (recorded,) = [one["response"]["body"] for one in interactions("GET_sobjects_Global_describe")]
    _, body = ask(org, "/services/data/v67.0/sobjects")
    assert body.keys() == recorded.keys()
    ours = {entry["name"]: entry for entry in body["sobjects"]}
    theirs = {entry["name"]: entry for entry in recorded["sobjects"]}
    assert ours["Account"].keys() == theirs["Account"].keys()
    for name in ours.keys() & theirs.keys():
        assert ours[name]["keyPrefix"] == theirs[name]["keyPrefix"], name
