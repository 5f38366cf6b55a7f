"""The adapter against the simulated account: lost replies, saved failures, rate limits. Nothing is done twice."""

from __future__ import annotations

from datetime import timedelta

import pytest
import requests

from connector.core.model import Applied, Delay, Unknown
from connector.runtime.limits import Rate, RateLimiter
from connector.sandbox.http import Response
from connector.sandbox.stripe.account import Account
from tests.support.stripe import ORG_ID, StepClock, connect_to, error, operation, outcomes_of, session_to

BORN = "001000000000001AAA"
MARK = {"salesforce_id": BORN, "salesforce_org": ORG_ID}


class Pair:
    def __init__(self, **settings):
        self.clock = StepClock()
        limits = {"rate_per_second": None, "endpoint_rate_per_second": None, **settings}
        self.account = Account(clock=self.clock, seed=5, **limits)

    def connect(self, **settings):
        return connect_to(self.account, api_key=self.account.api_key, clock=self.clock, **settings)

    @property
    def customers(self):
        page = next(self.connect()._client.pages("/v1/customers", {}))
        return [item["id"] for item in page]


@pytest.fixture
def pair():
    return Pair()


def create(**settings):
    return operation("customer", "create", {"name": "Acme", "metadata": MARK}, born_id=BORN, **settings)


def losing_replies(pair, count):
    """A session that loses the reply after the account has done the work."""
    inner = session_to(pair.account)
    left = [count]

    class Losing(requests.adapters.BaseAdapter):
        def send(self, request, **settings):
            reply = inner.get_adapter(request.url).send(request, **settings)
            if left[0] > 0:
                left[0] -= 1
                raise requests.ReadTimeout("the reply was lost")
            return reply

        def close(self):
            inner.close()

    session = requests.Session()
    session.trust_env = False
    session.mount("https://", Losing())
    return session


@pytest.mark.parametrize("lost", [1, 2])
def test_a_lost_reply_is_fetched_again_and_nothing_is_made_twice(pair, lost):
    (outcome,) = outcomes_of(pair.connect(session=losing_replies(pair, lost)), [create()])
    assert isinstance(outcome, Applied)
    assert pair.customers == [outcome.target_id]


def test_after_a_restart_the_stored_bytes_bring_back_the_first_answer(pair):
    (unknown,) = outcomes_of(pair.connect(session=losing_replies(pair, 9)), [create()])
    assert (type(unknown), unknown.code) == (Unknown, "connection_lost")
    pair.clock.advance(timedelta(hours=19))
    (recovered,) = outcomes_of(pair.connect(), [create()])
    assert isinstance(recovered, Applied)
    assert pair.customers == [recovered.target_id]


def test_after_the_key_expired_the_mark_still_finds_what_was_made(pair):
    outcomes_of(pair.connect(session=losing_replies(pair, 9)), [create()])
    pair.clock.advance(timedelta(hours=25))
    found = pair.connect().find("customer", [BORN])
    assert [found[BORN].id] == pair.customers


def test_a_saved_server_error_is_known_for_what_it_is_and_not_repeated(pair):
    system = pair.connect()
    pair.account.faults_after = lambda request, response: error(500, type="api_error")
    (first,) = outcomes_of(system, [create()])
    pair.account.faults_after = None
    assert isinstance(first, Unknown)
    before = system.calls
    (second,) = outcomes_of(system, [create()])
    assert (type(second), second.code) == (Unknown, "replayed_error")
    assert system.calls == before + 1
    # The write had happened all the same: only looking it up can tell.
    assert [system.find("customer", [BORN])[BORN].id] == pair.customers


def test_the_same_key_with_other_content_is_refused_and_changes_nothing(pair):
    system = pair.connect()
    outcomes_of(system, [create()])
    other = operation("customer", "create", {"name": "Other"}, born_id=BORN)
    (outcome,) = outcomes_of(system, [other])
    assert (type(outcome), outcome.code) == (Unknown, "idempotency_error")
    assert len(pair.customers) == 1


def test_a_gateway_page_instead_of_an_answer_is_survived(pair):
    pages = [Response(status=502, headers={"Content-Type": "text/html"}, body=b"<html>Bad gateway</html>")]
    pair.account.faults = lambda request: pages.pop() if pages else None
    (outcome,) = outcomes_of(pair.connect(), [create()])
    assert isinstance(outcome, Applied)


def test_too_fast_is_a_delay_and_nothing_is_lost():
    pair = Pair(rate_per_second=1, endpoint_rate_per_second=1)
    system = pair.connect(attempts=1)
    outcomes = outcomes_of(system, [create(), create(idempotency_key="connector-2")])
    assert sorted(type(each).__name__ for each in outcomes) == ["Applied", "Delay"]
    (delayed,) = [each for each in outcomes if isinstance(each, Delay)]
    assert delayed.code == "rate_limit"


@pytest.mark.parametrize("concurrency", [1, 8])
def test_within_the_limiter_no_request_is_refused(concurrency):
    pair = Pair(rate_per_second=25, endpoint_rate_per_second=25)
    limiter = RateLimiter(total=Rate(per_s=25), per_endpoint=Rate(per_s=25), clock=pair.clock)
    system = pair.connect(limiter=limiter, concurrency=concurrency, attempts=1)
    work = [create(idempotency_key=f"connector-{number}") for number in range(200)]
    began_s = pair.clock.monotonic_s()
    outcomes = outcomes_of(system, work)
    assert {type(each) for each in outcomes} == {Applied}
    assert pair.account.counters["rate_limited"] == 0
    if concurrency == 1:
        # With threads, each one's sleep moves the shared clock, and the time says nothing.
        assert 200 / (pair.clock.monotonic_s() - began_s) >= 0.95 * 25


def test_an_invoice_takes_three_calls(pair):
    system = pair.connect()
    (customer,) = outcomes_of(system, [create()])
    before = system.calls
    params = {
        "customer": customer.target_id,
        "currency": "usd",
        "collection_method": "send_invoice",
        "days_until_due": 30,
        "auto_advance": False,
    }
    (draft,) = outcomes_of(system, [operation("invoice", "create", params)])
    lines = {"lines": [{"amount": 100, "description": f"{number}"} for number in range(3)]}
    (filled,) = outcomes_of(system, [operation("invoice", "add_lines", lines, target_id=draft.target_id)])
    assert (filled.record.fields["total"], len(filled.record.lines)) == (300, 3)
    (final,) = outcomes_of(system, [operation("invoice", "finalize", {}, target_id=draft.target_id)])
    assert final.record.fields["status"] == "open"
    assert system.calls == before + 3


def test_a_draft_can_be_deleted_and_a_second_time_as_well(pair):
    system = pair.connect()
    (customer,) = outcomes_of(system, [create()])
    (draft,) = outcomes_of(system, [operation("invoice", "create", {"customer": customer.target_id})])
    for _ in range(2):
        (gone,) = outcomes_of(system, [operation("invoice", "delete", {}, target_id=draft.target_id)])
        assert isinstance(gone, Applied)
        assert gone.record.deleted
