"""Whatever a client sends, the org answers; a crash of the model would look like a broken network."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.sandbox.clock import ManualClock
from connector.sandbox.http import Request
from connector.sandbox.salesforce import deployment
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


SETUP_WORDS = st.sampled_from(
    [
        "SELECT Id FROM",
        "SELECT Id, FullName, Metadata FROM",
        "SELECT COUNT(Id), SubscriberPackage.Name FROM",
        "InstalledSubscriberPackage",
        "SubscriberPackageVersion",
        "SubscriberPackage",
        "UserPermissionAccess",
        "EntityDefinition",
        "PermissionSet",
        "WHERE",
        "Id = '04t000000000001AAA'",
        "Id = 'x'",
        "Id = null",
        "Id IN ('04t000000000001AAA')",
        "InstallationKey = 'x'",
        "InstallationKey = null",
        "NOT",
        "AND",
        "OR",
        "GROUP BY SubscriberPackage.Name",
        "ORDER BY SubscriberPackageId",
        "LIMIT 1",
    ]
)


@settings(max_examples=80, deadline=None)
@given(
    words=st.lists(SETUP_WORDS, max_size=8), resource=st.sampled_from(["/tooling/query", "/tooling/queryAll", "/query"])
)
def test_any_query_of_setup(fuzzed, words, resource):
    response = answer(fuzzed, "GET", resource, f"q={quote(' '.join(words))}")
    assert response.status in {200, 400}
    json.loads(response.body)


def package():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("package.xml", "<Package xmlns='http://soap.sforce.com/2006/04/metadata'/>")
        archive.writestr(
            "objects/Account.object", "<CustomObject><fields><fullName>A</fullName></fields></CustomObject>"
        )
    return buffer.getvalue()


@settings(max_examples=80, deadline=None)
@given(damage=st.lists(st.tuples(st.integers(0, len(package()) - 1), st.integers(0, 255)), max_size=8), options=JSON)
def test_any_package(fuzzed, damage, options):
    sent = bytearray(package())
    for position, value in damage:
        sent[position] = value
    head = b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n'
    body = head % b"json" + json.dumps({"deployOptions": options}).encode() + b"\r\n" + head % b"file" + bytes(sent)
    headers = {"authorization": f"Bearer {fuzzed.access_token}", "content-type": "multipart/form-data; boundary=b"}
    path = f"{ROOT}/metadata/deployRequest"
    response = fuzzed.handle(Request(method="POST", path=path, headers=headers, body=body + b"\r\n--b--"))
    assert response.status in {201, 400}
    started = json.loads(response.body)
    if response.status == 201:
        status = answer(fuzzed, "GET", f"/metadata/deployRequest/{started['id']}", "includeDetails=true")
        json.loads(status.body)


@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from(["Text", "Currency", "Url", "Checkbox", "", "Formula"]),
    length=st.sampled_from(["5", "", "x", "-1", "1e9"]),
    more=st.sampled_from(
        ["", "<precision>18</precision>", "<scale>x</scale>", "<label/>", "<formula>1</formula>", "<a>"]
    ),
)
def test_any_field(fuzzed, kind, length, more):
    space = "http://soap.sforce.com/2006/04/metadata"
    field = (
        f"<fields><fullName>F__c</fullName><label>F</label><type>{kind}</type><length>{length}</length>{more}</fields>"
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("package.xml", f"<Package xmlns='{space}'/>")
        archive.writestr("objects/Account.object", f"<CustomObject xmlns='{space}'>{field}</CustomObject>")
    components = deployment.deploy(buffer.getvalue(), fuzzed.customizing, check_only=True, roll_back=True)
    assert [component for component in components if component.problem]


@pytest.mark.parametrize(
    "raw", [b'{"Name": "\\ud800"}', b"\xff\xfe", b"[" * 100_000, b'{"Name": 1' + b"0" * 5000 + b"}"]
)
def test_extreme_bodies(fuzzed, raw):
    response = answer(fuzzed, "POST", "/sobjects/Account", body=raw)
    assert response.status == 400
    assert json.loads(response.body)[0]["errorCode"] == "JSON_PARSER_ERROR"
