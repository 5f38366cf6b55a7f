"""One remote call with retries: the loop obeys the decision, and nothing else."""

from __future__ import annotations

import pytest
import requests

from connector.core.errors import Ambiguous, Refused, RemoteError, Throttled, Transient
from connector.core.model import FailureClass, Side
from connector.core.retry import RetryPolicies, RetryRule, uniform
from connector.remote import CODES, Caller, Exchange, TryingAgain
from tests.support.clock import ManualClock


class _Call:
    """Fails with these errors in turn, then answers."""

    def __init__(self, *errors: BaseException) -> None:
        self.left = list(errors)
        self.made = 0

    def __call__(self) -> str:
        self.made += 1
        if self.left:
            raise self.left.pop(0)
        return "answer"


def _error(kind: type[RemoteError]) -> RemoteError:
    return kind("no", side=Side.STRIPE, action="invoice.create")


def _caller(clock: ManualClock, chance: float = 0.0) -> Caller:
    return Caller(policies=uniform(attempts=3, base_s=1, cap_s=30), clock=clock, chance=lambda: chance)


def test_an_answer_is_the_answer_without_a_wait() -> None:
    clock, call = ManualClock(), _Call()
    assert _caller(clock).call(call, repeatable=True) == "answer"
    assert (call.made, clock.slept_s) == (1, [])


def test_it_waits_as_decided_and_tries_again() -> None:
    clock, call = ManualClock(), _Call(_error(Transient), _error(Ambiguous))
    assert _caller(clock).call(call, repeatable=True) == "answer"
    assert (call.made, clock.slept_s) == (3, [1.0, 2.0])


def test_every_wait_is_told_before_it_begins() -> None:
    clock = ManualClock()
    told: list[tuple[TryingAgain, int]] = []
    caller = Caller(
        policies=uniform(attempts=3, base_s=1, cap_s=30),
        clock=clock,
        chance=lambda: 0.0,
        notice=lambda notice: told.append((notice, len(clock.slept_s))),
    )
    first, second = _error(Transient), _error(Ambiguous)
    caller.call(_Call(first, second), repeatable=True)
    assert told == [
        (TryingAgain(error=first, wait_s=1.0, attempt=2, attempts=3), 0),
        (TryingAgain(error=second, wait_s=2.0, attempt=3, attempts=3), 1),
    ]


def test_what_is_not_tried_again_is_not_told() -> None:
    told: list[TryingAgain] = []
    caller = Caller(policies=uniform(attempts=1), clock=ManualClock(), chance=lambda: 0.0, notice=told.append)
    for kind in (Refused, Transient):
        with pytest.raises(kind):
            caller.call(_Call(_error(kind)), repeatable=True)
    assert told == []


def test_chance_is_asked_for_every_wait() -> None:
    clock, call = ManualClock(), _Call(_error(Transient), _error(Transient))
    _caller(clock, chance=1.0).call(call, repeatable=True)
    assert clock.slept_s == [0.5, 1.0]


def test_the_last_error_is_raised_as_it_was() -> None:
    last = _error(Transient)
    call = _Call(_error(Transient), _error(Transient), last)
    with pytest.raises(Transient) as raised:
        _caller(ManualClock()).call(call, repeatable=True)
    assert (raised.value is last, call.made) == (True, 3)


def test_a_refusal_is_raised_at_once() -> None:
    clock, call = ManualClock(), _Call(_error(Refused))
    with pytest.raises(Refused):
        _caller(clock).call(call, repeatable=True)
    assert (call.made, clock.slept_s) == (1, [])


def test_what_may_have_been_applied_is_not_repeated_where_twice_is_twice() -> None:
    call = _Call(_error(Ambiguous))
    with pytest.raises(Ambiguous):
        _caller(ManualClock()).call(call, repeatable=False)
    assert call.made == 1


def test_the_wait_the_system_asks_for_is_slept() -> None:
    throttled = _error(Throttled)
    assert isinstance(throttled, Throttled)
    throttled.retry_after_s = 9
    clock = ManualClock()
    _caller(clock).call(_Call(throttled), repeatable=True)
    assert clock.slept_s == [9]


