"""The whole table from Stripe's errors to ours, each row through the real SDK."""

from __future__ import annotations

import pytest
import requests
import stripe
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError, ProtocolError

from connector.core.errors import Ambiguous, Refused, RemoteError, Throttled, Transient, Unauthorised, Unreachable
from connector.core.model import FailureClass
from connector.stripe.errors import classify
from tests.support.stripe import Script, answer, connect_to, error, session_to

REPLAYED = {"Idempotent-Replayed": "true"}
REPLAYED_BY_ID = {"Original-Request": "req_0", "Request-Id": "req_1"}
RETRY = {"Stripe-Should-Retry": "true"}
NO_RETRY = {"Stripe-Should-Retry": "false"}
HTML = b"<html><body>Bad gateway</body></html>"


def caught(response=None, *, fault=None, method="post"):
    """The SDK's own error for an answer, or for a failure of the transport."""

    def latency(_):
        if fault is not None:
            raise fault

    session = session_to(Script(lambda _: response), latency=latency)
    client = stripe.StripeClient(
        "sk_test_4eC39HqLyjWDarjtT1zdp7dc",
        base_addresses={"api": "https://stripe.test"},
        max_network_retries=0,
        http_client=stripe.RequestsClient(session=session),
    )
    with pytest.raises(stripe.StripeError) as raised:
        client.raw_request(method, "/v1/invoices", idempotency_key="key")
    return raised.value


# fmt: off
TABLE = [
    # answer                                                             write: class, code, again          read: class, code, again
    (error(400, code="parameter_unknown", param="foo"),                  (Refused, "parameter_unknown", False),  (Refused, "parameter_unknown", False)),
    (error(402, code="card_declined", type="card_error"),                (Refused, "card_declined", False),      (Refused, "card_declined", False)),
    (error(403),                                                         (Refused, None, False),                 (Refused, None, False)),
    (error(404, code="resource_missing", param="id"),                    (Refused, "resource_missing", False),   (Refused, "resource_missing", False)),
    (error(400, type="idempotency_error"),                               (Refused, "idempotency_error", False),  (Refused, "idempotency_error", False)),
    (error(401),                                                         (Unauthorised, None, False),            (Unauthorised, None, False)),
    (error(409, code="idempotency_key_in_use"),                          (Transient, "idempotency_key_in_use", True), (Transient, "idempotency_key_in_use", True)),
    (error(409),                                                         (Transient, "conflict", True),          (Transient, "conflict", True)),
    (error(409, headers=NO_RETRY),                                       (Transient, "conflict", False),         (Transient, "conflict", False)),
    (error(429),                                                         (Throttled, "rate_limit", True),        (Throttled, "rate_limit", True)),
    (error(429, headers={"Stripe-Rate-Limited-Reason": "endpoint-rate"}), (Throttled, "endpoint-rate", True),    (Throttled, "endpoint-rate", True)),
    (error(429, code="lock_timeout", headers=RETRY),                     (Throttled, "lock_timeout", True),      (Throttled, "lock_timeout", True)),
    (error(429, headers=NO_RETRY),                                       (Throttled, "rate_limit", False),       (Throttled, "rate_limit", False)),
    (error(400, code="lock_timeout"),                                    (Throttled, "lock_timeout", True),      (Throttled, "lock_timeout", True)),
    (error(400, headers=RETRY),                                          (Transient, "conflict", True),          (Transient, "conflict", True)),
    (error(500, type="api_error"),                                       (Ambiguous, None, True),                (Transient, None, True)),
    (error(500, type="api_error", headers=NO_RETRY),                     (Ambiguous, None, False),               (Transient, None, False)),
    (error(500, type="api_error", headers=REPLAYED),                     (Ambiguous, "replayed_error", False),   (Transient, None, True)),
    (error(500, type="api_error", headers=REPLAYED_BY_ID),               (Ambiguous, "replayed_error", False),   (Transient, None, True)),
    (error(503, type="api_error"),                                       (Ambiguous, None, True),                (Transient, None, True)),
    (answer(HTML, status=502),                                           (Ambiguous, None, True),                (Transient, None, True)),
    (answer(HTML, status=403),                                           (Transient, "not_from_stripe", True),   (Transient, "not_from_stripe", True)),
    (answer({"message": "proxy says no"}, status=407),                   (Transient, "not_from_stripe", True),   (Transient, "not_from_stripe", True)),
]
# fmt: on


