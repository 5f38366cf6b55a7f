"""From an operation to a request, and from what comes back to an outcome."""

from __future__ import annotations

import threading
from concurrent.futures import wait
from dataclasses import replace
from decimal import Decimal

import pytest
import requests

from connector.core.errors import RemoteError, Unauthorised
from connector.core.model import Applied, ConditionType, Delay, OperationState, Refusal, Unknown
from connector.stripe.writes import wire_value
from connector.workers import Threads
from tests.support.stripe import (
    NoLimit,
    Script,
    answer,
    connect_to,
    error,
    form_of,
    in_turn,
    operation,
    outcomes_of,
    session_to,
)

INVOICE = {"id": "in_1", "object": "invoice", "livemode": False, "status": "open", "lines": {"data": []}}
CUSTOMER = {"id": "cus_1", "object": "customer", "livemode": False}


def apply_one(app, each, **settings):
    (outcome,) = outcomes_of(connect_to(app, **settings), [each])
    return outcome


@pytest.mark.parametrize(
    ("kind", "action", "target_id", "expected"),
    [
        ("customer", "create", None, "POST /v1/customers"),
        ("customer", "update", "cus_1", "POST /v1/customers/cus_1"),
        ("product", "create", None, "POST /v1/products"),
        ("product", "update", "prod_1", "POST /v1/products/prod_1"),
        ("quote", "create", None, "POST /v1/quotes"),
        ("quote", "finalize", "qt_1", "POST /v1/quotes/qt_1/finalize"),
        ("quote", "cancel", "qt_1", "POST /v1/quotes/qt_1/cancel"),
        ("quote", "accept", "qt_1", "POST /v1/quotes/qt_1/accept"),
        ("quote", "hold", "in_1", "POST /v1/invoices/in_1"),
        ("invoice", "create", None, "POST /v1/invoices"),
        ("invoice", "add_lines", "in_1", "POST /v1/invoices/in_1/add_lines"),
        ("invoice", "finalize", "in_1", "POST /v1/invoices/in_1/finalize"),
        ("invoice", "void", "in_1", "POST /v1/invoices/in_1/void"),
        ("invoice", "update", "in_1", "POST /v1/invoices/in_1"),
        ("invoice", "delete", "in_1", "DELETE /v1/invoices/in_1"),
        ("offline_payment", "create", None, "POST /v1/payment_records/report_payment"),
        ("offline_payment", "attach", "in_1", "POST /v1/invoices/in_1/attach_payment"),
    ],
)
def test_every_action_is_one_call(kind, action, target_id, expected):
    app = Script(lambda _: answer({"id": "x_1", "object": "thing"}))
    outcome = apply_one(app, operation(kind, action, {}, target_id=target_id))
    (request,) = app.requests
    assert f"{request.method} {request.path}" == expected
    assert isinstance(outcome, Applied)
    assert (outcome.target_id, outcome.request_id) == ("x_1", "req_1")


def test_the_same_body_gives_the_same_bytes_and_the_operations_key_goes_with_them():
    body = {
        "name": "Müller & Söhne",
        "phone": None,
        "active": False,
        "metadata": {"salesforce_id": "001A", "empty": ""},
        "lines": [{"amount": -5, "tax_amounts": [{"amount": 1}]}, {"amount": 7, "quantity_decimal": Decimal("1E+1")}],
    }
    app = Script(lambda _: answer(CUSTOMER))
    system = connect_to(app)
    for _ in range(2):
        outcomes_of(system, [operation("customer", "create", body, idempotency_key="connector-1")])
    first, second = app.requests
    assert first.body == second.body
    assert first.body == (
        b"active=false&lines[0][amount]=-5&lines[0][tax_amounts][0][amount]=1&lines[1][amount]=7"
        b"&lines[1][quantity_decimal]=10&metadata[empty]=&metadata[salesforce_id]=001A"
        b"&name=M%C3%BCller+%26+S%C3%B6hne&phone="
    )
    assert {request.headers["idempotency-key"] for request in app.requests} == {"connector-1"}


