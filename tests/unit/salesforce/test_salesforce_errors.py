"""The table "Errors" of platform.md B, row by row."""

import orjson
import pytest
import requests
import urllib3

from connector.core.errors import (
    Ambiguous,
    Hidden,
    Refused,
    RemoteError,
    Throttled,
    Transient,
    Unauthorised,
    Unreachable,
)
from connector.core.retry import GiveUp, Retry, RetryPolicy, decide
from connector.salesforce.errors import classify, classify_row, classify_transport, redact

TRANSIENT = [
    "UNABLE_TO_LOCK_ROW",
    "RECORD_IN_USE_BY_WORKFLOW",
    "SERVER_UNAVAILABLE",
    "QUERY_TIMEOUT",
    "REQUEST_RUNNING_TOO_LONG",
]
PERMANENT_DATA = [
    "FIELD_CUSTOM_VALIDATION_EXCEPTION",
    "REQUIRED_FIELD_MISSING",
    "STRING_TOO_LONG",
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
    "INVALID_CROSS_REFERENCE_KEY",
    "INVALID_FIELD_FOR_INSERT_UPDATE",
    "INVALID_CURRENCY_ISO",
    "NUMBER_OUTSIDE_VALID_RANGE",
    "DUPLICATES_DETECTED",
    "MALFORMED_ID",
]
SPECIAL_REFUSALS = ["DUPLICATE_VALUE", "ENTITY_IS_DELETED", "INVALID_QUERY_LOCATOR"]
PERMANENT_CONFIG = [
    "MALFORMED_QUERY",
    "INSUFFICIENT_ACCESS",
    "INSUFFICIENT_ACCESS_OR_READONLY",
    "PACKAGE_LICENSE_REQUIRED",
    "LICENSE_LIMIT_EXCEEDED",
]
STOPS_THE_SIDE = [
    "INVALID_SESSION_ID",
    "API_CURRENTLY_DISABLED",
    "API_DISABLED_FOR_ORG",
    "INVALID_OPERATION_WITH_EXPIRED_PASSWORD",
]


def reply_error(status, body, *, write=False, headers=None) -> RemoteError:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return classify(status=status, body=content, headers=headers or {}, action="test", write=write)


def coded(code, *, status=400, message="no", write=False) -> RemoteError:
    return reply_error(status, [{"errorCode": code, "message": message}], write=write)


@pytest.mark.parametrize("write", [False, True])
@pytest.mark.parametrize(
    ("codes", "kind"),
    [
        (TRANSIENT, Transient),
        (PERMANENT_DATA, Refused),
        (SPECIAL_REFUSALS, Refused),
        (PERMANENT_CONFIG, Refused),
        (STOPS_THE_SIDE, Unauthorised),
    ],
)
def test_each_code_has_its_class_in_requests_and_rows(codes, kind, write):
    for code in codes:
        assert type(coded(code, write=write)) is kind, code
        assert type(classify_row({"statusCode": code, "message": "no", "fields": []}, action="row")) is kind, code


@pytest.mark.parametrize("code", ["INVALID_FIELD", "INVALID_TYPE"])
def test_what_a_read_is_not_shown_is_hidden_and_what_a_write_may_not_touch_is_refused(code):
    assert type(coded(code)) is Hidden
    assert type(coded(code, write=True)) is Refused
    assert type(classify_row({"statusCode": code, "message": "no", "fields": []}, action="row")) is Refused


def test_the_day_quota_is_not_retried_inside_a_call_but_concurrency_is():
    total = coded("REQUEST_LIMIT_EXCEEDED", status=403, message="TotalRequests Limit exceeded.")
    concurrent = coded(
        "REQUEST_LIMIT_EXCEEDED", status=403, message="ConcurrentRequests (Concurrent API Requests) Limit exceeded."
    )
    policy = RetryPolicy()
    assert isinstance(decide(policy, total, attempt=1, chance=0, repeatable=True), GiveUp)
    assert isinstance(decide(policy, concurrent, attempt=1, chance=0, repeatable=True), Retry)