def test_a_bug_of_ours_passes_through() -> None:
    call = _Call(AssertionError("a bug"))
    with pytest.raises(AssertionError, match="a bug"):
        _caller(ManualClock()).call(call, repeatable=True)
    assert call.made == 1


def test_retries_are_a_share_of_the_calls_so_that_trouble_is_not_answered_with_a_storm() -> None:
    """A system that fails every call is asked a fifth more often than without retries, once the start is used up."""
    caller = Caller(policies=uniform(attempts=5, budget=0.2), clock=ManualClock(), chance=lambda: 0.0)
    made = []
    for _ in range(300):
        call = _Call(*(_error(Transient) for _ in range(5)))
        with pytest.raises(Transient):
            caller.call(call, repeatable=True)
        made.append(call.made)
    assert made[0] == 5
    assert sum(made[100:]) == pytest.approx(200 * 1.2, abs=2)


def test_a_budget_of_nothing_allows_no_retry() -> None:
    caller = Caller(policies=uniform(budget=0), clock=ManualClock(), chance=lambda: 0.0)
    call = _Call(_error(Transient))
    with pytest.raises(Transient):
        caller.call(call, repeatable=True)
    assert call.made == 1


def test_calls_that_succeed_save_up_no_storm() -> None:
    caller = Caller(policies=uniform(attempts=20, budget=0.2), clock=ManualClock(), chance=lambda: 0.0)
    for _ in range(100_000):
        caller.call(_Call(), repeatable=True)
    made = 0
    for _ in range(50):
        call = _Call(*(_error(Transient) for _ in range(20)))
        with pytest.raises(Transient):
            caller.call(call, repeatable=True)
        made += call.made
    assert made <= 50 + 500 * 0.2 + 50 * 0.2


def test_the_policy_is_that_of_the_error_the_kind_and_the_direction() -> None:
    policies = RetryPolicies(
        rules=(
            RetryRule(now={"attempts": 2}),
            RetryRule(kind="invoice", to=Side.STRIPE, error=FailureClass.AMBIGUOUS, now={"attempts": 4}),
        )
    )
    caller = Caller(policies=policies, clock=ManualClock(), chance=lambda: 0.0)
    made = {}
    for kind in ("invoice", "customer", None):
        for error in (Transient, Ambiguous):
            call = _Call(*(_error(error) for _ in range(9)))
            with pytest.raises(error):
                caller.call(call, repeatable=True, kind=kind)
            made[kind, error] = call.made
    assert made.pop(("invoice", Ambiguous)) == 4
    assert set(made.values()) == {2}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (requests.ConnectTimeout(), "connect_timeout"),
        (requests.ReadTimeout(), "timeout"),
        (requests.exceptions.SSLError(), "tls"),
        (requests.ConnectionError(), "connection"),
        (requests.exceptions.ChunkedEncodingError(), "other"),
        (requests.TooManyRedirects(), "other"),
    ],
)
def test_an_exchange_without_an_answer_is_told_by_why(error: requests.RequestException, code: str) -> None:
    heard: list[Exchange] = []
    clock = ManualClock()
    caller = Caller(policies=uniform(attempts=1), clock=clock, chance=lambda: 0.0, heard=heard.append)
    ear = caller.ear(Side.STRIPE)
    began_s = ear.now_s()
    clock.sleep(1.5)
    ear.failed(began_s, error)
    assert heard == [Exchange(side=Side.STRIPE, code=code, took_s=1.5)]


def test_whatever_a_system_answers_there_are_only_so_many_codes() -> None:
    heard: list[Exchange] = []
    caller = Caller(policies=uniform(attempts=1), clock=ManualClock(), chance=lambda: 0.0, heard=heard.append)
    for status in range(1000):
        caller.ear(Side.SALESFORCE).answered(0.0, status, "req_1")
    assert {exchange.code for exchange in heard} <= CODES
    assert [exchange.code for exchange in heard if exchange.code in ("200", "429", "503")] == ["200", "429", "503"]
    assert heard[999].code == "other"
    assert len(CODES) < 100