def test_null_clears_and_decimals_have_no_exponent():
    assert wire_value({"a": None, "b": [None, Decimal("0.10")]}) == {"a": "", "b": ["", "0.10"]}
    assert wire_value(Decimal("1E+3")) == "1000"


def test_a_quote_shows_its_lines_because_they_are_asked_for():
    quote = {"id": "qt_1", "object": "quote", "line_items": {"data": [{"id": "li_1"}], "has_more": False}}
    app = Script(lambda _: answer(quote))
    outcome = apply_one(app, operation("quote", "create", {"customer": "cus_1"}))
    assert form_of(app.requests[0]) == {"customer": "cus_1", "expand[0]": "line_items"}
    assert outcome.record.lines == ({"id": "li_1"},)


@pytest.mark.parametrize(("kind", "action"), [("offline_payment", "attach"), ("quote", "hold")])
def test_a_reply_that_shows_another_object_is_not_taken_for_the_record(kind, action):
    outcome = apply_one(Script(lambda _: answer(INVOICE)), operation(kind, action, {}, target_id="in_1"))
    assert outcome == Applied(target_id="in_1", record=None, request_id="req_1")


def draft(*, has_more):
    lines = {"data": [{"id": "il_1"}], "has_more": has_more}
    return {"id": "in_1", "object": "invoice", "status": "draft", "lines": lines}


def test_a_draft_is_shown_with_all_its_lines():
    rest = {"object": "list", "data": [{"id": "il_1"}, {"id": "il_2"}], "has_more": False}
    app = in_turn(answer(draft(has_more=True)), answer(rest))
    outcome = apply_one(app, operation("invoice", "add_lines", {"lines": []}, target_id="in_1"))
    assert [line["id"] for line in outcome.record.lines] == ["il_1", "il_2"]
    assert app.requests[1].path == "/v1/invoices/in_1/lines"


def test_a_draft_whose_lines_cannot_all_be_read_is_not_shown_at_all():
    app = in_turn(answer(draft(has_more=True)), error(403))
    outcome = apply_one(app, operation("invoice", "add_lines", {"lines": []}, target_id="in_1"))
    assert outcome == Applied(target_id="in_1", record=None, request_id="req_1")


def test_one_call_when_the_first_page_of_lines_is_all():
    app = Script(lambda _: answer(draft(has_more=False)))
    apply_one(app, operation("invoice", "add_lines", {"lines": []}, target_id="in_1"))
    assert len(app.requests) == 1


# -- outcomes --------------------------------------------------------------------------

SERVER_ERROR = error(500, type="api_error")
IN_USE = error(409, code="idempotency_key_in_use")
THROTTLED = error(429, code="rate_limit")


@pytest.mark.parametrize(
    ("answers", "expected", "requests_sent"),
    [
        ([SERVER_ERROR, answer(CUSTOMER)], Applied, 2),
        ([THROTTLED, THROTTLED, answer(CUSTOMER)], Applied, 3),
        ([SERVER_ERROR], Unknown, 3),
        ([THROTTLED], Delay, 3),
        ([error(429, code="lock_timeout")], Delay, 3),
        ([error(400, code="parameter_unknown")], Refusal, 1),
        # Somebody used our key with other bytes: that attempt may have been carried out.
        ([error(400, type="idempotency_error")], Unknown, 1),
        # Another request with our key may still carry it out.
        ([IN_USE], Unknown, 3),
        # The first attempt may have been carried out, whatever stopped the later ones.
        ([SERVER_ERROR, THROTTLED], Unknown, 3),
        ([THROTTLED, SERVER_ERROR], Unknown, 3),
        # A keyed refusal after a doubtful attempt is final: had it been carried out, its answer would replay.
        ([SERVER_ERROR, error(400, code="parameter_unknown")], Refusal, 2),
        # Told not to repeat: the saved answer of this key would be the same error.
        ([error(500, type="api_error", headers={"Stripe-Should-Retry": "false"})], Unknown, 1),
        ([answer(b"<html>")], Unknown, 3),
    ],
)
def test_outcome_after_the_last_attempt(answers, expected, requests_sent):
    app = in_turn(*answers)
    assert type(apply_one(app, operation("customer", "create", {}))) is expected
    assert len(app.requests) == requests_sent
    assert len({request.headers["idempotency-key"] for request in app.requests}) == 1


