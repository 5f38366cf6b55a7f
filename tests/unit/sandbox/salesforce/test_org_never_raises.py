"""Whatever a client sends, the org answers; a crash of the model would look like a broken network."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.sandbox.clock import ManualClock
from connector.sandbox.http import Request
from connector.sandbox.salesforce.org import Org

ROOT = "/services/data/v67.0"
KEYS = st.sampled_from(
    [
        "attributes",
        "type",
        "Id",
        "Name",
        "Phone",
        "records",
        "allOrNone",
        "compositeRequest",
        "method",
        "url",
        "body",
        "referenceId",
        "httpHeaders",
        "batchRequests",
        "richInput",
        "ids",
        "fields",
        "Stripe_Id__c",
        "blng__Account__r",
        "blng__Amount__c",
        "blng__PaymentDate__c",
        "blng__Account__c",
        "NumberOfEmployees",
        "HasOptedOutOfEmail",
    ]
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from(
        ["Account", "blng__Payment__c", "GET", "PATCH", f"{ROOT}/query?q=x", "@{a.b[0]}", "001000000000001AAA"]
    ),
    st.sampled_from(["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-02-30", "1e999999999", "NaN"]),
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=6)),
    max_leaves=25,
)
CALLS = st.sampled_from(
    [
        ("POST", "/sobjects/Account"),
        ("POST", "/sobjects/blng__Payment__c"),
        ("PATCH", "/sobjects/blng__Payment__c/Stripe_Id__c/x"),
        ("POST", "/composite"),
        ("POST", "/composite/batch"),
        ("POST", "/composite/sobjects"),
        ("PATCH", "/composite/sobjects"),
        ("PATCH", "/composite/sobjects/blng__Payment__c/Stripe_Id__c"),
        ("POST", "/composite/sobjects/Account"),
    ]
)
SOQL_WORDS = st.sampled_from(
    [
        "SELECT",
        "FROM",
        "WHERE",
        "Id",
        "Name",
        "Account",
        "Contact",
        "=",
        "IN",
        "(",
        ")",
        ",",
        "'a'",
        "NOT",
        "AND",
        "OR",
        "COUNT",
        "GROUP BY",
        "ORDER BY",
        "LIMIT",
        "5",
        "LAST_N_DAYS:999999999",
        "2026-01-01",
        "NULL",
        "LIKE",
        ".",
        "TODAY",
    ]
)


@pytest.fixture(scope="module")
def fuzzed():
    return Org(clock=ManualClock(datetime(2026, 11, 21, tzinfo=UTC)), seed=3)


def answer(org, method, path, query="", body=b""):
    headers = {"authorization": f"Bearer {org.access_token}"}
    return org.handle(Request(method=method, path=ROOT + path, query=query, headers=headers, body=body))


@settings(max_examples=60, deadline=None)
@given(call=CALLS, body=JSON)
def test_any_json(fuzzed, call, body):
    response = answer(fuzzed, *call, body=json.dumps(body).encode())
    assert response.status < 500
    if response.body:
        json.loads(response.body)


@settings(max_examples=60, deadline=None)
@given(words=st.lists(SOQL_WORDS, max_size=12))
def test_any_soql(fuzzed, words):
    text = "SELECT Id FROM Account WHERE " + " ".join(words)
    response = answer(fuzzed, "GET", "/query", f"q={quote(text)}")
    assert response.status in {200, 400}
    json.loads(response.body)


@pytest.mark.parametrize(
    "soql",
    [
        "SELECT Id FROM Account WHERE " + "NOT " * 5000 + "Name = 'a'",
        "SELECT Id FROM Account WHERE " + "(" * 5000 + "Name = 'a'" + ")" * 5000,
        "SELECT Id FROM Account LIMIT " + "9" * 5000,
        "SELECT Id FROM Account WHERE NumberOfEmployees = " + "9" * 5000,
        "SELECT Id FROM Account WHERE CreatedDate > 0001-01-01T00:00:00+14:00",
        "SELECT Id FROM Account WHERE CreatedDate = LAST_N_YEARS:99999",
        "SELECT Id FROM Account WHERE Name = '\\u00'",
    ],
    ids=["not", "parentheses", "limit", "number", "datetime", "years", "escape"],
)
def test_extreme_soql(fuzzed, soql):
    # Inside a composite, where no limit on the length of a URI comes first.
    request = {"method": "GET", "url": f"{ROOT}/query?q={quote(soql)}", "referenceId": "q"}
    response = answer(fuzzed, "POST", "/composite", body=json.dumps({"compositeRequest": [request]}).encode())
    (part,) = json.loads(response.body)["compositeResponse"]
    assert part["httpStatusCode"] in {200, 400}


@pytest.mark.parametrize(
    "raw", [b'{"Name": "\\ud800"}', b"\xff\xfe", b"[" * 100_000, b'{"Name": 1' + b"0" * 5000 + b"}"]
)
def test_extreme_bodies(fuzzed, raw):
    response = answer(fuzzed, "POST", "/sobjects/Account", body=raw)
    assert response.status == 400
    assert json.loads(response.body)[0]["errorCode"] == "JSON_PARSER_ERROR"