@pytest.mark.parametrize(("response", "as_write", "as_read"), TABLE)
def test_answers(response, as_write, as_read):
    foreign = caught(response)
    for is_write, expected in ((True, as_write), (False, as_read)):
        failure = classify(foreign, action="POST /v1/invoices", is_write=is_write)
        assert (type(failure.error), failure.error.code, failure.again) == expected
        assert failure.error.status == response.status


REFUSED_CONNECTION = requests.ConnectionError(
    MaxRetryError(None, "/", reason=NewConnectionError(None, "Connection refused"))
)
CONNECT_TIMEOUT = requests.ConnectTimeout(MaxRetryError(None, "/", reason=ConnectTimeoutError()))


@pytest.mark.parametrize(
    ("fault", "as_write", "as_read"),
    [
        (REFUSED_CONNECTION, Unreachable, Unreachable),
        (CONNECT_TIMEOUT, Unreachable, Unreachable),
        (requests.ReadTimeout("no reply"), Ambiguous, Transient),
        (requests.ConnectionError(ProtocolError("Connection aborted.")), Ambiguous, Transient),
        (requests.ConnectionError(), Ambiguous, Transient),
        (requests.TooManyRedirects("Exceeded 0 redirects."), Ambiguous, Transient),
    ],
)
def test_a_write_is_in_doubt_unless_no_byte_of_it_can_have_left(fault, as_write, as_read):
    foreign = caught(fault=fault)
    assert type(classify(foreign, action="x", is_write=True).error) is as_write
    assert type(classify(foreign, action="x", is_write=False).error) is as_read


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (REFUSED_CONNECTION, "no connection to the server (ConnectionError)"),
        (requests.ReadTimeout("no reply"), "the connection was lost before the reply came (ReadTimeout)"),
    ],
)
def test_a_lost_connection_is_told_in_our_words(fault, words):
    """The SDK's name its support address and quote the whole chain of causes."""
    assert classify(caught(fault=fault), action="x", is_write=True).error.message == words


def test_an_error_carries_what_a_person_needs_and_no_secret():
    response = error(
        400,
        code="parameter_invalid_integer",
        param="lines[0][amount]",
        message="Invalid integer: x (key sk_test_4eC39HqLyjWDarjtT1zdp7dc)",
    )
    failure = classify(caught(response), action="POST /v1/invoices/{id}/add_lines", is_write=True).error
    assert failure.fields == ("lines[0][amount]",)
    assert failure.request_id == "req_1"
    assert "POST /v1/invoices/{id}/add_lines: 400 parameter_invalid_integer: Invalid integer: x" in str(failure)
    assert "4eC39HqLyjW" not in str(failure)


@pytest.mark.parametrize(("header", "expected"), [("7", 7), ("soon", None), (None, None)])
def test_the_wait_stripe_asks_for_is_kept(header, expected):
    headers = {} if header is None else {"Retry-After": header}
    failure = classify(caught(error(429, headers=headers)), action="x", is_write=True).error
    assert isinstance(failure, Throttled)
    assert failure.retry_after_s == expected


@pytest.mark.parametrize("body", [b"<html>Sign in to the hotel network</html>", b"[]", b""])
def test_a_successful_answer_that_is_not_an_object_is_never_taken_for_one(body):
    system = connect_to(Script(lambda _: answer(body)), attempts=1)
    with pytest.raises(Transient) as raised:
        system.identify()
    assert raised.value.code == "unreadable_reply"


def test_every_class_of_the_table_is_ours():
    assert all(issubclass(row[0], RemoteError) for _, as_write, as_read in TABLE for row in (as_write, as_read))


def test_a_locked_object_has_a_policy_of_its_own():
    answers = [(error(429, code="lock_timeout"), FailureClass.ROW_LOCK), (error(429), FailureClass.THROTTLED)]
    for response, expected in answers:
        assert classify(caught(response), action="POST /v1/invoices", is_write=True).error.failure is expected