def test_a_replayed_server_error_is_unknown_at_once():
    app = Script(lambda _: error(500, type="api_error", headers={"Idempotent-Replayed": "true"}))
    outcome = apply_one(app, operation("customer", "create", {}))
    assert (type(outcome), outcome.code) == (Unknown, "replayed_error")
    assert len(app.requests) == 1


def test_a_lost_reply_is_asked_for_again_with_the_same_bytes():
    app = Script(lambda _: answer(CUSTOMER))
    faults = [requests.ReadTimeout("lost")]

    def latency(_):
        if faults:
            raise faults.pop()

    outcome = apply_one(app, operation("customer", "create", {"name": "A"}), session=session_to(app, latency=latency))
    assert isinstance(outcome, Applied)


@pytest.mark.parametrize(
    ("state", "attempts", "expected"),
    [
        (OperationState.SENT, 1, Delay),
        # sent by a worker that died: nobody knows how it ended
        (OperationState.SENT, 2, Unknown),
        (OperationState.UNKNOWN, 1, Unknown),
    ],
)
def test_an_operation_already_in_doubt_stays_unknown_when_it_can_only_be_delayed(state, attempts, expected):
    """A delayed create is planned anew under another key: only what was surely not done may be delayed."""
    each = replace(operation("customer", "create", {}, state=state), attempts=attempts)
    assert type(apply_one(Script(lambda _: THROTTLED), each)) is expected


def test_the_wait_stripe_asked_for_reaches_the_delay():
    app = Script(lambda _: error(429, headers={"Retry-After": "120"}))
    outcome = apply_one(app, operation("customer", "create", {}))
    assert (type(outcome), outcome.retry_after_s) == (Delay, 120)


def test_a_refusal_says_what_was_wrong():
    app = Script(lambda _: error(400, code="parameter_unknown", param="foo", message="Received unknown parameter: foo"))
    outcome = apply_one(app, operation("customer", "update", {"foo": "1"}, target_id="cus_1"))
    assert outcome == Refusal(
        code="parameter_unknown",
        message="Received unknown parameter: foo",
        fields=("foo",),
        request_id="req_1",
        gone=False,
        condition=ConditionType.FIELD_NOT_WRITABLE,
    )


@pytest.mark.parametrize(
    ("status", "param", "target_id", "gone"),
    [(404, "id", "cus_1", True), (400, "customer", "cus_1", False), (404, "id", None, False)],
)
def test_gone_is_only_the_record_written_to(status, param, target_id, gone):
    app = Script(lambda _: error(status, code="resource_missing", param=param))
    action = "update" if target_id else "create"
    assert apply_one(app, operation("customer", action, {}, target_id=target_id)).gone is gone


def test_deleting_what_is_gone_is_done():
    app = Script(lambda _: error(404, code="resource_missing", param="id"))
    outcome = apply_one(app, operation("invoice", "delete", {}, target_id="in_1"))
    assert isinstance(outcome, Applied)
    assert outcome.record.deleted


# -- many operations -------------------------------------------------------------------


def many(count):
    return [operation("customer", "create", {"name": str(n)}, born_id=f"001{n:012}AAA") for n in range(count)]


def test_every_operation_gets_one_outcome_and_a_bad_one_harms_no_neighbour():
    app = Script(lambda request: error(400) if form_of(request)["name"] == "3" else answer(CUSTOMER))
    outcomes = outcomes_of(connect_to(app), many(20))
    assert [type(each).__name__ for each in outcomes] == ["Applied"] * 3 + ["Refusal"] + ["Applied"] * 16