@pytest.mark.parametrize(
    "code", ["ENTITY_IS_LOCKED", "STORAGE_LIMIT_EXCEEDED", "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE"]
)
def test_what_only_people_can_release_is_delayed_longer_than_any_retry(code):
    error = classify_row({"statusCode": code, "message": "locked"}, action="row")
    assert isinstance(error, Throttled)
    assert isinstance(decide(RetryPolicy(), error, attempt=1, chance=0, repeatable=True), GiveUp)


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("execution of AfterUpdate caused by: UNABLE_TO_LOCK_ROW, unable to obtain exclusive access", Transient),
        ("blng: Too many SOQL queries: 101", Transient),
        ("trigger refused: the quote is expired", Refused),
    ],
)
def test_an_apex_failure_is_what_its_cause_is(message, kind):
    row = {"statusCode": "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "message": message}
    assert type(classify_row(row, action="row")) is kind


@pytest.mark.parametrize(
    ("status", "body", "read_kind", "write_kind"),
    [
        (500, [{"errorCode": "UNKNOWN_EXCEPTION", "message": "x"}], Transient, Ambiguous),
        (502, b"<html><body>Bad Gateway</body></html>", Transient, Ambiguous),
        (503, b"", Transient, Ambiguous),
        (503, [{"errorCode": "SERVER_UNAVAILABLE", "message": "x"}], Transient, Transient),
        (504, b"null", Transient, Ambiguous),
        (420, b"<html></html>", Transient, Transient),
        (429, b"", Throttled, Throttled),
        (401, b"<html>Unauthorized</html>", Unauthorised, Unauthorised),
        (401, {"error": "invalid_grant", "error_description": "expired"}, Unauthorised, Unauthorised),
        (404, {"errorCode": "NOT_FOUND", "message": "field is no external id"}, Refused, Refused),
        (300, ["/services/data/v23.0/sobjects/Whizbang/foo", "/x"], Refused, Refused),
        (302, b"", Refused, Refused),
        (403, b"[]", Refused, Refused),
        (410, [{"errorCode": "GONE", "message": "x"}], Refused, Refused),
        (412, [{"errorCode": "PRECONDITION_FAILED", "message": "x"}], Refused, Refused),
        (414, b"<html>URI Too Long</html>", Refused, Refused),
        (415, b"", Refused, Refused),
        (431, b"", Refused, Refused),
    ],
)
def test_every_form_of_body_is_survived_and_doubt_about_a_write_is_kept(status, body, read_kind, write_kind):
    assert type(reply_error(status, body)) is read_kind
    assert type(reply_error(status, body, write=True)) is write_kind
    assert reply_error(status, body).status == status


def test_several_records_with_one_external_id_are_counted():
    error = reply_error(300, ["/a", "/b"])
    assert error.code == "MULTIPLE_CHOICES"
    assert "2 records" in error.message


def test_fields_and_request_id_are_kept():
    body = [{"errorCode": "REQUIRED_FIELD_MISSING", "message": "x", "fields": ["blng__Amount__c"]}]
    error = reply_error(400, body, headers={"X-SFDC-Request-Id": "r-1"})
    assert error.fields == ("blng__Amount__c",)
    assert error.request_id == "r-1"


def _refused_connection() -> requests.ConnectionError:
    pool = urllib3.HTTPSConnectionPool("x.example")
    reason = urllib3.exceptions.NewConnectionError(pool, "refused")
    return requests.ConnectionError(urllib3.exceptions.MaxRetryError(pool, "/secret?q=SELECT", reason))


@pytest.mark.parametrize(
    ("error", "read_kind", "write_kind"),
    [
        (requests.ConnectTimeout("x"), Unreachable, Unreachable),
        (_refused_connection(), Unreachable, Unreachable),
        (requests.ReadTimeout("x"), Transient, Ambiguous),
        (requests.ConnectionError("reset"), Transient, Ambiguous),
        (requests.exceptions.ChunkedEncodingError("cut"), Transient, Ambiguous),
        (requests.JSONDecodeError("x", "<html>", 0), Transient, Ambiguous),
        (requests.exceptions.SSLError("bad certificate"), Refused, Refused),
    ],
)
def test_a_lost_reply_is_ambiguous_only_when_the_request_could_have_arrived(error, read_kind, write_kind):
    assert type(classify_transport(error, action="x", write=False)) is read_kind
    assert type(classify_transport(error, action="x", write=True)) is write_kind
    assert "SELECT" not in str(classify_transport(error, action="x", write=True))


@pytest.mark.parametrize(
    ("message", "kept", "gone"),
    [
        (
            (
                "\nSELECT Id,Nme FROM Account WHERE Name = 'Jane Doe'\n          ^\nERROR at Row:1:Column:11\n"
                "No such column 'Nme' on entity 'Account'."
            ),
            "No such column 'Nme'",
            "Jane Doe",
        ),
        ("invalid email address: jane.doe@acme.example", "invalid email address", "jane.doe"),
        ("session 00D000000000001EAA!AQEAQ.abc_def rejected", "rejected", "AQEAQ"),
        ("header Bearer abc.def", "header", "abc.def"),
    ],
)
def test_messages_lose_query_text_addresses_and_tokens(message, kept, gone):
    assert kept in redact(message)
    assert gone not in redact(message)
    assert gone not in str(coded("X", message=message))


def test_a_long_message_is_cut_and_keeps_no_part_of_a_secret():
    assert len(redact("x" * 1_000_000)) <= 300
    assert "AQE" not in redact("x" * 280 + " 00D000000000001!AQE" + "y" * 400)
    assert "jane" not in redact("x " * 149 + "jane@acme.example")