def test_no_more_calls_are_in_flight_than_allowed_and_that_many_are():
    inside, peak, lock = set(), [0], threading.Lock()
    full = threading.Barrier(4, timeout=60)

    class Slow:
        def handle(self, request):
            with lock:
                inside.add(request.body)
                peak[0] = max(peak[0], len(inside))
            full.wait()
            with lock:
                inside.discard(request.body)
            return answer(CUSTOMER)

    outcomes_of(connect_to(Slow(), concurrency=4), many(16))
    assert peak[0] == 4


def test_every_attempt_passes_the_limiter_under_the_name_of_its_operation():
    limiter = NoLimit()
    app = in_turn(THROTTLED, answer(CUSTOMER))
    system = connect_to(app, limiter=limiter)
    outcomes_of(system, [operation("customer", "update", {}, target_id="cus_1")])
    assert limiter.endpoints == ["POST /v1/customers/{id}"] * 2
    assert system.calls == 2


def test_wrong_credentials_stop_the_side_and_every_operation_is_accounted_for():
    app = Script(lambda _: error(401, message="Invalid API Key provided: sk_test_4eC39HqLyjWDarjtT1zdp7dc"))
    system = connect_to(app, concurrency=1)
    seen = []
    with pytest.raises(Unauthorised) as raised:
        system.apply(many(5), lambda each, outcome: seen.append((each.born.id, outcome)))
    assert "4eC39HqLyjW" not in str(raised.value)
    assert len({born_id for born_id, _ in seen}) == 5
    assert all(isinstance(outcome, Delay) for _, outcome in seen)
    assert len(app.requests) == 1


def test_an_object_of_the_other_mode_stops_the_side_and_leaves_the_write_in_doubt():
    system = connect_to(Script(lambda _: answer({**CUSTOMER, "livemode": True})))
    seen = []
    with pytest.raises(RemoteError, match="of test mode, but cus_1 is of live mode"):
        system.apply(many(1), lambda each, outcome: seen.append(outcome))
    assert [type(outcome) for outcome in seen] == [Unknown]


def test_a_failing_receiver_is_not_swallowed():
    system = connect_to(Script(lambda _: answer(CUSTOMER)))

    def broken(each, outcome):
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        system.apply(many(3), broken)


def test_an_interrupt_ends_what_is_in_flight_and_sends_nothing_more(monkeypatch):
    in_flight, interrupted = threading.Event(), threading.Event()

    def interrupted_wait(_workers, futures):
        """Ctrl-C, while the first call is in flight."""
        if not interrupted.is_set():
            assert in_flight.wait(60)
            interrupted.set()
            raise KeyboardInterrupt
        return wait(futures)

    def slow(request):
        in_flight.set()
        assert interrupted.wait(60)
        return answer(CUSTOMER)

    monkeypatch.setattr(Threads, "wait", interrupted_wait)
    app = Script(slow)
    system = connect_to(app, concurrency=1)
    seen = []
    with pytest.raises(KeyboardInterrupt):
        system.apply(many(4), lambda each, outcome: seen.append(type(outcome).__name__))
    assert len(app.requests) == 1
    assert seen == ["Applied", "Delay", "Delay", "Delay"]


def test_an_action_nobody_knows_is_a_bug_and_says_so():
    system = connect_to(Script(lambda _: answer(CUSTOMER)))
    with pytest.raises(AssertionError, match="no Stripe call for customer delete"):
        system.apply([operation("customer", "delete", {}, target_id="cus_1")], lambda *_: None)


def test_a_refusal_for_its_number_slows_the_next_requests_down():
    for response, refusals in ((THROTTLED, 3), (error(429, code="lock_timeout"), 0), (SERVER_ERROR, 0)):
        limiter = NoLimit()
        system = connect_to(in_turn(response), limiter=limiter)
        system.apply([operation("customer", "create", {})], lambda _operation, _outcome: None)
        system.close()
        assert limiter.refusals == refusals
